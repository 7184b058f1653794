package otelspan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

func Example() {
	of := NewSender()
	of.Take("service.name", "checkout")
	of.Take("host.name", "node-1")
	sp := of.Begin(Head{Trace: pitwall.TraceID{1}, ID: 2, Name: "GET /cart", Kind: pitwall.SpanServer, StartNS: 1000, EndNS: 3000})
	sp.Take("http.response.status_code", Int(503))
	sp.Take("http.response.body.size", Text("77"))
	r := sp.Row()
	fmt.Println(r.Service, r.Operation, r.Duration, r.Failed, r.RespBytes, r.Attrs)
	// Output: checkout GET /cart 2µs true 77 [{host.name node-1} {http.response.status_code 503}]
}

func TestValues(t *testing.T) {
	f := func(got Value, text string, number int64) {
		t.Helper()
		if got != (Value{text, number}) {
			t.Errorf("got %+v, want %q %d", got, text, number)
		}
	}
	f(Text("12"), "12", 12)
	f(Text("-12"), "-12", -1)
	f(Text("12 kB"), "12 kB", -1)
	f(Int(-7), "-7", -1)
	f(Int(0), "0", 0)
	f(Float(14.9, "14.9"), "14.9", 14)
	f(Float(1e300, "1e+300"), "1e+300", -1)
	f(Other("true"), "true", -1)
}

func TestUnfit(t *testing.T) {
	good := Head{Trace: pitwall.TraceID{1}, ID: 1, StartNS: 1, EndNS: 2}
	if why := good.Unfit(); why != "" {
		t.Errorf("a sound span: %s", why)
	}
	for want, h := range map[string]Head{
		"no trace id":         {ID: 1, StartNS: 1},
		"no span id":          {Trace: good.Trace, StartNS: 1},
		"no sound start time": {Trace: good.Trace, ID: 1},
		"no sound end time":   {Trace: good.Trace, ID: 1, StartNS: 1, EndNS: 1 << 63},
	} {
		if why := h.Unfit(); why != want {
			t.Errorf("%q, want %q", why, want)
		}
	}
}

func TestAttributesWithAColumnAreNotRepeated(t *testing.T) {
	sp := NewSender().Begin(Head{Kind: pitwall.SpanClient, Description: "why"})
	for _, a := range [][2]string{{"peer.service", "db"}, {"server.address", "db.local"}, {"db.statement", "select 1"}, {"db.query.text", "select 2"}, {"thread.id", "3"}, {"x", "y"}} {
		sp.Take(a[0], Text(a[1]))
	}
	sp.Exception("E1")
	sp.Exception("E2")
	r := sp.Row()
	want := []pitwall.Attr{{Key: "x", Value: "y"}, {Key: "server.address", Value: "db.local"}, {Key: "otel.status_description", Value: "why"}, {Key: "exception.type", Value: "E1"}}
	if d := cmp.Diff(want, r.Attrs); d != "" || r.Peer != "db" || r.Statement != "select 1" || r.Service != "unknown_service" {
		t.Errorf("%+v\n%s", r, d)
	}
}

func TestTextsAreCut(t *testing.T) {
	sp := NewSender().Begin(Head{Name: strings.Repeat("é", 1000)})
	sp.Take("k", Text("\xff"+strings.Repeat("x", 5000)))
	r := sp.Row()
	if len(r.Operation) > maxName || !strings.HasSuffix(r.Operation, "…") || len(r.Attrs[0].Value) > maxValue {
		t.Errorf("%d and %d bytes", len(r.Operation), len(r.Attrs[0].Value))
	}
}

// two traces: a at 0 to 10 s with a child, b at 5 to 15 s.
func twoTraces() []*pitwall.SpanBatch {
	first, second := &pitwall.SpanBatch{}, &pitwall.SpanBatch{}
	row := func(trace byte, id, parent uint64, from, to int64, kind pitwall.SpanKind) pitwall.SpanRow {
		return pitwall.SpanRow{TraceID: pitwall.TraceID{trace}, SpanID: id, ParentID: parent, Start: time.Unix(from, 0), Kind: kind,
			Duration: time.Duration(to-from) * time.Second, Service: "s", Operation: fmt.Sprint(id), Attrs: []pitwall.Attr{{Key: "id", Value: fmt.Sprint(id)}}}
	}
	first.Add(row('b', 3, 0, 5, 15, pitwall.SpanServer))
	second.Add(row('a', 1, 0, 0, 10, pitwall.SpanServer))
	second.Add(row('a', 2, 1, 1, 4, pitwall.SpanClient))
	second.Add(row('a', 2, 1, 2, 3, pitwall.SpanServer)) // the other side of the call, with the same id
	second.Add(row('b', 3, 0, 5, 15, pitwall.SpanServer))
	return []*pitwall.SpanBatch{first, second}
}

func TestAnswerGivesEverySpanOnceByItsEnd(t *testing.T) {
	f := func(q pitwall.SpanQuery, want ...string) {
		t.Helper()
		b := Answer(twoTraces(), q)
		var got []string
		for i := range b.Len() {
			got = append(got, fmt.Sprintf("%c%d", b.TraceID[i][0], b.SpanID[i]))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%+v (-want +got):\n%s", q, d)
		}
	}
	in := func(from, to int64) pitwall.Period {
		return pitwall.Period{From: time.Unix(from, 0), To: time.Unix(to, 0)}
	}
	f(pitwall.SpanQuery{}, "a2", "a2", "a1", "b3")
	f(pitwall.SpanQuery{Period: in(4, 10)}, "a2")
	f(pitwall.SpanQuery{Period: in(4, 10), WholeTraces: true}, "a2", "a2", "a1")
	f(pitwall.SpanQuery{Period: in(10, 16)}, "a1", "b3")
	f(pitwall.SpanQuery{MinDuration: 10 * time.Second}, "a1", "b3")
	f(pitwall.SpanQuery{Attrs: []pitwall.Attr{{Key: "id", Value: "3"}}}, "b3")
	f(pitwall.SpanQuery{Attrs: []pitwall.Attr{{Key: "id", Value: "3"}, {Key: "id", Value: "2"}}})
	f(pitwall.SpanQuery{Limit: 2}, "a2", "a1")
	f(pitwall.SpanQuery{WholeTraces: true, Limit: 1}, "a2", "a2", "a1")
	f(pitwall.SpanQuery{Service: "nobody"})
}
