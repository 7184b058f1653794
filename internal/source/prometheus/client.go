package prometheus

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	api "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/remote"
)

// Config of a Client. Only Server.URL is required.
type Config struct {
	remote.Server
	// Probe is how often Run asks the server how it is; 0 means 15 s.
	Probe time.Duration
}

// Client reads one server. Its methods may be called by several goroutines.
type Client struct {
	c     *remote.Client
	api   api.API
	probe time.Duration

	mu       sync.Mutex // guards warnings
	warnings string     // of the last answer that had any, until one has none
}

var (
	_ pitwall.MetricReader = (*Client)(nil)
	_ pitwall.Health       = (*Client)(nil)
)

// New makes a client; nothing is sent before the first question.
func New(c Config) (*Client, error) {
	client, err := remote.New(c.Server, remote.About{
		Name: "prometheus", Signal: pitwall.SignalMetrics, Blind: "metrics of any service: saturation, runtime and pool signals",
	})
	if err != nil {
		return nil, err
	}
	return &Client{c: client, api: api.NewAPI(transport{client}), probe: c.Probe}, nil
}

// transport lets the API's client send through ours, which bounds, authorizes
// and retries.
type transport struct{ c *remote.Client }

// URL is the address of an endpoint such as /api/v1/label/:name/values.
func (t transport) URL(endpoint string, args map[string]string) *url.URL {
	for name, value := range args {
		endpoint = strings.ReplaceAll(endpoint, ":"+name, value)
	}
	return t.c.URL(endpoint)
}

// Do sends a request.
func (t transport) Do(ctx context.Context, req *http.Request) (*http.Response, []byte, error) {
	a, err := t.c.Do(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	return a.Response, a.Bytes, nil
}

// Run probes the server until ctx ends, so that Health is of the present.
func (c *Client) Run(ctx context.Context) error {
	return c.c.Watch(ctx, c.probe, c.Probe)
}

// Probe asks the server for its version, and one that has none to tell for the
// number 1.
func (c *Client) Probe(ctx context.Context) error {
	const op = "probing prometheus"
	build, err := c.api.Buildinfo(ctx)
	if err == nil && build.Version != "" {
		c.c.Version("version " + build.Version)
		return nil
	}
	if kind := pitwall.KindOf(err); kind == pitwall.Unavailable || kind == pitwall.Denied {
		return err
	}
	_, err = c.Query(ctx, "vector(1)", time.Time{})
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// Health says how the last request went, the server's version, and what it
// warned of. Nothing is sent.
func (c *Client) Health() []pitwall.SourceHealth {
	c.mu.Lock()
	warnings := c.warnings
	c.mu.Unlock()
	return []pitwall.SourceHealth{c.c.Health(warnings)}
}

func (c *Client) warned(warnings api.Warnings) {
	text := ""
	if len(warnings) > 0 {
		text = "the server warns: " + c.c.Clean(strings.Join(warnings, "; "))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.warnings = text
}
