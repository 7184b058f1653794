package engine

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/route"
	"github.com/pitwall/pitwall/internal/slo"
)

// prefetched bounds what a tick reads ahead of the ledger's older steps.
const prefetched = 1000

// Actor is the name under which Pitwall itself acts.
const Actor = "pitwall"

// Engine runs plans. Make one with New, feed it spans, and Run it.
type Engine struct {
	c   Config
	log *slog.Logger

	feed     sync.Mutex // guards the ledger's dirty steps together with position
	position uint64

	record  sync.Mutex // one event at a time: check, append, fold; guards folded
	folded  uint64     // the last event of the record that was folded in
	mu      sync.Mutex // guards plans, order, listed, live, drawn, busy
	plans   map[pitwall.PlanID]pitwall.Plan
	order   []pitwall.PlanID
	listed  []pitwall.Plan // plans in order, as shown gives them; nil: one moved
	live    map[pitwall.PlanID]pitwall.Live
	drawn   map[pitwall.PlanID]time.Time // when the live chart was made
	busy    map[pitwall.PlanID]bool
	rng     sync.Mutex              // guards c.Rand
	started time.Time               // since when anybody listens; read-only
	seeing  seeing                  // guards itself
	index   map[pitwall.SLOName]int // of c.SLOs; read-only

	watcher   *slo.Watcher
	budgets   []pitwall.ErrorBudget       // of the last look, in the order of c.SLOs; guarded by mu
	alarms    map[string]pitwall.Alarm    // guarded by mu
	firing    map[firingKey]pitwall.Alarm // guarded by mu
	unwritten []pitwall.Delivery          // what the outbox could not take yet; used by the tick alone
	broken    defects                     // guards itself
	calls     calls                       // used by the tick alone
	told      uint64                      // the last event that was told; used by the tick alone
	routing   route.State                 // used by the tick alone
	kept      []byte                      // the memory, as it was written; used by the tick alone
	written   time.Time                   // when kept was; used by the tick alone
	stirred   bool                        // an alarm moved since; used by the tick alone

	unlogged    []pitwall.Alert                          // of alarms; used by the tick alone
	tidied      bool                                     // what a dead process left open in the log of alerts is closed; used by the tick alone
	creeping    creeping                                 // guards itself
	sensing     sensing                                  // guards itself
	accepted    []pitwall.Accepted                       // oldest first; guarded by mu
	corrections []pitwall.Correction                     // oldest first; guarded by mu
	definitions map[pitwall.SLOName][]pitwall.Definition // oldest first; guarded by mu
}

// New reads the record and gives an engine that knows every plan in it.
func New(ctx context.Context, c Config) (*Engine, error) {
	if err := c.Settings.check(); err != nil {
		return nil, err
	}
	e := &Engine{
		c: c, log: c.Log, started: c.Now(),
		plans:       map[pitwall.PlanID]pitwall.Plan{},
		live:        map[pitwall.PlanID]pitwall.Live{},
		drawn:       map[pitwall.PlanID]time.Time{},
		busy:        map[pitwall.PlanID]bool{},
		definitions: map[pitwall.SLOName][]pitwall.Definition{},
		watcher:     slo.NewWatcher(slo.Patience{Confirm: c.Settings.Confirm}),
		index:       make(map[pitwall.SLOName]int, len(c.SLOs)),
	}
	for i, s := range c.SLOs {
		e.index[s.Name] = i
	}
	if err := e.catchUp(ctx); err != nil {
		return nil, err
	}
	if err := e.remember(ctx); err != nil {
		return nil, err
	}
	e.raise(ctx, c.Now(), nil) // what fired does until it is looked at: receivers of the present state must not miss a round
	return e, nil
}

// Feed counts a batch of spans into the ledger. The span store calls it with
// every batch in order of position, before the sender hears "accepted".
func (e *Engine) Feed(position uint64, b *pitwall.SpanBatch) {
	e.feed.Lock()
	defer e.feed.Unlock()
	e.c.Ledger.Feed(b)
	e.position = position
}

// flush saves what the ledger counted together with the position up to which
// it counted, so that a restart counts nothing twice and nothing less.
func (e *Engine) flush(ctx context.Context) error {
	save := e.dirty()
	if len(save.Steps)+len(save.Chunks)+len(save.Through) == 0 {
		return nil
	}
	if err := guarded("saving the ledger", "", func() error { return e.c.Ledgers.SaveLedger(ctx, save) }); err != nil {
		e.c.Ledger.Keep(save) // not lost: the next flush tries again
		return err
	}
	e.c.Ledger.Saved(save)
	return nil
}

func (e *Engine) dirty() pitwall.LedgerSave {
	e.feed.Lock()
	defer e.feed.Unlock()
	save := e.c.Ledger.Dirty()
	save.Position = e.position
	return save
}

// Run ticks until ctx ends, then waits for work in flight and flushes.
func (e *Engine) Run(ctx context.Context) error {
	ticker := time.NewTicker(e.c.Settings.Tick)
	defer ticker.Stop()
	var work sync.WaitGroup
	for {
		select {
		case <-ctx.Done():
			work.Wait()
			return e.flush(context.WithoutCancel(ctx))
		case <-ticker.C:
			e.tick(ctx, &work)
		}
	}
}

// tick looks at every objective and starts work on every open plan that is not
// being worked on already; a slow target holds up its own plan only. A defect in
// one of these works is that work's trouble: it ends for this tick, and the
// others go on. The loop may hold a change half way, so it must not end.
func (e *Engine) tick(ctx context.Context, work *sync.WaitGroup) {
	if err := e.spare("saving the ledger", "", func() error { return e.flush(ctx) }); err != nil {
		e.log.Error("Ledger not saved", "err", err)
	}
	ahead := func() error { return e.c.Ledger.Prefetch(ctx, e.c.Now(), prefetched) }
	if err := e.spare("reading the ledger ahead", "", ahead); err != nil && ctx.Err() == nil {
		e.log.Warn("Older steps of the ledger not read ahead", "err", err)
	}
	if err := e.spare("noting how the sources stand", "", func() error { e.seeing.observe(e.Health()); return nil }); err != nil {
		e.log.Warn("Not noted how the sources stand", "err", err)
	}
	if err := e.spare("reading the record", "", func() error { return e.upToDate(ctx) }); err != nil {
		e.log.Error("Record not read, so nothing is done", "err", err)
		return
	}
	if err := e.spare("looking at the objectives", "", func() error { return e.look(ctx) }); err != nil {
		e.log.Error("Objectives not all looked at", "err", err)
	}
	if err := e.spare("telling people", "", func() error { return e.tell(ctx) }); err != nil {
		e.log.Error("Nobody is told of what fires", "err", err)
	}
	e.sense(ctx, work)
	e.creep(ctx, work)
	e.broken.forget(func(id pitwall.PlanID) bool { return e.plan(id).State.Final() })
	for _, p := range e.open() {
		if !e.take(p.ID) {
			continue
		}
		work.Add(1)
		go func() {
			defer work.Done()
			defer e.give(p.ID)
			if err := e.spare(charting, string(p.ID), func() error { return e.refresh(ctx, p) }); err != nil {
				e.log.Warn("Live view not refreshed", "plan", p.ID, "err", err)
			}
			e.advance(ctx, p.ID)
		}()
	}
}

func (e *Engine) upToDate(ctx context.Context) error {
	e.record.Lock()
	defer e.record.Unlock()
	return e.current(ctx)
}

func (e *Engine) take(id pitwall.PlanID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.busy[id] {
		return false
	}
	e.busy[id] = true
	return true
}

func (e *Engine) give(id pitwall.PlanID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.busy, id)
}

// open lists the plans that are not final, oldest first.
func (e *Engine) open() []pitwall.Plan {
	return slices.DeleteFunc(e.all(), func(p pitwall.Plan) bool { return p.State.Final() })
}

func (e *Engine) all() []pitwall.Plan { return slices.Clone(e.shown()) }

// shown lists the plans, oldest first, to be read only: when thousands of
// objectives burn, each asks for all of them at every tick.
func (e *Engine) shown() []pitwall.Plan {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.listed == nil {
		e.listed = make([]pitwall.Plan, 0, len(e.order))
		for _, id := range e.order {
			e.listed = append(e.listed, e.plans[id])
		}
	}
	return e.listed
}

func (e *Engine) plan(id pitwall.PlanID) pitwall.Plan {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.plans[id]
}

func (e *Engine) slo(name pitwall.SLOName) pitwall.SLO {
	if i, known := e.index[name]; known {
		return e.c.SLOs[i]
	}
	return pitwall.SLO{Name: name}
}

// objective is the SLO a plan is about. One that names no operation is looked at
// where its trouble was seen when the plan was opened.
func (e *Engine) objective(p pitwall.Plan) pitwall.SLO {
	s := e.slo(p.SLO)
	s.SLI.Service = cmp.Or(s.SLI.Service, s.Service)
	s.SLI.Operation = cmp.Or(s.SLI.Operation, p.Opened.Regression.Operation)
	return s
}

// dice gives a generator of its own to one piece of work; math/rand's Rand is
// not safe to share.
func (e *Engine) dice() *rand.Rand {
	e.rng.Lock()
	defer e.rng.Unlock()
	return rand.New(rand.NewPCG(e.c.Rand.Uint64(), e.c.Rand.Uint64()))
}

// update changes what is known of a plan beyond its record.
func (e *Engine) update(id pitwall.PlanID, f func(*pitwall.Live)) {
	now := e.c.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.live[id]
	f(&l)
	l.At = now
	e.live[id] = l
}
