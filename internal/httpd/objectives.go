package httpd

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// Objectives are the questions about objectives that need more than their
// budgets. A nil one answers "not here".
type Objectives struct {
	// About fills in what an objective's page shows beside its counts.
	About func(ctx context.Context, s pitwall.SLO, in *report.SLOInput)
	// Problem says why an objective cannot be counted; empty: it can.
	Problem func(pitwall.SLOName) string
	// Spent says which values of a dimension spent the budget.
	Spent func(ctx context.Context, s pitwall.SLO, by string, p pitwall.Period) (report.SpentView, error)
	// WhatIf holds other targets against the history.
	WhatIf func(ctx context.Context, s pitwall.SLO, p pitwall.Period) (report.WhatIfView, error)
	// Replay runs a policy over the history.
	Replay func(ctx context.Context, q ReplayQuery) (report.ReplayView, error)
	// Month reports on every objective in a period: md, json or html.
	Month func(ctx context.Context, p pitwall.Period, format string) (contentType string, text []byte, err error)
	// Rules exports Prometheus rules in a dialect: pitwall or sloth.
	Rules func(dialect string) ([]byte, error)

	// Lint names alerts to mend: own tiers, and those of others by what became of them.
	Lint func(ctx context.Context, p pitwall.Period) (findings any, err error)

	Corrections func() []pitwall.Correction
	Correct     func(ctx context.Context, c pitwall.Correction, dryRun bool) (pitwall.Correction, error)
	Revoke      func(ctx context.Context, id, by, reason string, dryRun bool) (pitwall.Correction, error)

	Alarms     func() []pitwall.Alarm
	Deliveries func(ctx context.Context, limit int) ([]pitwall.Delivery, error)
	// Explain says who would hear of a firing of a tier now, and why.
	Explain func(ctx context.Context, s pitwall.SLO, tier string) ([]string, error)
	// Try sends a test message to a receiver.
	Try func(ctx context.Context, receiver, by string) error
}

// ReplayQuery asks how a policy would have behaved.
type ReplayQuery struct {
	SLO    pitwall.SLO
	Name   string // of the file Text comes from, for errors
	Text   []byte // objectives as code, instead of those in force; empty: SLO
	Preset string // empty: the objective's own tiers
	Target pitwall.Ratio
	Period pitwall.Period
}

type (
	sloList struct {
		Schema string          `json:"schema"`
		SLOs   []report.SLORow `json:"slos"`
	}
	correctionList struct {
		Schema      string                 `json:"schema"`
		Corrections []report.CorrectionRow `json:"corrections"`
	}
	findingList struct {
		Schema   string         `json:"schema"`
		Period   pitwall.Period `json:"period"`
		Findings any            `json:"findings"`
	}
	alarmList struct {
		Schema string          `json:"schema"`
		Alarms []pitwall.Alarm `json:"alarms"`
	}
	deliveryList struct {
		Schema     string             `json:"schema"`
		Deliveries []pitwall.Delivery `json:"deliveries"`
	}
	explanation struct {
		Schema string   `json:"schema"`
		Lines  []string `json:"lines"`
	}
	done struct {
		Did string `json:"did"`
	}
)

// objectives registers what can be asked of objectives.
func (s *server) objectives(a huma.API) {
	op := func(method, id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary, MaxBodyBytes: maxBody}
	}
	get := func(id, path, summary string) huma.Operation { return op(http.MethodGet, id, path, summary) }
	huma.Register(a, get("list-slos", "/slos", "Every objective with its budget, the least left first"), s.listSLOs)
	huma.Register(a, get("view-slo", "/slos/{name}", "One objective in full, with its counts"), s.viewSLO)
	huma.Register(a, get("slo-spent", "/slos/{name}/spent", "Which route, version, tenant or deploy spent the budget"), s.spent)
	huma.Register(a, get("slo-what-if", "/slos/{name}/what-if", "What other targets would have meant over the history"), s.whatIf)
	huma.Register(a, get("slo-replay", "/slos/{name}/replay", "How often these tiers would have fired over the history, and how late"), s.replay)
	huma.Register(a, op(http.MethodPost, "replay-text", "/slos/replay", "The same for an objective that is not in force yet, given as text"), s.replayText)
	huma.Register(a, get("slo-report", "/slo-report", "The report of a month, or of any period, on every objective"), s.month)
	huma.Register(a, get("slo-rules", "/slo-rules", "The objectives as Prometheus rules"), s.rules)
	huma.Register(a, get("lint-alerts", "/alert-lint", "Alerts that wake people for nothing: own tiers, and what came in from elsewhere by its history"), s.lint)
	huma.Register(a, get("list-corrections", "/corrections", "What was taken out of budgets, by whom and why"), s.corrections)
	huma.Register(a, op(http.MethodPost, "correct", "/corrections", "Take a stretch of time out of budgets; with dry_run only say what would happen"), s.correct)
	huma.Register(a, op(http.MethodPost, "revoke-correction", "/corrections/{id}/revoke", "Take a correction back"), s.revoke)
	huma.Register(a, get("gate-deploy", "/gates/deploy", "Whether a service may be deployed now, or what halts it"), s.deploy)
	huma.Register(a, get("list-alarms", "/alarms", "Tiers that fire now, and those that just ceased to"), s.alarms)
	huma.Register(a, get("list-deliveries", "/deliveries", "What was sent to whom, the newest first, and what waits"), s.deliveries)
	huma.Register(a, get("explain-routing", "/slos/{name}/routing", "Who would hear of a firing of a tier now, and why"), s.explain)
	huma.Register(a, op(http.MethodPost, "try-receiver", "/receivers/{name}/test", "Send a test message"), s.try)
}

func (s *server) listSLOs(ctx context.Context, _ *struct{}) (*body[sloList], error) {
	rows, _, err := s.sloRows(ctx)
	return ok(sloList{"pitwall.slos/1", rows}, err)
}

func (s *server) sloRows(ctx context.Context) ([]report.SLORow, []pitwall.ErrorBudget, error) {
	budgets, err := s.Engine.Budgets(ctx)
	if err != nil {
		return nil, nil, err
	}
	plans, err := s.Engine.Plans(ctx)
	list := report.SLOs
	if len(budgets) > slim { // each row's own page has the rest
		list = report.BriefSLOs
	}
	rows := list(s.Engine.SLOs(), budgets, plans)
	for i := range rows {
		if s.Objectives.Problem != nil {
			rows[i].Problem = s.Objectives.Problem(rows[i].Name)
		}
	}
	return rows, budgets, err
}

// slim is beyond how many objectives a list leaves tiers and maths out.
const slim = 1000

// SLOPath is the name in the path.
type SLOPath struct {
	Name pitwall.SLOName `path:"name" maxLength:"200"`
}

func (s *server) find(p SLOPath) (pitwall.SLO, error) {
	slo := s.slo(p.Name)
	if slo.Name == "" {
		return slo, &pitwall.Error{Op: "reading SLO", Kind: pitwall.NotFound, ID: string(p.Name), Err: fmt.Errorf("no such SLO"), Hint: "pitwall slo list"}
	}
	return slo, nil
}

// points is how many steps a budget chart has.
const points = 240

func (s *server) viewSLO(ctx context.Context, in *struct {
	SLOPath
	For string `query:"for" doc:"length of the charts, such as 1h or 7d; by default the longest paging window"`
}) (*body[report.SLOView], error) {
	slo, err := s.find(in.SLOPath)
	if err != nil {
		return nil, fail(err)
	}
	span, err := chartLength(slo, in.For)
	if err != nil {
		return nil, fail(err)
	}
	step := max(time.Second, (span / points).Round(time.Second))
	now := s.Now().Truncate(step)
	view := report.SLOInput{SLO: slo, Step: step, Period: pitwall.Period{From: now.Add(-span).Truncate(step), To: now}, Live: s.Engine.Live}
	if view.Steps, err = s.Engine.BudgetSeries(ctx, slo.Name, view.Period, step); err != nil {
		return nil, fail(err)
	}
	if view.Plans, err = s.Engine.Plans(ctx); err != nil {
		return nil, fail(err)
	}
	view.Budget = pitwall.ErrorBudget{SLO: slo.Name, Target: slo.Target}
	if b := s.budgetOf(ctx, slo.Name); b != nil {
		view.Budget = *b
	}
	if slo.SLI.Composite != nil {
		if view.Members, err = s.members(ctx, *slo.SLI.Composite); err != nil {
			return nil, fail(err)
		}
	}
	if s.Objectives.About != nil {
		s.Objectives.About(ctx, slo, &view)
	}
	return ok(report.SLODetail(view, s.options(view.Plans)), nil)
}

func (s *server) members(ctx context.Context, c pitwall.Composite) ([]report.SLORow, error) {
	rows, _, err := s.sloRows(ctx)
	var list []report.SLORow
	for _, m := range c.Members {
		for _, r := range rows {
			if r.Name == m.SLO {
				list = append(list, r)
			}
		}
	}
	return list, err
}

func chartLength(slo pitwall.SLO, asked string) (time.Duration, error) {
	if asked != "" {
		d, err := length(asked)
		if err != nil || d < time.Second || d > slo.Window {
			return 0, &pitwall.Error{Op: "reading SLO", Kind: pitwall.Invalid, ID: "for=" + asked, Err: fmt.Errorf("not a length between 1s and the window of the objective"), Hint: "for=1h"}
		}
		return d, nil
	}
	span := time.Minute
	for _, t := range slo.Tiers {
		if t.Action == pitwall.ActionPage && t.Long > span {
			span = t.Long
		}
	}
	switch {
	case span == time.Minute: // no tier pages
		return min(24*time.Hour, slo.Window), nil
	case span > slo.Window:
		return slo.Window, nil
	}
	return span, nil
}

func (s *server) spent(ctx context.Context, in *struct {
	SLOPath
	PeriodQuery
	By string `query:"by" maxLength:"200" doc:"operation, version, deploy, or the key of an attribute or label; by default the operation, of metrics the first label"`
}) (*body[report.SpentView], error) {
	slo, err := s.find(in.SLOPath)
	if err != nil {
		return nil, fail(err)
	}
	if s.Objectives.Spent == nil {
		return nil, absent("attributing budget", "")
	}
	p, err := in.period(s.Now())
	if err != nil {
		return nil, fail(err)
	}
	return ok(s.Objectives.Spent(ctx, slo, in.By, p))
}
