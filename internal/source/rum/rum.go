// Package rum receives what browsers measured of real page loads.
//
// In come beacons, one or an array, by POST from any origin:
//
//	{"time":"2026-01-02T03:04:05.678Z","page":"/checkout","session":"s-17","trace_id":"…",
//	 "ttfb_ms":120,"response_ms":180,"render_ms":45,"lcp_ms":225,"inp_ms":12}
//
// Only page is required; what is missing, null or negative counts as not
// measured, never as zero. Time may also be unix milliseconds. Out go
// pitwall.PageLoads in seconds. The body may call itself text/plain, as
// navigator.sendBeacon does to spare the browser a preflight.
//
// A browser's clock is not to be trusted: a time in the future or long past is
// replaced by the time of receipt, and counted. The package refuses to know what
// is slow.
package rum

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

var (
	_ http.Handler   = (*Handler)(nil)
	_ pitwall.Health = (*Handler)(nil)
)

const (
	maxAhead = time.Minute // of our clock
	maxAge   = time.Hour
	// maxMillis is the longest duration believed, ten minutes; what is longer
	// was a suspended tab.
	maxMillis = 600_000
	maxText   = 512 // bytes of page, session and trace id
)

// Config of a handler.
type Config struct {
	Sink pitwall.PageLoads
	// Now is the clock; time.Now.
	Now func() time.Time
	// MaxBody bounds a request in bytes; 4 MiB.
	MaxBody int64
}

// Handler takes beacons.
type Handler struct {
	cfg Config

	mu                          sync.Mutex
	accepted, rejected, clamped uint64
	last                        time.Time
	trouble                     string
	failing                     bool
}

// New makes a handler.
func New(cfg Config) *Handler {
	cfg.MaxBody = cmp.Or(max(0, cfg.MaxBody), 4<<20)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Handler{cfg: cfg}
}

// beacon is the wire form; a pointer tells "not measured" from zero.
type beacon struct {
	Time     json.RawMessage `json:"time"`
	Page     string          `json:"page"`
	Session  string          `json:"session"`
	TraceID  string          `json:"trace_id"`
	TTFB     *float64        `json:"ttfb_ms"`
	Response *float64        `json:"response_ms"`
	Render   *float64        `json:"render_ms"`
	LCP      *float64        `json:"lcp_ms"`
	INP      *float64        `json:"inp_ms"`
}

// Reply is what a sender is told.
type Reply struct {
	Accepted int `json:"accepted"`
	Rejected int `json:"rejected"`
	// Clamped beacons had an impossible time and count as seen on receipt.
	Clamped int    `json:"clamped"`
	Message string `json:"message,omitempty"` // the last reason of a rejection
}

// ServeHTTP takes POST, and answers preflights for any origin: beacons carry no
// credentials and the answer tells nothing.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	switch r.Method {
	case http.MethodOptions:
		w.Header().Set("Access-Control-Allow-Methods", "POST")
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
		w.Header().Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPost:
		status, reply := h.take(w, r)
		w.Header().Set("Content-Type", "application/json")
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(reply) // a browser that left does not need it
	default:
		w.Header().Set("Allow", "POST, OPTIONS")
		http.Error(w, "send beacons by POST", http.StatusMethodNotAllowed)
	}
}

func (h *Handler) take(w http.ResponseWriter, r *http.Request) (int, Reply) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.cfg.MaxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return h.refuse(http.StatusRequestEntityTooLarge, fmt.Errorf("more than %d bytes; send fewer beacons at once", large.Limit))
	} else if err != nil {
		return h.refuse(http.StatusBadRequest, fmt.Errorf("reading beacons: %w", err))
	}
	beacons, err := decode(body)
	if err != nil {
		return h.refuse(http.StatusBadRequest, fmt.Errorf("reading beacons: %w", err))
	}
	now := h.cfg.Now()
	loads, reply := convert(beacons, now)
	if len(loads) > 0 {
		if err := h.cfg.Sink.AppendPageLoads(r.Context(), loads); err != nil {
			return h.refuse(http.StatusServiceUnavailable, fmt.Errorf("storing page loads: %w", err))
		}
	}
	h.note(reply, now)
	if reply.Accepted == 0 && reply.Rejected > 0 {
		return http.StatusUnprocessableEntity, reply
	}
	return http.StatusAccepted, reply
}

// decode reads one beacon or an array of them.
func decode(body []byte) ([]beacon, error) {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '[' {
		var many []beacon
		return many, json.Unmarshal(body, &many)
	}
	one := make([]beacon, 1)
	return one, json.Unmarshal(body, &one[0])
}

func convert(beacons []beacon, now time.Time) ([]pitwall.PageLoad, Reply) {
	var reply Reply
	loads := make([]pitwall.PageLoad, 0, len(beacons))
	reject := func(i int, why string) {
		reply.Rejected++
		reply.Message = fmt.Sprintf("beacon %d: %s", i, why)
	}
	for i, b := range beacons {
		if b.Page == "" {
			reject(i, "page is missing")
			continue
		}
		at, err := timeOf(b.Time, now)
		if err != nil {
			reject(i, err.Error())
			continue
		}
		if at.After(now.Add(maxAhead)) || at.Before(now.Add(-maxAge)) {
			at = now
			reply.Clamped++
		}
		loads = append(loads, pitwall.PageLoad{
			At: at, Page: clip(b.Page), Session: clip(b.Session), TraceID: clip(b.TraceID),
			TTFB: seconds(b.TTFB), Response: seconds(b.Response), Render: seconds(b.Render), LCP: seconds(b.LCP), INP: seconds(b.INP),
		})
		reply.Accepted++
	}
	return loads, reply
}

// timeOf reads RFC 3339 or unix milliseconds; nothing means now.
func timeOf(raw json.RawMessage, now time.Time) (time.Time, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return now, nil
	}
	var millis float64
	if json.Unmarshal(raw, &millis) == nil {
		if millis < 0 || millis > 1e15 { // the year 33658
			return time.Time{}, fmt.Errorf("time %s is not in unix milliseconds", raw)
		}
		return time.UnixMilli(int64(millis)), nil
	}
	var at time.Time
	if err := json.Unmarshal(raw, &at); err != nil {
		return at, fmt.Errorf("time %.40s is neither RFC 3339 nor unix milliseconds", raw)
	}
	return at, nil
}

// seconds turns a measurement into seconds; -1: not measured.
func seconds(ms *float64) float64 {
	if ms == nil || *ms < 0 || *ms > maxMillis {
		return -1
	}
	return *ms / 1000
}

func clip(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxText)], "") }

// refuse counts a request that was turned down whole.
func (h *Handler) refuse(status int, err error) (int, Reply) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rejected++
	h.trouble, h.failing = err.Error(), status == http.StatusServiceUnavailable
	return status, Reply{Message: err.Error()}
}

func (h *Handler) note(r Reply, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.accepted += uint64(r.Accepted)
	h.rejected += uint64(r.Rejected)
	h.clamped += uint64(r.Clamped)
	h.trouble, h.failing = r.Message, false
	if r.Accepted > 0 {
		h.last = now
	}
}

// Health tells how many beacons came, and how many with a wrong clock.
func (h *Handler) Health() []pitwall.SourceHealth {
	h.mu.Lock()
	defer h.mu.Unlock()
	var says []string
	if h.trouble != "" {
		says = append(says, h.trouble)
	}
	if h.clamped > 0 {
		says = append(says, fmt.Sprintf("%d beacons with an impossible time count as seen on receipt", h.clamped))
	}
	return []pitwall.SourceHealth{{
		Name: "rum", Up: !h.last.IsZero() && !h.failing, LastSeen: h.last, Accepted: h.accepted, Rejected: h.rejected,
		Message: strings.Join(says, "; "), Blind: "whether users' browsers or the servers are slow",
	}}
}
