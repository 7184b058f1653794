package wire

import (
	"encoding/binary"
	"math"

	"github.com/pitwall/pitwall"
)

// head is what a span says beside its attributes and events, which are read
// second, for what they mean depends on the kind and the ids.
type head struct {
	trace      pitwall.TraceID
	id, parent uint64
	start, end uint64
	name       [2]int // where it lies in the request
	kind       int32
	code       int32
	message    [2]int
	attributes [2]int // from the first to behind the last
	events     [2]int
}

// span reads a span and adds it to the batch.
func (w *Walker) span(b []byte, pos int) *Fault {
	var h head
	begin := pos
	for pos < len(b) {
		var f *Fault
		from, to := 0, 0
		switch b[pos] {
		case 1<<3 | typeLen:
			if from, to = chunk(b, pos+1); to-from == 16 {
				h.trace = pitwall.TraceID(b[from:to])
			} else if to == from {
				h.trace = pitwall.TraceID{}
			} else {
				return badID(pos, to).in("trace_id")
			}
		case 2<<3 | typeLen:
			if h.id, to = spanID(b, pos+1); to < 0 {
				return badID(pos, to).in("span_id")
			}
		case 4<<3 | typeLen:
			if h.parent, to = spanID(b, pos+1); to < 0 {
				return badID(pos, to).in("parent_span_id")
			}
		case 5<<3 | typeLen:
			from, to = chunk(b, pos+1)
			h.name = [2]int{from, to}
		case 6<<3 | typeVarint:
			var v uint64
			v, to = varint(b, pos+1)
			h.kind = int32(v)
		case 7<<3 | typeI64:
			h.start, to = fixed(b, pos+1)
		case 8<<3 | typeI64:
			h.end, to = fixed(b, pos+1)
		case 9<<3 | typeLen:
			_, to = chunk(b, pos+1)
			extend(&h.attributes, pos, to)
		case 11<<3 | typeLen:
			_, to = chunk(b, pos+1)
			extend(&h.events, pos, to)
		case 15<<3 | typeLen:
			if from, to = chunk(b, pos+1); to >= 0 {
				f = w.status(b[:to], from, &h)
			}
		default:
			to, f = w.check.field(kindSpan, b, begin, pos)
		}
		switch {
		case f != nil && b[pos] == 15<<3|typeLen:
			return f.in("status")
		case f != nil:
			return f
		case to < 0:
			return fault(pos, to).in(partOf(kindSpan, uint64(b[pos])).name)
		}
		pos = to
	}
	if why := h.unfit(); why != "" {
		w.reject(b[h.name[0]:h.name[1]], why)
		return w.check.message(kindSpan, b, begin)
	}
	return w.add(b, begin, &h)
}

func extend(r *[2]int, from, to int) {
	if r[1] == 0 {
		r[0] = from
	}
	r[1] = to
}

// spanID reads a span's id as a big-endian number; to is below 0 when it is
// neither empty nor of eight bytes.
func spanID(b []byte, pos int) (id uint64, to int) {
	from, to := chunk(b, pos)
	switch {
	case to-from == 8:
		return binary.BigEndian.Uint64(b[from:]), to
	case to == from || to < 0:
		return 0, to
	}
	return 0, wrongLength
}

// wrongLength is what spanID gives beside the codes of the reading functions.
const wrongLength = -100

func badID(pos, to int) *Fault {
	if to < 0 && to != wrongLength {
		return fault(pos, to)
	}
	return &Fault{Offset: pos, Err: ErrID}
}

// status reads the code and the message.
func (w *Walker) status(b []byte, pos int, h *head) *Fault {
	for begin := pos; pos < len(b); {
		next, f := w.check.field(kindStatus, b, begin, pos)
		if f != nil {
			return f
		}
		switch b[pos] {
		case 2<<3 | typeLen:
			h.message[0], h.message[1] = chunk(b, pos+1)
		case 3<<3 | typeVarint:
			v, _ := varint(b, pos+1)
			h.code = int32(v)
		}
		pos = next
	}
	return nil
}

// unfit says why a span cannot be kept, or "".
func (h *head) unfit() string {
	switch {
	case h.trace == pitwall.TraceID{}:
		return "no trace id"
	case h.id == 0:
		return "no span id"
	case h.start == 0 || h.start > math.MaxInt64:
		return "no sound start time"
	case h.end > math.MaxInt64:
		return "no sound end time"
	}
	return ""
}

const codeError = 2 // of a status

// add reads attributes and events of a sound span and appends it.
func (w *Walker) add(b []byte, begin int, h *head) *Fault {
	r := row{request: -1, response: -1}
	if h.kind >= 0 && h.kind <= int32(pitwall.SpanConsumer) {
		r.kind = pitwall.SpanKind(h.kind)
	}
	out := w.batch
	for _, p := range w.resource.kept {
		out.AttrKey = append(out.AttrKey, p.key)
		out.AttrValue = append(out.AttrValue, p.value)
	}
	if f := w.attributes(b[:h.attributes[1]], begin, h.attributes[0], &r); f != nil {
		return f
	}
	if r.peer != 0 && r.address != 0 && r.peer != r.address { // only one fits the column
		w.keep("server.address", r.address)
	}
	if h.message[0] != h.message[1] {
		w.keep("otel.status_description", w.number(b[h.message[0]:h.message[1]], maxValue))
	}
	if h.events[1] > 0 {
		if f := w.events(b[:h.events[1]], begin, h.events[0]); f != nil {
			return f
		}
	}
	if r.peer == 0 {
		r.peer = r.address
	}
	out.TraceID = append(out.TraceID, h.trace)
	out.SpanID = append(out.SpanID, h.id)
	out.ParentID = append(out.ParentID, h.parent)
	out.Start = append(out.Start, int64(h.start))
	out.Duration = append(out.Duration, int64(max(h.start, h.end)-h.start))
	out.Service = append(out.Service, w.resource.service)
	out.Version = append(out.Version, w.resource.version)
	out.Operation = append(out.Operation, w.number(b[h.name[0]:h.name[1]], maxName))
	out.Peer = append(out.Peer, r.peer)
	out.Statement = append(out.Statement, r.statement)
	out.Kind = append(out.Kind, r.kind)
	out.Failed = append(out.Failed, h.code == codeError || r.kind == pitwall.SpanServer && r.status >= 500)
	out.ReqBytes = append(out.ReqBytes, r.request)
	out.RespBytes = append(out.RespBytes, r.response)
	out.AttrEnd = append(out.AttrEnd, uint32(len(out.AttrKey)))
	return nil
}

// keep adds an attribute that Pitwall itself named.
func (w *Walker) keep(key string, value uint32) {
	w.scratch = append(w.scratch[:0], key...)
	w.batch.AttrKey = append(w.batch.AttrKey, w.number(w.scratch, maxName))
	w.batch.AttrValue = append(w.batch.AttrValue, value)
}
