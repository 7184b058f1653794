package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/slo"
)

// CountLedger is where a Collector counts; *slo.Ledger is one.
type CountLedger interface {
	Step() time.Duration
	// Through is up to when an objective has been counted; zero: it never was.
	Through(name pitwall.SLOName) time.Time
	// Count adds steps and moves Through, both or neither.
	Count(name pitwall.SLOName, increments []pitwall.LedgerStep, through time.Time) error
}

// CollectConfig is what a Collector works with. Only the durations and Parallel
// have defaults.
type CollectConfig struct {
	SLOs    []pitwall.SLO // those without a query are left alone
	Ledger  CountLedger
	Samples pitwall.SampleReader
	Metrics pitwall.MetricReader
	// Settle is how late a sample may come. One that comes later still is missed
	// where each sample is an event; what a counter grew by is found with its
	// next sample.
	Settle   time.Duration
	Every    time.Duration // between two rounds; 0: 10 s
	Backfill time.Duration // how far back a new objective is counted at most; 0: 35 days
	Slice    time.Duration // counted at most of one objective in a round; 0: 6 h
	Lookback time.Duration // longer than what lies between two samples; 0: 10 m
	Timeout  time.Duration // of one objective in one round; 0: 1 m
	Parallel int           // objectives counted at once; 0: 4
	Now      func() time.Time
	Log      *slog.Logger
}

// maxSteps bounds the steps of a slice: four values for each may be asked for,
// and stores give 11,000 at once.
const maxSteps = 2500

// Collector counts the objectives that are questions to a metrics store into the
// ledger, step by step. A step is counted once Settle has passed since its end.
// How far it came is saved together with the counts, so a restart counts nothing
// twice; a new objective is counted from history.
type Collector struct {
	c    CollectConfig
	step time.Duration
	list []*counting

	round  sync.Mutex // one round at a time: guards what counting holds
	events atomic.Uint64
	mu     sync.Mutex // guards the next three
	failed map[pitwall.SLOName]error
	latest time.Time // up to when the most recent objective is counted
	behind int       // objectives whose history is still being counted
}

// counting is one objective on its way.
type counting struct {
	slo   pitwall.SLO
	plan  promql.Plan
	meter *promql.Meter
	slice time.Duration // shorter than asked for after the store found it too much
}

// NewCollector reads the queries of all objectives. One that cannot be read is
// shown by Health and holds up no other.
func NewCollector(c CollectConfig) *Collector {
	c.Every = cmp.Or(c.Every, 10*time.Second)
	c.Backfill = cmp.Or(c.Backfill, 35*24*time.Hour)
	c.Slice = cmp.Or(c.Slice, 6*time.Hour)
	c.Lookback = cmp.Or(c.Lookback, 10*time.Minute)
	c.Timeout = cmp.Or(c.Timeout, time.Minute)
	c.Parallel = cmp.Or(c.Parallel, 4)
	k := &Collector{c: c, step: c.Ledger.Step(), failed: map[pitwall.SLOName]error{}}
	for _, s := range c.SLOs {
		if s.SLI.Query == nil {
			continue
		}
		plan, err := promql.Compile(*s.SLI.Query, k.step)
		if err != nil {
			k.failed[s.Name] = fmt.Errorf("reading the objective's query: %w", err)
			continue
		}
		k.list = append(k.list, &counting{slo: s, plan: plan, slice: k.longest(), meter: promql.NewMeter(plan, k.step, c.Lookback)})
	}
	// Those that ask the same follow each other, so that one answer serves them
	// all and is not held for long.
	slices.SortStableFunc(k.list, func(a, b *counting) int {
		return cmp.Or(cmp.Compare(a.plan.Sources[0].Selector, b.plan.Sources[0].Selector), cmp.Compare(a.plan.Sources[0].Query, b.plan.Sources[0].Query))
	})
	return k
}

// longest is how much of one objective is counted in a round, in whole steps.
func (k *Collector) longest() time.Duration {
	return min(max(k.c.Slice.Truncate(k.step), k.step), maxSteps*k.step)
}

// Run counts until ctx ends. While history is being counted the rounds follow
// each other with as much rest as work.
func (k *Collector) Run(ctx context.Context) error {
	for {
		began := k.c.Now()
		pause := k.c.Every
		if k.Round(ctx) {
			pause = min(pause, max(k.c.Now().Sub(began), 50*time.Millisecond))
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// job is one stretch of one objective.
type job struct {
	*counting
	period pitwall.Period
	needs  []promql.Need
	late   bool // more is waiting after it
}

// Round counts what has settled, at most a slice of each objective, and says
// whether more is waiting of one that gets on.
func (k *Collector) Round(ctx context.Context) (behind bool) {
	k.round.Lock()
	defer k.round.Unlock()
	jobs, late := k.due()
	f := newFetching(k.c, jobs)
	queue := make(chan job)
	var (
		work sync.WaitGroup
		more atomic.Bool
	)
	for range min(k.c.Parallel, len(jobs)) {
		work.Go(func() {
			for j := range queue {
				if k.count(ctx, f, j) && j.late {
					more.Store(true)
				}
			}
		})
	}
	for _, j := range jobs {
		queue <- j
	}
	close(queue)
	work.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.behind = late
	return more.Load()
}

// due lists what can be counted now, and how many objectives will still be
// behind after it.
func (k *Collector) due() (jobs []job, late int) {
	now := k.c.Now()
	end := now.Add(-k.c.Settle).Truncate(k.step)
	for _, n := range k.list {
		from := k.c.Ledger.Through(n.slo.Name)
		if from.Before(now.Add(-k.c.Backfill)) { // or never
			from = k.begin(n.slo, now)
		}
		if !from.Before(end) {
			continue
		}
		p := pitwall.Period{From: from, To: from.Add(n.slice)}
		j := job{counting: n, late: p.To.Before(end)}
		if j.late {
			late++
		} else {
			p.To = end
		}
		j.period = p
		if err := guarded("counting", string(n.slo.Name), func() error { j.needs = n.meter.Needs(p); return nil }); err != nil {
			k.begins(n)
			k.note(j, err)
			continue
		}
		jobs = append(jobs, j)
	}
	return jobs, late
}

// begins lets an objective be counted as after a restart: a defect may have left
// its meter with half of what it should hold.
func (k *Collector) begins(n *counting) { n.meter = promql.NewMeter(n.plan, k.step, k.c.Lookback) }

// begin is where a new objective begins: as far back as its windows look.
func (k *Collector) begin(s pitwall.SLO, now time.Time) time.Time {
	return now.Add(-min(slo.Reach(s), k.c.Backfill)).Truncate(k.step)
}

// count counts one stretch and keeps what came of it; true: it was counted.
func (k *Collector) count(ctx context.Context, f *fetching, j job) bool {
	err := guarded("counting", string(j.slo.Name), func() error { return k.stretch(ctx, f, j) })
	var d *Defect
	switch {
	case ctx.Err() != nil:
		return false // the loop ends; nobody failed
	case err == nil || pitwall.KindOf(err) == pitwall.Inconclusive: // it was counted
		j.slice = min(2*j.slice, k.longest())
	case errors.As(err, &d):
		k.begins(j.counting)
	case pitwall.KindOf(err) == pitwall.Invalid && j.period.Duration() > k.step:
		j.slice = max((j.period.Duration() / 2).Truncate(k.step), k.step) // it may be too much at once
	}
	k.note(j, err)
	return err == nil || pitwall.KindOf(err) == pitwall.Inconclusive
}

// doubt says that what was counted cannot be what was meant.
func (k *Collector) doubt(j job, look *promql.Look) error {
	e := &pitwall.Error{Op: "counting", Kind: pitwall.Inconclusive, ID: string(j.slo.Name)}
	bad, _ := j.meter.Left()
	v, strange := look.Strange()
	switch {
	case strange:
		e.Err = fmt.Errorf("its ratio is %g, no share from 0 to 1, so it was left out", v)
		e.Hint = "mend its query; divide a percentage by 100"
	case bad >= tooManyBad:
		e.Err = fmt.Errorf("%.0f bad events more than events at all", bad)
		e.Hint = "mend its queries: what bad counts must be a part of what total counts"
	default:
		return nil
	}
	return e
}

// tooManyBad is how many bad events may wait for their total; some do for the
// time between two scrapes.
const tooManyBad = 100_000

func (k *Collector) stretch(ctx context.Context, f *fetching, j job) error {
	within, cancel := context.WithTimeout(ctx, k.c.Timeout)
	defer cancel()
	answers, err := f.answers(within, j.needs)
	if err != nil {
		return err
	}
	look := j.meter.Look(j.period, answers)
	for _, query := range look.Earlier(k.c.Backfill) {
		past, err := k.c.Metrics.Query(within, query, j.period.From)
		if err != nil {
			return fmt.Errorf("looking for the past of new series: %w", err)
		}
		look.Recall(past)
	}
	steps := look.Counts(j.slo.Name)
	if err := k.c.Ledger.Count(j.slo.Name, steps, j.period.To); err != nil {
		return err
	}
	look.Keep()
	for _, s := range steps {
		k.events.Add(s.Counts.Total())
	}
	return k.doubt(j, look)
}
