package cli

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/engine"
	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/objectives"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/slo/replay"
)

// fresh counts the past of an objective that is not in force yet, from the
// metrics or the spans that are kept.
func (a *answering) fresh(ctx context.Context, q httpd.ReplayQuery) (in replay.Input, note string, err error) {
	set, err := a.parse(q)
	if err != nil {
		return in, "", err
	}
	if len(set.SLOs) != 1 || set.SLOs[0].SLI.Composite != nil {
		return in, "", &pitwall.Error{Op: "replaying an objective", Kind: pitwall.Invalid, Err: fmt.Errorf("the text holds %s; one that is no composite can be replayed", countObjectives(len(set.SLOs))), Hint: "replay them one by one"}
	}
	s, err := altered(slo.Scale(set.SLOs[0], a.conf.TimeScale), q.Preset, q.Target, a.conf.TimeScale)
	if err != nil {
		return in, "", err
	}
	past, now := slo.NewLedger([]pitwall.SLO{s}, a.ledger.Step()), time.Now()
	past.Now(now)
	p := a.past(q.Period)
	from := p.From.Add(-slo.Reach(s))
	if s.SLI.Query != nil {
		note, err = a.pastOfMetrics(ctx, past, s, now.Sub(from))
	} else {
		note, err = a.pastOfSpans(ctx, past, s, pitwall.Period{From: from, To: p.To})
	}
	if err != nil {
		return in, "", err
	}
	steps, err := past.History(s.Name, pitwall.Period{From: from, To: p.To})
	if err != nil {
		return in, "", err
	}
	incidents, err := a.incidents(ctx, s, p)
	return replay.Input{SLO: s, Steps: steps, Step: past.Step(), Period: replay.Known(p, steps), Corrections: a.h.engine.Corrections(), Incidents: incidents}, note, err
}

// parse reads an objective that somebody sent. It may name the tiers that the
// configured files define.
func (a *answering) parse(q httpd.ReplayQuery) (objectives.Set, error) {
	name := orElse(q.Name, "objective")
	files := []objectives.File{{Name: name, Data: q.Text}}
	opts := objectives.Options{Preset: a.conf.Alerting.Preset}
	alone, err := objectives.Parse(opts, files...)
	if err == nil {
		return alone, nil
	}
	paths, missing := a.conf.SLOFiles()
	if missing != nil {
		return alone, err
	}
	for _, path := range paths {
		if data, unreadable := os.ReadFile(path); unreadable == nil && bytes.Contains(data, []byte("BurnPolicy")) {
			files = append(files, objectives.File{Name: path, Data: data})
		}
	}
	set, still := objectives.Parse(opts, files...)
	if len(files) == 1 || still != nil {
		return alone, err // it says what is wrong with what was sent
	}
	set.SLOs = slices.DeleteFunc(set.SLOs, func(s pitwall.SLO) bool { return !strings.HasPrefix(s.Source, name+":") })
	return set, nil
}

// pastOfMetrics lets a collector of its own count all there is.
func (a *answering) pastOfMetrics(ctx context.Context, past *slo.Ledger, s pitwall.SLO, back time.Duration) (string, error) {
	k := engine.NewCollector(engine.CollectConfig{SLOs: []pitwall.SLO{s}, Ledger: past, Samples: a.samples, Metrics: a.metrics, Settle: a.conf.Engine.Settle,
		Backfill: back, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	for k.Round(ctx) {
		if ctx.Err() != nil {
			return "", &pitwall.Error{Op: "replaying an objective", Kind: pitwall.Unavailable, ID: string(s.Name), Err: fmt.Errorf("counting its past took too long: %w", ctx.Err()), Hint: "ask for less: --since 7d"}
		}
	}
	if problem := k.Problem(s.Name); problem != "" {
		return "", &pitwall.Error{Op: "replaying an objective", Kind: pitwall.Invalid, ID: string(s.Name), Err: fmt.Errorf("%s", problem)}
	}
	return "counted from metrics, as far back as they are kept", nil
}

// spansAtOnce is how much of the past is read in one piece.
const spansAtOnce = 10 * time.Minute

func (a *answering) pastOfSpans(ctx context.Context, past *slo.Ledger, s pitwall.SLO, p pitwall.Period) (string, error) {
	if kept := time.Now().Add(-a.conf.Traces.Retention); p.From.Before(kept) {
		p.From = kept
	}
	for from := p.From; from.Before(p.To); from = from.Add(spansAtOnce) {
		piece := pitwall.Period{From: from, To: from.Add(min(spansAtOnce, p.To.Sub(from)))}
		b, err := a.h.spans.Spans(ctx, pitwall.SpanQuery{Period: piece, Service: s.SLI.Service, Operation: s.SLI.Operation})
		if err != nil {
			return "", err
		}
		past.Feed(b)
	}
	note := fmt.Sprintf("counted from the spans of the last %s, which is as long as they are kept", report.Span(a.conf.Traces.Retention))
	if a.conf.Traces.Sample < 1 {
		note += "; good ones are a sample, so the ratios are too bad"
	}
	return note, nil
}
