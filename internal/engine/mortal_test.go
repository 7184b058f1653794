package engine

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

// point is a moment at which a process may be killed: just before or just after
// a write to the outside.
type point struct {
	what  string // "ledger 12", "record 1 plan.opened", "apply PIP-1/1/canary-10", "deliver PIP-1"
	after bool
}

func (p point) String() string {
	if p.after {
		return "after " + p.what
	}
	return "before " + p.what
}

// ledger says whether it is one of the many savings of the ledger.
func (p point) ledger() bool { return strings.HasPrefix(p.what, "ledger ") }

// life is one process from start to kill. When it is killed, the goroutine that
// was writing ends there and then, and whoever else calls out ends too: nothing
// is given back, flushed or released.
type life struct {
	engine *Engine

	mu   sync.Mutex
	dead bool
	kill func(point) bool // nil: never
}

// breathe ends the calling goroutine when the process is dead.
func (l *life) breathe() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		runtime.Goexit()
	}
}

func (l *life) at(p point) {
	l.breathe()
	if l.kill == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kill(p) {
		l.dead = true
		runtime.Goexit()
	}
}

func (l *life) gone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dead
}

// write does something to the outside, unless the process dies before it; it
// may die after it, too, and then nobody hears the answer.
func write[T any](l *life, what string, do func() (T, error)) (T, error) {
	l.at(point{what, false})
	v, err := do()
	l.at(point{what, true})
	return v, err
}

// The mortal ports are the real ones as one process sees them.
type (
	mortalEvents struct {
		pitwall.EventStore
		life *life
	}
	mortalLedger struct {
		pitwall.LedgerStore
		life *life
	}
	mortalTarget struct {
		pitwall.Target
		life *life
	}
	mortalRepository struct {
		pitwall.Repository
		life *life
	}
	mortalLeases struct {
		pitwall.Leases
		life *life
	}
)

func (m mortalEvents) Append(ctx context.Context, after uint64, events []pitwall.Event) error {
	_, err := write(m.life, fmt.Sprintf("record %d %s", events[0].Seq, events[0].Type), func() (struct{}, error) {
		return struct{}{}, m.EventStore.Append(ctx, after, events)
	})
	return err
}

func (m mortalEvents) Events(ctx context.Context, after uint64, limit int) ([]pitwall.Event, error) {
	m.life.breathe()
	return m.EventStore.Events(ctx, after, limit)
}

func (m mortalLedger) SaveLedger(ctx context.Context, save pitwall.LedgerSave) error {
	_, err := write(m.life, fmt.Sprintf("ledger %d", save.Position), func() (struct{}, error) { return struct{}{}, m.LedgerStore.SaveLedger(ctx, save) })
	return err
}

func (m mortalTarget) Observe(ctx context.Context, s pitwall.ServiceName) (pitwall.TargetState, error) {
	m.life.breathe()
	return m.Target.Observe(ctx, s)
}

func (m mortalTarget) Apply(ctx context.Context, e pitwall.Effect) (pitwall.TargetState, error) {
	return write(m.life, "apply "+e.Key, func() (pitwall.TargetState, error) { return m.Target.Apply(ctx, e) })
}

func (m mortalRepository) Deliver(ctx context.Context, plan pitwall.PlanID, message string, files []pitwall.EnforcedFile) (pitwall.EnforcedData, error) {
	return write(m.life, "deliver "+string(plan), func() (pitwall.EnforcedData, error) { return m.Repository.Deliver(ctx, plan, message, files) })
}

func (m mortalLeases) Acquire(ctx context.Context, name, owner string, ttl time.Duration, now time.Time) (uint64, error) {
	m.life.breathe()
	return m.Leases.Acquire(ctx, name, owner, ttl, now)
}
