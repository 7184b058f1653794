package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/route"
	"github.com/pitwall/pitwall/internal/store/sqlite"
)

var _ route.Outbox = (*sqlite.DB)(nil)

// TestTheOutboxSurvives: what was written down is there after a restart, with
// the state that made it.
func TestTheOutboxSurvives(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	now := time.Unix(1e9, 0).UTC()
	d := pitwall.Delivery{Receiver: "chat", At: now, Next: now, Message: pitwall.Message{ID: "1", Thread: "t", Title: "x"}}
	if _, err := db.PutDeliveries(t.Context(), []byte(`{"groups":{}}`), []pitwall.Delivery{d}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir)
	got, err := db.DueDeliveries(t.Context(), "chat", now, 10)
	if err != nil || len(got) != 1 || got[0].Message.Title != "x" {
		t.Errorf("%+v, %v", got, err)
	}
	data, err := db.RouterState(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := route.ReadState(data); err != nil {
		t.Error(err)
	}
}

// BenchmarkDueDeliveries asks an outbox in which much was done and much waits.
func BenchmarkDueDeliveries(b *testing.B) {
	db := open(b, b.TempDir())
	now := time.Unix(1e9, 0).UTC()
	var list []pitwall.Delivery
	for i := range 20_000 {
		d := pitwall.Delivery{Receiver: fmt.Sprint("r", i%10), At: now, Next: now, Message: pitwall.Message{ID: fmt.Sprint(i), Thread: fmt.Sprint("t", i%997)}}
		if i%2 == 0 {
			d.Done = now
		}
		list = append(list, d)
	}
	if _, err := db.PutDeliveries(b.Context(), nil, list); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if got, err := db.DueDeliveries(b.Context(), "r1", now, 20); err != nil || len(got) != 20 {
			b.Fatal(len(got), err)
		}
	}
}

// TestPagesDoNotWaitBehindNotes: a page leaves before what was written down
// earlier and wakes nobody, and never before what its own thread said earlier.
func TestPagesDoNotWaitBehindNotes(t *testing.T) {
	db := open(t, t.TempDir())
	now := time.Unix(1e9, 0).UTC()
	var list []pitwall.Delivery
	put := func(id, thread string, a pitwall.Action) {
		list = append(list, pitwall.Delivery{Receiver: "chat", At: now, Next: now, Message: pitwall.Message{ID: id, Thread: thread, Action: a}})
	}
	for i := range 60 {
		put(fmt.Sprint("note", i), fmt.Sprint("PIP-", i), pitwall.ActionInform)
	}
	put("later", "PIP-0", pitwall.ActionPage)
	put("page", "alarms-a", pitwall.ActionPage)
	if _, err := db.PutDeliveries(t.Context(), nil, list); err != nil {
		t.Fatal(err)
	}
	got, err := db.DueDeliveries(t.Context(), "chat", now, 2)
	if err != nil || len(got) != 2 || got[0].Message.ID != "page" || got[1].Message.ID != "note0" {
		t.Errorf("%+v, %v", got, err)
	}
}
