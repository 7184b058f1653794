package engine

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
	"github.com/pitwall/pitwall/internal/plan"
)

// trigger opens a plan for an objective that burns, if it has none.
func (e *Engine) trigger(ctx context.Context, s pitwall.SLO, burn pitwall.Burn) error {
	decision := detect.ShouldOpen(detect.OpenInput{Burn: burn, SLO: s, Plans: e.shown(), Since: e.since(s), Now: burn.At})
	if !decision.Open {
		return nil
	}
	if err := e.openPlan(ctx, s, burn); err != nil {
		return fmt.Errorf("opening a plan for %s: %w", s.Name, err)
	}
	return nil
}

// since counts good and bad events of an objective from an instant on, so that
// what burned before a plan's fix does not open the next plan.
func (e *Engine) since(s pitwall.SLO) func(time.Time) pitwall.Counts {
	return func(from time.Time) pitwall.Counts {
		return e.c.Ledger.Sum(s.Name, pitwall.Period{From: from, To: e.c.Now()})
	}
}

func (e *Engine) openPlan(ctx context.Context, s pitwall.SLO, burn pitwall.Burn) error {
	now := e.c.Now()
	s = e.located(ctx, s, burn)
	in, spans, err := e.beginning(ctx, s, burn, now)
	if err != nil {
		return fmt.Errorf("reading spans: %w", err)
	}
	look := detect.Input{SLO: s, Burn: burn, Spans: spans, Period: in, Now: now}
	if s.SLI.Query != nil {
		look.Steps = e.c.Ledger.Series(s.Name, in, e.c.Ledger.Step())
	}
	regression := detect.Describe(look)
	data := pitwall.OpenedData{
		Trigger: "slo-burn", Burn: burn, Regression: regression,
		Budget: e.c.Ledger.Budget(s, now), Owner: e.c.Owner(s.Service),
		Severity: severity(burn), Deadline: now.Add(e.c.Settings.Deadline),
		Impact: e.impact(ctx, s, burn, regression.Onset.At),
		Criteria: []string{
			fmt.Sprintf("%s back inside %s", s.Name, s.Target),
			"the cause's own signal back at its baseline",
			"no neighbour worse",
			"a gate, an alert rule or a runbook entry left behind",
		},
	}
	_, err = e.happen(ctx, "", plan.Happening{Type: pitwall.EventOpened, Data: data})
	return err
}

// beginning reads the requests among which a beginning is searched: as far back
// as is configured or, when what burns slowly began before that, around where
// the ledger saw it begin, if requests of then are still kept. Otherwise such a
// beginning would be put where the search ends, and the trouble itself be taken
// for normal. The ledger's counts reach back as far as any window; to read every
// request of hours is dear.
func (e *Engine) beginning(ctx context.Context, s pitwall.SLO, burn pitwall.Burn, now time.Time) (in pitwall.Period, spans *pitwall.SpanBatch, err error) {
	read := func() error {
		spans, err = e.c.Spans.Spans(ctx, pitwall.SpanQuery{Period: in, Service: s.SLI.Service, Operation: s.SLI.Operation})
		return err
	}
	if far, ok := e.longAgo(s, burn, now); ok {
		if in = far; read() != nil || spans.Len() > 0 || s.SLI.Query != nil {
			return in, spans, err
		}
	}
	in = pitwall.Period{From: now.Add(-e.c.Settings.OnsetLookback), To: now}
	return in, spans, read()
}

// ledgerPoints is how finely a beginning is searched in the ledger.
const ledgerPoints = 720

// longAgo is where a slow burn began by the ledger, with as much around it as is
// usually searched. There is none where the beginning is not clear, where it is
// recent, or where it was good again since: an earlier trouble is another one.
func (e *Engine) longAgo(s pitwall.SLO, burn pitwall.Burn, now time.Time) (pitwall.Period, bool) {
	back, tier := e.c.Settings.OnsetLookback, burn.State.Tier
	far := pitwall.Period{From: now.Add(-tier.Long * 3 / 2), To: now}
	if tier.When != "" && tier.When != pitwall.WhenBurn || far.Duration() <= back {
		return far, false
	}
	steps := e.c.Ledger.Series(s.Name, far, far.Duration()/ledgerPoints)
	if len(steps) == 0 {
		return far, false
	}
	onset := detect.Describe(detect.Input{SLO: s, Burn: burn, Steps: steps, Period: far, Now: now}).Onset
	recent := onset.Earliest.After(now.Add(-back * 3 / 4))
	if recent || onset.Latest.Sub(onset.Earliest) > back || !e.burnedSince(s, tier, onset.Latest, now) {
		return far, false
	}
	return pitwall.Period{From: onset.Earliest.Add(-back / 2), To: onset.Latest.Add(back / 2)}, true
}

// burnedSince says whether an objective burned all the way from an instant to
// now: in each quarter of that time at half of what the tier asks for, at least.
func (e *Engine) burnedSince(s pitwall.SLO, tier pitwall.BurnTier, from, now time.Time) bool {
	least, quarter := tier.Factor*(1-float64(s.Target))/2, now.Sub(from)/4
	for range 4 {
		ratio, known := e.c.Ledger.Sum(s.Name, pitwall.Period{From: from, To: from.Add(quarter)}).ErrorRatio()
		if !known || float64(ratio) < least {
			return false
		}
		from = from.Add(quarter)
	}
	return true
}

// trouble is the stretch up to an instant in which a plan's objective was bad;
// of a long one the last part, which holds requests enough.
func (e *Engine) trouble(p pitwall.Plan, until time.Time) pitwall.Period {
	longest := max(e.c.Settings.Baseline, 2*e.c.Settings.DiagnoseMax)
	return pitwall.Period{From: later(p.Opened.Regression.Onset.Latest, until.Add(-longest)), To: until}
}

// located gives an objective that names no operation the one with the most bad
// requests of its service, so that there is something to look at. Where spans
// tell nothing it stays as it is.
func (e *Engine) located(ctx context.Context, s pitwall.SLO, burn pitwall.Burn) pitwall.SLO {
	s.SLI.Service = cmp.Or(s.SLI.Service, s.Service)
	if s.SLI.Operation != "" || e.c.Operations == nil {
		return s
	}
	now := e.c.Now()
	long := max(burn.State.Tier.Long, 2*time.Minute)
	totals, err := e.c.Operations.Operations(ctx, pitwall.OperationQuery{Period: pitwall.Period{From: now.Add(-long), To: now}, Service: s.SLI.Service})
	if err != nil {
		e.log.Warn("Operations not read, so the objective is looked at without one", "slo", s.Name, "err", err)
		return s
	}
	var most int64 = -1
	for _, o := range totals {
		if o.Kind != pitwall.SpanServer {
			continue
		}
		bad := o.Failed
		if s.SLI.Kind == pitwall.SLILatency {
			bad = max(bad, o.Latency.Above(s.SLI.Threshold))
		}
		if bad > most {
			most, s.SLI.Operation = bad, o.Operation
		}
	}
	return s
}

func severity(b pitwall.Burn) pitwall.Severity {
	switch b.State.Tier.Action {
	case pitwall.ActionPage:
		return 1
	case pitwall.ActionEscalate:
		return 2
	default:
		return 3
	}
}

func (e *Engine) impact(ctx context.Context, s pitwall.SLO, b pitwall.Burn, onset time.Time) pitwall.Impact {
	share, _ := b.State.Short.ErrorRatio()
	minutes := b.State.Tier.Short.Minutes()
	perMinute := 0.0
	if minutes > 0 {
		perMinute = float64(b.State.Short.Bad) / minutes
	}
	return pitwall.Impact{Operations: []string{s.SLI.Operation}, ShareOfTraffic: share, BadPerMinute: perMinute,
		KPIs: e.impactOnKPIs(ctx, s.Service, onset)}
}
