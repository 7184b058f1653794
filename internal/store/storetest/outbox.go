package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// Outbox keeps messages until they are sent, and receipts of threads: the ports of
// internal/route and internal/notify/slack in one.
type Outbox interface {
	PutDeliveries(ctx context.Context, state []byte, list []pitwall.Delivery) (added int, err error)
	RouterState(ctx context.Context) ([]byte, error)
	DueDeliveries(ctx context.Context, receiver string, now time.Time, limit int) ([]pitwall.Delivery, error)
	MarkDelivery(ctx context.Context, d pitwall.Delivery) error
	Deliveries(ctx context.Context, receiver string, limit int) ([]pitwall.Delivery, error)
	WaitingDeliveries(ctx context.Context) (map[string]int, error)
	PruneDeliveries(ctx context.Context, before time.Time) (int64, error)
	Receipt(ctx context.Context, receiver, thread string) (string, error)
	KeepReceipt(ctx context.Context, receiver, thread, receipt string, at time.Time) error
}

func delivery(receiver, id, thread string, seconds int) pitwall.Delivery {
	return pitwall.Delivery{Receiver: receiver, At: at(seconds), Next: at(seconds), Message: pitwall.Message{
		ID: id, Kind: pitwall.MessageAlarm, Time: at(seconds), Action: pitwall.ActionPage, Thread: thread, Title: "p99 <b> & more",
		OnCall: []string{"Ada"}, Alarms: []pitwall.Alarm{{ID: "a", SLO: "s", Since: at(0), Labels: map[string]string{"team": "shop"}}}}}
}

func outbox(t *testing.T, s Store) {
	ctx := t.Context()
	put := func(want int, state string, list ...pitwall.Delivery) {
		t.Helper()
		added, err := s.PutDeliveries(ctx, []byte(state), list)
		must(t, err)
		equal(t, want, added)
	}
	due := func(receiver string, seconds int, want ...pitwall.Delivery) {
		t.Helper()
		got, err := s.DueDeliveries(ctx, receiver, at(seconds), 10)
		must(t, err)
		equal(t, want, got)
	}
	waiting := func(want map[string]int) {
		t.Helper()
		got, err := s.WaitingDeliveries(ctx)
		must(t, err)
		equal(t, want, got)
	}
	state, err := s.RouterState(ctx)
	must(t, err)
	equal(t, "", string(state))
	waiting(map[string]int{})

	one, two, other := delivery("chat", "1", "t", 1), delivery("chat", "2", "t", 2), delivery("chat", "3", "u", 3)
	put(3, "s1", one, two, other)
	put(1, "s2", one, delivery("mail", "1", "t", 1)) // known to chat, new to mail
	if state, err = s.RouterState(ctx); err != nil || string(state) != "s2" {
		t.Errorf("state %q, %v", state, err)
	}
	waiting(map[string]int{"chat": 3, "mail": 1})
	due("chat", 0)
	due("chat", 9, one, other) // two waits behind one
	// One is tried and must wait; so must two.
	one.Attempts, one.Next, one.Trouble = 1, at(30), "503"
	must(t, s.MarkDelivery(ctx, one))
	due("chat", 9, other)
	due("chat", 30, one, other)
	one.Attempts, one.Done, one.Trouble = 2, at(31), ""
	must(t, s.MarkDelivery(ctx, one))
	due("chat", 31, two, other)
	kind(t, pitwall.NotFound, s.MarkDelivery(ctx, one)) // done stays done
	kind(t, pitwall.NotFound, s.MarkDelivery(ctx, delivery("chat", "none", "t", 1)))
	two.Done, two.Failed, two.Trouble = at(40), true, "given up"
	must(t, s.MarkDelivery(ctx, two))

	list, err := s.Deliveries(ctx, "chat", 2)
	must(t, err)
	equal(t, []pitwall.Delivery{other, two}, list)
	list, err = s.Deliveries(ctx, "", 10)
	must(t, err)
	equal(t, 4, len(list))

	for _, wrong := range []pitwall.Delivery{delivery("", "1", "t", 1), delivery("chat", "", "t", 1), {Receiver: "chat", Message: pitwall.Message{ID: "x"}}} {
		_, err := s.PutDeliveries(ctx, []byte("s3"), []pitwall.Delivery{delivery("chat", "9", "t", 1), wrong})
		kind(t, pitwall.Invalid, err)
	}
	waiting(map[string]int{"chat": 1, "mail": 1}) // all or none
	if state, err = s.RouterState(ctx); err != nil || string(state) != "s2" {
		t.Errorf("state %q, %v", state, err)
	}

	n, err := s.PruneDeliveries(ctx, at(40))
	must(t, err)
	equal(t, int64(1), n)
	list, err = s.Deliveries(ctx, "", 10)
	must(t, err)
	equal(t, 3, len(list))
}

func receipts(t *testing.T, s Store) {
	ctx := t.Context()
	f := func(receiver, thread, want string) {
		t.Helper()
		got, err := s.Receipt(ctx, receiver, thread)
		must(t, err)
		equal(t, want, got)
	}
	f("chat", "t", "")
	must(t, s.KeepReceipt(ctx, "chat", "t", "17.5", at(1)))
	must(t, s.KeepReceipt(ctx, "other", "t", "18.5", at(1)))
	f("chat", "t", "17.5")
	f("other", "t", "18.5")
	f("chat", "u", "")
	must(t, s.KeepReceipt(ctx, "chat", "t", "19.5", at(9)))
	_, err := s.PruneDeliveries(ctx, at(5))
	must(t, err)
	f("chat", "t", "19.5")
	f("other", "t", "")
}

// outboxOrder: what was put first is due first, whatever its ids and times.
func outboxOrder(t *testing.T, s Store) {
	var list []pitwall.Delivery
	for i := range 50 {
		list = append(list, delivery("chat", fmt.Sprint(100-i), fmt.Sprint("thread", i%25), 50-i%7))
	}
	_, err := s.PutDeliveries(t.Context(), nil, list)
	must(t, err)
	got, err := s.DueDeliveries(t.Context(), "chat", at(59), 100)
	must(t, err)
	equal(t, list[:25], got)
}
