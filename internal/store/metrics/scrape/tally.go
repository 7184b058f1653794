package scrape

import (
	"context"
	"sync"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"
)

// tally counts what is stored and refused, target by target, on its way through.
type tally struct {
	storage.AppendableV2

	mu     sync.Mutex
	counts map[*scrape.Target]*counts
}

type counts struct{ accepted, rejected uint64 }

func newTally(store storage.AppendableV2) *tally {
	return &tally{AppendableV2: store, counts: map[*scrape.Target]*counts{}}
}

// AppenderV2 implements storage.AppendableV2.
func (t *tally) AppenderV2(ctx context.Context) storage.AppenderV2 {
	app := t.AppendableV2.AppenderV2(ctx)
	target, ok := scrape.TargetFromContext(ctx)
	if !ok {
		return app
	}
	return &counting{AppenderV2: app, tally: t, target: target}
}

func (t *tally) add(target *scrape.Target, c counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := t.counts[target]
	if sum == nil {
		sum = &counts{}
		t.counts[target] = sum
	}
	sum.accepted += c.accepted
	sum.rejected += c.rejected
}

func (t *tally) of(target *scrape.Target) (accepted, rejected uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.counts[target]; c != nil {
		return c.accepted, c.rejected
	}
	return 0, 0
}

// forget keeps the counts of these targets alone.
func (t *tally) forget(but map[*scrape.Target]bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for target := range t.counts {
		if !but[target] {
			delete(t.counts, target)
		}
	}
}

// counting is an appender that counts.
type counting struct {
	storage.AppenderV2
	tally  *tally
	target *scrape.Target
	counts
}

// Append implements storage.AppenderV2.
//
//nolint:revive // the signature is Prometheus'
func (c *counting) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AppendV2Options) (storage.SeriesRef, error) {
	ref, err := c.AppenderV2.Append(ref, ls, st, t, v, h, fh, o)
	if err != nil {
		c.rejected++
	} else {
		c.accepted++
	}
	return ref, err
}

// Commit implements storage.AppenderV2.
func (c *counting) Commit() error {
	err := c.AppenderV2.Commit()
	if err != nil {
		c.counts = counts{rejected: c.accepted + c.rejected}
	}
	c.tally.add(c.target, c.counts)
	return err
}

// Rollback implements storage.AppenderV2. What was appended may be appended
// anew, so only what was refused counts.
func (c *counting) Rollback() error {
	c.tally.add(c.target, counts{rejected: c.rejected})
	return c.AppenderV2.Rollback()
}
