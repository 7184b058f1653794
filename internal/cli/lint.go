package cli

import (
	"context"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/alertlint"
	"github.com/pitwall/pitwall/internal/config"
)

// lint looks at own tiers, and at what came in from elsewhere by what became of it.
func (a *answering) lint(ctx context.Context, p pitwall.Period) (any, error) {
	alerts, err := a.h.db.Alerts(ctx, p)
	if err != nil {
		return nil, err
	}
	past := alertlint.History{Now: time.Now(), Fired: alertlint.FiredAlerts(alerts)}
	changes, err := a.h.db.Changes(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, c := range changes {
		past.Deeds = append(past.Deeds, alertlint.Deed{At: c.At, Service: c.Service, What: "change"})
	}
	plans, err := a.h.engine.Plans(ctx)
	if err != nil {
		return nil, err
	}
	for _, plan := range plans {
		past.Deeds = append(past.Deeds, alertlint.Deed{At: plan.OpenedAt, Service: plan.Service, What: "plan"})
		for _, ev := range plan.Events {
			if ev.Type == pitwall.EventNote {
				past.Deeds = append(past.Deeds, alertlint.Deed{At: ev.Time, Service: plan.Service, What: "note"})
			}
		}
	}
	slos := slices.Clone(a.slos)
	for i := range slos {
		if owner := a.conf.OwnerOf(slos[i].Service); slos[i].Owner == "" && owner != config.Default().Owner {
			slos[i].Owner = owner
		}
	}
	findings := append(alertlint.Tiers(slos), alertlint.Past(past)...)
	if findings == nil {
		findings = []alertlint.Finding{}
	}
	return findings, nil
}
