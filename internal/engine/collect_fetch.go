package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

// fetching asks the stores for one round. What several objectives need is asked
// for once, and let go when the last of them has it.
type fetching struct {
	c      CollectConfig
	broken atomic.Int64 // how often in a row no store answered

	mu   sync.Mutex // guards open
	open map[wanted]*answer
}

// wanted is a question by what it asks for.
type wanted struct {
	selector, query string
	from, to, step  int64
}

// answer is a question's answer, or still on its way.
type answer struct {
	left   int           // how many still want it; guarded by fetching.mu
	ready  chan struct{} // closed when series and err stand; nil: nobody asked yet
	series []pitwall.Series
	err    error
}

func questionOf(n promql.Need) wanted {
	return wanted{n.Selector, n.Query, n.Period.From.UnixMilli(), n.Period.To.UnixMilli(), int64(n.Step)}
}

func newFetching(c CollectConfig, jobs []job) *fetching {
	f := &fetching{c: c, open: map[wanted]*answer{}}
	for _, j := range jobs {
		for _, n := range j.needs {
			q := questionOf(n)
			if f.open[q] == nil {
				f.open[q] = &answer{}
			}
			f.open[q].left++
		}
	}
	return f
}

// answers gives the answers of one objective, in the order of its needs.
func (f *fetching) answers(ctx context.Context, needs []promql.Need) ([][]pitwall.Series, error) {
	list := make([][]pitwall.Series, len(needs))
	for i, n := range needs {
		var err error
		if list[i], err = f.ask(ctx, n); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// ask waits for the answer that another objective asked for, or asks.
func (f *fetching) ask(ctx context.Context, n promql.Need) ([]pitwall.Series, error) {
	q := questionOf(n)
	f.mu.Lock()
	a := f.open[q]
	first := a.ready == nil
	if first {
		a.ready = make(chan struct{})
	}
	if a.left--; a.left == 0 {
		delete(f.open, q)
	}
	f.mu.Unlock()
	if !first {
		select {
		case <-a.ready:
			return a.series, a.err
		case <-ctx.Done():
			return nil, &pitwall.Error{Op: "reading metrics", Kind: pitwall.Unavailable, Err: ctx.Err(), Hint: "the metrics store is slow to answer"}
		}
	}
	a.err = guarded("reading metrics", "", func() (err error) { // for others wait for it
		a.series, err = f.fetch(ctx, n)
		return err
	})
	close(a.ready)
	return a.series, a.err
}

// giveUp is how many questions in a row may stay without an answer before the
// rest of the round is not asked: each costs its deadline.
const giveUp = 8

func (f *fetching) fetch(ctx context.Context, n promql.Need) (list []pitwall.Series, err error) {
	if f.broken.Load() >= giveUp {
		return nil, &pitwall.Error{Op: "reading metrics", Kind: pitwall.Unavailable,
			Err: fmt.Errorf("%d questions in a row were not answered, so the others were not asked", giveUp), Hint: "see the metrics store's own health"}
	}
	switch {
	case n.Selector != "" && f.c.Samples == nil, n.Query != "" && f.c.Metrics == nil:
		return nil, &pitwall.Error{Op: "reading metrics", Kind: pitwall.Unavailable, Err: errors.New("there is no metrics store"),
			Hint: "send metrics to Pitwall, or set sources.prometheus"}
	case n.Selector != "":
		list, err = f.c.Samples.Samples(ctx, n.Selector, n.Period)
	default:
		list, err = f.c.Metrics.QueryRange(ctx, n.Query, n.Period, n.Step)
	}
	if pitwall.KindOf(err) == pitwall.Unavailable {
		f.broken.Add(1)
	} else {
		f.broken.Store(0)
	}
	return list, err
}
