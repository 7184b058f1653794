package record

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

// page is how many events are read from the store at once.
const page = 500

// Recorder appends to one record and tells who waits. It is safe for use by
// several goroutines.
type Recorder struct {
	store pitwall.EventStore
	now   func() time.Time

	appending sync.Mutex // one chain, one writer

	mu      sync.Mutex // guards last, known, changed
	last    pitwall.Event
	known   bool
	changed chan struct{}
}

// New gives a Recorder on a store.
func New(store pitwall.EventStore, now func() time.Time) *Recorder {
	return &Recorder{store: store, now: now, changed: make(chan struct{})}
}

// Append seals the events behind the last one and stores them, all or none. An
// event without a time happens now. If somebody else wrote meanwhile it is
// tried once more behind the new end. When the store breaks off without saying
// whether it did, the store is asked: an event is never appended twice.
func (r *Recorder) Append(ctx context.Context, events ...pitwall.Event) ([]pitwall.Event, error) {
	if len(events) == 0 {
		return nil, nil
	}
	for i, e := range events {
		if e.Type == "" {
			return nil, pitwall.Errorf(pitwall.Internal, "recording event", "event %d of %d has no type", i+1, len(events))
		}
		if len(e.Data) > 0 && !json.Valid(e.Data) {
			return nil, pitwall.Errorf(pitwall.Internal, "recording event", "the data of %s is not JSON", e.Type)
		}
	}
	r.appending.Lock()
	defer r.appending.Unlock()
	sealed, err := r.try(ctx, events)
	if pitwall.KindOf(err) == pitwall.Conflict {
		sealed, err = r.try(ctx, events)
	}
	if err != nil {
		return nil, fmt.Errorf("recording %s: %w", events[0].Type, err)
	}
	return sealed, nil
}

// try appends once; r.appending is held.
func (r *Recorder) try(ctx context.Context, events []pitwall.Event) ([]pitwall.Event, error) {
	last, err := r.Last(ctx)
	if err != nil {
		return nil, err
	}
	sealed := make([]pitwall.Event, len(events))
	prev := last
	for i, e := range events {
		if e.Time.IsZero() {
			e.Time = r.now()
		}
		sealed[i] = Seal(prev, e)
		prev = sealed[i]
	}
	err = r.store.Append(ctx, last.Seq, sealed)
	if err == nil {
		r.set(prev)
		return sealed, nil
	}
	r.forget()
	if pitwall.KindOf(err) == pitwall.Conflict { // a clear no
		return nil, err
	}
	// The answer may have been lost after the events were written.
	if end, lerr := r.Last(context.WithoutCancel(ctx)); lerr == nil && end.Seq == prev.Seq && end.Hash == prev.Hash {
		return sealed, nil
	}
	return nil, err
}

// Last gives the newest event; a zero Event when the record is empty.
func (r *Recorder) Last(ctx context.Context) (pitwall.Event, error) {
	r.mu.Lock()
	last, known := r.last, r.known
	r.mu.Unlock()
	if known {
		return last, nil
	}
	last, err := r.store.Last(ctx)
	if err != nil {
		return pitwall.Event{}, fmt.Errorf("reading the end of the record: %w", err)
	}
	r.set(last)
	return last, nil
}

func (r *Recorder) set(last pitwall.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	grown := last.Seq > r.last.Seq
	r.last, r.known = last, true
	if grown {
		close(r.changed)
		r.changed = make(chan struct{})
	}
}

func (r *Recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = false
}

// Wait returns nil as soon as the record is longer than after, or the error of
// ctx. It sees what this Recorder appends.
func (r *Recorder) Wait(ctx context.Context, after uint64) error {
	if _, err := r.Last(ctx); err != nil {
		return err
	}
	for {
		r.mu.Lock()
		seq, changed := r.last.Seq, r.changed
		r.mu.Unlock()
		if seq > after {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Events gives at most limit events after a sequence number, oldest first.
func (r *Recorder) Events(ctx context.Context, after uint64, limit int) ([]pitwall.Event, error) {
	return r.store.Events(ctx, after, limit)
}

// All gives every event after a sequence number, oldest first, reading page by page.
func (r *Recorder) All(ctx context.Context, after uint64) iter.Seq2[pitwall.Event, error] {
	return func(yield func(pitwall.Event, error) bool) {
		for {
			events, err := r.store.Events(ctx, after, page)
			if err != nil {
				yield(pitwall.Event{}, err)
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
			if len(events) == 0 {
				return
			}
			// Never behind where we were: a damaged store must not make a loop.
			if end := events[len(events)-1].Seq; end > after {
				after = end
				continue
			}
			yield(pitwall.Event{}, fmt.Errorf("the store gives event %d after event %d", events[len(events)-1].Seq, after))
			return
		}
	}
}

// Verify walks the whole chain; see the function Verify.
func (r *Recorder) Verify(ctx context.Context, anchors ...Anchor) (uint64, error) {
	return Verify(r.All(ctx, 0), anchors...)
}
