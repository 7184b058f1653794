package route

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/pitwall/pitwall"
)

// State is what the router must remember between decisions. Keep it in the same
// transaction as the deliveries of the decision that gave it.
type State struct {
	Groups map[string]group `json:"groups,omitempty"`
	// Told is when a receiver was given a plan message, by both their names.
	Told map[string]time.Time `json:"told,omitempty"`
	// Held is the last message of each plan that a quiet window holds back.
	Held map[string]held `json:"held,omitempty"`
}

// group is what one receiver is told in one thread.
type group struct {
	Receiver string            `json:"receiver"`
	Key      string            `json:"key"`
	Thread   string            `json:"thread"`
	Members  map[string]member `json:"members"`        // by the alarm's id
	Ready    time.Time         `json:"ready,omitzero"` // since when something untold waits
	Last     time.Time         `json:"last,omitzero"`  // when a message was last made
	Count    int               `json:"count"`          // messages so far
	Worst    pitwall.Action    `json:"worst,omitempty"`
	Timing   timing            `json:"timing"`
}

// timing is what a group keeps of the route that led to it.
type timing struct {
	Wait     time.Duration `json:"wait"`
	Interval time.Duration `json:"interval"`
	Repeat   time.Duration `json:"repeat"`
	Resolved bool          `json:"resolved"`
	OnCall   string        `json:"on_call,omitempty"`
}

// member is an alarm of a group. What was not told yet leaves as soon as it
// need not be told.
type member struct {
	Alarm   pitwall.Alarm `json:"alarm"`
	Told    bool          `json:"told,omitempty"`
	Missing time.Time     `json:"missing,omitzero"` // since when nobody speaks of it
}

type held struct {
	Receiver string          `json:"receiver"`
	Message  pitwall.Message `json:"message"`
}

// ReadState reads a state as Bytes wrote it; empty gives the zero State.
func ReadState(data []byte) (State, error) {
	var s State
	if len(data) == 0 {
		return s, nil
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return State{}, &pitwall.Error{Op: "reading router state", Kind: pitwall.Internal, Err: err, Hint: "without it every alarm that fires is told once more"}
	}
	return s, nil
}

// Bytes is the state as it is kept.
func (s State) Bytes() ([]byte, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("writing router state: %w", err)
	}
	return data, nil
}

// clone lets a decision change what it was given without the giver noticing.
func (s State) clone() State {
	c := State{Groups: make(map[string]group, len(s.Groups)), Told: maps.Clone(s.Told), Held: maps.Clone(s.Held)}
	for k, g := range s.Groups {
		if g.Members = maps.Clone(g.Members); g.Members == nil {
			g.Members = map[string]member{}
		}
		c.Groups[k] = g
	}
	if c.Told == nil {
		c.Told = map[string]time.Time{}
	}
	if c.Held == nil {
		c.Held = map[string]held{}
	}
	return c
}

// digest names something by its parts: the same parts give the same name.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func join(receiver, key string) string { return receiver + "\x00" + key }
