// Package webhook hears of changes: those that are announced to it by HTTP, and
// those that show in telemetry as a version nobody has seen before. It also hears
// what Alertmanager says.
//
// In comes POST with one change:
//
//	{"id":"deploy-118","time":"2026-01-02T03:04:05Z","kind":"deploy","service":"inventory",
//	 "version":"v41","previous_version":"v40","summary":"…","diff_hints":["…"],
//	 "config":{},"flags":{},"files":["…"],"diff":"@@ …","actor":"ci","link":"https://…"}
//
// or a webhook of GitHub, Argo CD, Flagger or Alertmanager in its own form, or
// span batches; out go pitwall.Changes and pitwall.Alerts into their logs, each
// id once, under the time when it happened rather than the time it was told. The
// package refuses to know whether a change is to blame.
package webhook

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

var (
	_ http.Handler   = (*Handler)(nil)
	_ pitwall.Health = (*Handler)(nil)
)

// SignatureHeader holds "sha256=" and the HMAC-SHA256 of the body in hex, keyed
// with the shared secret.
const SignatureHeader = "X-Pitwall-Signature"

// maxBody bounds an announcement, 1 MiB.
const maxBody = 1 << 20

// maxAhead is how far in the future an announced time may lie.
const maxAhead = 5 * time.Minute

// Config of a handler.
type Config struct {
	Log pitwall.ChangeLog
	// Secret is shared with the senders; empty: announcements need no signature.
	Secret string
	// Now is the clock; time.Now.
	Now func() time.Time
}

// Handler takes announcements.
type Handler struct {
	cfg Config

	mu                 sync.Mutex
	accepted, rejected uint64
	last               time.Time
	trouble            string
	failing            bool
}

// New makes a handler.
func New(cfg Config) *Handler {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Handler{cfg: cfg}
}

// Sign gives the value of SignatureHeader for a body.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// announcement is the wire form of a change.
type announcement struct {
	ID              string            `json:"id"`
	Time            *time.Time        `json:"time"`
	Kind            string            `json:"kind"`
	Service         string            `json:"service"`
	Version         string            `json:"version"`
	PreviousVersion string            `json:"previous_version"`
	Summary         string            `json:"summary"`
	DiffHints       []string          `json:"diff_hints"`
	Config          map[string]string `json:"config"`
	Flags           map[string]string `json:"flags"`
	Files           []string          `json:"files"`
	Diff            string            `json:"diff"`
	Actor           string            `json:"actor"`
	Link            string            `json:"link"`
}

// Reply is the answer to an announcement that was taken.
type Reply struct {
	ID    pitwall.ChangeID `json:"id"`
	Known bool             `json:"known"` // that id was there before; nothing was stored
}

// Problem is the answer to one that was not (RFC 9457).
type Problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// ServeHTTP takes POST: 201 for a new change, 200 for one that is known.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		answer(w, Problem{Status: http.StatusMethodNotAllowed, Detail: "announce a change by POST"})
		return
	}
	change, problem := h.read(w, r)
	if problem != nil {
		h.refused(problem.Detail, false)
		answer(w, *problem)
		return
	}
	fresh, err := h.cfg.Log.AppendChange(r.Context(), change)
	if err != nil {
		h.refused(err.Error(), true)
		w.Header().Set("Retry-After", "1")
		answer(w, Problem{Status: pitwall.KindOf(err).HTTPStatus(), Detail: "storing change: " + err.Error(), Hint: pitwall.HintOf(err)})
		return
	}
	h.took()
	status := http.StatusOK
	if fresh {
		status = http.StatusCreated
	}
	reply(w, status, "application/json", Reply{ID: change.ID, Known: !fresh})
}

func (h *Handler) read(w http.ResponseWriter, r *http.Request) (pitwall.Change, *Problem) {
	body, problem := readBody(w, r, maxBody)
	if problem != nil {
		return pitwall.Change{}, problem
	}
	if h.cfg.Secret != "" && !hmac.Equal([]byte(Sign(h.cfg.Secret, body)), []byte(r.Header.Get(SignatureHeader))) {
		return pitwall.Change{}, &Problem{Status: http.StatusUnauthorized, Detail: "the signature is missing or does not fit the body",
			Hint: SignatureHeader + ": sha256=<hex HMAC-SHA256 of the body, keyed with the shared secret>"}
	}
	return parse(body, r.Header.Get("Idempotency-Key"), h.cfg.Now())
}

// readBody reads a body of at most so many bytes.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, *Problem) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &Problem{Status: http.StatusRequestEntityTooLarge, Detail: fmt.Sprintf("more than %d bytes", large.Limit)}
	case err != nil:
		return nil, &Problem{Status: http.StatusBadRequest, Detail: "reading the body: " + err.Error()}
	}
	return body, nil
}

// parse reads one announcement strictly: a field nobody reads would be a
// mistake nobody sees.
func parse(body []byte, key string, now time.Time) (pitwall.Change, *Problem) {
	var a announcement
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(&a)
	if err == nil && dec.More() {
		err = errors.New("more than one JSON value")
	}
	switch {
	case err != nil && strings.Contains(err.Error(), "unknown field"):
		return pitwall.Change{}, unprocessable("reading change: %v", err)
	case err != nil:
		return pitwall.Change{}, &Problem{Status: http.StatusBadRequest, Detail: "reading change: " + err.Error()}
	}
	c := pitwall.Change{
		ID: pitwall.ChangeID(cmp.Or(a.ID, key)), At: now, Kind: pitwall.ChangeKind(a.Kind), Service: pitwall.ServiceName(a.Service),
		Version: pitwall.Version(a.Version), PreviousVersion: pitwall.Version(a.PreviousVersion), Summary: a.Summary,
		DiffHints: a.DiffHints, Config: a.Config, Flags: a.Flags, Files: a.Files, Diff: a.Diff, Actor: a.Actor, Link: a.Link, SeenBy: pitwall.SeenByWebhook,
	}
	if a.Time != nil {
		c.At = a.Time.UTC()
	}
	return c, fault(&c, a.Time != nil, now)
}

// fault says what is wrong with a change. One without an id gets it from its
// content, if that names the moment, so that sending it twice is one change.
func fault(c *pitwall.Change, timed bool, now time.Time) *Problem {
	switch {
	case !slices.Contains(pitwall.ChangeKinds(), c.Kind):
		return unprocessable("kind %q is none of %v", c.Kind, pitwall.ChangeKinds())
	case c.Service == "":
		return unprocessable("service is missing: which service changed?")
	case c.Kind == pitwall.ChangeDeploy && c.Version == "":
		return unprocessable("version is missing: which version was deployed?")
	case timed && (c.At.After(now.Add(maxAhead)) || c.At.Year() < 2000):
		return unprocessable("time %s is not when something happened; now is %s", c.At.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	case c.ID == "" && !timed:
		return unprocessable("id is missing: give id, an Idempotency-Key header, or at least time, so that sending it twice is one change")
	case c.ID == "":
		content, err := json.Marshal(c)
		if err != nil {
			return unprocessable("change has no sound content: %v", err)
		}
		sum := sha256.Sum256(content)
		c.ID = pitwall.ChangeID("change-" + hex.EncodeToString(sum[:8]))
	}
	return nil
}

func unprocessable(format string, args ...any) *Problem {
	return &Problem{Status: http.StatusUnprocessableEntity, Detail: fmt.Sprintf(format, args...)}
}

func answer(w http.ResponseWriter, p Problem) {
	p.Title = http.StatusText(p.Status)
	reply(w, p.Status, "application/problem+json", p)
}

func reply(w http.ResponseWriter, status int, kind string, body any) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a sender that hung up will send again
}

func (h *Handler) refused(trouble string, failing bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rejected++
	h.trouble, h.failing = trouble, failing
}

func (h *Handler) took() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.accepted++
	h.last, h.trouble, h.failing = h.cfg.Now(), "", false
}

// Health tells of the announcements. None so far is no fault: changes are rare.
func (h *Handler) Health() []pitwall.SourceHealth {
	h.mu.Lock()
	defer h.mu.Unlock()
	return []pitwall.SourceHealth{{
		Name: "changes", Signal: pitwall.SignalChanges, Up: !h.failing, LastSeen: h.last, Accepted: h.accepted, Rejected: h.rejected, Message: h.trouble,
		Blind: "flags, configuration and what a deploy changed; new versions show in telemetry, without hints",
	}}
}
