package wire

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
)

// maker writes random messages that hold the format: fields in any order, left
// out or there twice, unknown ones between them.
type maker struct{ *rand.Rand }

// texts are words that mean something in one place or another; read-only.
var texts = strings.Fields("service.name service.version host.name k8s.pod.name peer.service server.address net.peer.name db.statement db.query.text " +
	"http.request.body.size http.response_content_length http.status_code thread.id exception exception.type edge db 503 +7 -3 12.5 a\xffb ä")

func (m maker) text() []byte {
	switch m.IntN(20) {
	case 0:
		return nil
	case 1:
		return []byte(strings.Repeat("long ä", 1+m.IntN(400)))
	}
	return []byte(texts[m.IntN(len(texts))])
}

func (m maker) scalar(p part) []byte {
	switch p.typ {
	case typeVarint:
		return binary.AppendUvarint(nil, []uint64{0, 1, 2, 3, 5, 6, 200, 500, 256 + 3, 1 << 40, 1<<64 - 1}[m.IntN(11)])
	case typeI64:
		return binary.LittleEndian.AppendUint64(nil, []uint64{0, 1, 1000, 2000, 1<<63 - 1, 1 << 63, 0x4029000000000000, 0x7ff8000000000001}[m.IntN(8)])
	case typeI32:
		return binary.LittleEndian.AppendUint32(nil, m.Uint32())
	}
	b := m.text()
	return append(binary.AppendUvarint(nil, uint64(len(b))), b...)
}

func (m maker) message(k kind, depth int) (out []byte) {
	parts := shapes[k]
	for range m.IntN(2*len(parts) + 1) {
		n := m.IntN(len(parts) + 1)
		if k == kindSpan && m.IntN(3) == 0 {
			n = 9 // attributes are what most bytes of a span are
		}
		switch {
		case n == len(parts): // unknown
			out = append(binary.AppendUvarint(out, uint64(m.IntN(900)+20)<<3|typeVarint), byte(m.IntN(128)))
		case parts[n].name == "":
		case parts[n].of == scalar:
			out = append(binary.AppendUvarint(out, uint64(n)<<3|uint64(parts[n].typ)), m.scalar(parts[n])...)
		case parts[n].of <= idBytes8:
			id := make([]byte, m.IntN(8)/2%2*idSize(parts[n].of))
			if len(id) > 0 {
				id[m.IntN(len(id))] = byte(m.IntN(4))
			}
			out = append(out, field(n, id)...)
		case depth > 0:
			out = append(out, field(n, m.message(parts[n].of, depth-1))...)
		}
	}
	return out
}

// fit is what makes a span that is kept; others follow it or come before.
func (m maker) fit() []byte {
	id := func(n int) []byte { return []byte(strings.Repeat(string(rune('a'+m.IntN(9))), n)) }
	return append(append(field(1, id(16)), field(2, id(8))...), 7<<3|typeI64, byte(1+m.IntN(9)), 0, 0, 0, 0, 0, 0, 0)
}

func (m maker) request(outer, items kind) (out []byte) {
	for range 1 + m.IntN(3) {
		rs := m.message(outer, 2)
		var scope []byte
		for range m.IntN(4) {
			item := m.message(items, 6)
			if items == kindSpan && m.IntN(4) > 0 {
				item = append(item, m.fit()...)
			}
			scope = append(scope, field(2, item)...)
		}
		scopes := field([]int{2, 2, 2, 1000}[m.IntN(4)], scope)
		if m.IntN(2) > 0 {
			rs, scopes = scopes, rs
		}
		out = append(out, field(1, append(rs, append(scopes, field(1, m.message(kindResource, 4))...)...))...)
	}
	return out
}

// TestRandomMessagesAreAsTheReferenceReadsThem also makes sure that the messages
// are worth reading.
func TestRandomMessagesAreAsTheReferenceReadsThem(t *testing.T) {
	m := maker{rand.New(rand.NewPCG(7, 7))}
	w, b := NewWalker(), &pitwall.SpanBatch{}
	kept, left, attrs, peers, statements, exceptions := 0, 0, 0, 0, 0, 0
	for range 1500 {
		body := m.request(kindResourceSpans, kindSpan)
		sameTraces(t, w, body)
		bad, err := w.Traces(b, body)
		if err != nil {
			t.Fatalf("a message that holds the format: %v", err)
		}
		kept, left, attrs = kept+b.Len(), left+bad.Count, attrs+len(b.AttrKey)
		for i := range b.Len() {
			if b.Peer[i] != 0 {
				peers++
			}
			if b.Statement[i] != 0 {
				statements++
			}
		}
		for _, k := range b.AttrKey {
			if b.Strings[k] == "exception.type" {
				exceptions++
			}
		}
		sameLogs(t, w, m.request(kindResourceLogs, kindLogRecord))
	}
	seen := fmt.Sprintf("%d spans kept, %d left out, %d attributes, %d peers, %d statements, %d exceptions", kept, left, attrs, peers, statements, exceptions)
	t.Log(seen)
	if min(kept, left, attrs, peers, statements, exceptions) < 100 {
		t.Errorf("too little to prove anything: %s", seen)
	}
}
