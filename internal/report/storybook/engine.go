package storybook

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

// Engine serves the book as a running Pitwall would serve its plans. Acting on
// a plan moves it as far as a fixture can: notes and holds are recorded, so
// that live updates can be seen.
type Engine struct {
	now func() time.Time

	mu     sync.Mutex
	cases  []Case
	events []pitwall.Event
	grew   chan struct{} // closed when an event is added
}

// NewEngine gives an engine over the whole book; with no case names it holds
// all of them.
func NewEngine(now func() time.Time, names ...string) *Engine {
	e := &Engine{now: now, grew: make(chan struct{})}
	for _, c := range Plans() {
		if len(names) == 0 || slices.Contains(names, c.Name) {
			e.cases = append(e.cases, c)
			e.events = append(e.events, c.Plan.Events...)
		}
	}
	slices.SortFunc(e.events, func(a, b pitwall.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	return e
}

// Plans lists every plan.
func (e *Engine) Plans(context.Context) ([]pitwall.Plan, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]pitwall.Plan, 0, len(e.cases))
	for _, c := range e.cases {
		list = append(list, c.Plan)
	}
	return list, nil
}

// Plan gives one plan.
func (e *Engine) Plan(_ context.Context, id pitwall.PlanID) (pitwall.Plan, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.find(id); c != nil {
		return c.Plan, nil
	}
	return pitwall.Plan{}, &pitwall.Error{Op: "reading plan", Kind: pitwall.NotFound, ID: string(id), Err: fmt.Errorf("no such plan"), Hint: "pitwall plan list"}
}

func (e *Engine) find(id pitwall.PlanID) *Case {
	for i := range e.cases {
		if e.cases[i].Plan.ID == id {
			return &e.cases[i]
		}
	}
	return nil
}

// Live gives what is known beyond the record.
func (e *Engine) Live(id pitwall.PlanID) pitwall.Live {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.find(id); c != nil {
		return c.Live
	}
	return pitwall.Live{}
}

// SetLive changes what is known beyond the record, as the next tick would.
func (e *Engine) SetLive(id pitwall.PlanID, l pitwall.Live) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.find(id); c != nil {
		c.Live = l
	}
}

// SLOs lists the objectives.
func (e *Engine) SLOs() []pitwall.SLO { return SLOs() }

// Budget gives the budget of one objective.
func (e *Engine) Budget(ctx context.Context, name pitwall.SLOName) (pitwall.ErrorBudget, error) {
	all, err := e.Budgets(ctx)
	for _, b := range all {
		if b.SLO == name {
			return b, err
		}
	}
	return pitwall.ErrorBudget{}, pitwall.Errorf(pitwall.NotFound, "reading SLO", "no such SLO")
}

// Budgets gives one budget that burns, one that is calm, and one without data.
func (e *Engine) Budgets(context.Context) ([]pitwall.ErrorBudget, error) {
	slos, now := SLOs(), e.now()
	quiet := len(e.cases) == 0
	first := Budget(slos[0], now, 0.38, 74.8)
	if quiet {
		first = Budget(slos[0], now, 0.21, 0.6)
		return []pitwall.ErrorBudget{first, Budget(slos[1], now, 0.12, 0.3), Budget(slos[2], now, 0.05, 0.2)}, nil
	}
	return []pitwall.ErrorBudget{first, Budget(slos[1], now, 0.12, 0.3), {SLO: slos[2].Name, At: now, Target: slos[2].Target}}, nil
}

// BudgetSeries gives counts that go bad at the onset.
func (e *Engine) BudgetSeries(_ context.Context, name pitwall.SLOName, p pitwall.Period, step time.Duration) ([]pitwall.LedgerStep, error) {
	if !slices.ContainsFunc(SLOs(), func(s pitwall.SLO) bool { return s.Name == name }) {
		return nil, &pitwall.Error{Op: "reading SLO", Kind: pitwall.NotFound, ID: string(name), Err: fmt.Errorf("no such SLO"), Hint: "pitwall slo list"}
	}
	var list []pitwall.LedgerStep
	n := int(p.Duration() / max(step, time.Second))
	for i := range n {
		s := pitwall.LedgerStep{SLO: name, Start: p.From.Add(time.Duration(i) * step).Unix(), Counts: pitwall.Counts{Good: 280, Bad: uint64(i % 3)}}
		if i > n*3/4 && i < n*7/8 {
			s.Counts = pitwall.Counts{Good: 80, Bad: 200}
		}
		list = append(list, s)
	}
	return list, nil
}

// Act records a note or a hold; everything else is refused as not in the book.
func (e *Engine) Act(_ context.Context, r pitwall.ActRequest) (pitwall.ActResult, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.find(r.Plan)
	switch {
	case c == nil:
		return pitwall.ActResult{}, &pitwall.Error{Op: "acting on plan", Kind: pitwall.NotFound, ID: string(r.Plan), Err: fmt.Errorf("no such plan"), Hint: "pitwall plan list"}
	case r.By == "" || r.Reason == "":
		return pitwall.ActResult{}, &pitwall.Error{Op: "acting on plan", Kind: pitwall.Invalid, ID: string(r.Plan), Err: fmt.Errorf("who and why are needed"), Hint: "give by and reason"}
	case c.Plan.State.Final():
		return pitwall.ActResult{}, &pitwall.Error{Op: "acting on plan", Kind: pitwall.Conflict, ID: string(r.Plan), Err: fmt.Errorf("the plan is over")}
	}
	t, to, did := pitwall.EventNote, c.Plan.State, "added a note"
	switch r.Action {
	case "note":
	case "hold":
		t, to, did = pitwall.EventHeld, pitwall.Held, "put on hold; traffic stays as it is"
	case "approve":
		t, to, did = pitwall.EventApproved, pitwall.Approved, "approved"
	default:
		return pitwall.ActResult{}, &pitwall.Error{Op: "acting on plan", Kind: pitwall.Conflict, ID: string(r.Plan), Err: fmt.Errorf("the storybook cannot %s", r.Action)}
	}
	if r.DryRun {
		return pitwall.ActResult{Plan: r.Plan, State: to, Did: "would have " + did}, nil
	}
	e.append(c, t, to, r)
	return pitwall.ActResult{Plan: r.Plan, State: to, Did: did}, nil
}

func (e *Engine) append(c *Case, t pitwall.EventType, to pitwall.State, r pitwall.ActRequest) {
	seq := uint64(len(e.events))
	w := &writer{p: c.Plan, now: e.now(), seq: &seq}
	w.p.Events = slices.Clone(c.Plan.Events)
	reached := make(map[pitwall.State]time.Time, len(c.Plan.Reached))
	for s, when := range c.Plan.Reached {
		reached[s] = when
	}
	w.p.Reached = reached
	var data any = pitwall.ReasonData{Reason: r.Reason}
	if t == pitwall.EventApproved && w.p.Decision != nil {
		d := *w.p.Decision
		d.Result, d.By, d.Reason = pitwall.DecisionAllow, r.By, r.Reason
		w.p.Decision, data = &d, pitwall.DecidedData{Decision: d}
	}
	if to == pitwall.Held {
		w.p.Reason = r.Reason
	}
	w.say(0, t, to, r.By, data)
	c.Plan = w.p
	e.events = append(e.events, w.p.Events[len(w.p.Events)-1])
	close(e.grew)
	e.grew = make(chan struct{})
}

// Events gives events after a sequence number.
func (e *Engine) Events(_ context.Context, after uint64, limit int) ([]pitwall.Event, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []pitwall.Event
	for _, ev := range e.events {
		if ev.Seq > after && (limit <= 0 || len(list) < limit) {
			list = append(list, ev)
		}
	}
	return list, nil
}

// WaitEvents returns when the record is longer than after.
func (e *Engine) WaitEvents(ctx context.Context, after uint64) error {
	for {
		e.mu.Lock()
		grew, last := e.grew, uint64(0)
		if n := len(e.events); n > 0 {
			last = e.events[n-1].Seq
		}
		e.mu.Unlock()
		if last > after {
			return nil
		}
		select {
		case <-grew:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// VerifyRecord checks that the book's events are without gaps.
func (e *Engine) VerifyRecord(context.Context) (uint64, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, ev := range e.events {
		if i > 0 && ev.Seq <= e.events[i-1].Seq {
			return uint64(i), pitwall.Errorf(pitwall.Internal, "verifying record", "event %d comes after %d", ev.Seq, e.events[i-1].Seq)
		}
	}
	return uint64(len(e.events)), nil
}

// Health says that one source is down.
func (e *Engine) Health() []pitwall.SourceHealth {
	now := e.now()
	list := []pitwall.SourceHealth{
		{Name: "otlp/traces", Signal: pitwall.SignalTraces, Up: true, LastSeen: now.Add(-2 * time.Second), Lag: 1.4, Accepted: 284_112, Blind: "latency, errors and calls of every service"},
		{Name: "otlp/metrics", Signal: pitwall.SignalMetrics, Up: true, LastSeen: now.Add(-4 * time.Second), Accepted: 61_904},
		{Name: "pprof checkout", Signal: pitwall.SignalProfiles, Up: true, LastSeen: now.Add(-3 * time.Second), Accepted: 72},
	}
	if len(e.cases) > 0 {
		list = append(list, pitwall.SourceHealth{Name: "pprof orders", Signal: pitwall.SignalProfiles, Up: false, LastSeen: now.Add(-4 * time.Minute), Rejected: 18, Message: "connection refused",
			Blind: "what orders spends its CPU on"})
	}
	return list
}

// Trace gives a small trace for one known id.
func (e *Engine) Trace(_ context.Context, id pitwall.TraceID) (*pitwall.SpanBatch, error) {
	if id != (pitwall.TraceID{1}) {
		return nil, &pitwall.Error{Op: "reading trace", Kind: pitwall.NotFound, ID: fmt.Sprintf("%x", id[:]), Err: fmt.Errorf("no such trace")}
	}
	b := &pitwall.SpanBatch{}
	b.Add(pitwall.SpanRow{TraceID: id, SpanID: 1, Start: at(onsetAt), Duration: 1420 * time.Millisecond, Service: "checkout", Version: "v12", Operation: "POST /checkout", Kind: pitwall.SpanServer, ReqBytes: 512, RespBytes: 874})
	b.Add(pitwall.SpanRow{TraceID: id, SpanID: 2, ParentID: 1, Start: at(onsetAt + 20*time.Millisecond), Duration: 1190 * time.Millisecond, Service: "checkout", Version: "v12", Operation: "POST /v1/items/lookup", Peer: "inventory", Kind: pitwall.SpanClient, ReqBytes: 90, RespBytes: 85_400})
	return b, nil
}
