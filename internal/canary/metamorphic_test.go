package canary_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/canary"
)

func verdicts(l pitwall.CanaryLook) []pitwall.Word {
	var out []pitwall.Word
	for _, r := range l.Rows {
		out = append(out, r.Verdict)
	}
	return out
}

// series makes a step of sixty requests a second whose n-th requests last as
// the arms say, in nanoseconds, times a unit factor.
func series(control, treatment []float64, repeat int, unit float64) *pitwall.SpanBatch {
	b, id, at := &pitwall.SpanBatch{}, uint64(0), begin
	for range repeat {
		for i := range max(len(control), len(treatment)) {
			for arm, values := range [][]float64{control, treatment} {
				version := []pitwall.Version{"v41", "v40"}[arm]
				took := time.Duration(values[i%len(values)] * unit)
				id = addTrace(b, id, call{at, took, false, version})
			}
			at = at.Add(time.Second / 60)
		}
	}
	return b
}

func look(b *pitwall.SpanBatch, length time.Duration, margin pitwall.Ratio, goal string) pitwall.CanaryLook {
	in := input(b, 50, length)
	in.Guardrails = []pitwall.Guardrail{{Name: "latency", Service: "checkout", Operation: "POST /checkout", Metric: "latency", Margin: margin, Goal: goal}}
	return canary.Judge(in)
}

// The verdict depends neither on the unit nor on the order of the spans.
func TestVerdictIgnoresUnitAndOrder(t *testing.T) {
	for shift, want := range map[float64]pitwall.Word{1.5: pitwall.Worse, 1: pitwall.Undecided, 0.6: pitwall.Better} {
		rng := rand.New(rand.NewPCG(1, 1))
		var control, treatment []float64
		for range 1800 {
			control = append(control, 1+0.3*rng.Float64())
			treatment = append(treatment, shift*(1+0.3*rng.Float64()))
		}
		for _, unit := range []float64{1e3, 1e4, 1e6, 1e8, 1e9} { // 1 µs to 1 s
			b := series(control, treatment, 1, unit)
			l := look(b, 40*time.Second, 0.1, "not-worse")
			got := l.Rows[0].Verdict
			if want == pitwall.Undecided && got == pitwall.Same {
				got = want
			}
			if got != want {
				t.Errorf("shift %v, unit %v: %s (%s)", shift, unit, l.Rows[0].Verdict, l.Rows[0].Why)
			}
			shuffled, order := &pitwall.SpanBatch{}, rng.Perm(b.Len())
			for _, i := range order {
				shuffled.AppendFrom(b, i)
			}
			if diff := cmp.Diff(l, look(shuffled, 40*time.Second, 0.1, "not-worse")); diff != "" {
				t.Fatalf("order matters:\n%s", diff)
			}
		}
	}
}

// A shift of 0.1 % under a margin of 5 % does not fail, and swapping the arms
// turns worse into better.
func TestPracticalMarginAndSwap(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	var a, b, c []float64
	for range 1800 {
		a = append(a, 100+0.02*rng.NormFloat64())
		b = append(b, 100.1+0.02*rng.NormFloat64())
		c = append(c, 130+0.02*rng.NormFloat64())
	}
	if l := look(series(a, b, 1, 1e6), 60*time.Second, 0.05, "not-worse"); l.Action != pitwall.CanaryAdvance || l.Rows[0].Verdict != pitwall.Same {
		t.Errorf("0.1 %%: %s: %s", l.Action, l.Reason)
	}
	if l := look(series(a, c, 1, 1e6), 60*time.Second, 0.05, "not-worse"); l.Rows[0].Verdict != pitwall.Worse {
		t.Errorf("+30 %%: %v", verdicts(l))
	}
	if l := look(series(c, a, 1, 1e6), 60*time.Second, 0.05, "not-worse"); l.Rows[0].Verdict != pitwall.Better {
		t.Errorf("swapped: %v", verdicts(l))
	}
}

type reported struct {
	ID         string    `json:"id"`
	Experiment []float64 `json:"experiment"`
	Control    []float64 `json:"control"`
	Wants      string    `json:"user_wants"`
}

// Three things people reported of a known judge, each point taken as thirty
// requests: most of an arm far slower, sparse errors against none, and another
// shape at the same centre. The small copy is always tested; the bench, when it
// is there, must say the same.
func TestWhatPeopleReported(t *testing.T) {
	var cases []reported
	read(t, filepath.Join("testdata", "reported.json"), &cases)
	bench := os.Getenv("PITWALL_BENCH")
	if bench == "" {
		bench = filepath.Join("..", "..", "..", "shared", "bench")
	}
	if _, err := os.Stat(bench); err != nil {
		t.Logf("SKIPPED in part: no bench at %s (set PITWALL_BENCH); only the committed copy is tested", bench)
	} else {
		var whole struct {
			Reported []reported `json:"user_reported"`
		}
		read(t, filepath.Join(bench, "canary", "kayenta.json"), &whole)
		if len(whole.Reported) == 0 {
			t.Fatal("the bench holds no reported case")
		}
		cases = append(cases, whole.Reported...)
	}
	for _, c := range cases {
		if c.ID == "user/1" {
			sparseErrors(t, c)
			continue
		}
		if c.ID == "user/2" {
			// The slow half of the control is gone. Latency has a direction, so
			// this change of shape is proven better; the other way round it is
			// the failure that people asked for.
			l := look(series(c.Control, c.Experiment, 30, 1e6), time.Minute, 0.05, "not-worse")
			if l.Rows[0].Verdict != pitwall.Better {
				t.Errorf("%s: a change of shape goes unnoticed: %s", c.ID, l.Rows[0].Why)
			}
			c.Control, c.Experiment = c.Experiment, c.Control
		}
		b := series(c.Control, c.Experiment, 30, 1e6)
		l := look(b, time.Minute, 0.05, "not-worse")
		if l.Action != pitwall.CanaryRollBack {
			t.Errorf("%s: people want %s, got %s: %s", c.ID, c.Wants, l.Action, l.Reason)
		}
	}
}

// sparseErrors takes a point as that many failures among thirty requests, and
// the whole as repeated five times: four failures against none are one in
// sixteen, which nobody can call proven; twenty are.
func sparseErrors(t *testing.T, c reported) {
	t.Helper()
	for _, repeat := range []int{1, 5} {
		b, id, at := &pitwall.SpanBatch{}, uint64(0), begin
		for range repeat {
			for i := range c.Control {
				for n := range 30 {
					id = addTrace(b, id, call{at, time.Millisecond, float64(n) < c.Control[i], "v41"})
					id = addTrace(b, id, call{at, time.Millisecond, float64(n) < c.Experiment[i], "v40"})
					at = at.Add(time.Second / 30)
				}
			}
		}
		in := input(b, 50, at.Sub(begin)+time.Second)
		in.Guardrails = []pitwall.Guardrail{{Name: "errors", Service: "checkout", Operation: "POST /checkout", Metric: "errors", Margin: 0.05, Goal: "not-worse"}}
		l := canary.Judge(in)
		v := l.Rows[0].Verdict
		if repeat == 1 && (v == pitwall.Same || v == pitwall.Better) {
			t.Errorf("%s once: %s", c.ID, v)
		}
		if repeat == 5 && l.Action != pitwall.CanaryRollBack {
			t.Errorf("%s five times: people want %s, got %s: %s (%+v)", c.ID, c.Wants, l.Action, l.Reason, l.Rows[0])
		}
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
