package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/route"
	"github.com/pitwall/pitwall/internal/store/sqlite"
)

var _ Outbox = route.Outbox(nil)

// receiver is a fake that answers as told and keeps what it was given.
type receiver struct {
	mu   sync.Mutex
	got  []string
	says func(id string, try int) error
	try  map[string]int
}

func (r *receiver) Notify(ctx context.Context, m pitwall.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.try == nil {
		r.try = map[string]int{}
	}
	r.try[m.ID]++
	if r.says != nil {
		if err := r.says(m.ID, r.try[m.ID]); err != nil {
			return err
		}
	}
	r.got = append(r.got, m.ID)
	return nil
}

func (r *receiver) want(t *testing.T, ids ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(ids, r.got); diff != "" {
		t.Errorf("arrived (-want +got):\n%s", diff)
	}
}

func store(t testing.TB, dir string) *sqlite.DB {
	t.Helper()
	db, err := sqlite.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func put(t testing.TB, db *sqlite.DB, now time.Time, list ...string) {
	t.Helper()
	var all []pitwall.Delivery
	for _, text := range list {
		w := strings.Fields(text) // receiver id thread
		all = append(all, pitwall.Delivery{Receiver: w[0], At: now, Next: now, Message: pitwall.Message{ID: w[1], Thread: w[2], Title: "title of " + w[1]}})
	}
	if _, err := db.PutDeliveries(t.Context(), nil, all); err != nil {
		t.Fatal(err)
	}
}

var start = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

// clocked is a sender whose clock stands until it is moved.
type clocked struct {
	*Sender
	now time.Time
}

func sender(db *sqlite.DB, receivers map[string]pitwall.Notifier) *clocked {
	c := &clocked{now: start}
	c.Sender = New(Config{Outbox: db, Receivers: receivers, Now: func() time.Time { return c.now }})
	return c
}

// rounds empties what is due for a receiver.
func (c *clocked) rounds(t *testing.T, name string) {
	for c.round(t.Context(), name) {
	}
}

var errDown = &pitwall.Error{Op: "notifying", Kind: pitwall.Unavailable, Err: errors.New("503")}

func TestOrderAndRetries(t *testing.T) {
	db := store(t, t.TempDir())
	r := &receiver{says: func(id string, try int) error {
		if id == "a1" && try < 3 {
			return errDown
		}
		return nil
	}}
	s := sender(db, map[string]pitwall.Notifier{"chat": r})
	put(t, db, start, "chat a1 a", "chat a2 a", "chat b1 b")
	s.rounds(t, "chat")
	r.want(t, "b1") // a2 does not overtake a1
	if h := s.Health()[0]; h.Name != "notify/chat" || !h.Up {
		t.Errorf("health %+v", h) // the last attempt, of b1, arrived
	}
	s.now = start.Add(4 * time.Second)
	s.rounds(t, "chat")
	r.want(t, "b1")
	s.now = start.Add(5 * time.Second)
	s.rounds(t, "chat")
	if h := s.Health()[0]; h.Up || h.Message != "2 messages wait: notifying: 503; tried 2 times, next at 2026-03-02T10:00:15Z" {
		t.Errorf("health %+v", h)
	}
	s.now = start.Add(15 * time.Second)
	s.rounds(t, "chat")
	r.want(t, "b1", "a1", "a2")
	if h := s.Health()[0]; !h.Up || h.Message != "" || h.Accepted != 3 {
		t.Errorf("health %+v", h)
	}
}

func TestPauses(t *testing.T) {
	s := New(Config{Rand: func() float64 { return 0.999 }})
	f := func(attempts int, err error, want time.Duration) {
		t.Helper()
		if got := s.pause(attempts, err).Round(time.Second); got != want {
			t.Errorf("attempt %d: %s, want %s", attempts, got, want)
		}
	}
	f(1, errDown, 6*time.Second)
	f(2, errDown, 12*time.Second)
	f(1000, errDown, 12*time.Minute+30*time.Second)
	f(1, fmt.Errorf("x: %w", asks(time.Hour)), time.Hour)
	f(1, asks(time.Second), 6*time.Second)
}

type asks time.Duration

func (a asks) Error() string             { return "429" }
func (a asks) RetryAfter() time.Duration { return time.Duration(a) }

func TestGivenUp(t *testing.T) {
	db := store(t, t.TempDir())
	r := &receiver{says: func(id string, try int) error {
		switch id {
		case "refused":
			return &pitwall.Error{Kind: pitwall.Invalid, Err: errors.New("400: no such field")}
		case "down":
			return errDown
		case "denied":
			return &pitwall.Error{Kind: pitwall.Denied, Err: errors.New("401")}
		}
		return nil
	}}
	s := sender(db, map[string]pitwall.Notifier{"chat": r})
	put(t, db, start, "chat refused a", "chat next a", "chat down b", "chat denied c")
	s.rounds(t, "chat")
	r.want(t, "next") // what is refused does not hold up its thread
	if h := s.Health()[0]; !strings.HasPrefix(h.Message, `1 messages were given up, the last "title of refused" at 2026-03-02T10:00:00Z`) || h.Rejected != 1 {
		t.Errorf("health %+v", h)
	}
	for range 24 * 12 {
		s.now = s.now.Add(5*time.Minute + time.Second)
		s.rounds(t, "chat")
	}
	failed := map[string]string{}
	list, err := db.Deliveries(t.Context(), "chat", 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.Failed {
			failed[d.Message.ID] = d.Trouble
		}
	}
	if diff := cmp.Diff(map[string]string{"refused": "400: no such field", "down": "notifying: 503", "denied": "401"}, failed); diff != "" {
		t.Error(diff)
	}
	if n := r.try["down"]; n < 100 || n > 300 {
		t.Errorf("tried %d times in a day", n)
	}
	put(t, db, s.now, "chat later d")
	s.rounds(t, "chat")
	if h := s.Health()[0]; !h.Up || !strings.Contains(h.Message, "given up") {
		t.Errorf("what was lost is silent after a success: %+v", h)
	}
	s.now = s.now.Add(25 * time.Hour)
	if h := s.Health()[0]; h.Message != "" {
		t.Errorf("health a day later %+v", h)
	}
}

// TestARestartGoesOn: a sender that dies between sending and keeping it sends
// once more, under the same id; everything else once.
func TestARestartGoesOn(t *testing.T) {
	dir := t.TempDir()
	db := store(t, dir)
	put(t, db, start, "chat a1 a", "chat a2 a")
	ctx, cancel := context.WithCancel(t.Context())
	r := &receiver{says: func(string, int) error { cancel(); return nil }} // killed when it has arrived
	s := sender(db, map[string]pitwall.Notifier{"chat": r})
	s.round(ctx, "chat")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	r.says = nil
	s = sender(store(t, dir), map[string]pitwall.Notifier{"chat": r})
	s.rounds(t, "chat")
	r.want(t, "a1", "a1", "a2")
}

func TestStrays(t *testing.T) {
	db := store(t, t.TempDir())
	put(t, db, start, "gone a1 a")
	s := sender(db, nil)
	h := s.Health()
	if len(h) != 1 || h[0].Up || !strings.Contains(h[0].Message, "no longer has") {
		t.Errorf("health %+v", h)
	}
	f := func(after time.Duration, want int) {
		t.Helper()
		s.now = start.Add(after)
		if err := s.giveUpStrays(t.Context()); err != nil {
			t.Fatal(err)
		}
		waiting, err := db.WaitingDeliveries(t.Context())
		if err != nil || waiting["gone"] != want {
			t.Errorf("after %s %v wait, %v", after, waiting, err)
		}
	}
	f(23*time.Hour, 1) // the file may have it again
	f(24*time.Hour, 0)
}

// TestRun: receivers do not wait for each other, one that hangs is left after
// its deadline, and Run ends when it is told to.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := &memory{}
		fast := &receiver{}
		s := New(Config{Outbox: box, Receivers: map[string]pitwall.Notifier{"fast": fast, "hangs": hangs{}}})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		synctest.Wait()
		box.add("hangs", "h1")
		box.add("fast", "f1")
		s.Kick()
		synctest.Wait()
		fast.want(t, "f1")
		time.Sleep(deadline + time.Second)
		if d := box.find("h1"); d.Attempts != 1 || !strings.Contains(d.Trouble, "deadline") {
			t.Errorf("%+v", d)
		}
		box.add("fast", "f2") // without a kick
		time.Sleep(2 * time.Second)
		fast.want(t, "f1", "f2")
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

type hangs struct{}

func (hangs) Notify(ctx context.Context, _ pitwall.Message) error {
	<-ctx.Done()
	return ctx.Err()
}

// memory is an outbox for a bubble of time, in which a database cannot be.
type memory struct {
	mu   sync.Mutex
	list []pitwall.Delivery
}

func (m *memory) add(receiver, id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.list = append(m.list, pitwall.Delivery{Receiver: receiver, At: time.Now(), Next: time.Now(), Message: pitwall.Message{ID: id, Thread: id}})
}

func (m *memory) find(id string) pitwall.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.list {
		if d.Message.ID == id {
			return d
		}
	}
	return pitwall.Delivery{}
}

func (m *memory) DueDeliveries(_ context.Context, receiver string, now time.Time, _ int) (due []pitwall.Delivery, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.list {
		if d.Receiver == receiver && d.Done.IsZero() && !d.Next.After(now) {
			due = append(due, d)
		}
	}
	return due, nil
}

func (m *memory) MarkDelivery(_ context.Context, d pitwall.Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.list {
		if m.list[i].Message.ID == d.Message.ID {
			m.list[i] = d
		}
	}
	return nil
}

func (m *memory) WaitingDeliveries(context.Context) (map[string]int, error) { return nil, nil }

// fullDisk is an outbox that can be read and not written.
type fullDisk struct {
	Outbox
	full bool
}

func (f *fullDisk) MarkDelivery(ctx context.Context, d pitwall.Delivery) error {
	if f.full {
		return &pitwall.Error{Op: "marking delivery", Kind: pitwall.Unavailable, Err: errors.New("disk full")}
	}
	return f.Outbox.MarkDelivery(ctx, d)
}

// TestWhatArrivedIsNotSentAgain: as long as the outbox cannot be told that a
// message arrived, it is not sent a second time.
func TestWhatArrivedIsNotSentAgain(t *testing.T) {
	db := store(t, t.TempDir())
	r := &receiver{}
	s := sender(db, map[string]pitwall.Notifier{"chat": r})
	disk := &fullDisk{Outbox: db, full: true}
	s.c.Outbox = disk
	put(t, db, start, "chat a1 a", "chat a2 a", "chat b1 b")
	for range 5 {
		s.now = s.now.Add(time.Minute)
		s.rounds(t, "chat")
	}
	r.want(t, "a1", "b1") // once each
	if h := s.Health()[0]; h.Up || !strings.Contains(h.Message, "disk full") {
		t.Errorf("health %+v", h)
	}
	disk.full = false
	s.rounds(t, "chat")
	r.want(t, "a1", "b1", "a2")
}
