package record_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/record"
)

// memory is an EventStore that can lose its answers.
type memory struct {
	mu     sync.Mutex
	events []pitwall.Event
	after  error // returned after the events were kept
	before error // returned instead of keeping them
}

func (m *memory) Append(_ context.Context, after uint64, events []pitwall.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.before != nil {
		return m.before
	}
	if after != uint64(len(m.events)) {
		return pitwall.Errorf(pitwall.Conflict, "appending events", "the last is %d, not %d", len(m.events), after)
	}
	m.events = append(m.events, events...)
	return m.after
}

func (m *memory) Events(_ context.Context, after uint64, limit int) ([]pitwall.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.events[min(after, uint64(len(m.events))):]
	return rest[:min(limit, len(rest))], nil
}

func (m *memory) Last(context.Context) (pitwall.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.events) == 0 {
		return pitwall.Event{}, nil
	}
	return m.events[len(m.events)-1], nil
}

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func note(actor string) pitwall.Event { return pitwall.Event{Type: pitwall.EventNote, Actor: actor} }

func TestRecorderChainsAndStampsEvents(t *testing.T) {
	m := &memory{}
	r := record.New(m, noon)
	got, err := r.Append(t.Context(), note("a"), note("b"))
	if err != nil || len(got) != 2 || got[1].Seq != 2 || got[1].Prev != got[0].Hash || !got[0].Time.Equal(noon()) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := r.Append(t.Context(), pitwall.Event{Type: pitwall.EventNote, Data: []byte("{")}); pitwall.KindOf(err) != pitwall.Internal {
		t.Errorf("data that is not JSON: %v", err)
	}
	if _, err := r.Append(t.Context(), pitwall.Event{}); pitwall.KindOf(err) != pitwall.Internal {
		t.Errorf("event without a type: %v", err)
	}
	if n, err := r.Verify(t.Context()); n != 2 || err != nil {
		t.Errorf("verify: %d, %v", n, err)
	}
}

func TestRecorderFollowsAnotherWriter(t *testing.T) {
	m := &memory{}
	a, b := record.New(m, noon), record.New(m, noon)
	for _, r := range []*record.Recorder{a, b, a, a, b} {
		if _, err := r.Append(t.Context(), note("x")); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := a.Verify(t.Context()); n != 5 || err != nil {
		t.Errorf("verify: %d, %v", n, err)
	}
}

func TestRecorderAfterALostAnswer(t *testing.T) {
	m := &memory{}
	r := record.New(m, noon)
	m.after = errors.New("connection lost after commit")
	got, err := r.Append(t.Context(), note("once"))
	if err != nil || len(got) != 1 {
		t.Fatalf("the event is in the store: %v, %v", got, err)
	}
	m.after, m.before = nil, errors.New("disk full")
	if _, err := r.Append(t.Context(), note("never")); !errors.Is(err, m.before) {
		t.Fatalf("got %v", err)
	}
	m.before = nil
	if _, err := r.Append(t.Context(), note("again")); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Verify(t.Context()); n != 2 || err != nil {
		t.Errorf("verify: %d, %v", n, err)
	}
}

func TestWaitersWakeOnAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := record.New(&memory{}, noon)
		ctx, cancel := context.WithCancel(t.Context())
		woken, left := make(chan error, 1), make(chan error, 1)
		go func() { woken <- r.Wait(ctx, 0) }()
		go func() { left <- r.Wait(ctx, 1) }()
		synctest.Wait()
		if len(woken) != 0 {
			t.Fatal("woken without an event")
		}
		if _, err := r.Append(ctx, note("a")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(woken) != 1 || <-woken != nil || len(left) != 0 {
			t.Fatal("the first waiter must wake, the second not")
		}
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}
