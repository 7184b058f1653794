package slo

import (
	"cmp"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// Firing gives the alarms of every objective that fire, by objective and worst
// first. Spoken for gives, by an alarm's ID, the alarm that speaks for it.
func (w *Watcher) Firing() (alarms []pitwall.Alarm, spokenFor map[string]string) {
	spokenFor = map[string]string{}
	for _, m := range w.State() {
		if !m.Fires {
			continue
		}
		alarms = append(alarms, m.Last)
		if m.By != "" {
			spokenFor[m.Last.ID] = m.By
		}
	}
	slices.SortStableFunc(alarms, func(a, b pitwall.Alarm) int {
		return cmp.Or(cmp.Compare(a.SLO, b.SLO), cmp.Compare(a.Action.Rank(), b.Action.Rank()), a.Since.Compare(b.Since))
	})
	return alarms, spokenFor
}

// Burning gives the worst tier of an objective that fires and opens a plan. It is
// Ledger.Burning with a memory: tiers that must hold for a while are in it.
func (w *Watcher) Burning(s pitwall.SLO, now time.Time) (pitwall.Burn, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range s.Tiers {
		m := find(w.tiers[s.Name], t.Name)
		if m != nil && m.Fires && m.Off == 0 && Opens(m.Last.State) {
			return pitwall.Burn{SLO: s.Name, At: now, State: m.Last.State}, true
		}
	}
	return pitwall.Burn{}, false
}

// Retain forgets objectives that are no more, and gives their alarms as resolved.
func (w *Watcher) Retain(slos []pitwall.SLO, now time.Time) []Transition {
	w.mu.Lock()
	defer w.mu.Unlock()
	keep := map[pitwall.SLOName]bool{}
	for _, s := range slos {
		keep[s.Name] = true
	}
	var moves []Transition
	for name, list := range w.tiers {
		if keep[name] {
			continue
		}
		for _, m := range list {
			if m.Fires {
				moves = append(moves, resolve(m, now))
			}
		}
		delete(w.tiers, name)
	}
	slices.SortFunc(moves, func(a, b Transition) int { return cmp.Compare(a.Alarm.ID, b.Alarm.ID) })
	return moves
}

// State is all that a watcher remembers, for a restart neither to resolve what
// still fires nor to fire it again. It is in a fixed order.
func (w *Watcher) State() []Memory {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []Memory
	for _, tiers := range w.tiers {
		for _, m := range tiers {
			list = append(list, *m)
		}
	}
	slices.SortFunc(list, func(a, b Memory) int { return cmp.Or(cmp.Compare(a.SLO, b.SLO), cmp.Compare(a.Tier, b.Tier)) })
	return list
}

// Restore takes back what State gave. What was seen before is forgotten.
func (w *Watcher) Restore(list []Memory) {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.tiers)
	for _, m := range list {
		w.tiers[m.SLO] = append(w.tiers[m.SLO], &m)
	}
}
