package slotest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// Result is what became of one test.
type Result struct {
	File   string          `json:"file"`
	Line   int             `json:"line"`
	Name   string          `json:"name"`
	SLO    pitwall.SLOName `json:"slo"`
	Passed bool            `json:"passed"`
	// Error is why it could not be run at all.
	Error  string  `json:"error,omitempty"`
	Checks []Check `json:"checks"`
}

// Check is one thing that was expected.
type Check struct {
	Line   int           `json:"line"`
	At     time.Duration `json:"at"` // since the start
	What   string        `json:"what"`
	Want   string        `json:"want"`
	Got    string        `json:"got"`
	Passed bool          `json:"passed"`
}

// Passed says whether all tests did. No test is no pass.
func Passed(results []Result) bool {
	return len(results) > 0 && !slices.ContainsFunc(results, func(r Result) bool { return !r.Passed })
}

// Run runs the tests of a file. An error means that the file, or one it names,
// cannot be read; a test that fails is a result.
func Run(in Input) ([]Result, error) {
	tests, err := read(in)
	if err != nil {
		return nil, err
	}
	list := make([]Result, 0, len(tests))
	for _, t := range tests {
		r := Result{File: in.Name, Line: t.line, Name: t.name, SLO: t.slo.Name, Checks: []Check{}}
		if err := t.run(&r); err != nil {
			r.Error = err.Error()
		}
		r.Passed = r.Error == "" && !slices.ContainsFunc(r.Checks, func(c Check) bool { return !c.Passed })
		list = append(list, r)
	}
	return list, nil
}

func (t *test) run(r *Result) error {
	l := slo.NewLedger(t.all, t.step)
	l.Correct(t.corrections)
	if len(t.world.series) > 0 {
		for _, s := range t.all {
			if s.SLI.Query == nil || len(t.steps[s.Name]) > 0 {
				continue
			}
			steps, err := t.world.counted(s, t.period(), t.step)
			if err != nil {
				return err
			}
			t.steps[s.Name] = steps
		}
	}
	w := slo.NewWatcher(slo.Patience{})
	for i, at := 0, time.Duration(0); i < len(t.expect); at += t.every {
		now := t.start.Add(at)
		if err := t.count(l, now); err != nil {
			return err
		}
		b := l.Judge(t.slo, slo.Look{Now: now, Blind: t.blindAt(now)})
		w.Observe(now, t.slo, b)
		for ; i < len(t.expect) && t.expect[i].at == at; i++ {
			r.Checks = append(r.Checks, t.expect[i].check(b, firing(w))...)
		}
	}
	return nil
}

// firing are the tiers that fire, those that a worse one speaks for too.
func firing(w *slo.Watcher) map[string]bool {
	tiers := map[string]bool{}
	alarms, _ := w.Firing()
	for _, a := range alarms {
		tiers[a.State.Tier.Name] = true
	}
	return tiers
}

func (t *test) blindAt(now time.Time) bool {
	return slices.ContainsFunc(t.blind, func(p pitwall.Period) bool { return p.Contains(now) })
}

// count gives the ledger the steps that are over by now.
func (t *test) count(l *slo.Ledger, now time.Time) error {
	seconds := int64(t.step / time.Second)
	edge := time.Unix(now.Unix()/seconds*seconds, 0)
	for _, s := range t.all {
		if s.SLI.Composite != nil || !l.Through(s.Name).Before(edge) || !edge.After(t.start) {
			continue
		}
		list, n := t.steps[s.Name], 0
		for n < len(list) && list[n].Start < edge.Unix() {
			n++
		}
		if err := l.Count(s.Name, list[:n], edge); err != nil {
			return fmt.Errorf("counting: %w", err)
		}
		t.steps[s.Name] = list[n:]
	}
	return nil
}

// check compares a budget with what is expected of it.
func (e expectation) check(b pitwall.ErrorBudget, firing map[string]bool) (list []Check) {
	add := func(what, want, got string, passed bool) {
		list = append(list, Check{Line: e.line, At: e.at, What: what, Want: want, Got: got, Passed: passed})
	}
	unknown := func(known bool, got string) string {
		if !known {
			return "no data"
		}
		return got
	}
	if e.known != nil {
		add("known", fmt.Sprint(*e.known), fmt.Sprint(b.Known), b.Known == *e.known)
	}
	if e.spent != nil {
		add("budget spent", e.spent.String(), unknown(b.Known, brief(float64(b.Spent))), b.Known && e.spent.holds(float64(b.Spent)))
	}
	if e.burn != nil {
		add("burn rate", e.burn.String(), unknown(b.BurnKnown, brief(b.BurnRate)), b.BurnKnown && e.burn.holds(b.BurnRate))
	}
	if e.ends != nil {
		add("budget ends in", e.ends.String(), unknown(b.Known, ended(b)), b.Known && e.ends.holds(b))
	}
	e.alarms(firing, add)
	return list
}

func (e expectation) alarms(firing map[string]bool, add func(what, want, got string, passed bool)) {
	var now []string
	for name := range firing {
		now = append(now, name)
	}
	slices.Sort(now)
	words := func(names []string) string {
		if len(names) == 0 {
			return "none"
		}
		return strings.Join(names, ", ")
	}
	if e.firing != nil {
		want := slices.Clone(*e.firing)
		slices.Sort(want)
		add("firing", words(want), words(now), slices.Equal(want, now))
	}
	for _, name := range e.fires {
		add("firing", name+" among them", words(now), firing[name])
	}
	for _, name := range e.quiet {
		add("firing", "not "+name, words(now), !firing[name])
	}
}

// holds says whether a budget ends when it should. One that is gone ends in 0.
func (e ending) holds(b pitwall.ErrorBudget) bool {
	if e.never {
		return b.EndsIn == 0 && b.Spent < 1
	}
	if e.want == 0 {
		return b.EndsIn == 0 && b.Spent >= 1
	}
	return b.EndsIn > 0 && (b.EndsIn-e.want).Abs() <= e.within
}

func ended(b pitwall.ErrorBudget) string {
	switch {
	case b.EndsIn > 0:
		return b.EndsIn.Round(time.Second).String()
	case b.Spent >= 1:
		return "gone (0s)"
	}
	return "never"
}

func (e ending) String() string {
	switch {
	case e.never:
		return "never"
	case e.within > time.Second:
		return fmt.Sprintf("%s ± %s", e.want, e.within)
	}
	return e.want.Round(time.Second).String()
}
