package fold

import (
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// TestWhoGaveUp: a caller without an answer gave up, though its callee, cut off,
// failed as well and no later; a caller that has one passed it on.
func TestWhoGaveUp(t *testing.T) {
	from := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, answered := range map[string]bool{"gave up": false, "passed on": true} {
		b := &pitwall.SpanBatch{}
		status := func(yes bool) []pitwall.Attr {
			if !yes {
				return nil
			}
			return []pitwall.Attr{{Key: "http.response.status_code", Value: "502"}}
		}
		add := func(n int, id, parent uint64, s pitwall.ServiceName, kind pitwall.SpanKind, took time.Duration, attrs []pitwall.Attr) {
			b.Add(pitwall.SpanRow{
				TraceID: pitwall.TraceID{byte(n), byte(n >> 8), 1}, SpanID: id, ParentID: parent, Service: s, Operation: "POST /x", Kind: kind,
				Start: from.Add(time.Duration(n) * time.Second), Duration: took, Failed: true, ReqBytes: -1, RespBytes: -1, Attrs: attrs,
			})
		}
		for n := range 20 {
			add(n, 1, 0, "web", pitwall.SpanServer, 45*time.Millisecond, status(true))
			add(n, 2, 1, "web", pitwall.SpanClient, 40*time.Millisecond, status(answered))
			add(n, 3, 2, "pay", pitwall.SpanServer, 35*time.Millisecond, status(true))
			add(n, 4, 3, "pay", pitwall.SpanClient, 34*time.Millisecond, nil)
		}
		g := NewGraph()
		s := Fold(g, b, Spec{Headline: Operation{Service: "web", Name: "POST /x"}, Period: pitwall.Period{From: from, To: from.Add(time.Minute)}})
		began := map[pitwall.ServiceName]float64{}
		for id, c := range g.Calls {
			for _, v := range s.Call(id).Origin {
				began[g.Ops[c.From].Service] += v
			}
		}
		want := pitwall.ServiceName("web")
		if answered {
			want = "pay"
		}
		if began[want] != 20 {
			t.Errorf("%s: failures began at %v, want all at %s", name, began, want)
		}
	}
}
