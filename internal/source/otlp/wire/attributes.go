package wire

import (
	"math"
	"strconv"

	"github.com/pitwall/pitwall"
)

// class is what an attribute is for, told by its key. Where semantic
// conventions renamed one, both names are read and the first wins.
type class uint8

const (
	classUnknown class = iota
	classKeep
	classPeer
	classAddress
	classStatement
	classRequest
	classResponse
	classStatus
	classDrop
)

func classOf(key string) class {
	switch key {
	case "peer.service":
		return classPeer
	case "server.address", "net.peer.name":
		return classAddress
	case "db.query.text", "db.statement":
		return classStatement
	case "http.request.body.size", "http.request_content_length", "messaging.message.body.size":
		return classRequest
	case "http.response.body.size", "http.response_content_length":
		return classResponse
	case "http.response.status_code", "http.status_code":
		return classStatus
	case "network.peer.port", "net.sock.peer.port", "client.port", "thread.id":
		return classDrop // different in every span: they would fill the dictionary and explain nothing
	}
	return classKeep
}

// row is what the attributes of one span say about its columns.
type row struct {
	kind                     pitwall.SpanKind
	peer, address, statement uint32
	request, response        int64 // -1: unknown
	status                   int64
}

// The spans of one sender carry the same keys at the same places, and often the
// same values as the span before; the kind of span tells which keys.
const (
	memoKinds = int(pitwall.SpanConsumer) + 1
	memoWidth = 32
)

// memo is the attribute last seen at one place.
type memo struct {
	epoch         uint32
	key, value    string
	keyNumber     uint32
	valueNumber   uint32
	class         class
	hasInteger    bool
	integer       uint64
	integerNumber uint32
}

// attributes files those of a span. b ends behind the last; begin is where the
// span's message begins.
func (w *Walker) attributes(b []byte, begin, pos int, r *row) *Fault {
	memos := w.memos[int(r.kind)*memoWidth:][:memoWidth]
	for n := 0; pos < len(b); {
		if b[pos] != 9<<3|typeLen {
			tag, next := tagAt(b, pos)
			pos = skip(b, next, tag)
			continue
		}
		from, to := chunk(b, pos+1)
		m := &memos[n%memoWidth]
		var kv attribute
		if f := w.attribute(b[:to], from, &kv); f != nil {
			return f.within("attributes", b, begin, pos)
		}
		if key := b[kv.from:kv.to]; m.epoch != w.words.epoch || m.key != string(key) {
			w.remember(m, key)
		}
		w.file(b, m, &kv.value, r)
		if len(w.strings) > maxWords {
			return &Fault{Offset: pos, Err: ErrWords}
		}
		n++
		pos = to
	}
	return nil
}

// remember makes m the memo of a key.
func (w *Walker) remember(m *memo, key []byte) {
	*m = memo{epoch: w.words.epoch, keyNumber: w.number(key, maxName)}
	m.key = w.strings[m.keyNumber]
	if len(key) > maxName || m.key != string(key) { // what was cut or mended is no key we know
		m.class = classKeep
		return
	}
	m.class = classOf(m.key)
}

// file puts a value where its key says.
func (w *Walker) file(b []byte, m *memo, v *value, r *row) {
	switch m.class {
	case classPeer:
		r.peer = w.numberOfValue(b, v, maxName)
	case classAddress:
		// Of a server span this is its own address.
		if r.kind != pitwall.SpanClient && r.kind != pitwall.SpanProducer {
			w.take(b, m, v)
		} else if r.address == 0 {
			r.address = w.numberOfValue(b, v, maxName)
		}
	case classStatement:
		if r.statement == 0 {
			r.statement = w.numberOfValue(b, v, maxStatement)
		}
	case classRequest:
		if r.request < 0 {
			r.request = v.integer(b)
		}
	case classResponse:
		if r.response < 0 {
			r.response = v.integer(b)
		}
	case classStatus:
		r.status = v.integer(b)
		w.take(b, m, v)
	case classDrop:
	default:
		w.take(b, m, v)
	}
}

// take keeps an attribute as it is.
func (w *Walker) take(b []byte, m *memo, v *value) {
	var n uint32
	switch {
	case v.kind == valueText && m.value == string(b[v.from:v.to]):
		n = m.valueNumber
	case v.kind == valueText:
		n = w.number(b[v.from:v.to], maxValue)
		m.value, m.valueNumber = w.strings[n], n
	case v.kind == valueInt && m.hasInteger && m.integer == v.num:
		n = m.integerNumber
	default:
		n = w.numberOfValue(b, v, maxValue)
		if v.kind == valueInt {
			m.hasInteger, m.integer, m.integerNumber = true, v.num, n
		}
	}
	w.batch.AttrKey = append(w.batch.AttrKey, m.keyNumber)
	w.batch.AttrValue = append(w.batch.AttrValue, n)
}

// integer reads a size or a code; -1: unknown.
func (v *value) integer(b []byte) int64 {
	switch v.kind {
	case valueInt:
		return max(-1, int64(v.num))
	case valueDouble:
		if d := math.Float64frombits(v.num); d >= 0 && d < 1<<53 {
			return int64(d)
		}
	case valueText:
		if n, err := strconv.ParseInt(string(b[v.from:v.to]), 10, 64); err == nil {
			return max(-1, n)
		}
	}
	return -1
}

// events keeps the type of the first exception; all are checked. b ends behind
// the last.
func (w *Walker) events(b []byte, begin, pos int) *Fault {
	for found := false; pos < len(b); {
		tag, next := tagAt(b, pos)
		if tag != 11<<3|typeLen {
			pos = skip(b, next, tag)
			continue
		}
		from, to := chunk(b, next)
		var v value
		has, f := w.event(b[:to], from, &v)
		if f != nil {
			return f.within("events", b, begin, pos)
		}
		if has && !found {
			found = true
			w.keep("exception.type", w.numberOfValue(b, &v, maxValue))
		}
		pos = to
	}
	return nil
}

// event reads one event; true: it is an exception of type v.
func (w *Walker) event(b []byte, pos int, v *value) (exception bool, f *Fault) {
	named, typed := false, false
	for begin := pos; pos < len(b); {
		tag, next := tagAt(b, pos)
		if tag != 3<<3|typeLen {
			end, f := w.check.field(kindEvent, b, begin, pos)
			if f != nil {
				return false, f
			}
			if tag == 2<<3|typeLen {
				from, to := chunk(b, next)
				named = string(b[from:to]) == "exception"
			}
			pos = end
			continue
		}
		from, to := chunk(b, next)
		if to < 0 {
			return false, fault(pos, to).within("attributes", b, begin, pos)
		}
		var kv attribute
		if f := w.attribute(b[:to], from, &kv); f != nil {
			return false, f.within("attributes", b, begin, pos)
		}
		if !typed && string(b[kv.from:kv.to]) == "exception.type" {
			*v, typed = kv.value, true
		}
		pos = to
	}
	return named && typed, nil
}
