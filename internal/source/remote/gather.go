package remote

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

// Limits bound what one question for traces may cost.
type Limits struct {
	// Traces is how many one request asks for; 0 means 1500. Servers cut off what
	// is beyond, most without saying so.
	Traces int
	// Requests is how many requests one question may grow into before its answer
	// is a sample; 0 means 128.
	Requests int
	// Parallel is how many of them run at once; 0 means 4.
	Parallel int
	// Smallest is the shortest slice of time a request is cut down to; 0 means 1 s.
	Smallest time.Duration
	// Lookback is how long before a period a span may begin and still be found
	// when it ends in it; 0 means 10 m.
	Lookback time.Duration
	// Bytes bounds all answers to one question together; 0 means 256 MiB.
	Bytes int64
}

// WithDefaults fills in what was left out.
func (l Limits) WithDefaults() Limits {
	if l.Traces <= 0 {
		l.Traces = 1500
	}
	if l.Requests <= 0 {
		l.Requests = 128
	}
	if l.Parallel <= 0 {
		l.Parallel = 4
	}
	if l.Smallest <= 0 {
		l.Smallest = time.Second
	}
	if l.Lookback <= 0 {
		l.Lookback = 10 * time.Minute
	}
	if l.Bytes <= 0 {
		l.Bytes = 256 << 20
	}
	return l
}

// shortSpan is what most spans are shorter than.
const shortSpan = 5 * time.Second

// Part is a question small enough for one request: spans of a service ("" means
// any) that began in the period and took AtLeast so long.
type Part struct {
	Service pitwall.ServiceName
	Period  pitwall.Period
	AtLeast time.Duration
}

// Parts turns a question for spans that ended in a period into questions by
// their beginning, which is how servers look for them: a few seconds before the
// period for all, and up to Lookback before it for those that took long.
func (l Limits) Parts(q pitwall.SpanQuery, services []pitwall.ServiceName) []Part {
	from := q.Period.From.Add(-min(shortSpan, l.Lookback))
	var parts []Part
	for _, s := range services {
		parts = append(parts, Part{s, pitwall.Period{From: from, To: q.Period.To}, q.MinDuration})
		if l.Lookback > shortSpan {
			early := pitwall.Period{From: q.Period.From.Add(-l.Lookback), To: from}
			parts = append(parts, Part{s, early, max(q.MinDuration, shortSpan)})
		}
	}
	return parts
}

// Part answers: what was asked for, and how many traces it is of.
type partial[T any] struct {
	answer T
	traces int
}

// Gather asks every part. A part that reaches the limit of traces is asked
// again in two halves, all parts of one length before any of the next, so that
// an answer that must stop short is a sample spread evenly over time. cut is
// how many parts still reached the limit: 0 means that nothing is missing.
func Gather[T any](ctx context.Context, l Limits, parts []Part, ask func(context.Context, Part) (answer T, traces int, err error)) (answers []T, cut int, err error) {
	asked := 0
	for len(parts) > 0 {
		got, err := askAll(ctx, l.Parallel, parts, ask)
		if err != nil {
			return nil, 0, err
		}
		asked += len(parts)
		var full []int
		for i, g := range got {
			switch {
			case g.traces < l.Traces:
				answers = append(answers, g.answer)
			case parts[i].Period.Duration() < 2*l.Smallest:
				answers = append(answers, g.answer)
				cut++
			default:
				full = append(full, i)
			}
		}
		if asked+2*len(full) > l.Requests {
			for _, i := range full {
				answers = append(answers, got[i].answer)
			}
			return answers, cut + len(full), nil
		}
		parts = halves(parts, full)
	}
	return answers, cut, nil
}

func halves(parts []Part, full []int) []Part {
	var next []Part
	for _, i := range full {
		p := parts[i]
		middle := p.Period.From.Add(p.Period.Duration() / 2).Truncate(time.Microsecond)
		early, late := p, p
		early.Period.To, late.Period.From = middle, middle
		next = append(next, early, late)
	}
	return next
}

// askAll asks the parts, some at a time. The first error ends the others.
func askAll[T any](ctx context.Context, parallel int, parts []Part, ask func(context.Context, Part) (T, int, error)) ([]partial[T], error) {
	got := make([]partial[T], len(parts))
	err := Each(ctx, parallel, len(parts), func(ctx context.Context, i int) (err error) {
		got[i].answer, got[i].traces, err = ask(ctx, parts[i])
		return err
	})
	return got, err
}

// Each calls f for 0 to n-1, some at a time, and waits for all. The first error
// cancels the others and is returned.
func Each(ctx context.Context, parallel, n int, f func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		work sync.WaitGroup
		once sync.Once
		err  error
		next = make(chan int)
	)
	for range min(parallel, n) {
		work.Go(func() {
			for i := range next {
				if e := f(ctx, i); e != nil {
					once.Do(func() { err = e; cancel() })
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	work.Wait()
	if err == nil && ctx.Err() != nil {
		err = &pitwall.Error{Op: "asking for traces", Kind: pitwall.Unavailable, Err: context.Cause(ctx)}
	}
	return err
}

// Thin keeps limit of the items, spread evenly; 0 keeps all.
func Thin[T any](items []T, limit int) []T {
	if limit <= 0 || len(items) <= limit {
		return items
	}
	kept := make([]T, limit)
	for i := range kept {
		kept[i] = items[i*len(items)/limit]
	}
	return slices.Clip(kept)
}
