package diagnose

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// asked runs a diagnosis of a world for any question, each answer spoilt on its way.
func (w world) asked(q Question, spoil func(Answer) Answer) pitwall.Diagnosis {
	s := New(q)
	for !s.Done() {
		var answers []Answer
		for _, query := range s.Needs() {
			answers = append(answers, spoil(w.answer(query)))
		}
		s.Step(answers)
	}
	return s.Diagnosis()
}

func whole(a Answer) Answer { return a }

// vague is the question of somebody who knows neither the onset nor what is
// normal: the window begins fifteen seconds before the trouble.
func (w world) vague() Question {
	q := w.question()
	q.Regression.Onset, q.SLO = pitwall.Onset{}, pitwall.SLO{}
	q.Baseline.To = q.Baseline.To.Add(-15 * time.Second)
	q.Window.From = q.Baseline.To
	return q
}

// TestVagueQuestions: the onset is found, and the operation, and the answer is
// the same as to the exact question.
func TestVagueQuestions(t *testing.T) {
	for i, s := range stories() {
		if i%2 == 1 && !calibrating() {
			continue
		}
		w := s.world
		w.seed = uint64(20 + i)
		q := w.vague()
		if i%4 > 1 {
			q.Regression.Operation = ""
		}
		d := w.asked(q, whole)
		checkShape(t, d)
		if got := top(d); d.Verdict != s.verdict || got != (answer{s.service, s.class, s.change}) {
			t.Errorf("%s: %s %v, want %s %s %s\n%s", s.name, d.Verdict, got, s.service, s.class, s.change, board(d))
		}
		if late := d.Regression.Onset.At.Sub(w.onset()); s.class != "" && s.class != pitwall.BottleneckColdStart && late.Abs() > 5*time.Second {
			t.Errorf("%s: the onset is off by %s", s.name, late)
		}
	}
}

// TestQuietMeasuredWorlds: measurements and decoys alone name nothing.
func TestQuietMeasuredWorlds(t *testing.T) {
	seeds := 20
	if calibrating() {
		seeds = 200
	}
	named := 0
	for seed := range uint64(seeds) {
		w := told(cached(calm()))
		w.seed, w.rough = 3000+seed, 1+2*float64(seed%2)
		q := w.question()
		if seed%4 > 1 {
			q = w.vague()
		}
		if d := w.asked(q, whole); len(d.Hypotheses) > 0 || d.Verdict != pitwall.DiagnosisNone {
			named++
			t.Logf("seed %d: %s", seed, board(d))
		}
	}
	if named > seeds*5/100 {
		t.Errorf("%d of %d quiet worlds got a cause", named, seeds)
	}
}

// TestWaterfallSums: whatever arrives of the spans, twice or not at all, the
// bars and the remainder sum to the increase.
func TestWaterfallSums(t *testing.T) {
	list := stories()
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 9))
		s := list[r.IntN(len(list))]
		w := s.world
		w.seed, w.profiles = 500+seed, false
		lost, twice := 0.3*r.Float64(), 0.1*r.Float64()
		d := w.asked(w.question(), func(a Answer) Answer {
			if a.Spans == nil {
				return a
			}
			b := &pitwall.SpanBatch{}
			for i := range a.Spans.Len() {
				if r.Float64() > lost {
					b.AppendFrom(a.Spans, i)
				}
				if r.Float64() < twice {
					b.AppendFrom(a.Spans, i)
				}
			}
			a.Spans = b
			return a
		})
		checkShape(t, d)
		if len(d.Waterfall) == 0 {
			t.Errorf("%s, seed %d: no waterfall", s.name, seed)
		}
	}
}

// TestOutsideNamesNoChange: where the cause is outside, no hypothesis blames a
// change, and every story tells what it compared.
func TestOutsideNamesNoChange(t *testing.T) {
	for _, s := range stories() {
		w := s.world
		w.seed = 40
		if s.change != "" || s.class == "" || s.name == "flagship-unannounced" {
			continue
		}
		d := w.diagnose()
		for _, h := range d.Hypotheses {
			if h.Change != nil {
				t.Errorf("%s blames %s for %s", s.name, h.Change.ID, h.Claim)
			}
		}
		if len(d.Exemplars) == 0 {
			t.Errorf("%s keeps no request to look at", s.name)
		}
	}
}

// TestFlameIsTheCulprits: the profile shown is of the service that is named.
func TestFlameIsTheCulprits(t *testing.T) {
	for _, s := range stories() {
		if s.name != "allocation" && s.name != "lock" {
			continue
		}
		w := s.world
		w.seed = 2
		d := w.diagnose()
		if d.Flame == nil || d.Flame.Service != s.service || s.name == "lock" && d.Flame.Type != pitwall.ProfileMutex {
			t.Errorf("%s: the flame is %+v", s.name, d.Flame)
		}
	}
}
