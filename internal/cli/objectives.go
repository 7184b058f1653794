package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/objectives/promrules"
	"github.com/pitwall/pitwall/internal/objectives/sloth"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/route"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/slo/month"
	"github.com/pitwall/pitwall/internal/slo/replay"
)

// answering is what the questions about objectives need.
type answering struct {
	h       *house
	conf    config.Config
	slos    []pitwall.SLO
	ledger  *slo.Ledger
	samples pitwall.SampleReader // nil: there is no metrics store
	metrics pitwall.MetricReader
	routes  *route.Routes
	dear    chan struct{} // holds one for each question that counts history anew
}

// dearAtOnce is how many questions that count history anew are answered at once;
// the others wait, so that a page that is opened a hundred times does not hold up
// the ticks.
const dearAtOnce = 2

// turn waits until a dear question may be answered; give it back.
func (a *answering) turn(ctx context.Context) (back func(), err error) {
	select {
	case a.dear <- struct{}{}:
		return func() { <-a.dear }, nil
	case <-ctx.Done():
		return nil, &pitwall.Error{Op: "counting history", Kind: pitwall.Unavailable, Err: fmt.Errorf("%d questions like this are being answered: %w", dearAtOnce, ctx.Err()), Hint: "ask again"}
	}
}

func (a *answering) objectives() httpd.Objectives {
	return httpd.Objectives{
		About: a.about, Problem: a.h.engine.Problem, Spent: a.spent, WhatIf: a.whatIf, Replay: a.replay, Month: a.month, Rules: a.rules, Lint: a.lint,
		Corrections: a.h.engine.Corrections, Correct: a.h.engine.Correct, Revoke: a.h.engine.Revoke,
		Alarms: a.h.engine.Alarms, Explain: a.explain, Try: a.h.try(a.routes),
		Deliveries: func(ctx context.Context, limit int) ([]pitwall.Delivery, error) {
			return a.h.db.Deliveries(ctx, "", limit)
		},
	}
}

// about fills in what an objective's page shows beside its counts.
func (a *answering) about(_ context.Context, s pitwall.SLO, in *report.SLOInput) {
	for _, c := range a.h.engine.Corrections() {
		standing := c
		standing.Revoked = nil
		if standing.Covers(s) {
			in.Corrections = append(in.Corrections, c)
		}
	}
	in.Detection = slo.Table(s)
	in.Definitions = report.Definitions(a.h.engine.Definitions(s.Name))
	in.Problem = a.h.engine.Problem(s.Name)
	in.Seen = a.ledger.Seen(s.Name, time.Now())
	in.Dimensions = []string{"deploy"}
	if s.SLI.Query == nil && s.SLI.Composite == nil {
		in.Dimensions = []string{"operation", "version", "deploy"}
	}
}

// past is the period of a question, in whole steps.
func (a *answering) past(p pitwall.Period) pitwall.Period {
	step := a.ledger.Step()
	return pitwall.Period{From: p.From.Truncate(step), To: p.To.Truncate(step)}
}

// input is what a replay needs: the counts of the period and of a window before it.
func (a *answering) input(ctx context.Context, s pitwall.SLO, p pitwall.Period) (replay.Input, error) {
	p = a.past(p)
	incidents, err := a.incidents(ctx, s, p)
	if err != nil {
		return replay.Input{}, err
	}
	in := replay.Input{SLO: s, Step: a.ledger.Step(), Period: p, Corrections: a.h.engine.Corrections(), Incidents: incidents}
	before := pitwall.Period{From: p.From.Add(-slo.Reach(s)), To: p.To}
	names := []pitwall.SLO{s}
	if s.SLI.Composite != nil {
		for _, m := range s.SLI.Composite.Members {
			i := slices.IndexFunc(a.slos, func(o pitwall.SLO) bool { return o.Name == m.SLO })
			if i >= 0 {
				in.Members = append(in.Members, a.slos[i])
			}
		}
		names = in.Members
	}
	for _, o := range names {
		steps, err := a.ledger.History(o.Name, before)
		if err != nil {
			return in, err
		}
		in.Steps = append(in.Steps, steps...)
	}
	in.Period = replay.Known(in.Period, in.Steps)
	return in, nil
}

// incidents are the plans of an objective: what is known to have been wrong.
func (a *answering) incidents(ctx context.Context, s pitwall.SLO, p pitwall.Period) (list []pitwall.Period, err error) {
	plans, err := a.h.engine.Plans(ctx)
	for _, plan := range plans {
		if plan.SLO != s.Name || plan.State == pitwall.NotWarranted {
			continue
		}
		in := pitwall.Period{From: plan.Opened.Regression.Onset.At, To: p.To}
		if in.From.IsZero() {
			in.From = plan.OpenedAt
		}
		if plan.State.Final() {
			in.To = plan.Since
		}
		if in.From.Before(p.To) && in.To.After(p.From) && in.From.Before(in.To) {
			list = append(list, in)
		}
	}
	return list, err
}

// altered is an objective with other tiers or another target.
func altered(s pitwall.SLO, preset string, target pitwall.Ratio, scale float64) (pitwall.SLO, error) {
	if target != 0 {
		if !(target > 0 && target < 1) {
			return s, pitwall.Errorf(pitwall.Invalid, "replaying an objective", "target %g must lie between 0 and 1", float64(target))
		}
		s.Target = target
	}
	if preset == "" {
		return s, nil
	}
	whole := time.Duration(math.Round(float64(s.Window) * max(1, scale)))
	tiers, err := slo.Preset(preset, whole)
	if err != nil {
		return s, err
	}
	s.Window, s.Tiers, s.Preset = whole, nil, preset
	for _, t := range tiers {
		if slo.Reachable(t, s.Target) {
			s.Tiers = append(s.Tiers, t)
		}
	}
	return slo.Scale(s, scale), nil
}

func (a *answering) replay(ctx context.Context, q httpd.ReplayQuery) (report.ReplayView, error) {
	back, err := a.turn(ctx)
	if err != nil {
		return report.ReplayView{}, err
	}
	defer back()
	s := q.SLO
	var in replay.Input
	note := ""
	if len(q.Text) > 0 {
		in, note, err = a.fresh(ctx, q)
	} else if s, err = altered(s, q.Preset, q.Target, a.conf.TimeScale); err == nil {
		in, err = a.input(ctx, s, q.Period)
	}
	if err != nil {
		return report.ReplayView{}, err
	}
	in.Stop = ctx.Done()
	result, err := replay.Replay(in)
	if err != nil {
		return report.ReplayView{}, err
	}
	return replayView(in, result, note), nil
}

func (a *answering) whatIf(ctx context.Context, s pitwall.SLO, p pitwall.Period) (report.WhatIfView, error) {
	back, err := a.turn(ctx)
	if err != nil {
		return report.WhatIfView{}, err
	}
	defer back()
	in, err := a.input(ctx, s, p)
	if err != nil {
		return report.WhatIfView{}, err
	}
	tiers := in.SLO.Tiers // a what-if counts pages, and is dear enough
	in.SLO.Tiers = slices.DeleteFunc(slices.Clone(tiers), func(t pitwall.BurnTier) bool { return t.Action != pitwall.ActionPage })
	in.Stop = ctx.Done()
	result, err := replay.WhatIf(in, replay.Targets(s.Target))
	if err != nil {
		return report.WhatIfView{}, err
	}
	return whatIfView(in, result), nil
}

func (a *answering) month(ctx context.Context, p pitwall.Period, format string) (string, []byte, error) {
	back, err := a.turn(ctx)
	if err != nil {
		return "", nil, err
	}
	defer back()
	p = a.past(p)
	past, err := a.h.engine.PastAlarms(ctx, p)
	if err != nil {
		return "", nil, err
	}
	in := month.Input{Period: p, Previous: pitwall.Period{From: p.From.Add(-p.Duration()), To: p.From}, Now: time.Now(), Step: a.ledger.Step(),
		Objectives: a.slos, Corrections: a.h.engine.Corrections(), Alarms: past}
	for _, s := range a.slos {
		if s.SLI.Composite != nil {
			continue
		}
		steps, err := a.ledger.History(s.Name, pitwall.Period{From: in.Previous.From, To: p.To})
		if err != nil {
			return "", nil, err
		}
		in.Steps = append(in.Steps, steps...)
	}
	plans, err := a.h.engine.Plans(ctx)
	if err != nil {
		return "", nil, err
	}
	for _, plan := range plans {
		m := month.Plan{ID: plan.ID, SLO: plan.SLO, State: plan.State, Opened: plan.OpenedAt}
		if plan.State.Final() {
			m.Closed = plan.Since
		}
		in.Plans = append(in.Plans, m)
	}
	r, err := month.Build(in)
	if err != nil {
		return "", nil, err
	}
	switch format {
	case "json":
		text, err := json.MarshalIndent(struct {
			Schema string `json:"schema"`
			month.Report
		}{"pitwall.slo-report/1", r}, "", "  ")
		return "application/json", text, err
	case "html":
		text, err := report.Page("Objectives", month.Markdown(r))
		return "text/html; charset=utf-8", text, err
	}
	return "text/markdown; charset=utf-8", []byte(month.Markdown(r)), nil
}

// explain says who would hear of a firing of a tier now.
func (a *answering) explain(_ context.Context, s pitwall.SLO, tier string) ([]string, error) {
	if a.routes == nil {
		return []string{"Nobody is told: alerting.routes names no routing file."}, nil
	}
	i := 0
	if tier != "" {
		i = slices.IndexFunc(s.Tiers, func(t pitwall.BurnTier) bool { return t.Name == tier })
	}
	if i < 0 || i >= len(s.Tiers) {
		return nil, &pitwall.Error{Op: "explaining routes", Kind: pitwall.NotFound, ID: string(s.Name), Err: fmt.Errorf("it has no tier %q", tier), Hint: "pitwall slo view " + string(s.Name)}
	}
	now := time.Now()
	return a.routes.Explain(pitwall.Alarm{ID: "explained", SLO: s.Name, Service: s.Service, Action: s.Tiers[i].Action, Owner: cmp.Or(s.Owner, a.conf.OwnerOf(s.Service)),
		Labels: s.Labels, State: pitwall.TierState{Tier: s.Tiers[i], Firing: true, Since: now}, Since: now}, now), nil
}

// ofMetrics are the objectives that rules can count, and the names of the others.
func ofMetrics(slos []pitwall.SLO) (can []pitwall.SLO, others []string) {
	for _, s := range slos {
		if s.SLI.Query != nil && s.Calendar == nil && s.Slices == nil {
			can = append(can, s)
		} else {
			others = append(others, string(s.Name))
		}
	}
	return can, others
}

// rules exports the objectives that Prometheus could count, and names the others.
func (a *answering) rules(dialect string) ([]byte, error) {
	can, others := ofMetrics(a.slos)
	if len(can) == 0 {
		return nil, &pitwall.Error{Op: "exporting rules", Kind: pitwall.NotFound, Err: fmt.Errorf("no objective is counted from metrics, which is all that rules can do"), Hint: "pitwall slo list"}
	}
	var files []promql.Rules
	var err error
	if dialect == "sloth" {
		var specs []sloth.Spec
		for _, s := range can {
			spec, err := sloth.FromSLO(s)
			if err != nil {
				return nil, err
			}
			specs = append(specs, spec)
		}
		files, err = sloth.Generate(sloth.Options{}, specs...)
	} else {
		var rules promql.Rules
		rules, err = promrules.Generate(can, promrules.Options{Dashboard: a.conf.PublicURL})
		files = []promql.Rules{rules}
	}
	if err != nil {
		return nil, err
	}
	if len(others) > 0 {
		files[0].Comment += "\nNot in here, for they are not counted from metrics over a rolling window: " + strings.Join(others, ", ") + "."
	}
	var out bytes.Buffer
	err = promql.WriteYAML(&out, files...)
	return out.Bytes(), err
}
