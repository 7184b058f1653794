package trace_test

import (
	"fmt"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/trace"
)

func TestStatementShape(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := trace.StatementShape(in); got != want {
			t.Errorf("the shape of %q is %q, want %q", in, got, want)
		}
	}
	f("SELECT name FROM items WHERE id = 4711", "SELECT name FROM items WHERE id = ?")
	f("SELECT 'it''s' , x2 FROM t1\n\tWHERE a = 'b'", "SELECT ?? , x2 FROM t1 WHERE a = ?")
	f("INSERT INTO l VALUES (?, ?, ?), (?, ?, ?), (?, ?, ?)", "INSERT INTO l VALUES (?)")
	f("SELECT * FROM o WHERE id = $1", "SELECT * FROM o WHERE id = $1")
	f("", "")
	if trace.StatementShape("… WHERE id IN (1, 2, 3)") != trace.StatementShape("… WHERE id IN (9, 8)") {
		t.Error("the same query with other values must have one shape")
	}
}

// ms builds a span of a service, times in milliseconds.
type ms struct {
	trace            byte
	id, parent       uint64
	service          string
	kind             pitwall.SpanKind
	op               string
	from, d          int64
	failed           bool
	peer, stmt, attr string
}

func (m ms) row() pitwall.SpanRow {
	r := pitwall.SpanRow{TraceID: pitwall.TraceID{15: m.trace}, SpanID: m.id, ParentID: m.parent, Service: pitwall.ServiceName(m.service),
		Kind: m.kind, Operation: m.op, Start: time.UnixMilli(1_000 + m.from), Duration: time.Duration(m.d) * time.Millisecond, Failed: m.failed,
		Peer: m.peer, Statement: m.stmt, ReqBytes: -1, RespBytes: -1}
	if m.attr != "" {
		r.Attrs = []pitwall.Attr{{Key: "url.full", Value: m.attr}}
	}
	return r
}

// TestRepeats: a loop of queries through internal spans, the same question
// asked twice, parallel calls that are no loop, and a call tried again.
func TestRepeats(t *testing.T) {
	b := &pitwall.SpanBatch{}
	add := func(m ms) { b.Add(m.row()) }
	add(ms{trace: 1, id: 1, service: "shop", kind: pitwall.SpanServer, op: "GET /list", d: 1000})
	for i := range 5 { // each item: an internal span with a query in it
		at := int64(100 + 20*i)
		add(ms{trace: 1, id: uint64(10 + i), parent: 1, service: "shop", kind: pitwall.SpanInternal, op: "load", from: at, d: 15})
		add(ms{trace: 1, id: uint64(20 + i), parent: uint64(10 + i), service: "shop", kind: pitwall.SpanClient, op: "SELECT", from: at + 1, d: 10,
			peer: "pg", stmt: fmt.Sprintf("SELECT * FROM items WHERE id = %d", i%3)})
	}
	for i := range 3 { // side by side
		add(ms{trace: 1, id: uint64(30 + i), parent: 1, service: "shop", kind: pitwall.SpanClient, op: "GET", from: 300, d: 50, peer: "img"})
	}
	for i, failed := range []bool{true, true, false} { // tried three times, 10 ms apart
		add(ms{trace: 1, id: uint64(40 + i), parent: 1, service: "shop", kind: pitwall.SpanClient, op: "POST", from: int64(400 + 40*i), d: 30, failed: failed, peer: "?", attr: "/pay"})
		add(ms{trace: 1, id: uint64(50 + i), parent: uint64(40 + i), service: "pay", kind: pitwall.SpanServer, op: "POST /pay", from: int64(401 + 40*i), d: 28, failed: failed})
	}
	add(ms{trace: 1, id: 60, parent: 1, service: "shop", kind: pitwall.SpanClient, op: "POST", from: 600, d: 30, failed: true, peer: "pay", attr: "/a"})
	add(ms{trace: 1, id: 61, parent: 1, service: "shop", kind: pitwall.SpanClient, op: "POST", from: 700, d: 30, peer: "pay", attr: "/b"}) // another question
	repeats := trace.Repeats(b, trace.Build(b))
	shop := func(callee, call, statement string) trace.Repeat {
		return trace.Repeat{Service: "shop", Operation: "GET /list", Callee: pitwall.ServiceName(callee), Call: call, Statement: statement, Callers: 1}
	}
	loop, side, again := shop("pg", "SELECT", "SELECT * FROM items WHERE id = ?"), shop("img", "GET", ""), shop("pay", "POST", "")
	loop.Calls, loop.Median, loop.P95, loop.Same = 5, 5, 5, 0.4
	side.Calls, side.Median, side.P95 = 3, 1, 1
	again.Calls, again.Median, again.P95, again.Retries, again.RetrySeconds = 5, 5, 5, 2, 0.08
	if diff := gocmp.Diff([]trace.Repeat{side, again, loop}, repeats); diff != "" {
		t.Errorf("repeats (-want +got):\n%s", diff)
	}
}
