package httpd

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

func (s *server) month(ctx context.Context, in *struct {
	Month  string    `query:"month" doc:"such as 2026-10, in UTC; by default the running month"`
	From   time.Time `query:"from" doc:"RFC 3339, with to, instead of month"`
	To     time.Time `query:"to"`
	Format string    `query:"format" enum:"md,json,html" default:"md"`
}) (*document, error) {
	if s.Objectives.Month == nil {
		return nil, absent("reporting", "")
	}
	p, err := monthOf(in.Month, in.From, in.To, s.Now())
	if err != nil {
		return nil, fail(err)
	}
	kind, text, err := s.Objectives.Month(ctx, p, in.Format)
	if err != nil {
		return nil, fail(err)
	}
	return &document{ContentType: kind, Disposition: fmt.Sprintf("inline; filename=%q", "objectives."+in.Format), CSP: documentPolicy(), Body: text}, nil
}

func monthOf(month string, from, to, now time.Time) (pitwall.Period, error) {
	if !from.IsZero() || !to.IsZero() {
		if !from.Before(to) {
			return pitwall.Period{}, pitwall.Errorf(pitwall.Invalid, "reading period", "from and to are both needed, from before to")
		}
		return pitwall.Period{From: from, To: to}, nil
	}
	at := time.Date(now.UTC().Year(), now.UTC().Month(), 1, 0, 0, 0, 0, time.UTC)
	if month != "" {
		var err error
		if at, err = time.Parse("2006-01", month); err != nil {
			return pitwall.Period{}, pitwall.Errorf(pitwall.Invalid, "reading month", "%q is no month such as 2026-10", month)
		}
	}
	p := pitwall.Period{From: at, To: at.AddDate(0, 1, 0)}
	if p.To.After(now) {
		p.To = now
	}
	if !p.From.Before(p.To) {
		return p, pitwall.Errorf(pitwall.Invalid, "reading month", "%s has not begun", month)
	}
	return p, nil
}

func (s *server) rules(_ context.Context, in *struct {
	Dialect string `query:"dialect" enum:"pitwall,sloth" default:"pitwall"`
}) (*document, error) {
	if s.Objectives.Rules == nil {
		return nil, absent("exporting rules", "")
	}
	text, err := s.Objectives.Rules(in.Dialect)
	if err != nil {
		return nil, fail(err)
	}
	return &document{ContentType: "application/yaml", Disposition: `inline; filename="pitwall-rules.yaml"`, CSP: appPolicy, Body: text}, nil
}

func (s *server) corrections(context.Context, *struct{}) (*body[correctionList], error) {
	list := correctionList{"pitwall.corrections/1", []report.CorrectionRow{}}
	if s.Objectives.Corrections != nil {
		for _, c := range s.Objectives.Corrections() {
			list.Corrections = append(list.Corrections, report.CorrectionOf(c))
		}
	}
	return ok(list, nil)
}

// readOnly is the answer to an act on a server that allows none.
func (s *server) readOnly(op, id string, dryRun bool) error {
	if !s.ReadOnly || dryRun {
		return nil
	}
	return fail(&pitwall.Error{Op: op, Kind: pitwall.Denied, ID: id, Err: fmt.Errorf("this server is read-only"), Hint: "ask whoever runs it"})
}

func (s *server) correct(ctx context.Context, in *struct {
	Body struct {
		SLO     pitwall.SLOName     `json:"slo,omitempty" maxLength:"200" doc:"one objective; leave both out for all of them"`
		Service pitwall.ServiceName `json:"service,omitempty" maxLength:"200" doc:"every objective of a service"`
		From    time.Time           `json:"from"`
		To      time.Time           `json:"to"`
		By      string              `json:"by" minLength:"1" maxLength:"200" doc:"who asks"`
		Reason  string              `json:"reason" minLength:"1" maxLength:"4000" doc:"why; it goes into the record"`
		DryRun  bool                `json:"dry_run,omitempty"`
	}
}) (*body[report.CorrectionRow], error) {
	b := in.Body
	if s.Objectives.Correct == nil {
		return nil, absent("correcting budgets", "")
	}
	if err := s.readOnly("correcting budgets", string(b.SLO), b.DryRun); err != nil {
		return nil, err
	}
	c, err := s.Objectives.Correct(ctx, pitwall.Correction{SLO: b.SLO, Service: b.Service, Period: pitwall.Period{From: b.From, To: b.To}, By: b.By, Reason: b.Reason}, b.DryRun)
	return ok(report.CorrectionOf(c), err)
}

func (s *server) revoke(ctx context.Context, in *struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		By     string `json:"by" minLength:"1" maxLength:"200"`
		Reason string `json:"reason" minLength:"1" maxLength:"4000"`
		DryRun bool   `json:"dry_run,omitempty"`
	}
}) (*body[report.CorrectionRow], error) {
	if s.Objectives.Revoke == nil {
		return nil, absent("revoking correction", "")
	}
	if err := s.readOnly("revoking correction", in.ID, in.Body.DryRun); err != nil {
		return nil, err
	}
	c, err := s.Objectives.Revoke(ctx, in.ID, in.Body.By, in.Body.Reason, in.Body.DryRun)
	return ok(report.CorrectionOf(c), err)
}

func (s *server) alarms(context.Context, *struct{}) (*body[alarmList], error) {
	list := alarmList{"pitwall.alarms/1", []pitwall.Alarm{}}
	if s.Objectives.Alarms != nil {
		list.Alarms = append(list.Alarms, s.Objectives.Alarms()...)
	}
	return ok(list, nil)
}

func (s *server) deliveries(ctx context.Context, in *struct {
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"50"`
}) (*body[deliveryList], error) {
	list := deliveryList{"pitwall.deliveries/1", []pitwall.Delivery{}}
	if s.Objectives.Deliveries == nil {
		return ok(list, nil)
	}
	found, err := s.Objectives.Deliveries(ctx, in.Limit)
	list.Deliveries = append(list.Deliveries, found...)
	return ok(list, err)
}

func (s *server) explain(ctx context.Context, in *struct {
	SLOPath
	Tier string `query:"tier" maxLength:"200" doc:"by default the worst"`
}) (*body[explanation], error) {
	slo, err := s.find(in.SLOPath)
	if err != nil {
		return nil, fail(err)
	}
	if s.Objectives.Explain == nil {
		return nil, absent("explaining routes", "name a routing file under alerting.routes")
	}
	lines, err := s.Objectives.Explain(ctx, slo, in.Tier)
	return ok(explanation{"pitwall.routing/1", lines}, err)
}

func (s *server) try(ctx context.Context, in *struct {
	Name string `path:"name" maxLength:"200"`
	Body struct {
		By string `json:"by" minLength:"1" maxLength:"200" doc:"who tries it; the message says so"`
	}
}) (*body[done], error) {
	if s.Objectives.Try == nil {
		return nil, absent("trying receiver", "name a routing file under alerting.routes")
	}
	if err := s.readOnly("trying receiver", in.Name, false); err != nil {
		return nil, err
	}
	if err := s.Objectives.Try(ctx, in.Name, in.Body.By); err != nil {
		return nil, fail(err)
	}
	return ok(done{"sent a test message to " + in.Name}, nil)
}

// deploy answers 200 whatever the answer is: the question was answered.
func (s *server) deploy(ctx context.Context, in *struct {
	Service pitwall.ServiceName `query:"service" required:"true" maxLength:"200"`
	Risk    string              `query:"risk" enum:"fix,low,high" default:"high" doc:"of the deploy; a fix may always go"`
}) (*body[report.DeployView], error) {
	rows, _, err := s.sloRows(ctx)
	if err != nil {
		return nil, fail(err)
	}
	var alarms []pitwall.Alarm
	if s.Objectives.Alarms != nil {
		alarms = s.Objectives.Alarms()
	}
	return ok(report.Deploy(in.Service, in.Risk, rows, alarms), nil)
}

func (s *server) lint(ctx context.Context, in *struct {
	From  time.Time `query:"from" doc:"RFC 3339; by default to minus since"`
	To    time.Time `query:"to" doc:"RFC 3339; by default now"`
	Since string    `query:"since" doc:"length of the history, by default 90d"`
}) (*body[findingList], error) {
	if s.Objectives.Lint == nil {
		return nil, absent("linting alerts", "")
	}
	p, err := PeriodQuery{From: in.From, To: in.To, Since: cmp.Or(in.Since, "90d")}.period(s.Now())
	if err != nil {
		return nil, fail(err)
	}
	findings, err := s.Objectives.Lint(ctx, p)
	return ok(findingList{"pitwall.alert-lint/1", p, findings}, err)
}
