package baseline

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// Hold stops learning from since on, also of what was learnt already: while a
// regression is open its level is no part of normal, so that a slow boil cannot
// become one. The hours of the last week are kept aside. Of several holds the
// earliest counts; Rebaseline ends them all.
func (p *Profile) Hold(since time.Time) {
	hour, ok := p.hourNumber(since)
	if !ok || p.holding && hour >= p.since {
		return
	}
	if p.open.hour < hour {
		p.close()
	}
	p.holding, p.since = true, hour
	for i := range p.slots {
		x := &p.slots[i]
		if x.hour < hour || x.hour == 0 {
			continue
		}
		if kept := &p.held[x.hour%weekHours]; kept.hour < x.hour {
			*kept = heldHour{x.hour, x.value}
		}
		*x = learnt{}
	}
	p.refit()
}

// Held says since when nothing is learnt; ok is false while everything is. The
// time is the start of an hour.
func (p *Profile) Held() (since time.Time, ok bool) {
	if !p.holding {
		return time.Time{}, false
	}
	wall := time.Unix((int64(p.since)-hourZero)*3600, 0).UTC()
	return time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), 0, 0, 0, p.zone), true
}

// Rebaseline ends a hold when a plan closes: points count again from closed on.
// Keep is the stretch that shows the accepted level, such as the window in which
// the fix was verified; the whole profile moves there with its shape, by the
// factor or the difference that fits better. The zero Keep says that the old level
// stands, and what was held back is forgotten. It returns the number of hours
// behind the new level; 0: it did not move, for keep names no hour of the
// last week of the hold.
func (p *Profile) Rebaseline(closed time.Time, keep pitwall.Period) (hours int) {
	hour, ok := p.hourNumber(closed)
	if !p.holding || !ok {
		return 0
	}
	p.close()
	kept := p.heldIn(keep)
	p.move(kept)
	for _, x := range kept {
		p.learn(x.hour, float64(x.value), float64(x.value))
	}
	p.holding, p.since, p.held = false, 0, [weekHours]heldHour{}
	p.open = openHour{hour: hour, from: closed.Unix(), to: closed.Unix()}
	return len(kept)
}

// heldIn are the held hours that lie wholly in a period, in order; if there is
// none, those that touch it.
func (p *Profile) heldIn(keep pitwall.Period) []heldHour {
	from, ok := p.hourNumber(keep.From)
	to, ok2 := p.hourNumber(keep.To.Add(-1))
	if keep.IsZero() || !ok || !ok2 {
		return nil
	}
	whole, wholeTo := from, to
	if n, _ := p.hourNumber(keep.From.Add(-1)); n == from {
		whole++
	}
	if n, _ := p.hourNumber(keep.To); n == to {
		wholeTo--
	}
	if kept := p.heldBetween(whole, wholeTo); len(kept) > 0 {
		return kept
	}
	return p.heldBetween(from, to)
}

func (p *Profile) heldBetween(from, to int32) (out []heldHour) {
	for _, x := range p.held {
		if x.hour != 0 && x.hour >= from && x.hour <= to {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b heldHour) int { return cmp.Compare(a.hour, b.hour) })
	return out
}

// move shifts what was learnt to the level of the kept hours.
func (p *Profile) move(kept []heldHour) {
	var differences, ratios, expected []float64
	for _, x := range kept {
		e := p.expected(x.hour)
		if e.Basis == BasisNone {
			return // nothing learnt yet that could be moved
		}
		expected = append(expected, e.Value)
		differences = append(differences, float64(x.value)-e.Value)
		if x.value > 0 && e.Value > 0 {
			ratios = append(ratios, float64(x.value)/e.Value)
		}
	}
	if len(kept) == 0 {
		return
	}
	factor, by := 1.0, stats.Median(differences)
	if len(ratios) == len(kept) {
		f, missA, missB := stats.Median(ratios), 0.0, 0.0
		for i, x := range kept {
			missA += math.Abs(float64(x.value) - expected[i] - by)
			missB += math.Abs(float64(x.value) - expected[i]*f)
		}
		if missB <= missA { // of one hour alone a factor: noise grows with the level
			factor, by = f, 0
		}
	}
	for i := range p.slots {
		x := &p.slots[i]
		x.value = clamp(float64(x.value)*factor + by)
		for b := range x.errors {
			x.errors[b] = clamp(float64(x.errors[b]) * factor)
		}
	}
	p.scores.times(factor)
	p.refit()
}

// clamp is v as a 32-bit number that is finite.
func clamp(v float64) float32 { return float32(max(-1e38, min(1e38, v))) }

// Exclude marks a stretch as no part of normal, such as an incident, a load test
// or a holiday: what was learnt of it is forgotten, and later points in it are
// passed over. The newest 64 stretches are remembered.
func (p *Profile) Exclude(stretch pitwall.Period) {
	if stretch.Duration() <= 0 {
		return
	}
	from, ok := p.hourNumber(stretch.From)
	to, ok2 := p.hourNumber(stretch.To.Add(-1))
	if !ok || !ok2 {
		return
	}
	p.excluded = append(p.excluded, stretch)
	if extra := len(p.excluded) - excludeMax; extra > 0 {
		p.excluded = slices.Delete(p.excluded, 0, extra)
	}
	for i := range p.slots {
		if x := &p.slots[i]; x.hour >= from && x.hour <= to {
			*x = learnt{}
		}
	}
	for i := range p.held {
		if x := &p.held[i]; x.hour >= from && x.hour <= to {
			*x = heldHour{}
		}
	}
	if p.open.hour >= from && p.open.hour <= to {
		p.open.n = 0
	}
	p.refit()
}
