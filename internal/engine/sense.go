package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
	"github.com/pitwall/pitwall/internal/monitor"
)

const (
	// replayed is how far back minutes are read again after a start, so that what
	// rang rings again.
	replayed = 6 * time.Hour
	// profiled is how far back hours are read for what a week is like.
	profiled = 28 * 24 * time.Hour
	// acceptedFor is how long an acceptance excuses the change itself: by then its
	// level is what is normal, and a later change to it is another one.
	acceptedFor = 24 * time.Hour
	// senseName is under which the monitor's state is kept.
	senseName = "monitor"
	// sensingFor bounds the reading of old minutes and hours in one go.
	sensingFor = 2 * time.Second
	// sensingWithin is when a go is given up, for a store that does not answer.
	sensingWithin = time.Minute
	// sensingLate is by how much what was seen may lag before it is said.
	sensingLate = 5 * time.Minute
)

// sensing is the watch over operations; mu guards all of it but running, for which
// no tick may wait: a look at 20,000 operations takes a second.
type sensing struct {
	running atomic.Bool
	mu      sync.Mutex
	next    time.Time // beginning of the next minute to read; zero: nothing was read yet
	hour    time.Time // beginning of the next hour to read for the profiles
	live    bool      // what is past was read
	problem string
	ended   time.Time                 // plans that ended until then were told to the monitor
	plans   map[string]pitwall.PlanID // finding → its plan
	refused map[string]string         // finding → why it opened none
	unmet   []detect.Finding          // found, and it could not be written down whether a plan is opened
}

// with does something under the lock, which is given back whatever happens in it.
func (s *sensing) with(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// sense lets the monitor see the minutes that are complete, in the background:
// alarms of objectives do not wait for it.
func (e *Engine) sense(ctx context.Context, work *sync.WaitGroup) {
	if e.c.Monitor == nil || e.c.Operations == nil {
		return
	}
	s := &e.sensing
	if !s.running.CompareAndSwap(false, true) {
		return
	}
	work.Add(1)
	go func() {
		defer work.Done()
		defer s.running.Store(false)
		within, cancel := context.WithTimeout(ctx, sensingWithin)
		defer cancel()
		err := e.spare("watching operations", "", func() error { return e.senseNow(within) })
		s.mu.Lock()
		defer s.mu.Unlock()
		s.problem = ""
		if err != nil && ctx.Err() == nil {
			s.problem = err.Error()
			e.log.Warn("Operations not watched for changes", "err", err)
		}
	}()
}

// senseNow reads what has become complete since the last time, and looks.
func (e *Engine) senseNow(ctx context.Context) error {
	s := &e.sensing
	now := e.c.Now()
	if err := e.awake(ctx, now); err != nil {
		return err
	}
	until := now.Add(-e.c.Settings.Settle)
	stop := now.Add(sensingFor)
	for !s.live && e.c.Now().Before(stop) {
		if err := e.recollect(ctx, until); err != nil {
			return err
		}
	}
	if err := e.meetAll(ctx); err != nil {
		return err
	}
	looked := false
	for s.live && !s.next.Add(monitor.Step).After(until) && e.c.Now().Before(stop) {
		if err := e.senseMinute(ctx, until); err != nil {
			return err
		}
		looked = true
	}
	if !looked {
		return nil
	}
	e.ended()
	return e.keepSensed(ctx)
}

// awake restores what an earlier process knew.
func (e *Engine) awake(ctx context.Context, now time.Time) error {
	s := &e.sensing
	if !s.next.IsZero() {
		return nil
	}
	var data []byte
	if e.c.Memory != nil {
		var err error
		if data, err = e.c.Memory.Recall(ctx, senseName); err != nil {
			return fmt.Errorf("reading what was normal: %w", err)
		}
	}
	accepted := e.acceptances()
	s.mu.Lock()
	defer s.mu.Unlock()
	through, err := e.c.Monitor.Restore(data)
	if err != nil {
		e.log.Warn("What was normal cannot be read and is learnt anew", "err", err)
	}
	for _, a := range accepted { // one that was recorded and not kept any more
		if until := a.At.Add(acceptedFor); until.After(now) {
			e.c.Monitor.Accept(a.Finding, a.Reason, a.At, until)
		}
	}
	s.hour = now.Add(-profiled).Truncate(time.Hour)
	if s.ended = now; !through.IsZero() {
		s.ended = through // of what ended since then nobody was told
	}
	s.plans, s.refused = map[string]pitwall.PlanID{}, map[string]string{}
	for _, p := range e.shown() {
		if id := p.Opened.Finding; id != "" {
			s.plans[id] = p.ID
		}
	}
	s.next = now.Add(-replayed).Truncate(monitor.Step)
	return nil
}

// recollect reads one hour for the profiles, or, when those are through, one
// minute of the last hours without looking.
func (e *Engine) recollect(ctx context.Context, until time.Time) error {
	s := &e.sensing
	if s.hour.Add(time.Hour).Before(s.next) {
		totals, err := e.c.Operations.Operations(ctx, pitwall.OperationQuery{Period: pitwall.Period{From: s.hour, To: s.hour.Add(time.Hour)}})
		if err != nil {
			return err
		}
		s.with(func() {
			at := s.hour
			s.hour = s.hour.Add(time.Hour) // first, as of a minute
			e.c.Monitor.Hour(at, totals)
		})
		return nil
	}
	if !s.next.Add(monitor.Step).After(until) {
		return e.readMinute(ctx)
	}
	err := guarded("looking at operations", "", func() error { return e.lookSensed(ctx, until) }) // nothing is said before a look
	s.with(func() { s.live = true })
	return err
}

func (e *Engine) readMinute(ctx context.Context) error {
	s := &e.sensing
	totals, err := e.c.Operations.Operations(ctx, pitwall.OperationQuery{Period: pitwall.Period{From: s.next, To: s.next.Add(monitor.Step)}})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.next
	s.next = s.next.Add(monitor.Step) // first: a minute that a defect ended was taken in part, and must not be taken twice
	e.c.Monitor.Minute(at, totals)
	return nil
}

// senseMinute reads one minute and looks at what rings.
func (e *Engine) senseMinute(ctx context.Context, until time.Time) error {
	if err := e.readMinute(ctx); err != nil {
		return err
	}
	return e.lookSensed(ctx, until)
}

// lookSensed screens what rings.
func (e *Engine) lookSensed(ctx context.Context, until time.Time) error {
	s := &e.sensing
	sight := monitor.Sight{Now: s.next, Planned: e.planned(), Troubles: e.troubles()}
	var screened detect.Screened
	s.with(func() { screened = e.c.Monitor.Look(sight) })
	if until.Sub(s.next) > replayed {
		return nil // old news opens no plan
	}
	for _, f := range screened.Findings {
		e.log.Info("A change was found", "finding", f.ID, "why", f.Why)
	}
	s.unmet = append(s.unmet, screened.Findings...)
	return e.meetAll(ctx)
}

// keepSensed writes down what must survive.
func (e *Engine) keepSensed(ctx context.Context) error {
	if e.c.Memory == nil {
		return nil
	}
	var data []byte
	var err error
	e.sensing.with(func() { data, err = json.Marshal(e.c.Monitor) })
	if err != nil {
		return fmt.Errorf("keeping what is normal: %w", err)
	}
	return e.c.Memory.Remember(ctx, senseName, data)
}
