package otlp

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/pitwall/pitwall"
)

// retryAfter is what senders are asked to wait after a refusal that may pass.
const retryAfter = time.Second

// refusal is a request that was not taken: how HTTP and gRPC say so.
type refusal struct {
	status int
	code   codes.Code
	err    error
	unread bool // turned away before it was read, for want of room or patience
}

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// again says whether the sender should try again.
func (r *refusal) again() bool {
	return r.status == http.StatusTooManyRequests || r.status == http.StatusServiceUnavailable
}

func malformed(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, code: codes.InvalidArgument, err: fmt.Errorf(format, args...)}
}

func tooLarge(limit int64) *refusal {
	return &refusal{status: http.StatusRequestEntityTooLarge, code: codes.ResourceExhausted,
		err: fmt.Errorf("the request is larger than %d bytes; send smaller batches", limit)}
}

func busy(format string, args ...any) *refusal {
	return &refusal{status: http.StatusTooManyRequests, code: codes.Unavailable, err: fmt.Errorf(format, args...), unread: true}
}

// tooSlow may be the network's fault, so the sender should try again.
func tooSlow(patience time.Duration) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, code: codes.Unavailable, unread: true,
		err: fmt.Errorf("the request did not arrive within %v; try again, or send smaller batches", patience)}
}

func notTaken(what string) *refusal {
	return &refusal{status: http.StatusNotImplemented, code: codes.Unimplemented, err: fmt.Errorf("this Pitwall takes no %s", what)}
}

// asRefusal finds how to say an error; what is not known to be the sender's
// fault may pass, so that nothing is thrown away for a trouble of ours.
func asRefusal(err error) *refusal {
	var r *refusal
	switch {
	case errors.As(err, &r):
		return r
	case pitwall.KindOf(err) == pitwall.Invalid:
		return &refusal{status: http.StatusBadRequest, code: codes.InvalidArgument, err: err}
	default:
		return &refusal{status: http.StatusServiceUnavailable, code: codes.Unavailable, err: err}
	}
}
