package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

const (
	spansPerBody  = 500
	spansPerTrace = 10
	services      = 8
)

// body is one encoded export request and where its trace ids stand.
type body struct {
	data []byte
	ids  []int // offsets of the sixteen bytes
}

// patch gives every trace of the body an id nobody has had.
func (b *body) patch(n uint64) {
	for i, at := range b.ids {
		trace := uint64(i) / spansPerTrace
		binary.BigEndian.PutUint64(b.data[at:], n*0x9e3779b97f4a7c15|1)
		binary.BigEndian.PutUint64(b.data[at+8:], n<<16|trace+1)
	}
}

// The wire format of protocol buffers, as much as is needed to write it.

func varint(dst []byte, v uint64) []byte { return binary.AppendUvarint(dst, v) }

func bytesField(dst []byte, field int, v []byte) []byte {
	dst = varint(varint(dst, uint64(field)<<3|2), uint64(len(v)))
	return append(dst, v...)
}

func textField(dst []byte, field int, v string) []byte { return bytesField(dst, field, []byte(v)) }

func fixedField(dst []byte, field int, v uint64) []byte {
	return binary.LittleEndian.AppendUint64(varint(dst, uint64(field)<<3|1), v)
}

func attribute(key, value string) []byte {
	return bytesField(textField(nil, 1, key), 2, textField(nil, 1, value))
}

func number(key string, value uint64) []byte {
	return bytesField(textField(nil, 1, key), 2, varint(varint(nil, 3<<3), value))
}

// makeBody encodes a request whose spans end about now (unix nanoseconds).
func makeBody(r *rand.Rand, now int64) *body {
	var spans [services][][]byte
	mark := func(i int) []byte { return fmt.Appendf(nil, "trace-id-%06d!", i) }
	for i := range spansPerBody {
		s := i % services
		parent := uint64(0)
		if i%spansPerTrace > 0 {
			parent = uint64(i)
		}
		took := uint64(1e5 + r.ExpFloat64()*5e6)
		start := uint64(now) - took - uint64(r.IntN(1e9))
		var p []byte
		p = bytesField(p, 1, mark(i))
		p = bytesField(p, 2, binary.BigEndian.AppendUint64(nil, uint64(i)+1))
		if parent > 0 {
			p = bytesField(p, 4, binary.BigEndian.AppendUint64(nil, parent))
		}
		p = textField(p, 5, fmt.Sprintf("GET /api/v1/resource/%d", i%40))
		p = varint(varint(p, 6<<3), uint64(2+i%2))
		p = fixedField(p, 7, start)
		p = fixedField(p, 8, start+took)
		for _, a := range [][]byte{
			attribute("http.request.method", "GET"),
			attribute("http.route", fmt.Sprintf("/api/v1/resource/%d", i%40)),
			number("http.response.status_code", 200),
			number("http.response.body.size", uint64(r.IntN(60_000))),
			attribute("server.address", fmt.Sprintf("service-%d.shop.svc.cluster", (s+1)%services)),
			attribute("user.tier", []string{"free", "gold", "staff"}[r.IntN(3)]),
			attribute("network.protocol.version", "1.1"),
			attribute("app.tenant", fmt.Sprintf("tenant-%03d.customers-west1.example.com", r.IntN(200))),
		} {
			p = bytesField(p, 9, a)
		}
		spans[s] = append(spans[s], p)
	}
	b := &body{}
	for s, list := range spans {
		resource := bytesField(nil, 1, attribute("service.name", fmt.Sprintf("service-%d", s)))
		resource = bytesField(resource, 1, attribute("service.version", "v41"))
		resource = bytesField(resource, 1, attribute("k8s.pod.name", fmt.Sprintf("service-%d-abc", s)))
		var scope []byte
		for _, p := range list {
			scope = bytesField(scope, 2, p)
		}
		b.data = bytesField(b.data, 1, bytesField(bytesField(nil, 1, resource), 2, scope))
	}
	b.ids = find(b.data, mark)
	return b
}

// find locates the marks that stand where trace ids go.
func find(data []byte, mark func(int) []byte) []int {
	at := make([]int, spansPerBody)
	for i := range at {
		m := mark(i)
		for j := range data {
			if data[j] == m[0] && string(data[j:min(len(data), j+len(m))]) == string(m) {
				at[i] = j
				break
			}
		}
	}
	return at
}
