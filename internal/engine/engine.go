package engine

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/monitor"
	"github.com/pitwall/pitwall/internal/policy"
	"github.com/pitwall/pitwall/internal/record"
	"github.com/pitwall/pitwall/internal/route"
	"github.com/pitwall/pitwall/internal/slo"
)

// prefetched bounds what a tick reads ahead of the ledger's older steps.
const prefetched = 1000

// Actor is the name under which Pitwall itself acts.
const Actor = "pitwall"

// Config is everything an Engine works with; cli fills it.
type Config struct {
	SLOs     []pitwall.SLO
	Ledger   *slo.Ledger
	Policy   *policy.Policy
	Books    []pitwall.Playbook
	Recorder *record.Recorder

	Spans      pitwall.SpanReader
	Metrics    pitwall.MetricReader // nil: no metrics store
	Profiles   pitwall.ProfileReader
	Changes    pitwall.ChangeLog
	PageLoads  pitwall.PageLoads
	Ledgers    pitwall.LedgerStore
	Leases     pitwall.Leases
	Target     pitwall.Target     // nil: nothing may be changed
	Repository pitwall.Repository // nil: nothing can be enforced
	Health     []pitwall.Health
	KPIs       []pitwall.KPI

	// What only Telemetry reads; each may be nil.
	Operations  pitwall.OperationReader // nil: totals are those of a sample
	Logs        pitwall.LogReader       // a diagnosis reads it, too
	Measured    pitwall.MeasuredReader  // typed numbers for a diagnosis; nil: it has none
	Controls    []pitwall.ServiceName   // that Target may change; nil: asked of those with objectives
	Volumes     func(context.Context) []pitwall.SignalVolume
	Cardinality func(context.Context) (*pitwall.Cardinality, error)

	// Problem says why an objective cannot be counted; empty: it can. Nil: all can.
	Problem func(pitwall.SLOName) string
	Routes  *route.Routes    // who hears of what; nil: nobody
	Alerts  pitwall.AlertLog // where what fired is kept beside what others said; nil: nowhere
	Outbox  route.Outbox     // nil: nothing is told, and nothing remembered of what fires
	Words   Words
	// Unwritten is called with pages that could not be written down, as on a full
	// disk: somebody must be woken all the same. May be nil.
	Unwritten func([]pitwall.Delivery)
	Told      func() // called when deliveries were written down; may be nil

	Monitor *monitor.Monitor // follows every operation; nil: none is
	Memory  pitwall.Memory   // keeps what it learnt; nil: it learns anew at each start

	Settings    Settings
	Environment string // a fact for policy
	Owner       func(pitwall.ServiceName) string
	Instance    string // names this process in leases
	Now         func() time.Time
	Rand        *rand.Rand
	Log         *slog.Logger
}

// Settings are the times and limits of the loop. All must be positive.
type Settings struct {
	Tick          time.Duration // how often everything is looked at
	Settle        time.Duration // how late telemetry may be; younger data is not judged
	Baseline      time.Duration // length of the frozen picture of normal
	OnsetLookback time.Duration // how far back a beginning is searched
	DiagnoseMin   time.Duration // shortest regressed period that is diagnosed
	DiagnoseMax   time.Duration // after this without a cause a person is asked
	StepMax       time.Duration // longest time of one canary step
	Watch         time.Duration // after promotion, before verification
	VerifyMin     int64         // requests wanted on each side of the proof
	VerifyMax     time.Duration // longest time of the verification
	Deadline      time.Duration // default deadline of a plan
	LeaseTTL      time.Duration
	Retry         time.Duration // between two tries of a failed effect
	MaxTries      int           // tries of one effect before the plan is held
	MinRequests   int           // requests on the treatment before a canary may pass
	Alpha         float64       // bound on the false-rollback rate of one release
	Margin        pitwall.Ratio // worse by less is not worse
	Confirm       int           // looks in a row in which a condition holds before its tier fires; 0: 1
	PublicURL     string
	// FindingsOpen says whether what is found in a service, though no objective
	// burns, opens a plan. Nil: never.
	FindingsOpen func(pitwall.ServiceName) bool
}

// check refuses settings with which the loop would wait for ever, or not at all.
func (s Settings) check() error {
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"tick", s.Tick}, {"settle", s.Settle}, {"baseline", s.Baseline}, {"onset_lookback", s.OnsetLookback},
		{"diagnose_min", s.DiagnoseMin}, {"diagnose_max", s.DiagnoseMax}, {"canary.step_max", s.StepMax}, {"watch", s.Watch},
		{"verify.min_requests", time.Duration(s.VerifyMin)}, {"verify.max", s.VerifyMax}, {"deadline", s.Deadline},
		{"lease_ttl", s.LeaseTTL}, {"retry", s.Retry}, {"max_tries", time.Duration(s.MaxTries)},
	} {
		if d.value <= 0 {
			return &pitwall.Error{Op: "starting engine", Kind: pitwall.Invalid, ID: "engine." + d.key,
				Err: errors.New("it must be positive"), Hint: "set engine." + d.key + " in pitwall.yaml"}
		}
	}
	return nil
}

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
	e.feed.Lock()
	save := e.c.Ledger.Dirty()
	save.Position = e.position
	e.feed.Unlock()
	if len(save.Steps)+len(save.Chunks)+len(save.Through) == 0 {
		return nil
	}
	if err := e.c.Ledgers.SaveLedger(ctx, save); err != nil {
		e.c.Ledger.Keep(save) // not lost: the next flush tries again
		return err
	}
	e.c.Ledger.Saved(save)
	return nil
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
// being worked on already; a slow target holds up its own plan only.
func (e *Engine) tick(ctx context.Context, work *sync.WaitGroup) {
	if err := e.flush(ctx); err != nil {
		e.log.Error("Ledger not saved", "err", err)
	}
	if err := e.c.Ledger.Prefetch(ctx, e.c.Now(), prefetched); err != nil && ctx.Err() == nil {
		e.log.Warn("Older steps of the ledger not read ahead", "err", err)
	}
	e.seeing.observe(e.Health())
	e.record.Lock()
	err := e.current(ctx)
	e.record.Unlock()
	if err != nil {
		e.log.Error("Record not read, so nothing is done", "err", err)
		return
	}
	if err := e.look(ctx); err != nil {
		e.log.Error("Objectives not all looked at", "err", err)
	}
	if err := e.tell(ctx); err != nil {
		e.log.Error("Nobody is told of what fires", "err", err)
	}
	e.sense(ctx, work)
	e.creep(ctx, work)
	for _, p := range e.open() {
		if !e.take(p.ID) {
			continue
		}
		work.Add(1)
		go func() {
			defer work.Done()
			defer e.give(p.ID)
			if err := e.refresh(ctx, p); err != nil {
				e.log.Warn("Live view not refreshed", "plan", p.ID, "err", err)
			}
			e.advance(ctx, p.ID)
		}()
	}
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
