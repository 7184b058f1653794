package engine

import (
	"context"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	// callsOver is the stretch of spans that tells who calls whom.
	callsOver = 15 * time.Minute
	// callsFor is how long that is taken to be so.
	callsFor = 5 * time.Minute
)

// calls are which services were seen to call each other.
type calls struct {
	at    time.Time
	pairs map[[2]pitwall.ServiceName]bool
}

// related says whether one of two services calls the other, so that what they
// fire at once can be one message.
func (e *Engine) related(ctx context.Context) func(a, b pitwall.ServiceName) bool {
	now := e.c.Now()
	if e.c.Operations != nil && len(e.Alarms()) > 1 && now.Sub(e.calls.at) >= callsFor {
		totals, err := e.c.Operations.Operations(ctx, pitwall.OperationQuery{Period: pitwall.Period{From: now.Add(-callsOver), To: now}})
		if err != nil {
			e.log.Warn("Who calls whom was not read, so alarms are joined by what was known before", "err", err)
		} else {
			e.calls.pairs = map[[2]pitwall.ServiceName]bool{}
			for _, o := range totals {
				if o.Kind == pitwall.SpanClient && o.Peer != "" {
					e.calls.pairs[[2]pitwall.ServiceName{o.Service, pitwall.ServiceName(o.Peer)}] = true
				}
			}
		}
		e.calls.at = now
	}
	pairs := e.calls.pairs
	return func(a, b pitwall.ServiceName) bool {
		return pairs[[2]pitwall.ServiceName{a, b}] || pairs[[2]pitwall.ServiceName{b, a}]
	}
}
