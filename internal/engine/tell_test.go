package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/route"
)

// everything goes to one receiver of plans and one of alarms.
const everything = `
receivers:
  - {name: plans, webhook: {url: "http://127.0.0.1:1", secret_file: none}}
  - {name: people, webhook: {url: "http://127.0.0.1:1", secret_file: none}}
routes:
  - {match: {kind: [plan]}, to: [plans]}
  - {to: [people], group_by: [service], wait: 0s, interval: 1s}
`

func mustRoute(t *testing.T) *route.Routes {
	t.Helper()
	routes, err := route.Parse("everything", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	return routes
}

// plainWords stand in for report's.
func plainWords() Words {
	return Words{
		Plan: func(p pitwall.Plan, _ pitwall.SLO, from pitwall.State) pitwall.Message {
			return pitwall.Message{Kind: pitwall.MessagePlan, Action: pitwall.ActionInform, Thread: string(p.ID), Service: p.Service, Plan: p.ID, From: from, To: p.State,
				Title: fmt.Sprintf("%s: %s", p.ID, p.State)}
		},
		Alarm: func(a pitwall.Alarm) string { return string(a.SLO) + " " + a.State.Tier.Name },
	}
}

// told lists what was written down for a receiver, the oldest first.
func (w *world) told(receiver string) (list []pitwall.Message) {
	w.t.Helper()
	all, err := w.db.Deliveries(context.Background(), receiver, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range slices.Backward(all) {
		list = append(list, d.Message)
	}
	return list
}

// heard checks that people heard of every transition of a plan, once and in
// order, and of what burned.
func (w *world) heard(p pitwall.Plan) {
	w.t.Helper()
	w.tick() // what was recorded in the last tick is told in the next
	var want, got []string
	for _, ev := range p.Events {
		if ev.From != ev.To {
			want = append(want, fmt.Sprintf("event-%d %s", ev.Seq, ev.To))
		}
	}
	for _, m := range w.told("plans") {
		got = append(got, m.ID+" "+string(m.To))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("what people heard of %s (-want +got):\n%s", p.ID, diff)
	}
	fired := 0
	for _, m := range w.told("people") {
		if m.Kind == pitwall.MessageAlarm && strings.Contains(m.Title+m.Text, string(p.SLO)) {
			fired++
		}
	}
	if fired == 0 {
		w.t.Errorf("nobody heard that %s burned", p.SLO)
	}
}

// TestAlarmsOutliveAProcess: the next process says at once what fired in the last
// one, before it has looked at anything, as a receiver of the present state knows it.
func TestAlarmsOutliveAProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.step("canary-10")
	firing := func() (list []string) {
		for _, a := range w.life.engine.Alarms() {
			if a.Firing() {
				list = append(list, fmt.Sprintf("%s of %s, plan %s, %s, since %s", a.ID, a.Owner, a.Plan, a.Link, a.Since))
			}
		}
		return list
	}
	before := firing()
	w.start()
	if diff := cmp.Diff(before, firing()); diff != "" || len(before) == 0 {
		t.Errorf("%d alarms fired (-before +after):\n%s", len(before), diff)
	}
}

// fullBox is an outbox that cannot be written while full.
type fullBox struct {
	route.Outbox
	full bool
}

func (b *fullBox) PutDeliveries(ctx context.Context, state []byte, list []pitwall.Delivery) (int, error) {
	if b.full {
		return 0, pitwall.Errorf(pitwall.Unavailable, "storing deliveries", "no space left on device")
	}
	return b.Outbox.PutDeliveries(ctx, state, list)
}

// TestFullDiskStillPages: what cannot be written down is handed on if it pages,
// and is written with the rest once there is room.
func TestFullDiskStillPages(t *testing.T) {
	w := newWorld(t)
	w.start()
	e := w.life.engine
	box := &fullBox{Outbox: w.db, full: true}
	var handed []string
	e.c.Outbox, e.c.Unwritten = box, func(list []pitwall.Delivery) {
		for _, d := range list {
			handed = append(handed, d.Message.ID)
		}
	}
	w.until(pitwall.Baselined)
	if len(handed) == 0 || len(w.told("people")) != 0 {
		t.Fatalf("handed on %v, written %v", handed, w.told("people"))
	}
	box.full = false
	w.tick()
	var written []string
	for _, m := range w.told("people") {
		written = append(written, m.ID)
	}
	for _, id := range handed {
		if !slices.Contains(written, id) {
			t.Errorf("%s is not in the outbox: %v", id, written)
		}
	}
	if w.told("plans") == nil {
		t.Error("what happened to the plan meanwhile is not told")
	}
}
