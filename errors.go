package pitwall

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what sort of trouble an Error is. A Kind maps once to an HTTP
// status and once to an exit code.
type Kind string

// The kinds of trouble.
const (
	Invalid      Kind = "invalid"      // the input is wrong; the hint says how to mend it
	NotFound     Kind = "not-found"    // no such thing
	Conflict     Kind = "conflict"     // somebody else holds it, or it moved on
	Denied       Kind = "denied"       // policy says no, or waits for a person
	Unavailable  Kind = "unavailable"  // outside world does not answer; worth trying again
	Inconclusive Kind = "inconclusive" // not enough data for a yes or a no
	Internal     Kind = "internal"     // a defect of ours
)

// Error is the one error type at the borders of a room.
type Error struct {
	Op   string // what was being done, a gerund: "reading SLO file"
	Kind Kind
	ID   string // the thing it happened to: a path with line, a plan, a URL without secrets
	Err  error  // the cause
	Hint string // the next command or page
}

// Error words the trouble: what, where, why.
func (e *Error) Error() string {
	var parts []string
	if e.Op != "" {
		parts = append(parts, e.Op)
	}
	if e.ID != "" {
		parts = append(parts, e.ID)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	if len(parts) == 0 {
		return string(e.Kind)
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of the given kind with a formatted cause.
func Errorf(kind Kind, op, format string, args ...any) *Error {
	return &Error{Op: op, Kind: kind, Err: fmt.Errorf(format, args...)}
}

// KindOf finds the kind of an error; an unknown error is Internal, none is "".
func KindOf(err error) Kind {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e) && e.Kind != "":
		return e.Kind
	default:
		return Internal
	}
}

// HintOf finds the nearest hint of an error, or "".
func HintOf(err error) string {
	for err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return ""
		}
		if e.Hint != "" {
			return e.Hint
		}
		err = e.Err
	}
	return ""
}

// HTTPStatus is the one place where a Kind becomes an HTTP status.
func (k Kind) HTTPStatus() int {
	switch k {
	case "":
		return 200
	case Invalid:
		return 422
	case NotFound:
		return 404
	case Conflict:
		return 409
	case Denied:
		return 403
	case Unavailable:
		return 503
	case Inconclusive:
		return 200
	default:
		return 500
	}
}

// ExitCode is the one place where a Kind becomes an exit code.
func (k Kind) ExitCode() int {
	switch k {
	case "":
		return 0
	case Inconclusive:
		return 3
	case Denied:
		return 5
	default:
		return 2
	}
}
