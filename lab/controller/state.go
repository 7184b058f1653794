package controller

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// Weights are percent of new requests per version; they sum to 100.
type Weights map[string]int

// Instance is a running version.
type Instance struct {
	Version string `json:"version"`
	Weight  int    `json:"weight"`
	Ready   bool   `json:"ready"`
	Addr    string `json:"addr"`
}

// Service is what the API says of one service.
type Service struct {
	Service    string     `json:"service"`
	Versions   []Instance `json:"versions"`
	Weights    Weights    `json:"weights"`
	Generation int64      `json:"generation"`    // grows by one with each change of weights
	Fencing    uint64     `json:"fencing_token"` // highest seen
}

// World is what the controller acts on.
type World interface {
	// Start brings a version up and returns its address when it is ready.
	Start(ctx context.Context, service, version string, config map[string]string) (addr string, err error)
	// Route makes the weights true for new requests.
	Route(ctx context.Context, services []Service) error
	// Retire ends instances whose place a newer one of the same version took.
	Retire()
	// SetFlag changes a flag on all running versions of a service.
	SetFlag(ctx context.Context, service, flag, value string) error
}

// Effect is one line of the effects log.
type Effect struct {
	Time       time.Time `json:"time"`
	Key        string    `json:"key"`
	Service    string    `json:"service"`
	From       Weights   `json:"from"`
	To         Weights   `json:"to"`
	Actor      string    `json:"actor"`
	Fencing    uint64    `json:"fencing"`
	Replay     bool      `json:"replay"` // asked again with a known key: nothing happened
	Generation int64     `json:"generation"`
}

// Entry is one line of the history.
type Entry struct {
	Time    time.Time `json:"time"`
	Kind    string    `json:"kind"` // deploy | flag | config | weights
	Service string    `json:"service"`
	Version string    `json:"version,omitempty"`
	Summary string    `json:"summary"`
	Actor   string    `json:"actor"`
	Change  string    `json:"change,omitempty"` // id of the announced change
}

// problem is an error with its HTTP status.
type problem struct {
	status  int
	msg     string
	highest uint64 // for fencing conflicts
}

func (p *problem) Error() string { return p.msg }

func refuse(status int, format string, args ...any) *problem {
	return &problem{status: status, msg: fmt.Sprintf(format, args...)}
}

// Config makes a Controller.
type Config struct {
	World    World
	Announce func(Change)            // told of every change but Pitwall's; may be nil
	Log      func(Effect) error      // appends to the effects log; may be nil
	Extra    map[string]http.Handler // further read-only routes: pattern to handler
	Now      func() time.Time        // time.Now when nil
}

// Controller holds the desired state. All its methods are safe for concurrent
// use; one effect is applied at a time.
type Controller struct {
	cfg Config

	mu       sync.Mutex
	order    []string
	services map[string]*Service
	answers  map[string]answer
	history  []Entry
	effects  []Effect
	changes  int
}

// New returns a controller that knows no service yet.
func New(c Config) *Controller {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = func(Effect) error { return nil }
	}
	if c.Announce == nil {
		c.Announce = func(Change) {}
	}
	return &Controller{cfg: c, services: map[string]*Service{}, answers: map[string]answer{}}
}

// Boot starts a service's first version with all the traffic, unannounced: it
// was there before anybody watched.
func (c *Controller) Boot(ctx context.Context, service, version string) error {
	addr, err := c.cfg.World.Start(ctx, service, version, nil)
	if err != nil {
		return fmt.Errorf("starting %s %s: %w", service, version, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.order = append(c.order, service)
	c.services[service] = &Service{
		Service: service, Versions: []Instance{{version, 100, true, addr}}, Weights: Weights{version: 100}, Generation: 1,
	}
	return c.cfg.World.Route(ctx, c.snapshot())
}

// Gone marks a version as not running; its process ended by itself.
func (c *Controller) Gone(service, version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.services[service]; s != nil {
		for i := range s.Versions {
			if s.Versions[i].Version == version {
				s.Versions[i].Ready = false
			}
		}
	}
}

// Services lists all services in the order they were started.
func (c *Controller) Services() []Service {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.snapshot()
}

// Effects lists every effect so far.
func (c *Controller) Effects() []Effect {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.effects)
}

// snapshot copies the services; the lock is held.
func (c *Controller) snapshot() []Service {
	out := make([]Service, 0, len(c.order))
	for _, name := range c.order {
		out = append(out, c.services[name].copy())
	}
	return out
}

func (s *Service) copy() Service {
	d := *s
	d.Versions, d.Weights = slices.Clone(s.Versions), maps.Clone(s.Weights)
	return d
}

// find returns a service or a 404 naming the ones there are; the lock is held.
func (c *Controller) find(name string) (*Service, error) {
	if s := c.services[name]; s != nil {
		return s, nil
	}
	return nil, refuse(http.StatusNotFound, "no service %q: there are %s", name, strings.Join(c.order, ", "))
}

// apply makes new weights true, in the world first; the lock is held.
func (c *Controller) apply(ctx context.Context, s *Service, to Weights, e Effect) error {
	from, old := s.Weights, slices.Clone(s.Versions)
	next := Weights{}
	for i, v := range s.Versions {
		s.Versions[i].Weight = to[v.Version]
		next[v.Version] = to[v.Version]
	}
	s.Weights = next
	if err := c.cfg.World.Route(ctx, c.snapshot()); err != nil {
		s.Weights, s.Versions = from, old
		return refuse(http.StatusBadGateway, "routing: %v; the weights are unchanged, ask again", err)
	}
	s.Generation++
	e.Time, e.Service, e.From, e.To, e.Generation = c.cfg.Now().UTC(), s.Service, from, next, s.Generation
	return c.log(e)
}

// log keeps and writes an effect; the lock is held.
func (c *Controller) log(e Effect) error {
	c.effects = append(c.effects, e)
	if err := c.cfg.Log(e); err != nil {
		return refuse(http.StatusInternalServerError, "writing effects log: %v", err)
	}
	return nil
}

// nearest orders a service's versions by likeness to a misspelt one.
func nearest(s *Service, want string) []string {
	var names []string
	for _, v := range s.Versions {
		names = append(names, v.Version)
	}
	sort.SliceStable(names, func(i, j int) bool { return distance(names[i], want) < distance(names[j], want) })
	return names[:min(3, len(names))]
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diag := row[0]
		row[0] = i + 1
		for j := range b {
			cost := diag
			if a[i] != b[j] {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
