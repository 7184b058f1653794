package httpd

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	heartbeat = 15 * time.Second
	// farBehind is how many events a client may have missed before it is told
	// to read everything anew instead.
	farBehind = 1000
)

// stream is the one stream of a browser. A recorded event carries its sequence
// number as id, so Last-Event-ID resumes without loss; "live" says which plans
// have new values that are not in the record and carries no id.
func (s *server) stream(w http.ResponseWriter, r *http.Request) {
	after, asked, err := lastEventID(r)
	if err != nil {
		writeError(w, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	tail, err := s.tail(ctx)
	if err != nil {
		writeError(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	out := &sse{w: w, c: http.NewResponseController(w)}
	out.unhurried()
	w.WriteHeader(http.StatusOK)
	switch {
	case !asked:
		after = tail
		out.event("hello", "", map[string]any{"seq": tail, "at": s.Now()})
	case after > tail || tail-after > farBehind:
		after = tail
		out.event("resync", strconv.FormatUint(tail, 10), map[string]any{"seq": tail})
	default:
		out.event("hello", "", map[string]any{"seq": after, "at": s.Now()})
	}
	s.count.streams.Add(1)
	defer s.count.streams.Add(-1)
	s.follow(ctx, out, after)
}

// lastEventID reads where the client was: the header of a reconnect, or the
// query of a first connect that knows.
func lastEventID(r *http.Request) (after uint64, asked bool, err error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		return 0, false, nil
	}
	after, perr := strconv.ParseUint(text, 10, 64)
	if perr != nil {
		return 0, false, &pitwall.Error{Op: "following events", Kind: pitwall.Invalid, ID: text, Err: fmt.Errorf("an event id is a whole number"), Hint: "leave it out to begin now"}
	}
	return after, true, nil
}

// tail finds the newest sequence number.
func (s *server) tail(ctx context.Context) (uint64, error) {
	plans, err := s.Engine.Plans(ctx)
	if err != nil {
		return 0, err
	}
	last := uint64(0)
	for _, p := range plans {
		last = max(last, p.Seq)
	}
	for {
		events, err := s.Engine.Events(ctx, last, farBehind)
		if err != nil {
			return 0, err
		}
		if len(events) == 0 {
			return last, nil
		}
		last = events[len(events)-1].Seq
	}
}

// follow sends until the client leaves or the server stops. It owns one waiting
// goroutine and does not return before that has ended.
func (s *server) follow(ctx context.Context, out *sse, after uint64) {
	ctx, cancel := context.WithCancel(ctx)
	grew, done := make(chan struct{}), make(chan struct{})
	seen := make(chan uint64, 1)
	seen <- after
	go func() {
		defer close(done)
		for from := range seen {
			if s.Engine.WaitEvents(ctx, from) != nil {
				return
			}
			select {
			case grew <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() { cancel(); close(seen); <-done }()
	tick, beat := time.NewTicker(s.Tick), time.NewTicker(heartbeat)
	defer tick.Stop()
	defer beat.Stop()
	prints := s.fingerprints(ctx)
	for out.err == nil {
		select {
		case <-ctx.Done():
			return
		case <-s.Stop:
			return
		case <-beat.C:
			out.comment("alive")
		case <-tick.C:
			prints = s.live(ctx, out, prints)
		case <-grew:
			after = s.sendEvents(ctx, out, after)
			seen <- after
		}
	}
}

// sendEvents sends what the record grew by and gives the newest sequence sent.
func (s *server) sendEvents(ctx context.Context, out *sse, after uint64) uint64 {
	events, err := s.Engine.Events(ctx, after, farBehind)
	if err != nil {
		out.event("trouble", "", map[string]any{"message": "the record cannot be read now"})
		out.err = err // the client comes back after a pause and resumes
		return after
	}
	for _, e := range events {
		out.event("record", strconv.FormatUint(e.Seq, 10), map[string]any{"seq": e.Seq, "time": e.Time, "plan": e.Plan, "type": e.Type, "from": e.From, "to": e.To})
		after = e.Seq
	}
	return after
}

// live tells which open plans have new values since the last tick.
func (s *server) live(ctx context.Context, out *sse, before map[pitwall.PlanID]uint64) map[pitwall.PlanID]uint64 {
	now := s.fingerprints(ctx)
	changed := []pitwall.PlanID{}
	for id, print := range now {
		if before[id] != print {
			changed = append(changed, id)
		}
	}
	if len(changed) > 0 {
		slices.Sort(changed)
		out.event("live", "", map[string]any{"plans": changed, "at": s.Now()})
	}
	return now
}

// fingerprints digests the live values of every open plan; the time of the
// values is left out, or everything would always have changed.
func (s *server) fingerprints(ctx context.Context) map[pitwall.PlanID]uint64 {
	prints := map[pitwall.PlanID]uint64{}
	plans, err := s.Engine.Plans(ctx)
	if err != nil {
		return prints
	}
	for _, p := range plans {
		if p.State.Final() {
			continue
		}
		l := s.Engine.Live(p.ID)
		l.At = time.Time{}
		raw, err := json.Marshal(l)
		if err != nil {
			continue
		}
		h := fnv.New64a()
		h.Write(raw)
		prints[p.ID] = h.Sum64()
	}
	return prints
}

// sse writes the wire format; the first error sticks.
type sse struct {
	w   http.ResponseWriter
	c   *http.ResponseController
	err error
}

// unhurried lifts the server's write deadline from this one answer.
func (o *sse) unhurried() { _ = o.c.SetWriteDeadline(time.Time{}) }

func (o *sse) event(name, id string, data any) {
	raw, err := json.Marshal(data)
	if err != nil {
		raw = []byte(`{}`)
	}
	text := "event: " + name + "\n"
	if id != "" {
		text = "id: " + id + "\n" + text
	}
	o.write(text + "data: " + string(raw) + "\n\n")
}

func (o *sse) comment(text string) { o.write(": " + text + "\n\n") }

func (o *sse) write(text string) {
	if o.err != nil {
		return
	}
	if _, o.err = o.w.Write([]byte(text)); o.err == nil {
		o.err = o.c.Flush()
	}
}
