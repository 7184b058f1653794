package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall/internal/diagnose/score"
	"github.com/pitwall/pitwall/lab"
	"github.com/pitwall/pitwall/lab/record"
	"github.com/pitwall/pitwall/scripts/exam"
)

func TestPlan(t *testing.T) {
	cases := plan(3)
	byStory := map[string][2]int{}
	ids := map[string]bool{}
	faults, quiet := 0, 0
	kind := map[string]bool{}
	for _, s := range lab.Stories() {
		kind[s.Name] = s.Quiet
	}
	for _, c := range cases {
		if ids[c.ID] {
			t.Errorf("%s names two cases", c.ID)
		}
		ids[c.ID] = true
		n := byStory[c.Story]
		if c.Held {
			n[1]++
		} else {
			n[0]++
		}
		byStory[c.Story] = n
		if kind[c.Story] {
			quiet++
		} else {
			faults++
		}
		if id, held := name(c); id != c.ID || held != c.Held || c.Pace < 1 || c.Pace > 4 || strings.Contains(c.ID, c.Story) {
			t.Errorf("%+v is named %s, held %v", c, id, held)
		}
	}
	for story, n := range byStory {
		if n != [2]int{2, 1} {
			t.Errorf("%s has %d seen and %d held cases, want 2 and 1", story, n[0], n[1])
		}
	}
	if len(byStory) != len(lab.Stories()) || faults < 36 || quiet < 8 {
		t.Errorf("%d stories, %d faults, %d quiet runs; want all, 36 and 8", len(byStory), faults, quiet)
	}
	// More cases keep those there were, on the side where they were.
	for _, c := range plan(6) {
		delete(ids, c.ID)
	}
	if len(ids) != 0 {
		t.Errorf("%d cases are gone from a larger plan", len(ids))
	}
}

func TestMatching(t *testing.T) {
	cases := []planned{{ID: "lab-01", Story: "lock"}, {ID: "lab-02", Story: "cpu"}, {ID: "lab-03", Story: "n+1"}}
	if got := matching(cases, "lock,lab-03"); len(got) != 2 || got[0].Story != "lock" || got[1].Story != "n+1" {
		t.Errorf("got %+v", got)
	}
	if got := matching(cases, ""); len(got) != 3 {
		t.Errorf("got %+v", got)
	}
}

// Only a case whose effect is proven, and is that of the fault, is scored.
func TestNewEntry(t *testing.T) {
	at, sooner, later := time.Unix(1000, 0), time.Unix(960, 0), time.Unix(1005, 0)
	bad := record.Effect{Fired: true, Proven: true}
	f := func(want string, rep record.Report) {
		t.Helper()
		e := newEntry(rep, "x/seen/lab-1")
		if (want == "") != (e.LeftOut == "") || !strings.Contains(e.LeftOut, want) || e.Part != "seen" {
			t.Errorf("%+v is left out because %q, want %q", rep, e.LeftOut, want)
		}
	}
	f("", record.Report{Injected: true, Effect: bad, InjectedAt: &at, SeenAt: &later})
	f("before anything was done", record.Report{Injected: true, Effect: bad, InjectedAt: &at, SeenAt: &sooner})
	f("no proven effect", record.Report{Injected: true, Effect: record.Effect{Fired: true}})
	f("no alert", record.Report{Injected: true, Effect: record.Effect{Proven: true}})
	f("", record.Report{})
	f("users felt something", record.Report{Effect: record.Effect{Fired: true}})
	f("was the machine busy", record.Report{Injected: true, Effect: record.Effect{Fired: true, Proven: true, Before: record.Served{Errors: .2}}})
}

// The index is made of what was recorded, wherever it lies.
func TestIndex(t *testing.T) {
	out := t.TempDir()
	for _, rep := range []record.Report{{ID: "lab-b", Story: "quiet"}, {ID: "lab-a", Story: "cpu", Injected: true, Class: "cpu", Effect: record.Effect{Fired: true, Proven: true}}} {
		dir := filepath.Join(out, "seen", rep.ID)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(rep)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "recording.json"), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all, err := index(out)
	if err != nil || len(all) != 2 || all[0].ID != "lab-a" || all[0].verdict() != "proven" || all[1].verdict() != "quiet" {
		t.Errorf("got %+v, %v", all, err)
	}
	var again []entry
	if err := readJSON(filepath.Join(out, "index.json"), &again); err != nil || len(again) != 2 {
		t.Errorf("index.json holds %+v, %v", again, err)
	}
}

func TestQuietly(t *testing.T) {
	n, wrong := quietly([]score.Mark{
		{Truth: score.Truth{None: true}, NoneOK: true}, {Truth: score.Truth{None: true}},
		{Truth: score.Truth{None: true, External: "traffic", Class: "traffic"}}, {Truth: score.Truth{Class: "cpu"}},
	})
	if n != 2 || wrong != 1 {
		t.Errorf("%d quiet runs, %d false verdicts; want 2 and 1", n, wrong)
	}
}

// TestCut: the case again, with the first of its window and all else of it.
func TestCut(t *testing.T) {
	from := t.TempDir()
	for name, text := range map[string]string{
		"case.json":        `{"schema":"pitwall.case/1","window":{"from":"2026-03-02T12:00:00Z","to":"2026-03-02T12:00:45Z"}}`,
		"spans.jsonl":      "spans",
		"profiles/1.pprof": "profile",
	} {
		path := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for length, want := range map[time.Duration]struct {
		to    string
		whole bool
	}{
		20 * time.Second: {"2026-03-02T12:00:20Z", false},
		50 * time.Second: {"2026-03-02T12:00:45Z", true},
	} {
		to := filepath.Join(from+"-cut", length.String())
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		whole, err := cut(from, to, length)
		if err != nil || whole != want.whole {
			t.Fatalf("%s: whole %v, %v", length, whole, err)
		}
		for name, text := range map[string]string{"case.json": `"to":"` + want.to + `"`, "spans.jsonl": "spans", "profiles/1.pprof": "profile"} {
			if got, err := os.ReadFile(filepath.Join(to, name)); err != nil || !strings.Contains(string(got), text) {
				t.Errorf("%s: %s is %q, %v", length, name, got, err)
			}
		}
	}
}

// TestLooked: what is right, coarser, wrong or not said yet.
func TestLooked(t *testing.T) {
	truth := score.Truth{Service: "payment", Class: "cache", Change: "d1"}
	var l looked
	for _, a := range []score.Answer{
		{Verdict: "likely", Ranked: []score.Entry{{Service: "payment", Class: "cache", Change: "d1"}}},
		{Verdict: "likely", Ranked: []score.Entry{{Service: "payment", Class: "cpu", Change: "d1"}}},
		{Verdict: "likely", Ranked: []score.Entry{{Service: "payment", Class: "cache", Change: "d2"}}},
		{Verdict: "likely", Ranked: []score.Entry{{Service: "payment", Class: "cpu"}}},
		{Verdict: "inconclusive"},
	} {
		l.mark(exam.Result{Mark: score.One("c", truth, a), Answer: a})
	}
	if l != (looked{looks: 5, right: 1, coarse: 1, nameless: 1, wrong: 1, silent: 1}) {
		t.Errorf("%+v", l)
	}
}
