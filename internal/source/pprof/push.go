package pprof

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

const (
	// bodies and parses bound the memory that hostile pushes can take: bodies
	// read, and profiles parsed, at a time.
	bodies = 8
	parses = 2
	// patience is how long a body may take to arrive.
	patience = 30 * time.Second
	// momentLength is the window of a profile of one moment that comes without one.
	momentLength = 10 * time.Second
	// maxAhead is how far in the future a window may end: clocks differ.
	maxAhead = 10 * time.Minute
	// maxLength bounds a window.
	maxLength = 24 * time.Hour
)

// Adder is a sink that can say whether a window was new.
type Adder interface {
	AddProfile(ctx context.Context, w pitwall.ProfileWindow) (added bool, err error)
}

// PushConfig of a PushHandler. Only Sink is required.
type PushConfig struct {
	// Sink stores windows; with AddProfile it can say which it knew already.
	Sink pitwall.ProfileSink
	// MaxBody bounds a request's body as it comes; 0 means 32 MiB. Uncompressed,
	// prof bounds it.
	MaxBody int64
	Now     func() time.Time // nil: the system's clock
}

// PushHandler takes profiles by POST, one a request, gzipped or not:
//
//	POST /api/v1/profiles?service=checkout&version=v12&instance=c-1&type=cpu&from=…&to=…&requests=120
//
// Only service is required. The type is read from the profile where it says
// what it is; the period from its time and duration. Answers are 201 for a new
// window, 200 for one that is known, 422 or 400 with the reason, 413, 429 and 503
// with Retry-After.
type PushHandler struct {
	c      PushConfig
	bodies chan struct{}
	parses chan struct{}

	mu     sync.Mutex // guards health
	health pitwall.SourceHealth
}

var (
	_ http.Handler   = (*PushHandler)(nil)
	_ pitwall.Health = (*PushHandler)(nil)
)

// NewPushHandler makes a handler.
func NewPushHandler(c PushConfig) *PushHandler {
	if c.MaxBody <= 0 {
		c.MaxBody = maxBody
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &PushHandler{
		c: c, bodies: make(chan struct{}, bodies), parses: make(chan struct{}, parses),
		health: pitwall.SourceHealth{Name: "pprof/push", Signal: pitwall.SignalProfiles},
	}
}

// Pushed is the answer to a profile that was taken.
type Pushed struct {
	Service pitwall.ServiceName `json:"service"`
	Type    pitwall.ProfileType `json:"type"`
	From    time.Time           `json:"from"`
	To      time.Time           `json:"to"`
	Samples int                 `json:"samples"`
	Known   bool                `json:"known,omitempty"` // it was there before; nothing was stored
}

// problem is the answer to one that was not (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

func refuse(status int, format string, args ...any) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

func (p *problem) hint(text string) *problem {
	p.Hint = text
	return p
}

// ServeHTTP takes one profile.
func (h *PushHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pushed, trouble := h.take(w, r)
	h.count(pushed, trouble)
	if trouble != nil {
		switch trouble.Status {
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			w.Header().Set("Retry-After", "5")
		case http.StatusMethodNotAllowed:
			w.Header().Set("Allow", http.MethodPost)
		}
		reply(w, trouble.Status, "application/problem+json", trouble)
		return
	}
	status := http.StatusCreated
	if pushed.Known {
		status = http.StatusOK
	}
	reply(w, status, "application/json", pushed)
}

func reply(w http.ResponseWriter, status int, contentType string, body any) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the sender went away
}

func (h *PushHandler) take(w http.ResponseWriter, r *http.Request) (Pushed, *problem) {
	if r.Method != http.MethodPost {
		return Pushed{}, refuse(http.StatusMethodNotAllowed, "profiles come by POST")
	}
	query := r.URL.Query()
	if query.Get("service") == "" {
		return Pushed{}, refuse(http.StatusUnprocessableEntity, "the query names no service").hint("add ?service=NAME")
	}
	select {
	case h.bodies <- struct{}{}:
		defer func() { <-h.bodies }()
	default:
		return Pushed{}, refuse(http.StatusTooManyRequests, "%d profiles are being received", bodies)
	}
	body, trouble := readBody(w, r, h.c.MaxBody)
	if trouble != nil {
		return Pushed{}, trouble
	}
	h.parses <- struct{}{}
	win, what, trouble := h.window(query, body)
	<-h.parses
	if trouble != nil {
		return Pushed{}, trouble
	}
	pushed := Pushed{Service: win.Service, Type: win.Type, From: win.Period.From, To: win.Period.To, Samples: what.Samples}
	var err error
	if adder, ok := h.c.Sink.(Adder); ok {
		var added bool
		added, err = adder.AddProfile(r.Context(), win)
		pushed.Known = !added
	} else {
		err = h.c.Sink.AppendProfile(r.Context(), win)
	}
	if err != nil {
		return Pushed{}, refuse(pitwall.KindOf(err).HTTPStatus(), "%v", err).hint(pitwall.HintOf(err))
	}
	return pushed, nil
}

// readBody reads a body, and takes off the compression of the transport; the
// profile's own stays.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, *problem) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience)) // not every writer can
	in := io.Reader(http.MaxBytesReader(w, r.Body, most))
	switch encoding := r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		zr, err := gzip.NewReader(in)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "opening gzip: %v", err)
		}
		in = io.LimitReader(zr, most+1)
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "content encoding %q", encoding).hint("send it as it is, or with gzip")
	}
	body, err := io.ReadAll(in)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large) || int64(len(body)) > most:
		return nil, refuse(http.StatusRequestEntityTooLarge, "more than %s", pitwall.Bytes(most)).hint("a profile of a shorter time is smaller")
	case err != nil:
		return nil, refuse(http.StatusBadRequest, "reading the body: %v", err)
	case len(body) == 0:
		return nil, refuse(http.StatusUnprocessableEntity, "the body is empty").hint("send the profile as the body: curl --data-binary @cpu.pb.gz")
	}
	return body, nil
}

// window makes the window of a request.
func (h *PushHandler) window(query url.Values, body []byte) (pitwall.ProfileWindow, prof.Description, *problem) {
	what, err := prof.Describe(body)
	if err != nil {
		return pitwall.ProfileWindow{}, what, refuse(http.StatusUnprocessableEntity, "%v", err).hint(pitwall.HintOf(err))
	}
	win := pitwall.ProfileWindow{
		Service: pitwall.ServiceName(query.Get("service")), Version: pitwall.Version(query.Get("version")), Instance: query.Get("instance"),
	}
	var trouble *problem
	if win.Type, trouble = chooseType(pitwall.ProfileType(query.Get("type")), what); trouble != nil {
		return win, what, trouble
	}
	if win.Period, trouble = choosePeriod(query, win.Type, what, h.c.Now()); trouble != nil {
		return win, what, trouble
	}
	if text := query.Get("requests"); text != "" {
		if win.Requests, err = strconv.ParseInt(text, 10, 64); err != nil || win.Requests < 0 {
			return win, what, refuse(http.StatusUnprocessableEntity, "requests=%q is no count", text)
		}
	}
	if win.Data, err = prof.Keep(body, win.Type, nil); err != nil {
		return win, what, refuse(http.StatusUnprocessableEntity, "%v", err).hint(pitwall.HintOf(err))
	}
	return win, what, nil
}

// chooseType is the type that was asked for, if the profile can be read as it,
// or the only one it can be. Go's heap profile holds allocations since the start
// as well; without a type it is what is held.
func chooseType(asked pitwall.ProfileType, what prof.Description) (pitwall.ProfileType, *problem) {
	switch {
	case asked != "" && slices.Contains(what.Types, asked):
		return asked, nil
	case asked != "" && !slices.Contains(pitwall.ProfileTypes(), asked):
		return "", refuse(http.StatusUnprocessableEntity, "type=%q is none of %v", asked, pitwall.ProfileTypes())
	case asked != "" || len(what.Types) == 0:
		return "", refuse(http.StatusUnprocessableEntity, "the profile counts %v, which is none of the types Pitwall keeps, or not the one asked for", what.Counts).
			hint(fmt.Sprintf("types are %v", pitwall.ProfileTypes()))
	case slices.Contains(what.Types, pitwall.ProfileMutex):
		return "", refuse(http.StatusUnprocessableEntity, "mutex and block profiles look alike").hint("add type=mutex or type=block")
	case slices.Contains(what.Types, pitwall.ProfileHeap):
		return pitwall.ProfileHeap, nil
	}
	return what.Types[0], nil
}

// choosePeriod is from and to of the query, or what the profile says.
func choosePeriod(query url.Values, t pitwall.ProfileType, what prof.Description, now time.Time) (pitwall.Period, *problem) {
	var p pitwall.Period
	from, to := query.Get("from"), query.Get("to")
	switch {
	case from != "" && to != "":
		var err1, err2 error
		p.From, err1 = moment(from)
		p.To, err2 = moment(to)
		if err := errors.Join(err1, err2); err != nil {
			return p, refuse(http.StatusUnprocessableEntity, "reading the period: %v", err).hint("from and to are RFC 3339 times or unix seconds")
		}
	case from != "" || to != "":
		return p, refuse(http.StatusUnprocessableEntity, "only one of from and to").hint("give both, or neither")
	case !what.At.IsZero() && what.Length > 0:
		p = pitwall.Period{From: what.At, To: what.At.Add(what.Length)}
	case !what.At.IsZero() && prof.Momentary(t):
		p = pitwall.Period{From: what.At.Add(-momentLength), To: what.At}
	case prof.Cumulative(t):
		return p, refuse(http.StatusUnprocessableEntity, "the profile counts since the process started, not over a period").
			hint("push the difference of two: /debug/pprof/…?seconds=10 gives one; or say from and to")
	default:
		return p, refuse(http.StatusUnprocessableEntity, "the profile says neither when nor how long").hint("add from and to")
	}
	switch {
	case !p.From.Before(p.To):
		return p, refuse(http.StatusUnprocessableEntity, "the period ends (%v) no later than it begins (%v)", p.To, p.From)
	case p.Duration() > maxLength:
		return p, refuse(http.StatusUnprocessableEntity, "a period of %v; %v is the longest", p.Duration(), maxLength)
	case p.To.After(now.Add(maxAhead)):
		return p, refuse(http.StatusUnprocessableEntity, "the period ends at %v, in the future", p.To.UTC()).hint("check the clocks of both machines")
	}
	return p, nil
}

// moment reads RFC 3339, or unix time in seconds with or without a fraction.
func moment(text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at.UTC(), nil
	}
	s, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(s) < 1e11) {
		return time.Time{}, fmt.Errorf("%q is neither a time nor unix seconds", text)
	}
	return time.UnixMilli(int64(math.Round(s * 1000))).UTC(), nil
}

func (h *PushHandler) count(pushed Pushed, trouble *problem) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if trouble != nil {
		h.health.Rejected++
		h.health.Message = trouble.Detail
		h.health.Up = trouble.Status < http.StatusInternalServerError
		return
	}
	now := h.c.Now()
	h.health.Up, h.health.LastSeen, h.health.Message = true, now, ""
	h.health.Accepted++
	if pushed.Known {
		h.health.Duplicates++
	}
	h.health.Lag = max(0, now.Sub(pushed.To).Seconds())
}

// Health says how pushing goes.
func (h *PushHandler) Health() []pitwall.SourceHealth {
	h.mu.Lock()
	defer h.mu.Unlock()
	return []pitwall.SourceHealth{h.health}
}
