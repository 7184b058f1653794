package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	Say      func(words string) // told what is being done, for people who wait; may be nil
	Patience time.Duration      // how long one question may take; 0: patience
	// Trouble is told what went wrong with a source that is there; the diagnosis
	// goes on without it. May be nil.
	Trouble func(err error)
}

// patience is how long a source may take to answer one question. One that did
// not answer is not asked again in the same diagnosis, so that a store that
// hangs costs a diagnosis this once, and the page waits for the others only.
const patience = 10 * time.Second

// Diagnose runs one diagnosis: it names what it needs, the sources are asked,
// until it is done. The error is the context's, or a Defect: whatever a sender
// managed to put into its telemetry, the loop that asks goes on.
func (s Sources) Diagnose(ctx context.Context, q diagnose.Question) (d pitwall.Diagnosis, err error) {
	defer caught(&err, "diagnosing", string(q.Regression.Service))
	q.Alarm = maskAlarm(q.Alarm)
	session, silent := diagnose.New(q), map[string]bool{}
	for !session.Done() {
		var answers []diagnose.Answer
		for _, q := range session.Needs() {
			s.say("reading " + q.Words())
			answers = append(answers, s.answer(ctx, q, silent))
		}
		if err := ctx.Err(); err != nil {
			return pitwall.Diagnosis{}, err
		}
		s.say("comparing")
		session.Step(answers)
	}
	d = session.Diagnosis()
	maskContrasts(d.Contrasts)
	return d, nil
}

func (s Sources) say(words string) {
	if s.Say != nil {
		s.Say(words)
	}
}

// answer fetches what one query asks for; what cannot be had is said, so that
// the check is skipped with its reason rather than taken for clear. silent are
// the stores that were waited for in vain.
func (s Sources) answer(ctx context.Context, q diagnose.Query, silent map[string]bool) diagnose.Answer {
	a, store, wait := diagnose.Answer{Query: q.ID}, storeOf(q.Kind), s.Patience
	if wait <= 0 {
		wait = patience
	}
	if silent[store] {
		a.Missing = "the store of " + store + " did not answer before, so it was not asked again"
		return a
	}
	within, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	missing, err := s.fetch(within, q, &a)
	switch {
	case err != nil && within.Err() != nil || errors.Is(err, context.DeadlineExceeded):
		silent[store] = true
		missing = fmt.Sprintf("the store of %s did not answer within %s", store, wait)
	case err != nil:
		missing = err.Error()
	}
	if err != nil && ctx.Err() == nil && s.Trouble != nil && pitwall.KindOf(err) != pitwall.NotFound {
		s.Trouble(err)
	}
	a.Missing = missing
	maskAnswer(&a)
	return a
}

// storeOf says which store answers a kind of question, for several may be the
// same one's.
func storeOf(k diagnose.QueryKind) string {
	if k == diagnose.AskMetrics || k == diagnose.AskMeasured {
		return "metrics"
	}
	return string(k)
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
