package record

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

type ptraceTraces = ptrace.Traces

func TestChosen(t *testing.T) {
	m := newMade(3)
	kept, both := 0, 0
	const n = 20_000
	for range n {
		id := m.traceID()
		small, large := chosen(id, .1), chosen(id, .25)
		if small && !large {
			t.Fatal("a trace kept at a tenth is not kept at a quarter")
		}
		if small {
			both++
		}
		if large {
			kept++
		}
		if !chosen(id, 1) {
			t.Fatal("a trace is lost although all are kept")
		}
	}
	if math.Abs(float64(kept)/n-.25) > .02 || math.Abs(float64(both)/n-.1) > .02 {
		t.Errorf("kept %d and %d of %d", kept, both, n)
	}
}

func TestWholeTraces(t *testing.T) {
	m := newMade(1)
	all := flatten([]ptrace.Traces{m.trace(ask{at: 1, took: 1}), m.trace(ask{at: 12, took: 1}), m.trace(ask{at: 19, took: 9}), m.trace(ask{at: 20, took: 1})})
	got := whole(all, stretch(10, 20), from(25).UnixNano())
	if len(got) != 1 {
		t.Errorf("%d traces are whole, want only the second: one is too early, one was cut off, one too late", len(got))
	}
	if n := orphans(all, whole(all, stretch(0, 60), from(60).UnixNano())); n != 0 {
		t.Errorf("%d orphans where all arrived", n)
	}
	lost := all[1:] // the root of the first
	if n := orphans(lost, whole(lost, stretch(0, 60), from(60).UnixNano())); n != 1 {
		t.Errorf("%d orphans, want the child of the span that was lost", n)
	}
}

// What went in as protobuf comes out of spans.jsonl equal, trace by trace.
func TestSpansRoundTrip(t *testing.T) {
	in := newMade(5).run(30, 40, func(float64) ask { return ask{took: .1} })
	dir := t.TempDir()
	tk := &taken{opt: Options{Sample: .5}, tape: newTape(), stopped: from(60)}
	tk.tape.traces = in
	all := flatten(in)
	rep := Report{}
	w := writing{tk: tk, dir: dir, rep: &rep, all: all, run: stretch(5, 35), traces: whole(all, stretch(5, 35), from(60).UnixNano())}
	if err := w.spans(); err != nil {
		t.Fatal(err)
	}
	var back []ptrace.Traces
	for _, line := range unpacked(t, filepath.Join(dir, "spans.jsonl.gz")) {
		td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		if err != nil {
			t.Fatal(err)
		}
		back = append(back, td)
	}
	var want []span
	for _, s := range all {
		if w.traces[s.trace] && chosen(s.trace, .5) {
			want = append(want, s)
		}
	}
	if d := cmp.Diff(want, flatten(back), cmp.AllowUnexported(span{})); d != "" || len(want) < 1000 || len(want)%4 != 0 || rep.Kept != len(want) {
		t.Errorf("%d spans wanted, %d said to be kept, diff:\n%.2000s", len(want), rep.Kept, d)
	}
	if rep.Sampling != .5 {
		t.Errorf("sampling is %g, want 0.5", rep.Sampling)
	}
}

// Where the traces would not fit, fewer are kept, whole ones, and the case says so.
func TestSpansAreThinnedToFit(t *testing.T) {
	in := newMade(5).run(30, 60, func(float64) ask { return ask{took: .1} })
	tk := &taken{opt: Options{Sample: 1, Small: true}, tape: newTape(), stopped: from(70)}
	tk.tape.traces = in
	all := flatten(in)
	rep := Report{}
	w := writing{tk: tk, dir: t.TempDir(), rep: &rep, all: all, run: stretch(0, 60), traces: whole(all, stretch(0, 60), from(70).UnixNano())}
	if err := w.spans(); err != nil {
		t.Fatal(err)
	}
	if rep.Kept > 2*spansSmall || rep.Kept < spansSmall/2 || rep.Kept%4 != 0 || math.Abs(rep.Sampling-float64(spansSmall)/float64(len(all))) > .01 {
		t.Errorf("kept %d spans of %d, sampling %g", rep.Kept, len(all), rep.Sampling)
	}
}

func unpacked(t *testing.T, path string) [][]byte {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		out = append(out, bytes.Clone(lines.Bytes()))
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTopology(t *testing.T) {
	got := drawn(flatten([]ptrace.Traces{newMade(1).trace(ask{took: 1})}), []string{"edge", "node"})
	want := topology{
		Services: []component{{"cards-db", "database", "cards-db"}, {"edge", "service", "edge"}, {"node", "node", "node"}, {"payment", "service", "payment"}},
		Calls:    []call{{"edge", "payment"}, {"payment", "cards-db"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLogs(t *testing.T) {
	var all []plog.Logs
	for i := range 100 {
		all = append(all, line(float64(i), "x"))
	}
	out, kept, left := logsOf(all, stretch(10, 70), 1000)
	if len(out) != 60 || kept != 60 || left != 0 {
		t.Errorf("kept %d in %d, left %d; want the 60 of the period", kept, len(out), left)
	}
	out, kept, left = logsOf(all, stretch(10, 70), 20)
	if kept != 20 || left != 40 || kept != len(out) {
		t.Errorf("kept %d, left %d; want every third", kept, left)
	}
	if r := out[1].ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0); r.Timestamp() != pcommon.NewTimestampFromTime(from(13)) {
		t.Errorf("the second is of %s, want 13 s", r.Timestamp().AsTime().Sub(t0()))
	}
	undated := line(12, "x")
	undated.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetTimestamp(0)
	undated.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0).SetObservedTimestamp(pcommon.NewTimestampFromTime(from(12)))
	if _, kept, _ := logsOf([]plog.Logs{undated}, stretch(10, 70), 5); kept != 1 {
		t.Error("a record that only has the time of its receipt was left out")
	}
}

func TestNamedChanges(t *testing.T) {
	at := func(s float64) time.Time { return from(s) }
	in := []announced{
		{ID: "flag-edge-x-2", Time: at(2), Kind: "flag", Service: "edge", Flags: map[string]string{"log": "1"}},
		{ID: "deploy-pay-x-1", Time: at(1), Kind: "deploy", Service: "pay", Version: "v8", Summary: "Bump", Actor: "ci", DiffHints: []string{"a.go: +1 -1"}},
		{ID: "deploy-pay-x-1", Time: at(1), Kind: "deploy", Service: "pay", Version: "v8"}, // told twice
		{ID: "flag-edge-x-3", Time: at(3), Kind: "flag", Service: "edge", Flags: map[string]string{"log": "2"}},
	}
	list, ids := named(in)
	if len(list) != 3 || list[0].Version != "v8" || list[0].Title != "Bump" || list[0].DiffHints[0] != "a.go: +1 -1" || list[1].ID != "flag:log@edge" || list[2].ID != "flag:log@edge#2" {
		t.Errorf("got %+v", list)
	}
	if len(list[0].ID) != 40 || ids["deploy-pay-x-1"] != list[0].ID {
		t.Errorf("ids are %v", ids)
	}
	seen := map[string]bool{}
	for _, c := range list {
		if seen[c.ID[:7]] && c.Kind != "flag" {
			t.Errorf("seven characters of %s name two changes", c.ID)
		}
		seen[c.ID[:7]] = true
	}
}

func TestAnswer(t *testing.T) {
	list, ids := named([]announced{
		{ID: "deploy-pay-x-1", Time: from(1), Kind: "deploy"}, {ID: "deploy-pay-x-2", Time: from(2), Kind: "deploy"},
	})
	one, two := list[0].ID, list[1].ID
	f := func(name string, lab labTruth, want truth) {
		t.Helper()
		got, err := answer(lab, list, ids, "note")
		want.Source, want.Note = "lab", "note"
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, d)
		}
	}
	f("a fault", labTruth{Injected: true, Service: "pay", Class: "cpu", ClassAccept: []string{"latency"}, Change: "deploy-pay-x-2"},
		truth{Service: "pay", Class: "cpu", Accept: []string{}, ClassAccept: []string{"latency"}, Change: two, Decoys: []string{one}})
	f("from outside", labTruth{Injected: true, Service: "acquirer", Class: "upstream", External: true},
		truth{Service: "acquirer", Class: "upstream", External: "upstream", None: true, Accept: []string{}, ClassAccept: []string{}, Decoys: []string{one, two}})
	f("quiet", labTruth{Class: "none"}, truth{Class: "none", None: true, Accept: []string{}, ClassAccept: []string{}, Decoys: []string{one, two}})
	if _, err := answer(labTruth{Injected: true, Change: "deploy-pay-x-9"}, list, ids, ""); err == nil {
		t.Error("a culprit nobody announced is no error")
	}
}
