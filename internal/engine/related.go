package engine

import (
	"context"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	// callsOver is the stretch of spans that tells who calls whom.
	callsOver = 15 * time.Minute
	// callsFor is how long that is taken to be so.
	callsFor = 5 * time.Minute
)

// calls are which services were seen to call each other, under the names of both.
type calls struct {
	at   time.Time
	with map[pitwall.ServiceName][]pitwall.ServiceName
}

// put notes a call, once.
func (c *calls) put(from, to pitwall.ServiceName) {
	if !slices.Contains(c.with[from], to) {
		c.with[from], c.with[to] = append(c.with[from], to), append(c.with[to], from)
	}
}

// related lists the services that call a service or that it calls, so that what
// they fire at once can be one message.
func (e *Engine) related(ctx context.Context) func(s pitwall.ServiceName) []pitwall.ServiceName {
	now := e.c.Now()
	if e.c.Operations != nil && len(e.Alarms()) > 1 && now.Sub(e.calls.at) >= callsFor {
		var totals []pitwall.OperationTotals
		err := e.spare("reading who calls whom", "", func() (err error) {
			totals, err = e.c.Operations.Operations(ctx, pitwall.OperationQuery{Period: pitwall.Period{From: now.Add(-callsOver), To: now}})
			return err
		})
		if err != nil {
			e.log.Warn("Who calls whom was not read, so alarms are joined by what was known before", "err", err)
		} else {
			e.calls.with = map[pitwall.ServiceName][]pitwall.ServiceName{}
			for _, o := range totals {
				if o.Kind == pitwall.SpanClient && o.Peer != "" {
					e.calls.put(o.Service, pitwall.ServiceName(o.Peer))
				}
			}
		}
		e.calls.at = now
	}
	with := e.calls.with
	return func(s pitwall.ServiceName) []pitwall.ServiceName { return with[s] }
}
