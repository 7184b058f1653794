package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// changesBefore is how long before an alarm a change is worth telling.
const changesBefore = time.Hour

// overFor is how long an alarm that is over is still listed.
const overFor = 15 * time.Minute

// look judges every objective, remembers what fires since when, and opens a plan
// for every one that burns and has none.
func (e *Engine) look(ctx context.Context) error {
	now := e.c.Now()
	blind := e.blind()
	var failed []error // one objective's trouble is not the others'
	// Alarms of objectives that were there before the last start end, and are told.
	moves := e.watcher.Retain(e.c.SLOs, now)
	budgets := make([]pitwall.ErrorBudget, 0, len(e.c.SLOs))
	for _, s := range e.c.SLOs {
		b := pitwall.ErrorBudget{SLO: s.Name, At: now, Target: s.Target} // not known, unless it can be judged
		err := e.spare(judging, string(s.Name), func() error {
			b = e.c.Ledger.Judge(s, slo.Look{Now: now, Blind: blind(s), Since: e.started})
			moves = append(moves, e.watcher.Observe(now, s, b)...)
			// Opening a plan reads spans. When many objectives burn at once the plans of
			// the later ones wait for the next tick: people are to hear of all by then.
			if burn, burns := e.watcher.Burning(s, now); burns && e.c.Now().Sub(now) < e.c.Settings.Tick {
				return e.trigger(ctx, s, burn)
			}
			return nil
		})
		budgets = append(budgets, b)
		if err != nil {
			failed = append(failed, err)
		}
	}
	e.mu.Lock()
	e.budgets = budgets
	e.mu.Unlock()
	e.stirred = e.stirred || len(moves) > 0
	e.raise(ctx, now, moves)
	if err := guarded("keeping alarms", "", func() error { return e.logMoves(ctx, moves) }); err != nil {
		failed = append(failed, fmt.Errorf("keeping what fired: %w", err))
	}
	return errors.Join(failed...)
}

// blind says whether what feeds an objective is known to be down: the store of
// its signal, or every way in that ever brought any of it. One of many, or one
// that nobody uses, does not make the silence of a service a matter of telemetry.
func (e *Engine) blind() func(pitwall.SLO) bool {
	down, works := map[pitwall.SignalKind]bool{}, map[pitwall.SignalKind]bool{}
	broken := map[pitwall.SignalKind]bool{}
	for _, h := range e.Health() {
		switch {
		case h.Signal == "" || h.Name == collectName || strings.HasPrefix(h.Name, collectName+"/"): // Problem says it of each objective
		case strings.HasPrefix(h.Name, "store/"):
			broken[h.Signal] = broken[h.Signal] || !h.Up
		case h.LastSeen.IsZero(): // never brought anything
		case h.Up:
			works[h.Signal] = true
		default:
			down[h.Signal] = true
		}
	}
	for signal := range works {
		delete(down, signal)
	}
	for signal, is := range broken {
		down[signal] = down[signal] || is
	}
	return func(s pitwall.SLO) bool {
		if s.SLI.Query != nil {
			return down[pitwall.SignalMetrics] || e.uncounted(s.Name) != ""
		}
		return down[pitwall.SignalTraces]
	}
}

// Problem says why an objective cannot be counted or judged; empty: it can.
func (e *Engine) Problem(name pitwall.SLOName) string {
	broken, _ := e.broken.stands(judging, string(name))
	return cmp.Or(e.uncounted(name), broken)
}

func (e *Engine) uncounted(name pitwall.SLOName) string {
	if e.c.Problem == nil {
		return ""
	}
	return e.c.Problem(name)
}

// raise brings the alarms up to date: what fires, and for a while what ceased to.
func (e *Engine) raise(ctx context.Context, now time.Time, moves []slo.Transition) {
	e.mu.Lock()
	old := e.alarms
	e.mu.Unlock()
	next, planOf := map[string]pitwall.Alarm{}, e.openPlans()
	firing, spokenFor := e.watcher.Firing()
	var odd []error // an alarm without its words is still one
	dress := func(a *pitwall.Alarm, do func()) {
		odd = append(odd, guarded("wording alarm", a.ID, func() error { do(); return nil }))
	}
	for _, a := range firing {
		if was, known := old[a.ID]; known {
			a.Objective, a.Owner, a.Link, a.Changes, a.Plan = was.Objective, was.Owner, was.Link, was.Changes, was.Plan
		} else {
			dress(&a, func() { e.introduce(ctx, &a) })
		}
		a.SpokenBy = spokenFor[a.ID]
		a.Plan = cmp.Or(planOf(a), a.Plan)
		dress(&a, func() { e.word(&a) })
		next[a.ID] = a
	}
	for _, m := range moves {
		if m.Move != slo.Resolved {
			continue
		}
		a, was := m.Alarm, old[m.Alarm.ID]
		a.Objective, a.Owner, a.Link, a.Changes, a.Plan, a.SpokenBy = was.Objective, cmp.Or(was.Owner, a.Owner), was.Link, was.Changes, was.Plan, m.By
		dress(&a, func() { e.word(&a) })
		next[a.ID] = a
	}
	for id, a := range old {
		if _, there := next[id]; !there && !a.Firing() && now.Sub(a.Until) < overFor {
			next[id] = a
		}
	}
	e.outcome("wording alarms", "", errors.Join(odd...))
	e.mu.Lock()
	defer e.mu.Unlock()
	e.alarms, e.firing = next, map[firingKey]pitwall.Alarm{}
	for _, a := range firing {
		e.firing[firingKey{a.SLO, a.State.Tier.Name}] = a
	}
}

// firingKey names a tier of an objective.
type firingKey struct {
	slo  pitwall.SLOName
	tier string
}

func (e *Engine) word(a *pitwall.Alarm) {
	if e.c.Words.Title != nil {
		a.Title = e.c.Words.Title(*a)
	}
	if e.c.Words.Alarm != nil {
		a.Text = e.c.Words.Alarm(*a)
	}
}

// introduce fills in what people want to know of an alarm that is new.
func (e *Engine) introduce(ctx context.Context, a *pitwall.Alarm) {
	if e.c.Words.Objective != nil {
		a.Objective = e.c.Words.Objective(e.slo(a.SLO))
	}
	a.Link = e.c.Settings.PublicURL + "/slos/" + string(a.SLO)
	if a.Owner == "" && e.c.Owner != nil {
		a.Owner = e.c.Owner(a.Service)
	}
	changes, err := e.c.Changes.Changes(ctx, pitwall.Period{From: a.Since.Add(-changesBefore), To: a.Since})
	if err != nil {
		e.log.Warn("Changes not read, so an alarm does not name them", "slo", a.SLO, "err", err)
	}
	slices.SortFunc(changes, func(x, y pitwall.Change) int { return y.At.Compare(x.At) })
	a.Changes = changes[:min(len(changes), 5)]
}

// openPlans finds the latest open plan of an alarm's objective or service.
func (e *Engine) openPlans() func(a pitwall.Alarm) pitwall.PlanID {
	plans := e.shown()
	bySLO, byService := map[pitwall.SLOName]int{}, map[pitwall.ServiceName]int{}
	for i := range plans {
		if p := &plans[i]; !p.State.Final() {
			bySLO[p.SLO], byService[p.Service] = i+1, i+1
		}
	}
	return func(a pitwall.Alarm) pitwall.PlanID {
		if i := max(bySLO[a.SLO], byService[a.Service]); i > 0 {
			return plans[i-1].ID
		}
		return ""
	}
}

// Alarms lists what fires and what ceased to just now, the worst and oldest first.
func (e *Engine) Alarms() []pitwall.Alarm {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]pitwall.Alarm, 0, len(e.alarms))
	for _, a := range e.alarms {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b pitwall.Alarm) int {
		return cmp.Or(boolFirst(a.Firing(), b.Firing()), cmp.Compare(a.Action.Rank(), b.Action.Rank()), a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	return list
}

func boolFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}
