package wire

import (
	"fmt"

	"github.com/pitwall/pitwall"
)

// Walker turns requests into batches, one at a time; it is not safe for use by
// several goroutines. One is made once and used for many requests.
type Walker struct {
	words    words
	strings  []string // the dictionary of this request
	resource resource
	check    checker
	memos    [memoKinds * memoWidth]memo
	scratch  []byte
	unnamed  []byte             // the service of a sender that does not say
	batch    *pitwall.SpanBatch // being filled
	logs     *logs              // the same of records
	rejected int
	last     struct { // the last that was left out
		text    []byte // the beginning of what names it
		service uint32
		why     string
	}
}

// NewWalker makes a walker.
func NewWalker() *Walker {
	return &Walker{words: newWords(), unnamed: []byte("unknown_service")} // OpenTelemetry's word for no name
}

func (w *Walker) begin(dictionary []string) {
	w.words.begin()
	w.strings = append(dictionary[:0], "")
	w.check = checker{}
	w.rejected = 0
}

// Traces reads an ExportTraceServiceRequest into b, whose columns are used
// again and whose Delivery is left alone. Spans without ids or times are left
// out and counted. After an error b holds nothing.
func (w *Walker) Traces(b *pitwall.SpanBatch, body []byte) (Rejected, error) {
	Empty(b)
	w.begin(b.Strings)
	w.batch = b
	f := w.traces(body)
	left := w.leftOut("span")
	w.batch, b.Strings, w.strings = nil, w.strings, nil
	if f != nil {
		Empty(b)
		return Rejected{}, f
	}
	return left, nil
}

// reject counts a span or record that cannot be kept.
func (w *Walker) reject(text []byte, why string) {
	w.rejected++
	w.last.text = append(w.last.text[:0], text[:min(len(text), 256)]...)
	w.last.service, w.last.why = w.resource.service, why
}

// leftOut tells what was rejected of the request.
func (w *Walker) leftOut(what string) Rejected {
	if w.rejected == 0 {
		return Rejected{}
	}
	return Rejected{w.rejected, fmt.Sprintf("%s %q of %s: %s", what, clip(string(w.last.text), 64), w.strings[w.last.service], w.last.why)}
}

// Empty takes all spans out of a batch and keeps the room for others; the
// Delivery stays.
func Empty(b *pitwall.SpanBatch) {
	clear(b.Strings) // a batch at rest must not hold on to texts
	*b = pitwall.SpanBatch{
		Delivery: b.Delivery, Strings: b.Strings[:0], TraceID: b.TraceID[:0], SpanID: b.SpanID[:0], ParentID: b.ParentID[:0],
		Start: b.Start[:0], Duration: b.Duration[:0], Service: b.Service[:0], Version: b.Version[:0], Operation: b.Operation[:0],
		Peer: b.Peer[:0], Statement: b.Statement[:0], Kind: b.Kind[:0], Failed: b.Failed[:0],
		ReqBytes: b.ReqBytes[:0], RespBytes: b.RespBytes[:0],
		AttrEnd: b.AttrEnd[:0], AttrKey: b.AttrKey[:0], AttrValue: b.AttrValue[:0],
	}
}

func (w *Walker) traces(b []byte) *Fault {
	for pos := 0; pos < len(b); {
		next, f := w.group(b, pos, resourceSpans)
		if f != nil {
			return f
		}
		pos = next
	}
	return nil
}

// grouping is how a signal puts its items under resources and scopes.
type grouping struct {
	outer, scopes, items string
	resource, scope      kind
	item                 func(w *Walker, b []byte, pos int) *Fault
}

// The groupings of spans and records; read-only.
var (
	resourceSpans = &grouping{"resource_spans", "scope_spans", "spans", kindResourceSpans, kindScopeSpans, (*Walker).span}
	resourceLogs  = &grouping{"resource_logs", "scope_logs", "log_records", kindResourceLogs, kindScopeLogs, (*Walker).record}
)

// group reads one field of a request: its resources with what is under them.
func (w *Walker) group(b []byte, pos int, g *grouping) (next int, f *Fault) {
	tag, next := tagAt(b, pos)
	if next < 0 {
		return 0, fault(pos, next)
	}
	if tag>>3 != 1 {
		if next = skip(b, next, tag); next < 0 {
			return 0, fault(pos, next)
		}
		return next, nil
	}
	to := otherType
	if tag&7 == typeLen {
		next, to = chunk(b, next)
	}
	if to < 0 {
		return 0, fault(pos, to).within(g.outer, b, 0, pos)
	}
	if f := w.underResource(b[:to], next, g); f != nil {
		return 0, f.within(g.outer, b, 0, pos)
	}
	return to, nil
}

// deprecated is the field in which senders of before 2022 put their scopes; it
// counts where there are no others.
const deprecated = 1000<<3 | typeLen

// underResource reads a message of one resource. What is under it is read
// second, for the resource may come after it.
func (w *Walker) underResource(b []byte, pos int, g *grouping) *Fault {
	w.beginResource()
	begin, scopes := pos, uint64(deprecated)
	for pos < len(b) {
		tag, next := tagAt(b, pos)
		var f *Fault
		switch tag {
		case 1<<3 | typeLen:
			from, to := chunk(b, next)
			if to < 0 {
				return fault(pos, to).in("resource")
			}
			if f = w.resourceMessage(b[:to], from); f != nil {
				return f.in("resource")
			}
			pos = to
		case 2<<3 | typeLen:
			scopes = tag
			if _, next = chunk(b, next); next < 0 {
				return fault(pos, next).within(g.scopes, b, begin, pos)
			}
			pos = next
		default:
			if tag>>3 == 1000 && tag != deprecated {
				return fault(pos, otherType).in("deprecated_" + g.scopes)
			}
			if pos, f = w.check.field(g.resource, b, begin, pos); f != nil {
				return f
			}
		}
	}
	return w.scopes(b, begin, scopes, g)
}

// scopes reads the scopes that have the given tag, and checks the others.
func (w *Walker) scopes(b []byte, pos int, scopes uint64, g *grouping) *Fault {
	for begin := pos; pos < len(b); {
		tag, next := tagAt(b, pos)
		end := skip(b, next, tag)
		if tag != scopes && tag != deprecated {
			pos = end
			continue
		}
		var f *Fault
		if from, to := chunk(b, next); tag == scopes {
			f = w.scope(b[:to], from, g)
		} else {
			f = w.check.message(g.scope, b[:to], from)
		}
		switch {
		case f != nil && tag == deprecated:
			return f.within("deprecated_"+g.scopes, b, begin, pos)
		case f != nil:
			return f.within(g.scopes, b, begin, pos)
		}
		pos = end
	}
	return nil
}

// scope reads the items of one scope; the scope itself is not kept.
func (w *Walker) scope(b []byte, pos int, g *grouping) *Fault {
	for begin := pos; pos < len(b); {
		if b[pos] != 2<<3|typeLen {
			next, f := w.check.field(g.scope, b, begin, pos)
			if f != nil {
				return f
			}
			pos = next
			continue
		}
		from, to := chunk(b, pos+1)
		if to < 0 {
			return fault(pos, to).within(g.items, b, begin, pos)
		}
		if f := g.item(w, b[:to], from); f != nil {
			return f.within(g.items, b, begin, pos)
		}
		if len(w.strings) > maxWords {
			return &Fault{Offset: pos, Err: ErrWords}
		}
		pos = to
	}
	return nil
}
