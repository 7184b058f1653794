package engine

import (
	"context"
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose"
)

// Sources is whom a diagnosis may ask: the stores of a running Pitwall, or one
// recorded incident. What is nil cannot be asked, and the checks that need it
// are skipped for that reason.
type Sources struct {
	Spans    pitwall.SpanReader
	Profiles pitwall.ProfileReader
	Metrics  pitwall.MetricReader
	Measured pitwall.MeasuredReader
	Topology pitwall.TopologyReader
	Logs     pitwall.LogMoves
	Status   pitwall.StatusReader
	Changes  interface {
		Changes(context.Context, pitwall.Period) ([]pitwall.Change, error)
	}
	PageLoads interface {
		PageLoads(context.Context, pitwall.Period) ([]pitwall.PageLoad, error)
	}
	Say func(words string) // told what is being done, for people who wait; may be nil
}

// Diagnose runs one diagnosis: it names what it needs, the sources are asked,
// until it is done. The error is the context's.
func (s Sources) Diagnose(ctx context.Context, q diagnose.Question) (pitwall.Diagnosis, error) {
	session := diagnose.New(q)
	for !session.Done() {
		var answers []diagnose.Answer
		for _, q := range session.Needs() {
			s.say("reading " + q.Words())
			answers = append(answers, s.answer(ctx, q))
		}
		if err := ctx.Err(); err != nil {
			return pitwall.Diagnosis{}, err
		}
		s.say("comparing")
		session.Step(answers)
	}
	return session.Diagnosis(), nil
}

func (s Sources) say(words string) {
	if s.Say != nil {
		s.Say(words)
	}
}

// answer fetches what one query asks for; what cannot be had is said, so that
// the check is skipped with its reason rather than taken for clear.
func (s Sources) answer(ctx context.Context, q diagnose.Query) diagnose.Answer {
	a := diagnose.Answer{Query: q.ID}
	missing, err := s.fetch(ctx, q, &a)
	if err != nil {
		missing = err.Error()
	}
	a.Missing = missing
	return a
}

func (s Sources) fetch(ctx context.Context, q diagnose.Query, a *diagnose.Answer) (missing string, err error) {
	switch q.Kind {
	case diagnose.AskSpans:
		if s.Spans == nil {
			return "no trace store is configured", nil
		}
		a.Spans, err = s.Spans.Spans(ctx, pitwall.SpanQuery{Period: q.Period, Service: q.Service, Operation: q.Operation, WholeTraces: true})
	case diagnose.AskProfiles:
		if s.Profiles == nil {
			return "no profile source is configured", nil
		}
		a.Profiles, err = s.Profiles.Profiles(ctx, pitwall.ProfileQuery{Period: q.Period, Service: q.Service, Type: q.Type})
	case diagnose.AskMetrics:
		if s.Metrics == nil {
			return "no metrics store is configured", nil
		}
		a.Series, err = s.Metrics.QueryRange(ctx, q.PromQL, q.Period, q.Step)
	case diagnose.AskPageLoads:
		if s.PageLoads == nil {
			return "no real-user measurements are kept", nil
		}
		a.PageLoads, err = s.PageLoads.PageLoads(ctx, q.Period)
	case diagnose.AskChanges:
		if s.Changes == nil {
			return "no change log is configured", nil
		}
		a.Changes, err = s.Changes.Changes(ctx, q.Period)
	default:
		return s.fetchAround(ctx, q, a)
	}
	return "", err
}

// fetchAround fetches what surrounds the requests: measurements, topology,
// logs, providers.
func (s Sources) fetchAround(ctx context.Context, q diagnose.Query, a *diagnose.Answer) (missing string, err error) {
	switch q.Kind {
	case diagnose.AskMeasured:
		if s.Measured == nil {
			return "no metrics store is configured", nil
		}
		a.Measured, err = s.Measured.Measured(ctx, q.Period)
	case diagnose.AskTopology:
		if s.Topology == nil {
			return "nobody knows who calls whom but the traces", nil
		}
		a.Topology, err = s.Topology.Topology(ctx, q.Period)
	case diagnose.AskLogs:
		if s.Logs == nil {
			return "no log store is configured", nil
		}
		a.Logs, err = s.Logs.LogMoves(ctx, q.Against, q.Period)
	case diagnose.AskStatus:
		if s.Status == nil {
			return "no status page of a provider is read", nil
		}
		a.Status, err = s.Status.Status(ctx, q.Period)
	default:
		return fmt.Sprintf("this Pitwall cannot answer a question about %s", q.Kind), nil
	}
	return "", err
}
