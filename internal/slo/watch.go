package slo

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

// Patience is how much a Watcher waits for. The zero value fires at once and
// resolves after two evaluations or the short window, whichever is longer.
type Patience struct {
	Confirm int // consecutive evaluations a condition must hold for; 0: 1
	Clear   int // consecutive evaluations it must be off for; 0: 2
}

// Move is what became of an alarm.
type Move string

// The moves.
const (
	Fired    Move = "fired"    // somebody should know
	Resolved Move = "resolved" // it is over
	// Inhibited: a worse tier of the objective fires now and speaks for it.
	Inhibited Move = "inhibited"
	// Released: what spoke for it is over, and it still fires.
	Released Move = "released"
)

// Transition is one move of one alarm.
type Transition struct {
	Move  Move          `json:"move"`
	Alarm pitwall.Alarm `json:"alarm"`
	// By is the alarm that speaks for this one, of an inhibited alarm; of a
	// released one, the alarm it goes on for. Where that asked for the same
	// action nobody needs to be told again.
	By string `json:"by,omitempty"`
}

// Memory is what a Watcher knows of one tier that holds, or did until just now.
type Memory struct {
	SLO   pitwall.SLOName `json:"slo"`
	Tier  string          `json:"tier"`
	Since time.Time       `json:"since"` // when the condition began to hold
	On    int             `json:"on"`    // evaluations it has held for
	Fires bool            `json:"fires"`
	Off   int             `json:"off,omitempty"` // evaluations it has been off for
	Ended time.Time       `json:"ended,omitzero"`
	By    string          `json:"by,omitempty"` // the alarm that speaks for it
	// Last is what the alarm looked like when it last held.
	Last pitwall.Alarm `json:"last"`
}

// Watcher turns budgets, looked at again and again, into alarms: a tier is
// pending while its condition holds and is not confirmed, then fires, then is
// resolved when the condition has been off long enough. It knows no clock, and
// the same budgets give the same alarms. All methods may be called by several
// goroutines at once.
//
// Of the tiers of one objective that fire, the worst speaks for the others; of
// those that ask for the same action, the one that fired first. A tier that
// cannot be evaluated stays as it is while its long window still holds events: no
// data is not the end of an alarm.
type Watcher struct {
	patience Patience

	mu    sync.Mutex
	tiers map[pitwall.SLOName][]*Memory // those that hold, in the order of the objective's tiers
}

// NewWatcher makes a watcher that has seen nothing.
func NewWatcher(p Patience) *Watcher {
	p.Confirm = max(1, p.Confirm)
	if p.Clear <= 0 {
		p.Clear = 2
	}
	return &Watcher{patience: p, tiers: map[pitwall.SLOName][]*Memory{}}
}

// Observe takes a budget of an objective and gives what moved. Budgets of one
// objective come in the order of time.
func (w *Watcher) Observe(now time.Time, s pitwall.SLO, b pitwall.ErrorBudget) []Transition {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := w.tiers[s.Name]
	if len(known) == 0 && !slices.ContainsFunc(b.Tiers, func(t pitwall.TierState) bool { return t.Firing }) {
		return nil // nothing holds and nothing did: the usual case costs nothing
	}
	var moves []Transition
	var list []*Memory
	for i := range b.Tiers {
		st := &b.Tiers[i]
		m := find(known, st.Tier.Name)
		if m == nil && st.Firing {
			m = &Memory{SLO: s.Name, Tier: st.Tier.Name, Since: now}
		}
		if m == nil {
			continue
		}
		if over := w.step(now, m, alarm(s, b, *st), &moves); !over {
			list = append(list, m)
		}
	}
	for _, m := range known { // of tiers that are no more
		if !slices.ContainsFunc(b.Tiers, func(t pitwall.TierState) bool { return t.Tier.Name == m.Tier }) && m.Fires {
			moves = append(moves, resolve(m, now))
		}
	}
	moves = append(moves, speak(list)...)
	moves = settle(moves)
	if len(list) == 0 {
		delete(w.tiers, s.Name)
	} else {
		w.tiers[s.Name] = list
	}
	return moves
}

func find(list []*Memory, tier string) *Memory {
	for _, m := range list {
		if m.Tier == tier {
			return m
		}
	}
	return nil
}

// step moves the memory of one tier by one evaluation; over: nothing is left to
// remember.
func (w *Watcher) step(now time.Time, m *Memory, a pitwall.Alarm, moves *[]Transition) (over bool) {
	st := a.State
	switch frozen := !st.Known && st.Long.Total() > 0; {
	case st.Firing:
		if !m.Fires {
			m.On++
		}
		m.Off, m.Ended = 0, time.Time{}
		a.Since = m.Since
		a.ID = id(m)
		m.Last = a
		m.Last.State.Since = m.Since
		if !m.Fires && m.On >= w.patience.Confirm && now.Sub(m.Since) >= st.Tier.For {
			m.Fires = true
			*moves = append(*moves, Transition{Move: Fired, Alarm: m.Last})
		}
		return false
	case !m.Fires: // pending, and off again: a transient
		return !frozen
	case frozen:
		return false
	}
	m.Off++
	if m.Ended.IsZero() {
		m.Ended = now
	}
	if m.Off < w.patience.Clear || now.Sub(m.Ended) < quiet(st.Tier) {
		return false
	}
	m.Last.State, m.Last.Left, m.Last.EndsIn = st, a.Left, a.EndsIn
	m.Last.State.Since = m.Since
	*moves = append(*moves, resolve(m, now))
	return true
}

// quiet is how long a condition must be off: its short window, so that what
// comes and goes within it is one alarm.
func quiet(t pitwall.BurnTier) time.Duration {
	switch t.When {
	case "", pitwall.WhenBurn, pitwall.WhenExhaustion, pitwall.WhenProjected:
		return t.Short
	case pitwall.WhenSpent:
		if t.Of != pitwall.OfDay {
			return t.Short
		}
	}
	return 0
}

func resolve(m *Memory, now time.Time) Transition {
	a := m.Last
	a.Until = now
	return Transition{Move: Resolved, Alarm: a, By: m.By}
}

// id is the same for one firing, in every run over the same budgets.
func id(m *Memory) string {
	return fmt.Sprintf("%s/%s/%s", m.SLO, m.Tier, m.Since.UTC().Format("20060102T150405.000Z"))
}

// alarm is a tier's state as an alarm.
func alarm(s pitwall.SLO, b pitwall.ErrorBudget, st pitwall.TierState) pitwall.Alarm {
	return pitwall.Alarm{SLO: s.Name, Service: s.Service, Action: st.Tier.Action, State: st, Left: b.LeftOfWhole, EndsIn: b.EndsIn,
		Owner: s.Owner, Runbook: s.Runbook, Labels: s.Labels, Text: st.Expr}
}

// speak chooses the tier that speaks for an objective: of those that fire the
// worst action, of those the one that fired first, of those the first in order.
func speak(list []*Memory) (moves []Transition) {
	var worst *Memory
	for _, m := range list {
		if m.Fires && (worst == nil || before(m, worst)) {
			worst = m
		}
	}
	for _, m := range list {
		if !m.Fires {
			continue
		}
		by := ""
		if m != worst {
			by = id(worst)
		}
		switch {
		case by == m.By:
		case by == "":
			moves = append(moves, Transition{Move: Released, Alarm: m.Last, By: m.By})
		case m.By == "":
			moves = append(moves, Transition{Move: Inhibited, Alarm: m.Last, By: by})
		}
		m.By = by
	}
	return moves
}

func before(a, b *Memory) bool {
	return cmp.Or(cmp.Compare(a.Last.Action.Rank(), b.Last.Action.Rank()), a.Since.Compare(b.Since)) < 0
}

// settle joins an alarm that fired and is spoken for at once into one move:
// nobody needs to be told of it.
func settle(moves []Transition) []Transition {
	return slices.DeleteFunc(moves, func(t Transition) bool {
		return t.Move == Fired && slices.ContainsFunc(moves, func(u Transition) bool { return u.Move == Inhibited && u.Alarm.ID == t.Alarm.ID })
	})
}
