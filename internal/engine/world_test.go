package engine

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/mask"
	"github.com/pitwall/pitwall/internal/monitor"
	"github.com/pitwall/pitwall/internal/playbook"
	"github.com/pitwall/pitwall/internal/policy"
	"github.com/pitwall/pitwall/internal/record"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/store/sqlite"
	"github.com/pitwall/pitwall/playbooks"
)

// begin is when the shop opens; the bad deploy comes at begin+broken.
var begin = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const broken = 45 * time.Second

// quick are the demo's settings, with less traffic asked for.
func quick() Settings {
	return Settings{
		Tick: 2 * time.Second, Settle: 2 * time.Second, Baseline: 30 * time.Second, OnsetLookback: 60 * time.Second,
		DiagnoseMin: 10 * time.Second, DiagnoseMax: 60 * time.Second, StepMax: 40 * time.Second, Watch: 6 * time.Second,
		VerifyMin: 250, VerifyMax: 60 * time.Second, Deadline: 20 * time.Minute, LeaseTTL: 5 * time.Second,
		Retry: 2 * time.Second, MaxTries: 3, MinRequests: 40, Alpha: 0.01, Margin: 0.1, PublicURL: "http://pitwall.example",
	}
}

// world is everything around the engine, under a clock that only tick moves.
// Only the edges are fake: the shop's traffic, the log its spans go to, the
// controller and, unless a test asks for the real one, the repository.
type world struct {
	t       *testing.T
	now     time.Time
	set     Settings
	slos    []pitwall.SLO
	policy  *policy.Policy
	books   []pitwall.Playbook
	shop    *shop
	spans   *fakeSpans
	target  *fakeTarget
	repo    pitwall.Repository // nil: none is configured
	db      *sqlite.DB
	dir     string             // where db keeps its files
	events  pitwall.EventStore // db, unless a test puts trouble in between
	clock   func() time.Time
	kill    func(point) bool
	deploys []deployment
	totals  pitwall.OperationReader // nil: operations are not watched
	opens   bool                    // findings open plans
	starts  int
	life    *life
}

// deployment is what a developer does at a moment.
type deployment struct {
	at time.Duration
	do func(*world)
}

// newWorld makes the flagship's world, not yet started: inventory v41 replies
// ten times as much as v40 from begin+broken on, among an innocent deploy.
func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	db, err := sqlite.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, dir: dir, now: begin, set: quick(), db: db, spans: &fakeSpans{}, target: newFakeTarget(), repo: &fakeRepository{}}
	w.events, w.clock = db, func() time.Time { return w.now }
	w.slos = []pitwall.SLO{w.objective("checkout-latency", pitwall.SLI{Kind: pitwall.SLILatency, Service: "checkout", Operation: "POST /checkout", Threshold: 500 * time.Millisecond})}
	if w.policy, err = policy.Default(); err != nil {
		t.Fatal(err)
	}
	if w.books, err = playbook.Load(playbooks.FS); err != nil {
		t.Fatal(err)
	}
	w.shop = &shop{seed: 1, perSecond: 30, pages: 0.2, route: w.target.weights, next: begin, arrivals: rand.New(rand.NewPCG(1, 1)),
		traits: map[pitwall.Version]trait{"v40": {reply: 8100}, "v41": {reply: 85e3}}}
	w.deploys = []deployment{
		{broken - 20*time.Second, func(w *world) { w.announce("payment", "v8", "v7", "retry header") }},
		{broken, func(w *world) {
			w.target.deploy("v41")
			w.announce("inventory", "v41", "v40", "items carry full SKU details")
		}},
	}
	return w
}

func (w *world) objective(name pitwall.SLOName, sli pitwall.SLI) pitwall.SLO {
	w.t.Helper()
	const window = 30 * 24 * time.Hour
	tiers, err := slo.Preset("", window)
	if err != nil {
		w.t.Fatal(err)
	}
	return slo.Scale(pitwall.SLO{Name: name, Service: sli.Service, SLI: sli, Target: 0.99, Window: window, Tiers: tiers[:3]}, 60)
}

func (w *world) announce(s pitwall.ServiceName, is, was pitwall.Version, summary string) {
	c := pitwall.Change{ID: pitwall.ChangeID(fmt.Sprintf("deploy-%s-%s", s, is)), At: w.now, Kind: pitwall.ChangeDeploy, Service: s, Version: is,
		PreviousVersion: was, Summary: summary, SeenBy: pitwall.SeenByWebhook}
	w.announced(c)
}

// announced takes a change as the house's doors do.
func (w *world) announced(c pitwall.Change) {
	if _, err := (mask.Changes{ChangeLog: w.db}).AppendChange(context.Background(), c); err != nil {
		w.t.Fatal(err)
	}
}

// start starts a Pitwall on the stores as they are.
func (w *world) start() {
	w.t.Helper()
	w.starts++
	ctx, l := context.Background(), &life{kill: w.kill}
	ledger := slo.NewLedger(w.slos, time.Second)
	c := Config{
		SLOs: w.slos, Ledger: ledger, Policy: w.policy, Books: w.books, Recorder: record.New(mortalEvents{w.events, l}, w.clock),
		Spans: w.spans, Changes: w.db, PageLoads: w.db, Ledgers: mortalLedger{w.db, l}, Leases: mortalLeases{w.db, l},
		Target: mortalTarget{w.target, l}, Settings: w.set, Environment: "test",
		Owner:    func(s pitwall.ServiceName) string { return "team-" + string(s) },
		Instance: fmt.Sprintf("pitwall-%d", w.starts), Now: w.clock, Rand: rand.New(rand.NewPCG(7, uint64(w.starts))),
		Log: slog.New(slog.NewTextHandler(w.out(), nil)),
	}
	c.Alerts, c.Outbox, c.Routes, c.Words = w.db, w.db, mustRoute(w.t), plainWords()
	if w.totals != nil {
		m, err := monitor.New(monitor.Options{})
		if err != nil {
			w.t.Fatal(err)
		}
		c.Operations, c.Monitor, c.Memory = w.totals, m, w.db
		c.Settings.FindingsOpen = func(pitwall.ServiceName) bool { return w.opens }
	}
	if w.repo != nil {
		c.Repository = mortalRepository{w.repo, l}
	}
	var err error
	if l.engine, err = New(ctx, c); err != nil {
		w.t.Fatalf("starting for the %d. time: %v", w.starts, err)
	}
	position, err := ledger.Open(ctx, w.db)
	if err != nil {
		w.t.Fatal(err)
	}
	l.engine.position = position
	w.spans.after(position, l.engine.Feed)
	w.life = l
}

// out is where the engine's log goes: into the test's own when it is verbose.
func (w *world) out() io.Writer {
	if testing.Verbose() {
		return w.t.Output()
	}
	return io.Discard
}

// tick lets one tick's time pass, with its traffic, and the engine look once. A
// process that is killed on the way is started again at once.
func (w *world) tick() {
	w.t.Helper()
	w.now = w.now.Add(w.set.Tick)
	w.traffic()
	for w.look(); w.life.gone(); w.look() {
		w.start()
	}
}

// traffic makes what happens in the world up to now, and tells of it.
func (w *world) traffic() {
	for len(w.deploys) > 0 && !w.now.Before(begin.Add(w.deploys[0].at)) {
		w.deploys[0].do(w)
		w.deploys = w.deploys[1:]
	}
	if list := w.shop.until(w.now); len(list) > 0 {
		w.life.engine.Feed(w.spans.append(list))
	}
}

// look runs one tick of the engine to its end, or to the process's.
func (w *world) look() {
	e, over := w.life.engine, make(chan struct{})
	go func() {
		defer close(over)
		var work sync.WaitGroup
		defer work.Wait()
		e.tick(context.Background(), &work)
	}()
	<-over
}

// pass lets time pass.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	for end := w.now.Add(d); w.now.Before(end); {
		w.tick()
	}
}

// until ticks until the only plan is in one of the states.
func (w *world) until(states ...pitwall.State) pitwall.Plan {
	w.t.Helper()
	return w.when(fmt.Sprintf("the plan is %v", states), func(p pitwall.Plan) bool { return slices.Contains(states, p.State) })
}

// step ticks until a step of the change is seen to be done.
func (w *world) step(id string) pitwall.Plan {
	w.t.Helper()
	return w.when("step "+id+" is done", func(p pitwall.Plan) bool { r := runOf(p, id); return r != nil && r.Done != nil })
}

func (w *world) when(what string, yes func(pitwall.Plan) bool) pitwall.Plan {
	w.t.Helper()
	const patience = 15 * time.Minute
	for end := w.now.Add(patience); w.now.Before(end); w.tick() {
		if p := w.plan(); p.ID != "" && yes(p) {
			return p
		}
	}
	p := w.plan()
	w.t.Fatalf("after %s it is still not so that %s: plan %q is %q (%s), waiting for %q\n%s",
		patience, what, p.ID, p.State, p.Reason, w.life.engine.Live(p.ID).Waiting, strings.Join(story(p), "\n"))
	return p
}

// plan is the newest plan, a zero Plan when there is none.
func (w *world) plan() pitwall.Plan {
	all := w.life.engine.all()
	if len(all) == 0 {
		return pitwall.Plan{}
	}
	return all[len(all)-1]
}

func (w *world) waiting() string { return w.life.engine.Live(w.plan().ID).Waiting }

// act does what a person asks, and fails the test if it is refused.
func (w *world) act(action string) pitwall.ActResult {
	w.t.Helper()
	res, err := w.try(action)
	if err != nil {
		w.t.Fatalf("%s: %v", action, err)
	}
	return res
}

func (w *world) try(action string) (pitwall.ActResult, error) {
	return w.life.engine.Act(context.Background(), pitwall.ActRequest{Plan: w.plan().ID, Action: action, By: "kim", Reason: "because of " + action})
}

// story is a plan's events in short: type and state reached.
func story(p pitwall.Plan) []string {
	var list []string
	for _, ev := range p.Events {
		line := string(ev.Type)
		if ev.To != ev.From {
			line += " > " + string(ev.To)
		}
		list = append(list, line)
	}
	return list
}

// effects checks what was done to the world, in order: the weight of v40 after
// each effect. Nothing may have happened twice.
func (w *world) effects(want ...int) {
	w.t.Helper()
	got, err := w.target.shares()
	if err != nil {
		w.t.Error(err)
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("the weights of v40 went %v, want %v", got, want)
	}
}

// sound checks what must hold whatever happened: the record is whole, a new
// process reads the same plans from it, and no request was counted twice or
// lost.
func (w *world) sound() {
	w.t.Helper()
	ctx, e := context.Background(), w.life.engine
	if _, err := e.VerifyRecord(ctx); err != nil {
		w.t.Errorf("the record is damaged: %v", err)
	}
	if err := e.flush(ctx); err != nil {
		w.t.Error(err)
	}
	before, plans := e.c.Ledger, e.all()
	w.kill = nil
	w.start()
	fresh := slo.NewLedger(w.slos, time.Second)
	w.spans.after(0, func(_ uint64, b *pitwall.SpanBatch) { fresh.Feed(b) })
	for _, s := range w.slos {
		in := pitwall.Period{From: begin, To: w.now.Add(time.Minute)}
		want := fresh.Sum(s.Name, in)
		for name, l := range map[string]*slo.Ledger{"ledger": before, "ledger after a restart": w.life.engine.c.Ledger} {
			if got := l.Sum(s.Name, in); got != want {
				w.t.Errorf("%s of %s: %+v, the spans say %+v", name, s.Name, got, want)
			}
		}
	}
	for i, p := range w.life.engine.all() {
		if p.Seq != plans[i].Seq || p.State != plans[i].State {
			w.t.Errorf("%s reads back as %s at %d, it was %s at %d", p.ID, p.State, p.Seq, plans[i].State, plans[i].Seq)
		}
	}
}
