package engine

import (
	"context"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

const (
	// ownAlerts is the source of Pitwall's own entries in the log of alerts.
	ownAlerts = "pitwall"
	// mostUnlogged bounds what waits to be written to that log.
	mostUnlogged = 20_000
	// openFor is how far back an entry is looked for that a dead process left open.
	openFor = 90 * 24 * time.Hour
)

// logMoves keeps what began to fire and what ceased to, beside what other systems
// said. What could not be written is tried again with the next tick: the alarms
// themselves do not wait for it.
func (e *Engine) logMoves(ctx context.Context, moves []slo.Transition) error {
	if e.c.Alerts == nil {
		return nil
	}
	if err := e.tidy(ctx); err != nil {
		return err
	}
	for _, m := range moves {
		if m.Move != slo.Released { // it fires since before
			e.unlogged = append(e.unlogged, entry(m.Alarm, m.By))
		}
	}
	for i, a := range e.unlogged {
		if _, err := e.c.Alerts.AppendAlert(ctx, a); err != nil {
			e.unlogged = slices.Clone(e.unlogged[max(i, len(e.unlogged)-mostUnlogged):])
			return err
		}
	}
	e.unlogged = nil
	return nil
}

// entry is an alarm as the log of alerts has it.
func entry(a pitwall.Alarm, by string) pitwall.Alert {
	labels := map[string]string{"slo": string(a.SLO), "tier": a.State.Tier.Name, "action": string(a.Action)}
	if by != "" {
		labels["spoken_by"] = by
	}
	return pitwall.Alert{ID: ownAlerts + "/" + a.ID, Source: ownAlerts, Firing: a.Firing(), Name: string(a.SLO) + ": " + a.State.Tier.Name, Service: a.Service,
		Labels: labels, Annotations: map[string]string{"summary": a.Text}, From: a.Since, To: a.Until}
}

// tidy ends, once after the start, what a process that died left open and what
// does not fire any more.
func (e *Engine) tidy(ctx context.Context) error {
	if e.tidied {
		return nil
	}
	now := e.c.Now()
	list, err := e.c.Alerts.Alerts(ctx, pitwall.Period{From: now.Add(-openFor), To: now.Add(time.Second)})
	if err != nil {
		return err
	}
	firing, _ := e.watcher.Firing()
	for _, a := range list {
		fires := slices.ContainsFunc(firing, func(f pitwall.Alarm) bool { return ownAlerts+"/"+f.ID == a.ID })
		if a.Source != ownAlerts || !a.Firing || fires {
			continue
		}
		a.Firing, a.To = false, now
		if _, err := e.c.Alerts.AppendAlert(ctx, a); err != nil {
			return err
		}
	}
	e.tidied = true
	return nil
}

// PastAlarms gives what fired at any time of a period, oldest first, as far back
// as the log of alerts reaches.
func (e *Engine) PastAlarms(ctx context.Context, p pitwall.Period) (list []pitwall.Alarm, err error) {
	if e.c.Alerts == nil {
		return nil, nil
	}
	alerts, err := e.c.Alerts.Alerts(ctx, p)
	for _, a := range slices.Backward(alerts) {
		if a.Source != ownAlerts {
			continue
		}
		action := pitwall.Action(a.Labels["action"])
		list = append(list, pitwall.Alarm{ID: a.ID, SLO: pitwall.SLOName(a.Labels["slo"]), Service: a.Service, Action: action, Since: a.From, Until: a.To,
			SpokenBy: a.Labels["spoken_by"], State: pitwall.TierState{Tier: pitwall.BurnTier{Name: a.Labels["tier"], Action: action}}})
	}
	return list, err
}
