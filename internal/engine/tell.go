package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/plan"
	"github.com/pitwall/pitwall/internal/route"
	"github.com/pitwall/pitwall/internal/slo"
)

// Words turn what happened into sentences; cli takes them from report. A nil one
// leaves the words out.
type Words struct {
	// Plan words the last transition of a plan, which came from a state.
	Plan func(p pitwall.Plan, s pitwall.SLO, from pitwall.State) pitwall.Message
	// Objective says what an objective promises.
	Objective func(s pitwall.SLO) string
	// Title and Alarm give an alarm's subject and sentence.
	Title, Alarm func(a pitwall.Alarm) string
	// Group words a message about several alarms.
	Group func(m *pitwall.Message)
}

// memory is what the alarms and the router must remember across restarts.
type memory struct {
	Seq    uint64          `json:"seq"` // of the last event that was told
	Router json.RawMessage `json:"router,omitempty"`
	Watch  []slo.Memory    `json:"watch,omitempty"`
}

// remember reads what was kept. Without anything kept, what the record holds is
// history and is not told.
func (e *Engine) remember(ctx context.Context) error {
	if e.c.Outbox == nil {
		return nil
	}
	raw, err := e.c.Outbox.RouterState(ctx)
	if err != nil {
		return fmt.Errorf("reading what was told: %w", err)
	}
	if len(raw) == 0 {
		e.told = e.folded
		return nil
	}
	var was memory
	if err := json.Unmarshal(raw, &was); err != nil {
		return pitwall.Errorf(pitwall.Internal, "reading what was told", "%w", err)
	}
	e.kept, e.told = raw, was.Seq
	if e.routing, err = route.ReadState(was.Router); err != nil {
		return err
	}
	e.watcher.Restore(was.Watch)
	return nil
}

// rewrite is how often what is remembered is written although nobody is told and
// no alarm moved: the numbers of what fires move at every tick, and with thousands
// of alarms they are megabytes.
const rewrite = time.Minute

// tell decides who hears of what fires and of plans that moved, and writes it
// down for the sender together with what was decided.
func (e *Engine) tell(ctx context.Context) error {
	if e.c.Outbox == nil {
		return nil
	}
	plans, seq, err := e.moved(ctx)
	if err != nil {
		return err
	}
	now, router := e.c.Now(), route.Router{Routes: e.c.Routes, Related: e.related(ctx), Word: e.c.Words.Group}
	decision := router.Decide(now, e.Alarms(), plans, e.routing)
	if len(decision.Deliveries) == 0 && !e.stirred && now.Sub(e.written) < rewrite {
		e.told, e.routing = seq, decision.State
		return nil
	}
	next := memory{Seq: seq, Watch: e.watcher.State()}
	if next.Router, err = decision.State.Bytes(); err != nil {
		return err
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return pitwall.Errorf(pitwall.Internal, "keeping what was told", "%w", err)
	}
	waiting := append(e.unwritten, decision.Deliveries...)
	if len(waiting) == 0 && bytes.Equal(raw, e.kept) {
		e.written, e.stirred = now, false
		return nil
	}
	e.told, e.routing = seq, decision.State
	err = guarded("writing down deliveries", "", func() error {
		_, err := e.c.Outbox.PutDeliveries(ctx, raw, waiting)
		return err
	})
	if err != nil {
		e.unwritten = waiting[max(0, len(waiting)-mostUnwritten):]
		if e.c.Unwritten != nil {
			e.c.Unwritten(slices.DeleteFunc(slices.Clone(decision.Deliveries), func(d pitwall.Delivery) bool { return d.Message.Action != pitwall.ActionPage }))
		}
		return err
	}
	e.kept, e.written, e.stirred, e.unwritten = raw, now, false, nil
	if len(waiting) > 0 && e.c.Told != nil {
		e.c.Told()
	}
	return nil
}

// mostUnwritten bounds the messages that wait in memory for a disk to have room.
const mostUnwritten = 10_000

// moved words every transition since the last that was told.
func (e *Engine) moved(ctx context.Context) (list []pitwall.Message, seq uint64, err error) {
	seq = e.told
	for {
		events, err := e.c.Recorder.Events(ctx, seq, 500)
		if err != nil {
			return nil, 0, fmt.Errorf("reading the record: %w", err)
		}
		for _, ev := range events {
			seq = ev.Seq
			if ev.Plan == "" || ev.From == ev.To || e.c.Words.Plan == nil {
				continue
			}
			p, err := e.asOf(ev)
			if err != nil {
				return nil, 0, err
			}
			m := e.wordMove(p, ev)
			m.ID, m.Time = "event-"+strconv.FormatUint(ev.Seq, 10), ev.Time
			list = append(list, m)
		}
		if len(events) == 0 || len(list) > 1000 {
			return list, seq, nil
		}
	}
}

// wordMove words one transition; where a defect stands in the way it is told in
// the fewest words, for everything after it waits for it.
func (e *Engine) wordMove(p pitwall.Plan, ev pitwall.Event) (m pitwall.Message) {
	err := e.spare("wording plan", string(p.ID), func() error {
		m = e.c.Words.Plan(p, e.objective(p), ev.From)
		return nil
	})
	if err != nil {
		m = pitwall.Message{Kind: pitwall.MessagePlan, Action: pitwall.ActionEscalate, Thread: string(p.ID), Service: p.Service, Owner: p.Opened.Owner, Severity: p.Opened.Severity,
			Title: fmt.Sprintf("%s is %s", p.ID, ev.To), Text: p.Reason, Link: e.c.Settings.PublicURL + "/plans/" + string(p.ID), Plan: p.ID, From: ev.From, To: ev.To}
	}
	return m
}

// asOf is a plan as it was when an event had just happened.
func (e *Engine) asOf(ev pitwall.Event) (p pitwall.Plan, err error) {
	for _, old := range e.plan(ev.Plan).Events {
		if old.Seq > ev.Seq {
			break
		}
		if p, err = plan.Apply(p, old); err != nil {
			return p, fmt.Errorf("reading the record: %w", err)
		}
	}
	return p, nil
}
