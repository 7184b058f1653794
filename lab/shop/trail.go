package shop

import (
	"fmt"
	"strconv"
	"sync"
)

// trail keeps what it is given. Nothing ever leaves it.
type trail struct {
	mu   sync.Mutex
	kept []*trailEntry
	last map[string]*trailEntry
}

// trailEntry is one thing kept, with what made it and what came before.
type trailEntry struct {
	what   map[string]any
	before *trailEntry
	steps  []*trailStep
}

// trailStep is one step on the way to an entry.
type trailStep struct {
	name, value string
	next        *trailStep
}

// trailSteps is how many steps each entry notes.
const trailSteps = 2_000

// keep adds an entry.
func (t *trail) keep(what map[string]any) {
	e := &trailEntry{what: what}
	for i := range trailSteps {
		s := &trailStep{name: "step-" + strconv.Itoa(i), value: fmt.Sprint(what["user"], i)}
		if i > 0 {
			e.steps[i-1].next = s
		}
		e.steps = append(e.steps, s)
	}
	user := fmt.Sprint(what["user"])
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.last = map[string]*trailEntry{}
	}
	e.before = t.last[user]
	t.last[user] = e
	t.kept = append(t.kept, e)
}
