package remote

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// state is what the client knows of its server.
type state struct {
	mu      sync.Mutex
	up      bool
	last    time.Time
	took    time.Duration
	good    uint64
	bad     uint64
	message string // the last trouble; "" when the last request was answered
	version string
}

func (s *state) answered(began, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up, s.last, s.took, s.message = true, now, now.Sub(began), ""
	s.good++
}

// fail notes trouble and gives it back. A question that is wrong is no trouble
// of the server.
func (c *Client) fail(err error) error {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	c.state.bad++
	if kind := pitwall.KindOf(err); kind == pitwall.Unavailable || kind == pitwall.Denied || c.state.last.IsZero() {
		c.state.up, c.state.message = false, err.Error()
		if hint := pitwall.HintOf(err); hint != "" {
			c.state.message += " (" + hint + ")"
		}
	}
	return err
}

// Version notes what the server says it is, for Health.
func (c *Client) Version(v string) {
	v = c.Clean(v)
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	c.state.version = v
}

// Health says how the last request went, with the notes of the adapter. Nothing
// is sent.
func (c *Client) Health(notes ...string) pitwall.SourceHealth {
	c.state.mu.Lock()
	defer c.state.mu.Unlock()
	s := &c.state
	h := pitwall.SourceHealth{
		Name: c.about.Name, Signal: c.about.Signal, Up: s.up, LastSeen: s.last,
		Accepted: s.good, Rejected: s.bad, Blind: c.about.Blind,
	}
	var says []string
	switch {
	case s.message != "":
		says = append(says, s.message)
	case s.version != "":
		says = append(says, fmt.Sprintf("%s, answered in %v", s.version, s.took.Round(time.Millisecond)))
	default:
		says = append(says, fmt.Sprintf("answered in %v", s.took.Round(time.Millisecond)))
	}
	for _, n := range notes {
		if n != "" {
			says = append(says, n)
		}
	}
	h.Message = strings.Join(says, "; ")
	return h
}

// Watch calls probe now and then, until ctx ends, so that Health is of the
// present even when nobody asks anything. Trouble never ends it.
func (c *Client) Watch(ctx context.Context, every time.Duration, probe func(context.Context) error) error {
	if every <= 0 {
		every = 15 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		_ = probe(ctx) // Health has noted it
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Trouble notes trouble that the adapter found in what the server answered.
func (c *Client) Trouble(err error) error { return c.fail(err) }

// Sampled words that a limit cut the last answer, or is "".
func Sampled(parts, limit int) string {
	if parts == 0 {
		return ""
	}
	return fmt.Sprintf("%d slices hit the limit of %d traces: what is shown is a sample", parts, limit)
}

// LeftOut words that spans could not be kept, or is "".
func LeftOut(spans uint64, why string) string {
	if spans == 0 {
		return ""
	}
	return fmt.Sprintf("%d spans left out, the last with %s", spans, why)
}
