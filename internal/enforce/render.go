package enforce

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/pitwall/pitwall"
)

// The locks a playbook may ask for.
const (
	LockResponseSize = "response-size-gate"
	LockPayloadAlert = "payload-alert"
	LockLatencyAlert = "latency-alert"
	LockRunbook      = "runbook"
)

// Options are what a plan does not say of itself.
type Options struct {
	Owner     string // team that gets alerts and owns the runbook
	PublicURL string // of this Pitwall, without a last slash; empty: no links
	// RunbookURL is where the repository's files can be read in a browser;
	// empty: alerts link to the plan, which shows the runbook.
	RunbookURL string
	// Now is the date in the files. Give the time at which the plan reached its
	// state, not the time of the call, and a second delivery is the same.
	Now time.Time
	// SampleRequests are what the gate will send; several different ones are
	// better than one.
	SampleRequests []pitwall.GateRequest
	Runbook        pitwall.PlaybookText // of the playbook; may be empty
}

// reviewAfter is how long a runbook entry is believed without a second look.
const reviewAfter = 90 * 24 * time.Hour

// Locks are what a plan leaves behind.
type Locks struct {
	Files   []pitwall.EnforcedFile // in a fixed order
	Gate    *pitwall.Gate          // nil: there is none
	Missing []string               // what the fix asks for besides, and which knowledge it would need
}

// unknown is knowledge that a lock needs and nobody has.
type unknown struct{ error }

// Render gives what the plan's fix asks for. A lock that needs what nobody
// measured is left out and said; only where nothing at all is left that is an
// error.
func Render(p pitwall.Plan, o Options) (Locks, error) {
	const op = "rendering locks"
	switch {
	case p.ID == "" || p.Fix == nil || p.Hypothesis == nil:
		return Locks{}, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: string(p.ID), Err: errors.New("the plan has no fix that was tried")}
	case o.Now.IsZero():
		return Locks{}, &pitwall.Error{Op: op, Kind: pitwall.Internal, ID: string(p.ID), Err: errors.New("no date was given")}
	}
	r := renderer{p: p, o: o, h: *p.Hypothesis}
	o.PublicURL = strings.TrimSuffix(o.PublicURL, "/")
	r.o = o
	for _, lock := range inOrder(p.Fix.Enforce) {
		err := r.lock(lock)
		if errors.As(err, new(unknown)) {
			r.missing = append(r.missing, lock+": "+err.Error())
			continue
		}
		if err != nil {
			return Locks{}, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: fmt.Sprintf("%s, %s", p.ID, lock), Err: err, Hint: closeByHand(p)}
		}
	}
	if len(r.files) == 0 && len(r.missing) > 0 {
		return Locks{}, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: string(p.ID), Err: errors.New(strings.Join(r.missing, "; ")), Hint: closeByHand(p)}
	}
	return Locks{r.files, r.gate, r.missing}, nil
}

func closeByHand(p pitwall.Plan) string {
	return "change what the playbook " + p.Fix.Playbook + " enforces, or close the plan by hand"
}

// inOrder puts the runbook last, for it names the other locks, and drops repeats.
func inOrder(locks []string) []string {
	var list []string
	for _, l := range locks {
		if l != LockRunbook && !slices.Contains(list, l) {
			list = append(list, l)
		}
	}
	if slices.Contains(locks, LockRunbook) {
		list = append(list, LockRunbook)
	}
	return list
}

type renderer struct {
	p     pitwall.Plan
	o     Options
	h     pitwall.Hypothesis
	files []pitwall.EnforcedFile
	gate  *pitwall.Gate

	missing []string
}

func (r *renderer) lock(name string) error {
	switch name {
	case LockResponseSize:
		return r.responseSize()
	case LockPayloadAlert:
		return r.payloadAlert()
	case LockLatencyAlert:
		return r.latencyAlert()
	case LockRunbook:
		r.runbook()
		return nil
	}
	return fmt.Errorf("nobody knows how to render it; there are %s, %s, %s and %s", LockResponseSize, LockPayloadAlert, LockLatencyAlert, LockRunbook)
}

func (r *renderer) add(kind pitwall.EnforcedKind, path, content string) {
	r.files = append(r.files, pitwall.EnforcedFile{Kind: kind, Path: path, Content: content})
}

// responseSize renders the contract: no more than contractRatio times what was
// normal before.
func (r *renderer) responseSize() error {
	median, err := r.median()
	if err != nil {
		return err
	}
	if len(r.o.SampleRequests) == 0 {
		return unknown{fmt.Errorf("no request of %s is known that a gate could send", r.h.Signal.Operation)}
	}
	g := pitwall.Gate{
		Schema: gateSchema, Name: r.slug() + "-response-size", Plan: r.p.ID,
		Service: r.h.Signal.Service, Operation: r.h.Signal.Operation, Owner: r.o.Owner, Mode: "enforce",
		MedianBytes: median, MaxRatio: contractRatio, Requests: r.o.SampleRequests,
	}
	if err := checkGate(g); err != nil {
		return err
	}
	text, err := encode(g)
	if err != nil {
		return err
	}
	path := "gates/" + g.Name + ".yaml"
	r.gate = &g
	r.add(pitwall.EnforcedGate, path, r.header(
		fmt.Sprintf("A build of %s keeps the median response of %s within %s (%v × the %s of before).",
			g.Service, g.Operation, g.Limit(), g.MaxRatio, g.MedianBytes),
		fmt.Sprintf("Run it: pitwall gate run %s --target http://HOST:PORT", path))+text)
	return nil
}

// contractRatio is the contract budget: more than twice the median of before
// needs a person's word.
const contractRatio = 2

// median is the response size before the regression: the hypothesis' own
// signal, or what the baseline froze of the same operation.
func (r *renderer) median() (pitwall.Bytes, error) {
	s := r.h.Signal
	m := s.Before
	if s.Field != "response_bytes" {
		m = pitwall.Measure{}
		if r.p.Baseline != nil {
			for _, o := range r.p.Baseline.Operations {
				if o.Service == s.Service && o.Operation == s.Operation {
					m = o.ResponseMedian
				}
			}
		}
	}
	if !m.Known() || m.Value < 1 {
		return 0, unknown{fmt.Errorf("the response size of %s %s before the regression is not known", s.Service, s.Operation)}
	}
	return pitwall.Bytes(math.Round(m.Value)), nil
}

// slug names files after the service whose signal it was.
func (r *renderer) slug() string { return slug(string(r.h.Signal.Service)) }

func slug(s string) string {
	s = strings.ReplaceAll(strings.ToLower(s), "+", "-plus-")
	s = strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, s)
	s = strings.Join(strings.FieldsFunc(s, func(c rune) bool { return c == '-' }), "-")
	if s == "" {
		return "unnamed"
	}
	return s
}

// header is the comment at the top of a generated file.
func (r *renderer) header(lines ...string) string {
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, "# %s\n", oneLine(l))
	}
	fmt.Fprintf(&b, "# Left behind by %s on %s.", r.p.ID, r.o.Now.UTC().Format(time.DateOnly))
	if url := r.planURL(); url != "" {
		b.WriteString(" " + url)
	}
	return b.String() + "\n"
}

func (r *renderer) planURL() string {
	if r.o.PublicURL == "" {
		return ""
	}
	return r.o.PublicURL + "/plans/" + string(r.p.ID)
}

func (r *renderer) runbookPath() string {
	return "runbooks/" + r.slug() + "-" + slug(string(r.h.Class)) + ".md"
}

func (r *renderer) runbookURL() string {
	if r.o.RunbookURL != "" {
		return strings.TrimSuffix(r.o.RunbookURL, "/") + "/" + r.runbookPath()
	}
	return r.planURL()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func encode(v any) (string, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("writing YAML: %w", err)
	}
	return b.String(), nil
}
