package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/prometheus/promql"
)

// slots bounds how many queries run at once, and how long others wait for one
// to end: the engine's own timeout begins only after that.
type slots struct {
	taken chan struct{}
	wait  time.Duration
}

// queued is Prometheus' own word for where a query waits.
const queued = "query queue"

var _ promql.QueryTracker = slots{}

// GetMaxConcurrent implements promql.QueryTracker.
func (s slots) GetMaxConcurrent() int { return cap(s.taken) }

// Insert implements promql.QueryTracker: it waits for a slot.
func (s slots) Insert(ctx context.Context, _ string) (int, error) {
	patience := time.NewTimer(s.wait)
	defer patience.Stop()
	select {
	case s.taken <- struct{}{}:
		return 0, nil
	case <-patience.C:
		return 0, promql.ErrQueryTimeout(queued)
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return 0, promql.ErrQueryCanceled(queued)
		}
		return 0, promql.ErrQueryTimeout(queued)
	}
}

// Delete implements promql.QueryTracker.
func (s slots) Delete(int) { <-s.taken }

// Close implements promql.QueryTracker.
func (s slots) Close() error { return nil }
