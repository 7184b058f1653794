package notify

import (
	"context"
	"time"

	"github.com/pitwall/pitwall"
)

// mostRushed bounds the pages of a receiver that are in no outbox.
const mostRushed = 100

// Urgent sends pages that could not be written down, as far as there is room for
// them. When the outbox has them after all they are not sent again.
func (s *Sender) Urgent(list []pitwall.Delivery) {
	for _, d := range list {
		rush, known := s.rush[d.Receiver]
		if !known {
			continue
		}
		select {
		case rush <- d:
		default:
			s.c.Log.Error("Page not sent: it could not be written down, and too many wait", "receiver", d.Receiver, "title", d.Message.Title)
		}
	}
}

// hurryAll tries the pages of a receiver that wait in no outbox.
func (s *Sender) hurryAll(ctx context.Context, name string) {
	for {
		select {
		case d := <-s.rush[name]:
			s.hurry(ctx, d)
		default:
			return
		}
	}
}

// hurry tries a page three times, for nothing else remembers it yet.
func (s *Sender) hurry(ctx context.Context, d pitwall.Delivery) {
	rushed := s.state[d.Receiver].rushed
	if _, sent := rushed[d.Message.ID]; sent {
		return
	}
	for range 3 {
		if d = s.attempt(ctx, d); !d.Done.IsZero() {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.c.Poll):
		}
	}
	if d.Done.IsZero() || d.Failed {
		return // it is sent from the outbox, once that can be written
	}
	if len(rushed) >= 10*mostRushed {
		clear(rushed)
	}
	rushed[d.Message.ID] = d
}
