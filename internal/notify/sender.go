package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	deadline   = 10 * time.Second // of one attempt
	giveUp     = 24 * time.Hour   // after it was written down
	insist     = time.Hour        // on a page that the receiver refuses: a person may mend that
	firstPause = 5 * time.Second
	longPause  = 10 * time.Minute
	batch      = 50
)

// Outbox is where deliveries wait.
type Outbox interface {
	DueDeliveries(ctx context.Context, receiver string, now time.Time, limit int) ([]pitwall.Delivery, error)
	MarkDelivery(ctx context.Context, d pitwall.Delivery) error
	WaitingDeliveries(ctx context.Context) (map[string]int, error)
}

// Config says what to empty, and into what.
type Config struct {
	Outbox    Outbox
	Receivers map[string]pitwall.Notifier // by their names in the routing file
	Now       func() time.Time            // nil: the system's clock
	Rand      func() float64              // in [0,1), spreads the pauses; nil: none is spread
	Log       *slog.Logger                // nil: silent
	Poll      time.Duration               // how often the outbox is looked into without a Kick; 0: a second
}

// Sender sends what waits.
type Sender struct {
	c    Config
	kick map[string]chan struct{}
	rush map[string]chan pitwall.Delivery // pages that are in no outbox

	mu    sync.Mutex // guards all below
	state map[string]*state
}

// state is what Health says of a receiver.
type state struct {
	health pitwall.SourceHealth
	gaveUp int       // messages, since a day without any
	lost   string    // the title of the last one given up
	lostAt time.Time // when
	// owed are attempts that the outbox could not be told of, by the message; used by
	// the receiver's loop alone.
	owed   map[string]pitwall.Delivery
	rushed map[string]pitwall.Delivery // sent without the outbox; used by the receiver's loop alone
}

// New makes a sender; Run sends.
func New(c Config) *Sender {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = func() float64 { return 0.5 }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Poll = cmp.Or(c.Poll, time.Second)
	s := &Sender{c: c, kick: map[string]chan struct{}{}, rush: map[string]chan pitwall.Delivery{}, state: map[string]*state{}}
	for name := range c.Receivers {
		s.kick[name] = make(chan struct{}, 1)
		s.rush[name] = make(chan pitwall.Delivery, mostRushed)
		s.state[name] = &state{rushed: map[string]pitwall.Delivery{}, owed: map[string]pitwall.Delivery{}, health: pitwall.SourceHealth{Name: "notify/" + name, Up: true, Message: "nothing sent yet", Blind: "nobody hears of anything through " + name}}
	}
	return s
}

// Kick says that deliveries were put into the outbox.
func (s *Sender) Kick() {
	for _, k := range s.kick {
		select {
		case k <- struct{}{}:
		default:
		}
	}
}

// Run sends until ctx is done, and waits for what is on its way.
func (s *Sender) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(s.c.Receivers)) {
		all.Go(func() { s.serve(ctx, name) })
	}
	all.Go(func() { s.strays(ctx) })
	all.Wait()
	return nil
}

// strays gives up, when their day is over, messages for receivers that the
// routing file no longer has; it may have them again until then.
func (s *Sender) strays(ctx context.Context) {
	tick := time.NewTicker(60 * s.c.Poll)
	defer tick.Stop()
	for {
		if err := s.giveUpStrays(ctx); err != nil && ctx.Err() == nil {
			s.c.Log.Warn("Outbox cannot be tidied", "trouble", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Sender) giveUpStrays(ctx context.Context) error {
	waiting, err := s.c.Outbox.WaitingDeliveries(ctx)
	if err != nil {
		return err
	}
	now := s.c.Now()
	for name := range waiting {
		if s.c.Receivers[name] != nil {
			continue
		}
		due, err := s.c.Outbox.DueDeliveries(ctx, name, now, batch)
		if err != nil {
			return err
		}
		for _, d := range due {
			if now.Sub(d.At) < giveUp {
				continue
			}
			d.Done, d.Failed, d.Trouble = now, true, "the routing file has no such receiver"
			if err := s.c.Outbox.MarkDelivery(ctx, d); err != nil {
				return err
			}
			s.c.Log.Error("Message given up", "receiver", name, "message", d.Message.ID, "title", d.Message.Title, "trouble", d.Trouble)
		}
	}
	return nil
}

// serve is one receiver's loop: one message at a time, so that a slow one holds
// up nobody else.
func (s *Sender) serve(ctx context.Context, name string) {
	tick := time.NewTicker(s.c.Poll)
	defer tick.Stop()
	for {
		for s.round(ctx, name) {
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.kick[name]:
		case d := <-s.rush[name]:
			s.hurry(ctx, d)
		}
	}
}

// round sends what is due and says whether there may be more: the next of a
// thread is due when the one before it is done. While the outbox cannot be
// written, what it was not told of is not sent again every second, and what waits
// beside it still leaves.
func (s *Sender) round(ctx context.Context, name string) bool {
	failed := s.settle(ctx, name)
	due, err := s.c.Outbox.DueDeliveries(ctx, name, s.c.Now(), batch)
	if err != nil {
		s.trouble(ctx, name, fmt.Errorf("reading the outbox: %w", err))
		return false
	}
	// A page was put among the rushed before it could be in the outbox: what is due
	// and was not rushed by now never will be.
	s.hurryAll(ctx, name)
	owed := s.state[name].owed
	for _, d := range due {
		if ctx.Err() != nil {
			return false
		}
		if _, tried := owed[d.Message.ID]; tried {
			continue
		}
		tried, rushed := s.state[name].rushed[d.Message.ID]
		if !rushed {
			tried = s.attempt(ctx, d)
		}
		if err := s.c.Outbox.MarkDelivery(ctx, tried); err != nil {
			owed[d.Message.ID], failed = tried, err
		}
	}
	if failed != nil {
		s.trouble(ctx, name, fmt.Errorf("keeping what became of a message: %w", failed))
	}
	return failed == nil && len(due) > 0
}

// settle tells the outbox what it could not be told. Only when Pitwall dies
// before that does a message come twice, under the same id.
func (s *Sender) settle(ctx context.Context, name string) error {
	owed := s.state[name].owed
	for id, d := range owed {
		if err := s.c.Outbox.MarkDelivery(ctx, d); err != nil && pitwall.KindOf(err) != pitwall.NotFound {
			return err
		}
		delete(owed, id)
	}
	return nil
}

// attempt sends once and says what becomes of the delivery.
func (s *Sender) attempt(ctx context.Context, d pitwall.Delivery) pitwall.Delivery {
	within, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	err := s.c.Receivers[d.Receiver].Notify(within, d.Message)
	now := s.c.Now()
	if err != nil && ctx.Err() != nil {
		return d // Pitwall stops; nobody's fault
	}
	d.Attempts++
	switch {
	case err == nil:
		d.Done, d.Trouble = now, ""
	case pitwall.KindOf(err) == pitwall.Invalid && (d.Message.Action != pitwall.ActionPage || now.Sub(d.At) >= insist) || now.Sub(d.At) >= giveUp:
		d.Done, d.Failed, d.Trouble = now, true, err.Error()
	default:
		d.Next, d.Trouble = now.Add(s.pause(d.Attempts, err)), err.Error()
	}
	s.note(d, now)
	return d
}

// pause grows from seconds to minutes, a quarter more or less by chance, and is
// at least what the receiver asks for.
func (s *Sender) pause(attempts int, err error) time.Duration {
	d := longPause
	if shift := attempts - 1; shift < 10 {
		d = min(longPause, firstPause<<shift)
	}
	d = time.Duration(float64(d) * (0.75 + s.c.Rand()/2))
	var busy interface{ RetryAfter() time.Duration }
	if errors.As(err, &busy) {
		d = max(d, busy.RetryAfter())
	}
	return d
}

// note keeps what Health says, and logs what changed.
func (s *Sender) note(d pitwall.Delivery, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state[d.Receiver]
	was := st.health.Up
	switch {
	case d.Failed:
		if now.Sub(st.lostAt) >= giveUp {
			st.gaveUp = 0
		}
		st.gaveUp++
		st.lost, st.lostAt = d.Message.Title, now
		st.health.Up, st.health.Message = false, d.Trouble
		st.health.Rejected++
		s.c.Log.Error("Message given up", "receiver", d.Receiver, "message", d.Message.ID, "title", d.Message.Title, "attempts", d.Attempts, "trouble", d.Trouble)
	case d.Done.IsZero():
		st.health.Up, st.health.Message = false, fmt.Sprintf("%s; tried %d times, next at %s", d.Trouble, d.Attempts, d.Next.UTC().Format(time.RFC3339))
		if was {
			s.c.Log.Warn("Receiver does not take messages", "receiver", d.Receiver, "trouble", d.Trouble)
		}
	default:
		st.health.Up, st.health.Message, st.health.LastSeen = true, "", now
		st.health.Accepted++
		if !was {
			s.c.Log.Info("Receiver takes messages again", "receiver", d.Receiver)
		}
	}
}

func (s *Sender) trouble(ctx context.Context, name string, err error) {
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state[name].health.Up, s.state[name].health.Message = false, err.Error()
}

// Health says of each receiver whether its last message arrived, and for a day
// what was given up. A receiver that tells of itself is asked; so are names that
// messages wait for though no receiver has them any more.
func (s *Sender) Health() []pitwall.SourceHealth {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	waiting, err := s.c.Outbox.WaitingDeliveries(ctx)
	if err != nil {
		waiting = nil
	}
	var list []pitwall.SourceHealth
	for _, name := range slices.Sorted(maps.Keys(s.c.Receivers)) {
		if own, ok := s.c.Receivers[name].(pitwall.Health); ok {
			list = append(list, own.Health()...)
			continue
		}
		list = append(list, s.healthOf(name, waiting[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(waiting)) {
		if s.c.Receivers[name] == nil {
			list = append(list, pitwall.SourceHealth{Name: "notify/" + name, Message: fmt.Sprintf("%d messages wait for a receiver that the routing file no longer has", waiting[name])})
		}
	}
	return list
}

func (s *Sender) healthOf(name string, waiting int) pitwall.SourceHealth {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state[name]
	h := st.health
	if waiting > 0 && !h.Up {
		h.Message = fmt.Sprintf("%d messages wait: %s", waiting, h.Message)
	}
	if st.gaveUp > 0 && s.c.Now().Sub(st.lostAt) < giveUp {
		h.Message = fmt.Sprintf("%d messages were given up, the last %q at %s: %s", st.gaveUp, st.lost, st.lostAt.UTC().Format(time.RFC3339),
			cmp.Or(h.Message, "later ones arrived"))
	}
	return h
}
