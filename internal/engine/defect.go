package engine

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

// Defect is a piece of work that could not be finished for a mistake of ours.
type Defect struct {
	What  any    // as it was thrown
	Stack []byte // where
	noted bool   // as the trouble of a task; that of what this is a part of it is not
}

func (d *Defect) Error() string { return fmt.Sprintf("a defect of Pitwall: %v", d.What) }

// caught makes a panic the error of the one piece of work that it ended. It is
// to be deferred itself, and where a lock is held below it that must be given
// back by a defer, too.
func caught(err *error, op, id string) {
	if p := recover(); p != nil {
		*err = &pitwall.Error{Op: op, Kind: pitwall.Internal, ID: id, Err: &Defect{What: p, Stack: debug.Stack()},
			Hint: "report it with what the log says and, if you can, the telemetry"}
	}
}

// guarded does one piece of work; a panic in it is its error.
func guarded(op, id string, work func() error) (err error) {
	defer caught(&err, op, id)
	return work()
}

// task names a piece of work that is done again and again: what, and of which
// objective or plan.
type task struct{ op, id string }

// defects are the tasks that broke off when they were done last.
type defects struct {
	mu    sync.Mutex // guards all
	count uint64     // tasks that broke off since the start
	now   map[task]standing
}

// standing is a task that breaks off.
type standing struct {
	text  string
	since time.Time
}

// tasks that a tick does, as Health names them.
const (
	judging    = "judging objective"
	advancing  = "advancing plan"
	charting   = "drawing plan"
	diagnosing = "diagnosing plan"
	acting     = "changing the world for plan"
)

// spare does a task whose defect is to be its own trouble and nobody else's.
func (e *Engine) spare(op, id string, work func() error) error {
	err := guarded(op, id, work)
	e.outcome(op, id, err)
	return err
}

// outcome notes how a task went. A defect is counted, and logged with its stack
// when it begins; it stands until the task gets past it.
func (e *Engine) outcome(op, id string, err error) {
	t := task{op, id}
	var d *Defect
	own := errors.As(err, &d) && !d.noted
	b := &e.broken
	b.mu.Lock()
	defer b.mu.Unlock()
	_, stands := b.now[t]
	switch {
	case !own:
		delete(b.now, t)
		return
	case !stands:
		if b.now == nil {
			b.now = map[task]standing{}
		}
		b.now[t] = standing{strings.TrimSpace(op+" "+id) + ": " + d.Error(), e.c.Now()}
		e.log.Error("A defect of Pitwall ended a piece of work", "doing", op, "of", id, "panic", fmt.Sprint(d.What), "stack", string(d.Stack))
	}
	d.noted = true
	b.count++
}

// stands says since when a task breaks off, and with what; no time: it does not.
func (b *defects) stands(op, id string) (text string, since time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := b.now[task{op, id}]
	return found.text, found.since
}

// forget drops what stood in the way of plans that are over.
func (b *defects) forget(over func(pitwall.PlanID) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for t := range b.now {
		if over(pitwall.PlanID(t.id)) {
			delete(b.now, t)
		}
	}
}

// shownDefects bounds how many Health tells.
const shownDefects = 3

// health says what breaks off; nothing as long as nothing ever did.
func (b *defects) health() []pitwall.SourceHealth {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.count == 0 {
		return nil
	}
	var list []string
	for _, x := range b.now {
		list = append(list, x.text)
	}
	slices.Sort(list)
	if more := len(list) - shownDefects; more > 0 {
		list = append(list[:shownDefects], fmt.Sprintf("and %d more", more))
	}
	h := pitwall.SourceHealth{Name: "engine", Signal: pitwall.SignalState, Up: len(list) == 0, Rejected: b.count, Message: strings.Join(list, "; ")}
	if !h.Up {
		h.Message += "; the log says where"
		h.Blind = "what this work would have said or done; all else goes on"
	}
	return []pitwall.SourceHealth{h}
}
