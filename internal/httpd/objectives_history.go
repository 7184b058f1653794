package httpd

import (
	"cmp"
	"context"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// HistoryQuery is a period of the past; by default as much as the window.
type HistoryQuery struct {
	From  time.Time `query:"from" doc:"RFC 3339; by default to minus since"`
	To    time.Time `query:"to" doc:"RFC 3339; by default now"`
	Since string    `query:"since" doc:"length of the period when from is not given, such as 15m or 7d; by default the window of the objective"`
}

// period ends now at the latest: of what is to come there is no history.
func (q HistoryQuery) period(slo pitwall.SLO, now time.Time) (pitwall.Period, error) {
	if q.To.After(now) {
		q.To = now
	}
	return PeriodQuery{From: q.From, To: q.To, Since: cmp.Or(q.Since, slo.Window.String())}.period(now)
}

func (s *server) whatIf(ctx context.Context, in *struct {
	SLOPath
	HistoryQuery
}) (*body[report.WhatIfView], error) {
	slo, err := s.find(in.SLOPath)
	if err != nil {
		return nil, fail(err)
	}
	if s.Objectives.WhatIf == nil {
		return nil, absent("asking what if", "")
	}
	p, err := in.period(slo, s.Now())
	if err != nil {
		return nil, fail(err)
	}
	return ok(s.Objectives.WhatIf(ctx, slo, p))
}

func (s *server) replay(ctx context.Context, in *struct {
	SLOPath
	HistoryQuery
	Preset string        `query:"preset" maxLength:"100" doc:"tiers to run instead of the objective's own"`
	Target pitwall.Ratio `query:"target" doc:"target to run instead of the objective's own"`
}) (*body[report.ReplayView], error) {
	slo, err := s.find(in.SLOPath)
	if err != nil {
		return nil, fail(err)
	}
	if s.Objectives.Replay == nil {
		return nil, absent("replaying", "")
	}
	p, err := in.period(slo, s.Now())
	if err != nil {
		return nil, fail(err)
	}
	return ok(s.Objectives.Replay(ctx, ReplayQuery{SLO: slo, Preset: in.Preset, Target: in.Target, Period: p}))
}

func (s *server) replayText(ctx context.Context, in *struct {
	HistoryQuery
	Preset  string        `query:"preset" maxLength:"100" doc:"tiers to run instead of the objective's own"`
	Target  pitwall.Ratio `query:"target" doc:"target to run instead of the objective's own"`
	Name    string        `query:"name" maxLength:"200" doc:"of the file, for errors"`
	RawBody []byte        `contentType:"application/yaml" doc:"one objective in any dialect Pitwall reads"`
}) (*body[report.ReplayView], error) {
	if s.Objectives.Replay == nil {
		return nil, absent("replaying", "")
	}
	p, err := in.period(pitwall.SLO{Window: 30 * 24 * time.Hour}, s.Now())
	if err != nil {
		return nil, fail(err)
	}
	return ok(s.Objectives.Replay(ctx, ReplayQuery{Name: in.Name, Text: in.RawBody, Preset: in.Preset, Target: in.Target, Period: p}))
}
