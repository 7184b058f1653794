package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/coverage"
)

const (
	telemetryFor   = 15 * time.Minute // over which coverage is counted
	telemetryFresh = 15 * time.Second // an answer younger than this is given again
	// askPatience bounds one question to one source, surveyPatience all of them.
	askPatience    = 5 * time.Second
	surveyPatience = 20 * time.Second
	// Bounds of one survey, so that it never weighs on what it looks at.
	sampledTraces = 500
	mostServices  = 200
	askersAtOnce  = 4
	// changesFor is how far back a change shows that changes are known at all.
	changesFor = 30 * 24 * time.Hour
)

// seeing is what is remembered between two looks at the telemetry.
type seeing struct {
	mu     sync.Mutex // guards all
	rhythm coverage.Rhythm
	last   map[coverage.Pair]time.Time // when a service's signal was last seen
	hung   map[string]int              // questions that never came back, by name
	answer *pitwall.Telemetry
	flight chan struct{} // closed when the survey under way is done; nil: none is
}

// observe notes how the sources stand; once in a tick.
func (s *seeing) observe(health []pitwall.SourceHealth) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rhythm.Observe(health)
}

// Telemetry says what can be seen and what cannot. Any number may ask: one
// survey serves all, and its answer is given again for a while.
func (e *Engine) Telemetry(ctx context.Context) (pitwall.Telemetry, error) {
	s := &e.seeing
	s.mu.Lock()
	if s.answer != nil && e.c.Now().Sub(s.answer.At) < telemetryFresh {
		defer s.mu.Unlock()
		return *s.answer, nil
	}
	flight := s.flight
	if flight == nil {
		flight = make(chan struct{})
		s.flight = flight
		go func() { // whoever asked first may leave; the others still wait
			defer close(flight)
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), surveyPatience)
			defer cancel()
			t := e.survey(ctx)
			s.mu.Lock()
			defer s.mu.Unlock()
			s.answer, s.flight = &t, nil
		}()
	}
	s.mu.Unlock()
	select {
	case <-flight:
		s.mu.Lock()
		defer s.mu.Unlock()
		return *s.answer, nil
	case <-ctx.Done():
		return pitwall.Telemetry{}, &pitwall.Error{Op: "reading telemetry", Kind: pitwall.Unavailable, Err: ctx.Err(), Hint: "ask again; a source is slow to answer"}
	}
}

// survey is one look at everything; in is guarded by mu until all have answered.
type survey struct {
	*Engine
	mu     sync.Mutex
	in     coverage.Input
	failed map[string]bool // sources that are not asked again in this survey
	said   string          // the last trouble
}

func (e *Engine) survey(ctx context.Context) pitwall.Telemetry {
	now := e.c.Now()
	s := &survey{Engine: e, failed: map[string]bool{}, in: coverage.Input{
		At: now, Period: pitwall.Period{From: now.Add(-telemetryFor), To: now}, Settle: e.c.Settings.Settle,
		Sources: e.Health(), SLOs: e.c.SLOs, Judged: map[pitwall.SLOName]bool{},
		Seen: map[pitwall.SignalKind]map[pitwall.ServiceName]bool{}, Unknown: map[pitwall.SignalKind]bool{},
		Guessed: map[pitwall.ServiceName]bool{}, Target: e.c.Target != nil, Controls: map[pitwall.ServiceName]bool{}, Enforces: e.c.Repository != nil,
	}}
	for _, kind := range coverage.Signals() {
		s.in.Seen[kind] = map[pitwall.ServiceName]bool{}
	}
	for _, o := range e.c.SLOs {
		s.in.Judged[o.Name] = e.c.Ledger.Budget(o, now).Known
	}
	var changes []pitwall.Change
	together(func() { s.traces(ctx) }, func() { s.logs(ctx) }, func() { s.metrics(ctx) },
		func() { changes = s.changes(ctx) }, func() { s.stores(ctx) }, func() { s.repository(ctx) })
	together(func() { eachOf(s.services(), func(name pitwall.ServiceName) { s.service(ctx, name) }) },
		func() { eachOf(s.controlled(), func(name pitwall.ServiceName) { s.target(ctx, name) }) },
		func() { eachOf(s.releases(changes), func(r release) { s.drift(ctx, r) }) })
	slices.SortFunc(s.in.Targets, func(x, y pitwall.TargetHealth) int { return strings.Compare(x.Name, y.Name) })
	slices.SortFunc(s.in.Trouble, func(x, y pitwall.BlindSpot) int { return strings.Compare(x.What, y.What) })
	return e.seeing.see(s.in)
}

// see adds what was seen before, and remembers what is seen now.
func (s *seeing) see(in coverage.Input) pitwall.Telemetry {
	s.mu.Lock()
	defer s.mu.Unlock()
	in.Unsteady = s.rhythm.Unsteady(in.At, in.Sources)
	in.Last = s.last
	t := coverage.See(in)
	if s.last == nil {
		s.last = map[coverage.Pair]time.Time{}
	}
	maps.DeleteFunc(s.last, func(_ coverage.Pair, at time.Time) bool { return in.At.Sub(at) > 24*time.Hour })
	for _, c := range t.Services {
		for _, kind := range c.Has {
			s.last[coverage.Pair{Service: c.Service, Signal: kind}] = in.At
		}
	}
	return t
}

func together(list ...func()) {
	var all sync.WaitGroup
	for _, f := range list {
		all.Go(f)
	}
	all.Wait()
}

// eachOf does f for every item, a few at once.
func eachOf[T any](items []T, f func(T)) {
	work := make(chan T)
	var all sync.WaitGroup
	for range min(askersAtOnce, len(items)) {
		all.Go(func() {
			for item := range work {
				f(item)
			}
		})
	}
	for _, item := range items {
		work <- item
	}
	close(work)
	all.Wait()
}

// source is one question's source: what it is called and what it tells of.
type source struct {
	name   string
	signal pitwall.SignalKind
}

// inTime asks one source. One that errs or hangs becomes a blind spot, once, and
// is not asked again in this survey; ok is false then. A question that outlives
// its time is left behind, and while it is out its source is not asked at all.
func inTime[T any](ctx context.Context, s *survey, a source, ask func(context.Context) (T, error)) (answer T, ok bool) {
	s.mu.Lock()
	failed := s.failed[a.name]
	s.mu.Unlock()
	if failed {
		return answer, false
	}
	if s.seeing.out(a.name, 0) > 0 {
		s.trouble(a, fmt.Errorf("it has not answered an earlier question yet"))
		return answer, false
	}
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	type result struct {
		answer T
		err    error
	}
	came := make(chan result, 1)
	go func() {
		defer cancel()
		var r result
		r.err = guarded("asking "+a.name, "", func() (err error) {
			r.answer, err = ask(ctx)
			return err
		})
		came <- r
	}()
	select {
	case r := <-came:
		if r.err != nil {
			s.trouble(a, r.err)
		}
		return r.answer, r.err == nil
	case <-ctx.Done():
	}
	select {
	case <-came: // it noticed
	case <-time.After(askPatience / 50):
		s.seeing.out(a.name, 1)
		go func() {
			<-came
			s.seeing.out(a.name, -1)
		}()
	}
	s.trouble(a, fmt.Errorf("it did not answer within %s", askPatience))
	return answer, false
}
