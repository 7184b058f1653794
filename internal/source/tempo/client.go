package tempo

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/otelspan"
	"github.com/pitwall/pitwall/internal/source/remote"
)

// Config of a Client. Only Server.URL is required. The tenant is the header
// X-Scope-OrgID in Server.Headers.
type Config struct {
	remote.Server
	remote.Limits
	// Fetch is how many traces one question may fetch; 0 means 2000.
	Fetch int
	// Probe is how often Run asks the server how it is; 0 means 15 s.
	Probe time.Duration
}

// spansPerSet is how many matching spans of a trace a search lists. They tell,
// before it is fetched, whether the trace is of the period.
const spansPerSet = 20

// Client reads one Tempo. Its methods may be called by several goroutines.
type Client struct {
	c      *remote.Client
	limits remote.Limits
	fetch  int
	probe  time.Duration

	old atomic.Bool // the server has no /api/v2/traces

	mu      sync.Mutex // guards what follows
	cut     int        // parts of the last question that reached the limit
	skipped int        // traces the last question found and did not fetch
	partial uint64     // traces the server had only in part
	left    uint64     // spans left out for ever, being unfit
	why     string
}

var (
	_ pitwall.SpanReader  = (*Client)(nil)
	_ pitwall.TraceReader = (*Client)(nil)
	_ pitwall.Health      = (*Client)(nil)
)

// New makes a client; nothing is sent before the first question.
func New(c Config) (*Client, error) {
	client, err := remote.New(c.Server, remote.About{
		Name: "tempo", Signal: pitwall.SignalTraces, Blind: "traces: request counts by operation, critical paths, who called whom",
	})
	if err != nil {
		return nil, err
	}
	if c.Fetch <= 0 {
		c.Fetch = 2000
	}
	return &Client{c: client, limits: c.Limits.WithDefaults(), fetch: c.Fetch, probe: c.Probe}, nil
}

// Spans gives the spans that ended in the period, by their ends. A span that
// began more than Lookback before the period is not found. A period is required:
// without one, the answer would be all that the server has.
func (c *Client) Spans(ctx context.Context, q pitwall.SpanQuery) (*pitwall.SpanBatch, error) {
	if !q.Period.From.Before(q.Period.To) {
		e := pitwall.Errorf(pitwall.Invalid, "asking tempo", "the period has no length")
		e.Hint = "ask for a period that ends after it begins"
		return nil, e
	}
	// One request has its own timeout; many together must end as well.
	ctx, cancel := context.WithTimeout(ctx, 4*c.c.Timeout())
	defer cancel()
	ids, cut, err := c.search(ctx, q)
	if err != nil {
		return nil, err
	}
	most := c.fetch
	if q.WholeTraces && q.Limit > 0 {
		most = min(most, q.Limit)
	}
	kept := remote.Thin(ids, most)
	batches, err := c.fetchAll(ctx, kept)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.cut, c.skipped = cut, 0
	if len(kept) == c.fetch {
		c.skipped = len(ids) - len(kept)
	}
	c.mu.Unlock()
	return otelspan.Answer(batches, q), nil
}

// Trace gives every span the server has of one trace.
func (c *Client) Trace(ctx context.Context, id pitwall.TraceID) (*pitwall.SpanBatch, error) {
	var size atomic.Int64
	b, err := c.trace(ctx, id, &size)
	if err != nil {
		return nil, err
	}
	if b.Len() == 0 {
		return nil, c.c.Missing("tempo has no trace %x", id[:])
	}
	return otelspan.Answer([]*pitwall.SpanBatch{b}, pitwall.SpanQuery{}), nil
}

// found is a trace a search named.
type found struct {
	id    pitwall.TraceID
	start int64 // unix nanoseconds
}

// search names the traces that may have an answer, oldest first.
func (c *Client) search(ctx context.Context, q pitwall.SpanQuery) ([]pitwall.TraceID, int, error) {
	var size atomic.Int64
	// Tempo counts in seconds.
	l := c.limits
	l.Smallest = max(l.Smallest, time.Second)
	answers, cut, err := remote.Gather(ctx, l, l.Parts(q, []pitwall.ServiceName{q.Service}),
		func(ctx context.Context, p remote.Part) ([]found, int, error) {
			a, err := c.get(ctx, "/api/search", url.Values{
				"q":     {traceQL(q, p.AtLeast)},
				"start": {strconv.FormatInt(p.Period.From.Unix(), 10)},
				"end":   {strconv.FormatInt(p.Period.To.Add(time.Second-time.Nanosecond).Unix(), 10)},
				"limit": {strconv.Itoa(l.Traces)},
				"spss":  {strconv.Itoa(spansPerSet)},
			}, "application/json", &size)
			if err != nil {
				return nil, 0, err
			}
			if a.StatusCode != http.StatusOK {
				return nil, 0, c.c.Refused(a)
			}
			list, n, err := decodeSearch(a.Bytes, q.Period)
			if err != nil {
				return nil, 0, c.c.Unreadable(a, err)
			}
			return list, n, nil
		})
	if err != nil {
		return nil, 0, err
	}
	all := slices.Concat(answers...)
	slices.SortStableFunc(all, func(x, y found) int { return cmp.Compare(x.start, y.start) })
	seen := map[pitwall.TraceID]bool{}
	var ids []pitwall.TraceID
	for _, f := range all {
		if !seen[f.id] {
			seen[f.id] = true
			ids = append(ids, f.id)
		}
	}
	return ids, cut, nil
}

// fetchAll fetches traces, some at a time. One that has gone meanwhile is left
// out.
func (c *Client) fetchAll(ctx context.Context, ids []pitwall.TraceID) ([]*pitwall.SpanBatch, error) {
	batches := make([]*pitwall.SpanBatch, len(ids))
	var size atomic.Int64
	err := remote.Each(ctx, c.limits.Parallel, len(ids), func(ctx context.Context, i int) (err error) {
		batches[i], err = c.trace(ctx, ids[i], &size)
		return err
	})
	return batches, err
}

// trace fetches one trace; an empty batch when there is none.
func (c *Client) trace(ctx context.Context, id pitwall.TraceID, size *atomic.Int64) (*pitwall.SpanBatch, error) {
	name := hex.EncodeToString(id[:])
	if !c.old.Load() {
		a, err := c.get(ctx, "/api/v2/traces/"+name, nil, "application/protobuf", size)
		if err != nil {
			return nil, err
		}
		if a.StatusCode != http.StatusNotFound {
			return c.read(a, decodeV2)
		}
	}
	// Missing in v2: the trace, or v2 itself.
	a, err := c.get(ctx, "/api/traces/"+name, nil, "application/protobuf", size)
	if err != nil {
		return nil, err
	}
	if a.StatusCode == http.StatusNotFound {
		return &pitwall.SpanBatch{}, nil
	}
	b, err := c.read(a, decodeV1)
	if err == nil && b.Len() > 0 {
		c.old.Store(true)
	}
	return b, err
}

// read decodes a trace and notes what is missing of it.
func (c *Client) read(a remote.Answer, protobuf func([]byte) (answer, error)) (*pitwall.SpanBatch, error) {
	if a.StatusCode != http.StatusOK {
		return nil, c.c.Refused(a)
	}
	decode := protobuf
	if strings.Contains(a.Header.Get("Content-Type"), "json") {
		decode = decodeJSON
	}
	got, err := decode(a.Bytes)
	if err != nil {
		return nil, c.c.Unreadable(a, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if got.partial {
		c.partial++
	}
	if got.unfit > 0 {
		c.left, c.why = c.left+uint64(got.unfit), got.why
	}
	return got.spans, nil
}

// get asks for a path; all answers of one question together are bounded.
func (c *Client) get(ctx context.Context, path string, q url.Values, accept string, size *atomic.Int64) (remote.Answer, error) {
	a, err := c.c.Get(ctx, path, q, accept)
	if err == nil && size.Add(int64(len(a.Bytes))) > c.limits.Bytes {
		e := pitwall.Errorf(pitwall.Invalid, "asking tempo", "the answers together are larger than %d MiB", c.limits.Bytes>>20)
		e.Hint = "ask for less: a shorter period, a service, an operation"
		return a, e
	}
	return a, err
}

// Run probes the server until ctx ends, so that Health is of the present.
func (c *Client) Run(ctx context.Context) error {
	return c.c.Watch(ctx, c.probe, c.Probe)
}

// Probe asks the server which version it is; a server that will not say answers
// an echo.
func (c *Client) Probe(ctx context.Context) error {
	a, err := c.c.Get(ctx, "/api/status/buildinfo", nil, "application/json")
	if err != nil {
		return err
	}
	var build struct {
		Version string `json:"version"`
	}
	if a.StatusCode == http.StatusOK && json.Unmarshal(a.Bytes, &build) == nil && build.Version != "" {
		c.c.Version("Tempo " + build.Version)
		return nil
	}
	if a, err = c.c.Get(ctx, "/api/echo", nil, "text/plain"); err != nil {
		return err
	}
	if a.StatusCode != http.StatusOK {
		return c.c.Unreadable(a, errors.New("it has neither /api/status/buildinfo nor /api/echo"))
	}
	return nil
}

// Health says how the last request went, and whether the last answer was a
// sample. Nothing is sent.
func (c *Client) Health() []pitwall.SourceHealth {
	c.mu.Lock()
	cut, skipped, partial, left, why := c.cut, c.skipped, c.partial, c.left, c.why
	c.mu.Unlock()
	var notes []string
	if skipped > 0 {
		notes = append(notes, fmt.Sprintf("%d traces were found and not fetched: what is shown is a sample", skipped))
	}
	if partial > 0 {
		notes = append(notes, fmt.Sprintf("the server gave %d traces only in part", partial))
	}
	notes = append(notes, remote.Sampled(cut, c.limits.Traces), remote.LeftOut(left, why))
	return []pitwall.SourceHealth{c.c.Health(notes...)}
}
