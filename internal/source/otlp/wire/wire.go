// Package wire walks OTLP export requests in protobuf without building objects.
//
// In come the bytes of one request; out go the columns of a pitwall.SpanBatch,
// the records of a pitwall.LogBatch, or a count of data points. What does not
// hold the format is a Fault that says at which byte and in which field; then
// nothing of the request is given out. Fields may come in any order, unknown
// ones are skipped, and a field that comes twice counts as the format says: the
// last wins, messages merge, lists go on.
//
// Nothing given out refers to the bytes that came in, so their buffer may be
// used again. A Walker remembers the words it met, so that the next request
// allocates nothing for them.
//
// The package refuses to know sockets, JSON, and what becomes of the spans.
package wire

import (
	"errors"
	"fmt"
	"strconv"
)

// Longer texts are cut: one span must not fill the store.
const (
	maxName      = 512
	maxValue     = 1024
	maxStatement = 8192
	maxLogText   = 8192
)

// What no honest sender does in one request, and would cost more memory than
// its bytes.
const (
	maxNesting  = 64      // lists within lists, of one value
	maxElements = 1 << 16 // of all lists of one value
	maxWords    = 1 << 18 // different texts
	maxRecords  = 1 << 17 // log records
	maxKept     = 16      // attributes of a resource that each span and record repeats; there are ten such keys
)

// The ways a request can break the format.
var (
	ErrTruncated = errors.New("it ends in the middle of a field")
	ErrVarint    = errors.New("a number is written longer than it may be")
	ErrField     = errors.New("no such field number can be")
	ErrWireType  = errors.New("the field is of another type")
	ErrGroup     = errors.New("groups are not part of OTLP")
	ErrID        = errors.New("an id has the wrong length")
	ErrNesting   = errors.New("values are nested deeper than " + strconv.Itoa(maxNesting))
	ErrElements  = errors.New("one value has more than " + strconv.Itoa(maxElements) + " elements")
	ErrWords     = errors.New("more than " + strconv.Itoa(maxWords) + " different texts; send smaller batches")
	ErrRecords   = errors.New("more than " + strconv.Itoa(maxRecords) + " log records; send smaller batches")
)

// Fault is where and how a request breaks the format.
type Fault struct {
	Offset int    // of the byte, in the request
	Path   string // "resource_spans[0].scope_spans[0].spans[3].attributes[1]"
	Err    error  // one of the errors above
}

// Error says all three.
func (f *Fault) Error() string {
	if f.Path == "" {
		return fmt.Sprintf("byte %d: %v", f.Offset, f.Err)
	}
	return fmt.Sprintf("byte %d, in %s: %v", f.Offset, f.Path, f.Err)
}

// Unwrap gives the way in which the format is broken.
func (f *Fault) Unwrap() error { return f.Err }

// within puts the name of the message around a fault; b from begin to at holds
// the fields of that message that came before, which gives the index.
func (f *Fault) within(name string, b []byte, begin, at int) *Fault {
	tag, _ := tagAt(b, at)
	n := 0
	for begin < at {
		t, next := tagAt(b, begin)
		if next < 0 {
			break
		}
		if begin = skip(b, next, t); begin < 0 {
			break
		}
		if t == tag {
			n++
		}
	}
	return f.in(name + "[" + strconv.Itoa(n) + "]")
}

// in puts a name around a fault.
func (f *Fault) in(name string) *Fault {
	if f.Path != "" {
		name += "." + f.Path
	}
	f.Path = name
	return f
}

// Rejected counts what a request held that could not be kept, with the reason
// of the last.
type Rejected struct {
	Count  int
	Reason string
}
