package synthetic

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

var _ pitwall.Health = (*Runner)(nil)

// Config of a Runner.
type Config struct {
	Journeys []Journey
	// Sink takes the series; nil: none are written.
	Sink pitwall.SeriesSink
	// Spans takes a client span for each request, so that the traces it begins are
	// whole; nil: none are made.
	Spans pitwall.SpanSink
	// Secrets gives the value of ${secret:name}; nil: there are none. SecretsIn
	// reads them from a directory.
	Secrets func(name string) (string, error)
	// Roots are the authorities trusted; nil: the machine's.
	Roots *x509.CertPool
	// Parallel is how many journeys run at once; 0 means 16. A server that hangs
	// holds one place for its journey's timeout.
	Parallel int
	// Keep is how many failed results are kept of each journey; 0 means 20.
	Keep int
	Rand *rand.Rand
	Now  func() time.Time // nil: the system's clock
}

// Standing is how a journey stands.
type Standing struct {
	Journey string              `json:"journey"`
	Service pitwall.ServiceName `json:"service"`
	Every   float64             `json:"every_s"`
	Runs    uint64              `json:"runs"`
	Failed  uint64              `json:"failed"`
	Latest  *Result             `json:"latest,omitempty"` // none before the first run
	Failing []Result            `json:"failing"`          // the last failed ones, newest first
}

// Runner runs journeys, each in its own rhythm.
type Runner struct {
	c     Config
	slots chan struct{}

	mu    sync.Mutex // guards all below
	rand  *rand.Rand
	state map[string]*state // by journey
}

// state is what is known of a journey.
type state struct {
	Standing
	pending  []pitwall.Series // not stored yet
	refused  uint64           // samples given up
	stored   string           // trouble of the sink
	trouble  string           // of ours: a secret that cannot be had
	lastSeen time.Time
}

// New makes a Runner. Two journeys of one name are refused: their series could
// not be told apart.
func New(c Config) (*Runner, error) {
	const op = "starting synthetic journeys"
	c.Parallel, c.Keep = cmp.Or(max(0, c.Parallel), 16), cmp.Or(max(0, c.Keep), 20)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		return nil, pitwall.Errorf(pitwall.Internal, op, "no source of chance is given")
	}
	if c.Secrets == nil {
		c.Secrets = func(name string) (string, error) {
			return "", &pitwall.Error{Op: "reading secret", Kind: pitwall.Invalid, ID: name, Err: fmt.Errorf("no secrets are configured"), Hint: "name the directory with the secrets"}
		}
	}
	r := &Runner{c: c, slots: make(chan struct{}, c.Parallel), rand: c.Rand, state: map[string]*state{}}
	for _, j := range c.Journeys {
		if r.state[j.Name] != nil {
			return nil, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: j.File, Err: fmt.Errorf("journey %q is there twice", j.Name), Hint: "rename one"}
		}
		r.state[j.Name] = &state{Standing: Standing{Journey: j.Name, Service: j.Service, Every: j.Every.Seconds()}}
	}
	return r, nil
}

// firstMost bounds how long the first run of a journey waits.
const firstMost = 15 * time.Second

// Run runs every journey in its rhythm until ctx ends, and returns when the last
// run is over. The first runs are spread by chance; runs of one journey never
// overlap.
func (r *Runner) Run(ctx context.Context) error {
	var work sync.WaitGroup
	for _, j := range r.c.Journeys {
		r.mu.Lock()
		wait := time.Duration(r.rand.Int64N(int64(min(j.Every, firstMost))))
		r.mu.Unlock()
		work.Go(func() { r.repeat(ctx, j, wait) })
	}
	work.Wait()
	return nil
}

func (r *Runner) repeat(ctx context.Context, j Journey, wait time.Duration) {
	next := r.c.Now().Add(wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		select {
		case <-ctx.Done():
			return
		case r.slots <- struct{}{}:
		}
		got := r.Check(ctx, j)
		<-r.slots
		if ctx.Err() != nil {
			return // it failed because we are leaving
		}
		r.keep(ctx, got)
		now := r.c.Now()
		for !next.After(now) { // a beat that was missed is not made up for
			next = next.Add(j.Every)
		}
		timer.Reset(next.Sub(now))
	}
}

// storeWithin bounds how long the sink may take.
const storeWithin = 10 * time.Second

// pendingMost bounds the series that wait for a sink that fails, for each journey.
const pendingMost = 5000

// keep remembers a result and stores its series, with those that the sink did
// not take before.
func (r *Runner) keep(ctx context.Context, got Result) {
	r.mu.Lock()
	s := r.state[got.Journey]
	s.Runs++
	s.Latest, s.lastSeen = &got, r.c.Now()
	if !got.OK {
		s.Failed++
		s.Failing = slices.Insert(s.Failing, 0, got)
		s.Failing = s.Failing[:min(len(s.Failing), r.c.Keep)]
	}
	s.trouble = got.secretless()
	list := append(s.pending, seriesOf(got)...)
	s.pending = nil
	r.mu.Unlock()
	if r.c.Sink == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	err := r.c.Sink.AppendSeries(ctx, list)
	r.mu.Lock()
	defer r.mu.Unlock()
	s.stored = ""
	if err == nil {
		return
	}
	s.stored = "storing series: " + err.Error()
	if pitwall.KindOf(err) == pitwall.Invalid { // it would be refused again
		s.refused += uint64(len(list))
		return
	}
	over := max(0, len(list)-pendingMost)
	s.refused += uint64(over)
	s.pending = list[over:]
}

// ids makes the ids of a new trace and of the span that stands for the request.
func (r *Runner) ids() (trace, span string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("%016x%016x", r.rand.Uint64()|1, r.rand.Uint64()), fmt.Sprintf("%016x", r.rand.Uint64()|1)
}

// Results tells how every journey stands, by name.
func (r *Runner) Results() []Standing {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]Standing, 0, len(r.state))
	for _, s := range r.state {
		one := s.Standing
		one.Failing = slices.Clone(s.Failing)
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b Standing) int { return strings.Compare(a.Journey, b.Journey) })
	return list
}

// Health tells of each journey whether it can be walked and kept; a service that
// fails it is no fault of the source, but is said.
func (r *Runner) Health() []pitwall.SourceHealth {
	const blind = "whether users get through while there are none"
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.state) == 0 {
		return []pitwall.SourceHealth{{Name: "synthetic", Signal: pitwall.SignalSynthetics, Blind: blind}}
	}
	var list []pitwall.SourceHealth
	for _, s := range r.state {
		h := pitwall.SourceHealth{Name: "synthetic/" + s.Journey, Signal: pitwall.SignalSynthetics, Up: s.trouble == "" && s.stored == "",
			LastSeen: s.lastSeen, Accepted: s.Runs, Rejected: s.refused, Message: cmp.Or(s.trouble, s.stored)}
		if h.Message == "" && s.Latest != nil && !s.Latest.OK {
			h.Message = s.Latest.words()
		}
		if s.Runs == 0 {
			h.Blind = blind
		}
		list = append(list, h)
	}
	slices.SortFunc(list, func(a, b pitwall.SourceHealth) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// secretless says which secret could not be had, which is our trouble and not the
// service's; "" when none was missing.
func (r Result) secretless() string {
	for _, s := range r.Steps {
		for _, f := range s.Failures {
			if f.Assertion == assertSecret {
				return f.Got
			}
		}
	}
	return ""
}

// words says in one line why a run failed.
func (r Result) words() string {
	for _, s := range r.Steps {
		for _, f := range s.Failures {
			return fmt.Sprintf("step %q failed: %s: wanted %s, got %s", s.Name, f.Assertion, f.Wanted, f.Got)
		}
	}
	return ""
}
