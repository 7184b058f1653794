package route

import (
	"context"
	"time"

	"github.com/pitwall/pitwall"
)

// Outbox keeps deliveries until they are sent, with the state of the router
// that made them.
type Outbox interface {
	// PutDeliveries stores deliveries and the router's state, all or none. A
	// receiver's message that is known by its id is not stored again; added is
	// how many were new.
	PutDeliveries(ctx context.Context, state []byte, list []pitwall.Delivery) (added int, err error)
	// RouterState gives the last state; empty before the first.
	RouterState(ctx context.Context) ([]byte, error)
	// DueDeliveries gives what may be sent to a receiver now, pages first, then the
	// oldest: of each thread the oldest that waits, so that no message overtakes one
	// before it.
	DueDeliveries(ctx context.Context, receiver string, now time.Time, limit int) ([]pitwall.Delivery, error)
	// MarkDelivery keeps what became of an attempt.
	MarkDelivery(ctx context.Context, d pitwall.Delivery) error
	// Deliveries gives the latest that were written down, newest first; of every
	// receiver if none is named.
	Deliveries(ctx context.Context, receiver string, limit int) ([]pitwall.Delivery, error)
	// WaitingDeliveries counts what is not done, by receiver.
	WaitingDeliveries(ctx context.Context) (map[string]int, error)
	// PruneDeliveries forgets what was done before a time, and receipts as old.
	PruneDeliveries(ctx context.Context, before time.Time) (int64, error)
}
