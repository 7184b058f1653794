package notify

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitwall/pitwall"
)

// TestUrgent: a page that no outbox could take is sent all the same, tried again
// when the receiver fails, and not sent twice when the outbox has it after all.
func TestUrgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &memory{}
		pager := &receiver{says: func(id string, try int) error {
			if try == 1 {
				return &pitwall.Error{Op: "notifying", Kind: pitwall.Unavailable}
			}
			return nil
		}}
		s := New(Config{Outbox: box, Receivers: map[string]pitwall.Notifier{"pager": pager}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		page := pitwall.Delivery{Receiver: "pager", At: time.Now(), Next: time.Now(), Message: pitwall.Message{ID: "p1", Thread: "t", Action: pitwall.ActionPage}}
		s.Urgent([]pitwall.Delivery{page, {Receiver: "unknown", Message: page.Message}})
		time.Sleep(5 * time.Second)
		pager.want(t, "p1")
		s.Urgent([]pitwall.Delivery{page}) // decided again
		box.add("pager", "p1")             // the disk has room
		time.Sleep(5 * time.Second)
		pager.want(t, "p1")
		if d := box.find("p1"); d.Done.IsZero() || d.Failed {
			t.Errorf("the outbox still holds it: %+v", d)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestUrgentWhileBusy: a page that waited while the receiver was busy, and is in
// the outbox by the time it is looked into, is sent once.
func TestUrgentWhileBusy(t *testing.T) {
	box, pager := &memory{}, &receiver{}
	s := New(Config{Outbox: box, Receivers: map[string]pitwall.Notifier{"pager": pager}})
	box.add("pager", "p1")
	s.Urgent([]pitwall.Delivery{box.find("p1")})
	for s.round(t.Context(), "pager") {
	}
	s.hurryAll(t.Context(), "pager")
	pager.want(t, "p1")
	if d := box.find("p1"); d.Done.IsZero() {
		t.Errorf("the outbox still holds it: %+v", d)
	}
}
