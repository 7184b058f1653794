// Package pprof scrapes Go's /debug/pprof of running services, continuously.
//
// In come addresses from a file in Prometheus' file_sd format and profiles over
// HTTP; out go pitwall.ProfileWindows with the requests served meanwhile, into a
// sink. Pusher takes profiles that others push, of any runtime that writes pprof.
// It does not look into profiles beyond making sure they are ones, and knows
// neither versions' history nor what the windows are for. OpenTelemetry's
// profiles signal is left out while its wire format is in development.
//
// The file is a JSON list and is read again whenever its content changes:
//
//	[{"targets": ["127.0.0.1:6060"], "labels": {"service": "checkout", "version": "v12"}}]
//
// The label service is required; version and instance are optional (instance is
// the address otherwise). CPU is profiled back to back, which costs a Go process
// one or two percent; the target samples a hundred times a second. Allocations,
// locks and blocking are counts since the process started: two scrapes are
// subtracted, and a process that has restarted begins anew. Heap and goroutines
// are what is held at the moment of the scrape; their window is the stretch
// since the scrape before. Locks and blocking stay empty unless the service calls
// runtime.SetMutexProfileFraction and SetBlockProfileRate; Health says so.
package pprof

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
)

// Requests counts what a service served. Version "" means any.
type Requests interface {
	Requests(service pitwall.ServiceName, version pitwall.Version, p pitwall.Period) int64
}

// Config of a Scraper. FileSD and Sink are required.
type Config struct {
	FileSD string
	// Window is the length of a CPU profile. Targets take whole seconds only, so
	// it is rounded up to one; 0 means 5 s.
	Window time.Duration
	// DeltaEvery is after how many windows the other types are scraped; 0 means 3.
	DeltaEvery int
	// Settle is how long after a window its requests are counted, so that their
	// spans have arrived; 0 means 2 s.
	Settle time.Duration
	// Grace is how long an answer may take beyond its window; 0 means 10 s.
	Grace time.Duration
	// Reload is how often the targets file is looked at; 0 means 1 s.
	Reload time.Duration
	// Types are what is scraped; none means all there are.
	Types    []pitwall.ProfileType
	Sink     pitwall.ProfileSink
	Requests Requests         // nil: never known
	Now      func() time.Time // nil: the system's clock
	Client   *http.Client     // nil: a client of its own
}

func (c Config) withDefaults() Config {
	defaults := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	defaults(&c.Window, 5*time.Second)
	defaults(&c.Settle, 2*time.Second)
	defaults(&c.Grace, 10*time.Second)
	defaults(&c.Reload, time.Second)
	c.Window = (c.Window + time.Second - 1).Truncate(time.Second)
	if c.DeltaEvery <= 0 {
		c.DeltaEvery = 3
	}
	if len(c.Types) == 0 {
		c.Types = pitwall.ProfileTypes()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Client == nil {
		c.Client = &http.Client{}
	}
	return c
}

// Scraper keeps one goroutine at work per target.
type Scraper struct {
	c Config

	mu      sync.Mutex // guards all below
	targets map[endpoint]*target
	file    pitwall.SourceHealth
}

var _ pitwall.Health = (*Scraper)(nil)

// New makes a Scraper; Run starts it.
func New(c Config) *Scraper {
	return &Scraper{
		c: c.withDefaults(), targets: map[endpoint]*target{},
		file: pitwall.SourceHealth{Name: "pprof targets", Signal: pitwall.SignalProfiles, Message: "not read yet"},
	}
}

// Run scrapes until ctx ends, then stores what it has and returns nil. Trouble
// with the file or a target never ends it; Health tells.
func (s *Scraper) Run(ctx context.Context) error {
	if s.c.FileSD == "" || s.c.Sink == nil {
		e := pitwall.Errorf(pitwall.Invalid, "starting the pprof source", "it needs a targets file and a sink")
		e.Hint = "name a file_sd JSON file in the configuration"
		return e
	}
	var work sync.WaitGroup
	defer work.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	tick := time.NewTicker(s.c.Reload)
	defer tick.Stop()
	var last []byte
	for {
		last = s.reload(ctx, last, &work)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// reload reads the file and starts and stops targets when it has changed. It
// returns the content the targets are now of. A file that is missing or wrong
// changes nothing: somebody may be writing it.
func (s *Scraper) reload(ctx context.Context, last []byte, work *sync.WaitGroup) []byte {
	content, wanted, err := readTargets(s.c.FileSD, last)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.file.Up, s.file.Message = false, err.Error()
		return last
	}
	s.file.Up, s.file.Message, s.file.LastSeen = true, "", s.c.Now()
	if wanted == nil {
		return last
	}
	s.file.Accepted = uint64(len(wanted))
	for e, t := range s.targets {
		if !slices.Contains(wanted, e) {
			t.stop()
			delete(s.targets, e)
		}
	}
	for _, e := range wanted {
		if s.targets[e] != nil {
			continue
		}
		tctx, stop := context.WithCancel(ctx)
		t := newTarget(s, e, stop)
		s.targets[e] = t
		work.Go(func() { t.settle(ctx) })
		work.Go(func() { t.scrape(tctx) })
	}
	return content
}

// instances counts the targets of a service's version that answer. The load is
// taken to be spread evenly over them.
func (s *Scraper) instances(e endpoint) int64 {
	s.mu.Lock()
	var same []*target
	for other, t := range s.targets {
		if other.service == e.service && other.version == e.version {
			same = append(same, t)
		}
	}
	s.mu.Unlock()
	up := int64(0)
	for _, t := range same {
		if t.state().Up {
			up++
		}
	}
	return max(1, up)
}

// Health tells of the targets file first, then of every target, by name.
func (s *Scraper) Health() []pitwall.SourceHealth {
	s.mu.Lock()
	all := make([]*target, 0, len(s.targets))
	for _, t := range s.targets {
		all = append(all, t)
	}
	file := s.file
	s.mu.Unlock()
	if !file.Up || len(all) == 0 {
		file.Blind = "which functions grew dearer, of any service"
	}
	out := make([]pitwall.SourceHealth, 0, len(all)+1)
	for _, t := range all {
		out = append(out, t.state())
	}
	slices.SortFunc(out, func(a, b pitwall.SourceHealth) int { return strings.Compare(a.Name, b.Name) })
	return append([]pitwall.SourceHealth{file}, out...)
}
