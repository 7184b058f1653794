package webhook

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

var _ http.Handler = (*hook)(nil)

// Answer says what became of a delivery: 201 stored, 200 known, 202 ignored.
type Answer struct {
	ID      pitwall.ChangeID `json:"id,omitempty"`
	Known   bool             `json:"known,omitempty"`   // it was there before; nothing was stored
	Ignored string           `json:"ignored,omitempty"` // why nothing was to be stored
	Note    string           `json:"note,omitempty"`
	// Of alerts, which come several at once.
	Stored  int `json:"stored,omitempty"`
	Refused int `json:"refused,omitempty"` // Note says why
}

// delivery is one request that was let in.
type delivery struct {
	header  http.Header
	body    []byte
	arrived time.Time
}

// taken is what a source made of a delivery. At is when the event happened;
// zero: not known.
type taken struct {
	answer Answer
	at     time.Time
}

func ignored(format string, args ...any) (taken, *Problem) {
	return taken{answer: Answer{Ignored: fmt.Sprintf(format, args...)}}, nil
}

func refused(status int, format string, args ...any) (taken, *Problem) {
	return taken{}, &Problem{Status: status, Detail: fmt.Sprintf(format, args...)}
}

// hook is the webhook of one source.
type hook struct {
	name, path string
	key        string // of the configuration
	hint       string // how to be let in
	blind      string
	signal     pitwall.SignalKind
	secret     string // empty: closed
	admit      func(secret string, r *http.Request, body []byte) bool
	take       func(context.Context, delivery) (taken, *Problem)
	now        func() time.Time

	one sync.Mutex // deliveries are taken one at a time: some look at the log first

	mu      sync.Mutex // guards all below
	counts  pitwall.SourceHealth
	failing bool
	lags    []float64 // seconds, the last few
}

// ServeHTTP takes one delivery by POST.
func (k *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, problem := k.serve(w, r)
	k.count(t, problem)
	if problem != nil {
		switch problem.Status {
		case http.StatusServiceUnavailable:
			w.Header().Set("Retry-After", "5")
		case http.StatusUnauthorized:
			w.Header().Set("WWW-Authenticate", `Bearer realm="pitwall"`)
		case http.StatusMethodNotAllowed:
			w.Header().Set("Allow", http.MethodPost)
		}
		answer(w, *problem)
		return
	}
	status := http.StatusCreated
	switch {
	case t.answer.Ignored != "":
		status = http.StatusAccepted
	case t.answer.Known || t.answer.ID == "" && t.answer.Stored == 0:
		status = http.StatusOK
	}
	reply(w, status, "application/json", t.answer)
}

func (k *hook) serve(w http.ResponseWriter, r *http.Request) (taken, *Problem) {
	switch {
	case r.Method != http.MethodPost:
		return refused(http.StatusMethodNotAllowed, "deliveries come by POST")
	case k.secret == "":
		return taken{}, &Problem{Status: http.StatusForbidden, Detail: "the webhook of " + k.name + " is not configured", Hint: "set " + k.key}
	}
	body, problem := readBody(w, r, maxHookBody)
	if problem != nil {
		return taken{}, problem
	}
	if !k.admit(k.secret, r, body) {
		return taken{}, &Problem{Status: http.StatusUnauthorized, Detail: "the secret is missing or wrong", Hint: k.hint}
	}
	k.one.Lock()
	defer k.one.Unlock()
	return k.take(r.Context(), delivery{header: r.Header, body: body, arrived: k.now()})
}

// lagsKept is how many deliveries the median lag is taken of.
const lagsKept = 15

func (k *hook) count(t taken, problem *Problem) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if problem != nil {
		k.counts.Rejected++
		if k.secret != "" {
			k.counts.Message, k.failing = problem.Detail, problem.Status == http.StatusServiceUnavailable
		}
		return
	}
	now := k.now()
	k.counts.LastSeen, k.counts.Message, k.failing = now, "", false
	k.counts.Accepted++
	if t.answer.Known {
		k.counts.Duplicates++
	}
	if t.answer.Refused > 0 {
		k.counts.Message = t.answer.Note
	}
	if !t.at.IsZero() && !t.answer.Known {
		k.lags = append(k.lags[max(0, len(k.lags)-lagsKept+1):], max(0, now.Sub(t.at).Seconds()))
	}
}

// health says how the source is. A closed one is no fault; what it would show is
// told with what opens it.
func (k *hook) health() pitwall.SourceHealth {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.counts
	h.Name, h.Signal, h.Blind = "webhook/"+k.name, k.signal, k.blind
	h.Up = k.secret != "" && !k.failing
	if k.secret == "" {
		h.Blind += "; not configured: set " + k.key
	}
	if n := len(k.lags); n > 0 {
		h.Lag = slices.Sorted(slices.Values(k.lags))[n/2]
	}
	return h
}

// recent remembers a time under each of the newest keys.
type recent struct {
	times map[string]time.Time
	order []string
}

// recentMost bounds what is remembered.
const recentMost = 1000

// put remembers the earliest time given for a key.
func (r *recent) put(key string, at time.Time) {
	if r.times == nil {
		r.times = map[string]time.Time{}
	}
	old, known := r.times[key]
	if known && !at.Before(old) {
		return
	}
	r.times[key] = at
	if known {
		return
	}
	if r.order = append(r.order, key); len(r.order) > recentMost {
		delete(r.times, r.order[0])
		r.order = r.order[1:]
	}
}
