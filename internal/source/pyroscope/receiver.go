package pyroscope

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	defaultMaxBody = 32 << 20
	// bodies and parses bound the memory that hostile pushes can take: bodies
	// read, and profiles parsed, at a time.
	bodies = 8
	parses = 2
	// patience is how long a body may take to arrive.
	patience = 30 * time.Second
)

// Adder is a sink that can say whether a window was new.
type Adder interface {
	AddProfile(ctx context.Context, w pitwall.ProfileWindow) (added bool, err error)
}

// ReceiverConfig of a Receiver. Only Sink is required.
type ReceiverConfig struct {
	// Sink stores windows; with AddProfile it can say which it knew already.
	Sink pitwall.ProfileSink
	// MaxBody bounds a request's body, and again when it is decompressed; 0 means
	// 32 MiB.
	MaxBody int64
	Labels  Labels
	Now     func() time.Time // nil: the system's clock
}

// Receiver takes what Pyroscope's SDKs and agents push.
type Receiver struct {
	c      ReceiverConfig
	bodies chan struct{}
	parses chan struct{}
	series series

	mu     sync.Mutex // guards health
	health pitwall.SourceHealth
}

var _ pitwall.Health = (*Receiver)(nil)

// NewReceiver makes a Receiver; Ingest and Push are its doors.
func NewReceiver(c ReceiverConfig) *Receiver {
	if c.MaxBody <= 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Labels = c.Labels.withDefaults()
	return &Receiver{
		c: c, bodies: make(chan struct{}, bodies), parses: make(chan struct{}, parses), series: series{last: map[string]*held{}},
		health: pitwall.SourceHealth{Name: "pyroscope/push", Signal: pitwall.SignalProfiles},
	}
}

// refusal is a request that was not taken.
type refusal struct {
	status int
	err    error
	hint   string
}

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, err: fmt.Errorf(format, args...)}
}

// asRefusal words an error: what is not the sender's fault may pass.
func asRefusal(err error) *refusal {
	status := pitwall.KindOf(err).HTTPStatus()
	if status < http.StatusInternalServerError {
		status = http.StatusBadRequest
	}
	return &refusal{status: status, err: err, hint: pitwall.HintOf(err)}
}

// say is the refusal with what to do about it.
func (r *refusal) say() string {
	if r.hint == "" {
		return r.err.Error()
	}
	return r.err.Error() + " (" + r.hint + ")"
}

// enter takes one of the places for bodies; leave gives it back.
func (r *Receiver) enter() (leave func(), why *refusal) {
	select {
	case r.bodies <- struct{}{}:
		return func() { <-r.bodies }, nil
	default:
		return nil, refuse(http.StatusTooManyRequests, "%d profiles are being received", bodies)
	}
}

// receive reads a body within its bounds, without the compression of the
// transport.
func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) ([]byte, *refusal) {
	if req.Method != http.MethodPost {
		return nil, refuse(http.StatusMethodNotAllowed, "profiles come by POST")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience)) // not every writer can
	in := io.Reader(http.MaxBytesReader(w, req.Body, r.c.MaxBody))
	switch encoding := req.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		zr, err := gzip.NewReader(in)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "opening gzip: %w", err)
		}
		in = io.LimitReader(zr, r.c.MaxBody+1)
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "content encoding %q; send it as it is, or with gzip", encoding)
	}
	body, err := io.ReadAll(in)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large) || int64(len(body)) > r.c.MaxBody:
		return nil, refuse(http.StatusRequestEntityTooLarge, "more than %s", pitwall.Bytes(r.c.MaxBody))
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "reading the body: %w", err)
	case len(body) == 0:
		return nil, refuse(http.StatusBadRequest, "the body is empty")
	}
	return body, nil
}

// store makes windows of a profile and stores them.
func (r *Receiver) store(ctx context.Context, p profile) *refusal {
	r.parses <- struct{}{}
	windows, err := r.windows(p)
	<-r.parses
	if err != nil {
		return asRefusal(err)
	}
	known := len(windows) > 0
	for _, w := range windows {
		if adder, ok := r.c.Sink.(Adder); ok {
			var added bool
			added, err = adder.AddProfile(ctx, w)
			known = known && !added
		} else {
			known, err = false, r.c.Sink.AppendProfile(ctx, w)
		}
		if err != nil {
			return asRefusal(err)
		}
	}
	r.took(windows, known)
	return nil
}

func (r *Receiver) took(windows []pitwall.ProfileWindow, known bool) {
	now := r.c.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.health.Up, r.health.LastSeen, r.health.Message = true, now, ""
	r.health.Accepted++
	if known {
		r.health.Duplicates++
	}
	if len(windows) > 0 {
		r.health.Lag = max(0, now.Sub(windows[0].Period.To).Seconds())
	}
}

func (r *Receiver) refused(why *refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.health.Rejected++
	r.health.Message = why.say()
	r.health.Up = why.status < http.StatusInternalServerError
}

// Health says how pushing goes.
func (r *Receiver) Health() []pitwall.SourceHealth {
	r.mu.Lock()
	defer r.mu.Unlock()
	return []pitwall.SourceHealth{r.health}
}

// header sets what goes with a status.
func header(w http.ResponseWriter, status int) {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
}

func reply(w http.ResponseWriter, status int, contentType string, body any) {
	header(w, status)
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the sender went away
}
