package jaeger

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/otelspan"
	"github.com/pitwall/pitwall/internal/source/remote"
)

// Config of a Client. Only Server.URL is required.
type Config struct {
	remote.Server
	remote.Limits
	// Probe is how often Run asks the server how it is; 0 means 15 s.
	Probe time.Duration
}

// Client reads one Jaeger. Its methods may be called by several goroutines.
type Client struct {
	c      *remote.Client
	limits remote.Limits
	probe  time.Duration

	mu     sync.Mutex // guards what follows
	speaks dialect    // nil: not known
	cut    int        // parts of the last question that reached the limit
	left   uint64     // spans left out for ever, being unfit
	why    string
}

var (
	_ pitwall.SpanReader  = (*Client)(nil)
	_ pitwall.TraceReader = (*Client)(nil)
	_ pitwall.Health      = (*Client)(nil)
)

// dialect is one of Jaeger's APIs.
type dialect interface {
	name() string
	// services lists who has sent spans; ok is false when the server does not
	// speak this dialect.
	services(ctx context.Context) (names []pitwall.ServiceName, ok bool, err error)
	// find gives whole traces and how many.
	find(ctx context.Context, p remote.Part, operation string, limit int, size *atomic.Int64) (*pitwall.SpanBatch, int, error)
	// trace gives one trace; an empty batch when there is none.
	trace(ctx context.Context, id pitwall.TraceID) (*pitwall.SpanBatch, error)
}

// New makes a client; nothing is sent before the first question.
func New(c Config) (*Client, error) {
	client, err := remote.New(c.Server, remote.About{
		Name: "jaeger", Signal: pitwall.SignalTraces, Blind: "traces: request counts by operation, critical paths, who called whom",
	})
	if err != nil {
		return nil, err
	}
	return &Client{c: client, limits: c.Limits.WithDefaults(), probe: c.Probe}, nil
}

// Spans gives the spans that ended in the period, by their ends. A span that
// began more than Lookback before the period is not found. A period is required:
// without one, the answer would be all that the server has.
func (c *Client) Spans(ctx context.Context, q pitwall.SpanQuery) (*pitwall.SpanBatch, error) {
	if !q.Period.From.Before(q.Period.To) {
		e := pitwall.Errorf(pitwall.Invalid, "asking jaeger", "the period has no length")
		e.Hint = "ask for a period that ends after it begins"
		return nil, e
	}
	// One request has its own timeout; many together must end as well.
	ctx, cancel := context.WithTimeout(ctx, 4*c.c.Timeout())
	defer cancel()
	d, services, err := c.dialect(ctx, q.Service == "")
	if err != nil {
		return nil, err
	}
	if q.Service != "" {
		services = []pitwall.ServiceName{q.Service}
	}
	var size atomic.Int64
	batches, cut, err := remote.Gather(ctx, c.limits, c.limits.Parts(q, services),
		func(ctx context.Context, p remote.Part) (*pitwall.SpanBatch, int, error) {
			b, traces, err := d.find(ctx, p, q.Operation, c.limits.Traces, &size)
			if err == nil && size.Load() > c.limits.Bytes {
				err = tooMuch(c.limits.Bytes)
			}
			return b, traces, err
		})
	if err != nil {
		c.forget(err)
		return nil, err
	}
	c.mu.Lock()
	c.cut = cut
	c.mu.Unlock()
	return otelspan.Answer(batches, q), nil
}

func tooMuch(bound int64) error {
	e := pitwall.Errorf(pitwall.Invalid, "asking jaeger", "the answers together are larger than %d MiB", bound>>20)
	e.Hint = "ask for less: a shorter period, a service, an operation"
	return e
}

// Trace gives every span the server has of one trace.
func (c *Client) Trace(ctx context.Context, id pitwall.TraceID) (*pitwall.SpanBatch, error) {
	d, _, err := c.dialect(ctx, false)
	if err != nil {
		return nil, err
	}
	b, err := d.trace(ctx, id)
	if err != nil {
		c.forget(err)
		return nil, err
	}
	if b.Len() == 0 {
		return nil, c.c.Missing("jaeger has no trace %x", id[:])
	}
	return otelspan.Answer([]*pitwall.SpanBatch{b}, pitwall.SpanQuery{}), nil
}

// dialect finds what the server speaks, and with list its services.
func (c *Client) dialect(ctx context.Context, list bool) (dialect, []pitwall.ServiceName, error) {
	c.mu.Lock()
	known := c.speaks
	c.mu.Unlock()
	if known != nil && !list {
		return known, nil, nil
	}
	if known != nil {
		names, ok, err := known.services(ctx)
		if ok || err != nil {
			c.forget(err)
			return known, names, err
		}
	}
	for _, d := range []dialect{&v3{c}, &legacy{c}} {
		names, ok, err := d.services(ctx)
		if err != nil {
			return nil, nil, err
		}
		if ok {
			c.mu.Lock()
			c.speaks = d
			c.mu.Unlock()
			c.c.Version("speaks " + d.name())
			return d, names, nil
		}
	}
	e := pitwall.Errorf(pitwall.Unavailable, "asking jaeger", "neither api/v3 nor the older API is served there")
	e.ID, e.Hint = c.c.URL("").Host, "give the url of the query service (port 16686 by default), with its base path"
	return nil, nil, c.c.Trouble(e)
}

// forget makes the next question find out again what is spoken: what answers
// after trouble may be another version.
func (c *Client) forget(err error) {
	if pitwall.KindOf(err) != pitwall.Unavailable {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.speaks = nil
}

// Run probes the server until ctx ends, so that Health is of the present.
func (c *Client) Run(ctx context.Context) error {
	return c.c.Watch(ctx, c.probe, c.Probe)
}

// Probe asks the server for its services.
func (c *Client) Probe(ctx context.Context) error {
	_, _, err := c.dialect(ctx, true)
	return err
}

// Health says how the last request went, which API is spoken, and whether the
// last answer was a sample. Nothing is sent.
func (c *Client) Health() []pitwall.SourceHealth {
	c.mu.Lock()
	cut, left, why := c.cut, c.left, c.why
	c.mu.Unlock()
	return []pitwall.SourceHealth{c.c.Health(remote.Sampled(cut, c.limits.Traces), remote.LeftOut(left, why))}
}

// unfit counts spans that cannot be kept.
func (c *Client) unfit(n int, why string) {
	if n == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left += uint64(n)
	c.why = why
}

// get asks for a path and counts the size of the answer.
func (c *Client) get(ctx context.Context, path string, q url.Values, size *atomic.Int64) (remote.Answer, error) {
	a, err := c.c.Get(ctx, path, q, "application/json")
	if err == nil && size != nil {
		size.Add(int64(len(a.Bytes)))
	}
	return a, err
}

func hexOf(id pitwall.TraceID) string { return fmt.Sprintf("%x", id[:]) }

// wrong is the error of a status that should not be; not found is one when the
// path itself is missing.
func (c *Client) wrong(a remote.Answer) error {
	if a.StatusCode == http.StatusNotFound {
		return c.c.Unreadable(a, fmt.Errorf("%s", a.Status))
	}
	return c.c.Refused(a)
}
