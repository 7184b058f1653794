package replay

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

const (
	// mostSteps bounds a history: seven years of minutes.
	mostSteps = 4_000_000
	// mostTargets bounds a what-if.
	mostTargets = 50
	// stopEvery is after how many evaluations somebody looks whether to stop.
	stopEvery = 256
)

// Input is what is replayed.
type Input struct {
	SLO pitwall.SLO // with the tiers that are tried
	// Members are the objectives that a composite is made of.
	Members []pitwall.SLO
	// Steps are the history, of the objective and its members. Those before
	// Period.From fill the windows; with less than a whole window before it, the
	// first tiers wait as they do in a new installation.
	Steps []pitwall.LedgerStep
	Step  time.Duration // length of a step; zero: a minute
	// Period is what is judged.
	Period pitwall.Period
	// Every is how often tiers are evaluated, a multiple of Step; zero: a Step.
	Every       time.Duration
	Corrections []pitwall.Correction // as they stand now
	// Incidents are what is known to have been wrong, such as plans that were
	// opened: to tell pages that were right from those that were not.
	Incidents []pitwall.Period
	// Stop is closed when nobody waits for the answer any more; nil: somebody will.
	Stop <-chan struct{}
}

// Replay runs an objective and its tiers over its past. A counted step is
// known as soon as it is over.
func Replay(in Input) (Result, error) {
	w, err := newWorld(in)
	if err != nil {
		return Result{}, err
	}
	t := w.track(in.SLO)
	if err := w.run(t); err != nil {
		return Result{}, err
	}
	return t.result(in), nil
}

// Choice is one target of a what-if.
type Choice struct {
	Target pitwall.Ratio `json:"target"`
	// Spent and Known are of the window that ends with the period.
	Spent   pitwall.Ratio `json:"spent"`
	Known   bool          `json:"known"`
	Pages   int           `json:"pages"`
	PerWeek float64       `json:"pages_per_week"`
	Tickets int           `json:"tickets"`
	Missed  int           `json:"missed_incidents"`
	False   int           `json:"false_pages"`
}

// What is what other targets would have meant for the same history.
type What struct {
	// Measured is the share of good events in the window that ends with the
	// period, or of good slices.
	Measured pitwall.Ratio  `json:"measured"`
	Counts   pitwall.Counts `json:"counts"`
	Known    bool           `json:"known"`
	Choices  []Choice       `json:"choices"`
}

// WhatIf replays several targets in one pass, with the same tiers: their factors
// are multiples of each target's own budget.
func WhatIf(in Input, targets []pitwall.Ratio) (What, error) {
	w, err := newWorld(in)
	if err != nil {
		return What{}, err
	}
	if len(targets) > mostTargets {
		return What{}, wrong(in, "%d targets are more than %d", len(targets), mostTargets)
	}
	var tracks []*track
	for _, target := range targets {
		if !(target > 0 && target < 1) {
			return What{}, wrong(in, "target %g must lie between 0 and 1", float64(target))
		}
		s := in.SLO
		s.Target = target
		tracks = append(tracks, w.track(s))
	}
	if err := w.run(tracks...); err != nil {
		return What{}, err
	}
	out := What{Choices: []Choice{}}
	for _, t := range tracks {
		r, b := t.result(in), w.ledger.Evaluate(t.s, in.Period.To)
		out.Choices = append(out.Choices, Choice{Target: t.s.Target, Spent: b.Spent, Known: b.Known, Pages: len(r.Pages), PerWeek: r.PerWeek,
			Tickets: len(r.Tickets), Missed: r.Missed, False: r.False})
		out.Counts, out.Known = b.Counts, b.Known
		if b.Known {
			out.Measured = w.measured(t.s, b)
		}
	}
	return out, nil
}

// measured is the share of good events, or of good slices as far as there are any:
// what of a budget for exactly the time that is over was left, whatever it counts.
func (w *world) measured(s pitwall.SLO, b pitwall.ErrorBudget) pitwall.Ratio {
	s.Window, s.Calendar, s.Tiers = b.At.Sub(b.Window.From), nil, nil
	return 1 - w.ledger.Evaluate(s, b.At).Spent*pitwall.Ratio(slo.BudgetShare(s.Target))
}

func wrong(in Input, format string, args ...any) error {
	err := pitwall.Errorf(pitwall.Invalid, "replaying an objective", format, args...)
	err.ID, err.Hint = string(in.SLO.Name), "give a period with history, and times that are multiples of the step"
	return err
}

// world is the history that all tracks of a replay share.
type world struct {
	in      Input
	ledger  *slo.Ledger
	steps   map[pitwall.SLOName][]pitwall.LedgerStep // in time, not counted yet
	history history
	through time.Time // up to when the ledger counted; zero: nothing yet
}

func newWorld(in Input) (*world, error) {
	in.Step = cmp.Or(in.Step, slo.DefaultStep)
	in.Every = cmp.Or(in.Every, in.Step)
	seconds := int64(in.Step / time.Second)
	switch {
	case in.Step < time.Second || in.Step%time.Second != 0:
		return nil, wrong(in, "a step of %s is no whole number of seconds", in.Step)
	case in.Every < in.Step || in.Every%in.Step != 0:
		return nil, wrong(in, "an evaluation every %s is no multiple of the step %s", in.Every, in.Step)
	case in.Period.Duration() <= 0:
		return nil, wrong(in, "the period is empty")
	case in.Period.From.UnixNano()%int64(in.Step) != 0:
		return nil, wrong(in, "the period begins at %s, within a step", in.Period.From.UTC().Format(time.RFC3339Nano))
	case in.Period.Duration()/in.Every > mostSteps:
		return nil, wrong(in, "%s every %s are more than %d evaluations", in.Period.Duration(), in.Every, mostSteps)
	}
	w := &world{in: in, steps: map[pitwall.SLOName][]pitwall.LedgerStep{}}
	for _, st := range in.Steps {
		if st.Start < 0 || st.Start%seconds != 0 {
			return nil, wrong(in, "a step begins at %d, which is no multiple of %s", st.Start, in.Step)
		}
		w.steps[st.SLO] = append(w.steps[st.SLO], st)
	}
	for name, list := range w.steps {
		slices.SortFunc(list, func(a, b pitwall.LedgerStep) int { return cmp.Compare(a.Start, b.Start) })
		if n := (list[len(list)-1].Start - list[0].Start) / seconds; n > mostSteps {
			return nil, wrong(in, "the history of %s has %d steps, more than %d", name, n, mostSteps)
		}
	}
	w.history = newHistory(w.steps[in.SLO.Name], in.SLO, in.Step, in.Corrections)
	w.ledger = slo.NewLedger(append(slices.Clone(in.Members), in.SLO), in.Step)
	w.ledger.Correct(in.Corrections)
	return w, nil
}

// count lets the ledger know what is over by now.
func (w *world) count(now time.Time) error {
	if !now.After(w.through) {
		return nil
	}
	for name, list := range w.steps {
		n := 0
		for n < len(list) && list[n].Start < now.Unix() {
			n++
		}
		err := w.ledger.Count(name, list[:n], now)
		switch {
		case pitwall.KindOf(err) == pitwall.NotFound:
			delete(w.steps, name) // of an objective that has no part in this
		case err != nil:
			return fmt.Errorf("replaying steps: %w", err)
		default:
			w.steps[name] = list[n:]
		}
	}
	w.through = now
	return nil
}

// run moves the clock through the period.
func (w *world) run(tracks ...*track) error {
	looks := 0
	for now := w.in.Period.From; !now.After(w.in.Period.To); now = now.Add(w.in.Every) {
		if looks++; looks%stopEvery == 0 && w.stopped() {
			return &pitwall.Error{Op: "replaying an objective", Kind: pitwall.Unavailable, ID: string(w.in.SLO.Name),
				Err: fmt.Errorf("it took too long and came to %s", now.UTC().Format(time.RFC3339)), Hint: "ask for less: --since 7d"}
		}
		for _, t := range tracks {
			if err := t.tick(now); err != nil {
				return err
			}
		}
	}
	seconds := int64(w.in.Step / time.Second)
	return w.count(time.Unix(w.in.Period.To.Unix()/seconds*seconds, 0))
}

// stopped says whether nobody waits any more.
func (w *world) stopped() bool {
	select {
	case <-w.in.Stop: // nil: never
		return true
	default:
		return false
	}
}
