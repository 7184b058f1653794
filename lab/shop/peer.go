package shop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/pitwall/pitwall/lab/telemetry"
)

// peer is a service as its caller sees it: how long to wait for an answer, how
// often to ask again and how many connections to keep. All three are flags of
// the caller, read at each call: PEER_timeout_ms, PEER_retries, PEER_max_conns;
// 0 or absent means no deadline, no repetition, no limit.
type peer struct {
	name  string
	http  *http.Client
	flags *flagSet
	tel   *telemetry.Telemetry
}

// newPeer makes a peer whose requests wrap sends where it really is.
func newPeer(d deps, name string, wrap func(http.RoundTripper) http.RoundTripper) (*peer, error) {
	var base http.RoundTripper = transport()
	if key := name + "_max_conns"; d.flags.get(key) != "" {
		limit := func() int64 { return int64(d.flags.number(key, 0)) }
		var err error
		base, err = d.tel.HTTPPool(name, limit, &limited{limit: limit})
		if err != nil {
			return nil, err
		}
	}
	return &peer{name: name, http: d.tel.Client(name, wrap(base)), flags: d.flags, tel: d.tel}, nil
}

// limited is a transport whose limit of connections may change at run time.
type limited struct {
	limit func() int64
	mu    sync.Mutex
	now   int64
	t     *http.Transport
}

// RoundTrip uses the pool of the current limit; requests on their way finish in
// the pool they began in.
func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	want := l.limit()
	l.mu.Lock()
	if l.t == nil || l.now != want {
		l.t, l.now = transport(), want
		l.t.MaxConnsPerHost = int(want)
	}
	t := l.t
	l.mu.Unlock()
	return t.RoundTrip(r)
}

// transport keeps enough idle connections for slow flows in parallel.
func transport() *http.Transport {
	return &http.Transport{
		MaxIdleConns: 1024, MaxIdleConnsPerHost: 512, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
	}
}

// viaMesh sends http://{peer}/path to {mesh}/svc/{peer}/path.
type viaMesh struct {
	mesh, peer string
	next       http.RoundTripper
}

// RoundTrip rewrites the address only; the span above keeps the peer's name.
func (v viaMesh) RoundTrip(r *http.Request) (*http.Response, error) {
	u, err := url.Parse(v.mesh + "/svc/" + v.peer + r.URL.Path)
	if err != nil || v.mesh == "" {
		return nil, fmt.Errorf("calling %s: no usable router address %q (--mesh)", v.peer, v.mesh)
	}
	u.RawQuery = r.URL.RawQuery
	out := r.Clone(r.Context())
	out.URL, out.Host = u, v.peer
	return v.next.RoundTrip(out)
}

// statusError is an answer that is no success.
type statusError struct {
	host   string
	status int
	body   []byte
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s answered %d: %.200s", e.host, e.status, e.body)
}

// post asks with a JSON body and decodes the answer into a map, as code that
// means to pass it on does.
func (p *peer) post(ctx context.Context, target string, in any) (map[string]any, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encoding request: %w", err)
	}
	return p.ask(ctx, http.MethodPost, target, body)
}

// get asks without a body.
func (p *peer) get(ctx context.Context, target string) (map[string]any, error) {
	return p.ask(ctx, http.MethodGet, target, nil)
}

// ask repeats a request at once, as often as the flags allow, while it fails
// for a reason that may pass: no answer in time, or a 5xx.
func (p *peer) ask(ctx context.Context, method, target string, body []byte) (map[string]any, error) {
	for n := 0; ; n++ {
		out, err := p.once(telemetry.Attempt(ctx, n), method, target, body)
		if err == nil || n >= int(p.flags.number(p.name+"_retries", 0)) || ctx.Err() != nil || !mayPass(err) {
			return out, err
		}
		p.tel.Retried(ctx, p.name)
	}
}

// mayPass says whether another try could end better.
func mayPass(err error) bool {
	var s *statusError
	if errors.As(err, &s) {
		return s.status >= 500
	}
	return true
}

func (p *peer) once(ctx context.Context, method, target string, body []byte) (map[string]any, error) {
	if ms := p.flags.number(p.name+"_timeout_ms", 0); ms > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(ms*float64(time.Millisecond)))
		defer cancel()
	}
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	out, err := exchange(p.http, req)
	if errors.Is(err, context.DeadlineExceeded) {
		p.tel.TimedOut(ctx, p.name)
	}
	return out, err
}

// exchange sends a request and decodes its answer.
func exchange(c *http.Client, req *http.Request) (map[string]any, error) {
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("reading answer: %w", err)
	}
	if res.StatusCode >= 300 {
		return nil, &statusError{req.URL.Host, res.StatusCode, raw}
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("decoding answer: %w", err)
	}
	return out, nil
}
