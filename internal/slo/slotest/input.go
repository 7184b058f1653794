package slotest

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// input reads what happens.
func (r *reader) input(t *test, spec testSpec, line int) error {
	for _, c := range spec.Counts {
		s := t.slo
		if c.SLO != "" {
			var err error
			if s, err = r.named(c.SLO, line); err != nil {
				return err
			}
		}
		good, err := counts(c.Good)
		if err != nil {
			return r.doc.Wrong(line, "", "good: %w", err)
		}
		bad, err := counts(c.Bad)
		if err != nil {
			return r.doc.Wrong(line, "", "bad: %w", err)
		}
		if len(t.steps[s.Name]) > 0 {
			return r.doc.Wrong(line, "", "counts of %s are given twice", s.Name)
		}
		t.steps[s.Name] = t.rows(s.Name, good, bad)
		t.all = append(t.all, s)
	}
	for _, one := range spec.Series {
		s, err := newSeries(one.Series, one.Values, t.start, t.step)
		if err != nil {
			return r.doc.Wrong(line, "", "series: %w", err)
		}
		t.world.series = append(t.world.series, s)
	}
	if err := r.counting(t, line); err != nil {
		return err
	}
	for i, c := range spec.Left {
		p, err := t.stretch(c)
		if err != nil {
			return r.doc.Wrong(line, "", "corrections: %w", err)
		}
		t.corrections = append(t.corrections, pitwall.Correction{ID: fmt.Sprint(i + 1), SLO: t.slo.Name, Period: p, Reason: c.Reason})
	}
	for _, c := range spec.Blind {
		p, err := t.stretch(c)
		if err != nil {
			return r.doc.Wrong(line, "", "blind: %w", err)
		}
		t.blind = append(t.blind, p)
	}
	return nil
}

// counting lists what the ledger counts: the objective, its members, and whatever
// else the test counts.
func (r *reader) counting(t *test, line int) error {
	seen := map[pitwall.SLOName]bool{}
	for _, s := range t.all {
		seen[s.Name] = true
	}
	queue := []pitwall.SLO{t.slo}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		if c := s.SLI.Composite; c != nil {
			for _, m := range c.Members {
				if member, err := r.named(string(m.SLO), line); err == nil && !seen[m.SLO] {
					queue = append(queue, member)
				}
			}
		}
		if seen[s.Name] {
			continue
		}
		seen[s.Name] = true
		t.all = append(t.all, s)
		if s.SLI.Composite == nil && s.SLI.Query == nil && len(t.world.series) > 0 {
			return r.doc.Wrong(line, "give its counts", "objective %s is counted from spans, not from series", s.Name)
		}
	}
	return nil
}

func (t *test) stretch(c stretchSpec) (p pitwall.Period, err error) {
	from, err := length(c.From)
	if err != nil {
		return p, err
	}
	to, err := length(c.To)
	if err != nil {
		return p, err
	}
	if to <= from {
		return p, fmt.Errorf("from %q to %q is empty", c.From, c.To)
	}
	return pitwall.Period{From: t.start.Add(from), To: t.start.Add(to)}, nil
}

// rows makes ledger steps of good and bad events; the shorter row goes on with
// nothing. A step of which neither knows anything is none.
func (t *test) rows(name pitwall.SLOName, good, bad []int64) []pitwall.LedgerStep {
	var list []pitwall.LedgerStep
	at := func(row []int64, i int) int64 {
		if i < len(row) {
			return row[i]
		}
		return 0
	}
	for i := range max(len(good), len(bad)) {
		g, b := at(good, i), at(bad, i)
		if g < 0 || b < 0 {
			continue
		}
		list = append(list, pitwall.LedgerStep{SLO: name, Start: t.start.Add(time.Duration(i) * t.step).Unix(), Counts: pitwall.Counts{Good: uint64(g), Bad: uint64(b)}})
	}
	return list
}

// period is the whole time of a test, in steps.
func (t *test) period() pitwall.Period {
	last := t.expect[len(t.expect)-1].at
	whole := (last + t.step - 1) / t.step * t.step
	return pitwall.Period{From: t.start, To: t.start.Add(max(whole, t.step))}
}
