// Package mesh routes calls between the shop's services.
//
// In: a table of services, their versions, addresses and weights, and HTTP
// requests for /svc/{service}/…. Out: the same requests at an instance picked
// by weight, carried over the zone's link. It refuses to know what a request
// means, who changed the weights, and tracing beyond reading a trace id: it
// makes no spans, so time spent here is seen only as the difference between a
// caller's and a callee's span.
package mesh

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/pitwall/pitwall/lab/link"
)

// maxBody is the largest request body the router buffers: 8 MiB.
const maxBody = 8 << 20

// Backend is one running version of a service.
type Backend struct {
	Version string `json:"version"`
	Addr    string `json:"addr"`   // host:port
	Weight  int    `json:"weight"` // share of new requests, in percent
}

// Table is the whole routing state: service name to its backends.
type Table map[string][]Backend

// Router forwards /svc/{service}/{path}. Its table is swapped whole, so a
// request sees one table from start to end and none is dropped by a change.
type Router struct {
	table     atomic.Pointer[Table]
	link      link.Link
	paths     atomic.Pointer[map[string]link.Path]
	transport http.RoundTripper
	unkeyed   atomic.Uint64 // spreads requests that carry no trace
}

var _ http.Handler = (*Router)(nil)

// New returns a router that carries bodies over l and reaches instances with t.
func New(l link.Link, t http.RoundTripper) *Router {
	r := &Router{link: l, transport: t}
	r.table.Store(&Table{})
	return r
}

// SetPath says how long and how lossy the way to a service is from now on;
// flows on their way keep the way they began on.
func (r *Router) SetPath(service string, p link.Path) {
	next := map[string]link.Path{}
	if old := r.paths.Load(); old != nil {
		next = maps.Clone(*old)
	}
	next[service] = p
	r.paths.Store(&next)
}

// linkTo is the link that carries flows to and from a service.
func (r *Router) linkTo(service string) link.Link {
	l := r.link
	if p := r.paths.Load(); p != nil {
		l.Path = (*p)[service]
	}
	return l
}

// Set replaces the table. Requests already on their way finish where they are.
func (r *Router) Set(t Table) { r.table.Store(&t) }

// Pick chooses the backend for a key (a trace id): the same key and weights
// always give the same version, so a trace stays on one version. Raising one
// version's weight moves only keys towards it.
func (r *Router) Pick(service, key string) (Backend, bool) {
	if key == "" {
		key = strconv.FormatUint(r.unkeyed.Add(1), 10)
	}
	backends := (*r.table.Load())[service]
	point := share(service, key)
	for _, b := range backends {
		if point < b.Weight*100 {
			return b, true
		}
		point -= b.Weight * 100
	}
	return Backend{}, false
}

// share maps a key to a point in 0 … 9999, evenly.
func share(service, key string) int {
	h := fnv.New64a()
	_, _ = io.WriteString(h, service+"\x00"+key) // a hash never fails
	x := h.Sum64()
	x ^= x >> 33 // FNV's low bits are weak: murmur3's finaliser
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return int(x % 10_000)
}

// ServeHTTP forwards one internal call. Like most ingress proxies it receives
// the request whole before it bothers the instance; the answer is streamed.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	service, path, ok := strings.Cut(strings.TrimPrefix(req.URL.Path, "/svc/"), "/")
	if !ok || !strings.HasPrefix(req.URL.Path, "/svc/") {
		Fail(w, http.StatusNotFound, "no such route: internal calls are /svc/{service}/{path}")
		return
	}
	b, ok := r.Pick(service, TraceID(req.Header))
	if !ok {
		Fail(w, http.StatusServiceUnavailable, fmt.Sprintf("service %q has no version with weight", service))
		return
	}
	way := r.linkTo(service)
	var body bytes.Buffer
	if _, err := way.Copy(req.Context(), &body, http.MaxBytesReader(w, req.Body, maxBody)); err != nil {
		Fail(w, http.StatusBadGateway, "receiving request: "+err.Error())
		return
	}
	out, err := forward(req.Context(), req, "http://"+b.Addr+"/"+path, body.Bytes())
	if err != nil {
		Fail(w, http.StatusBadGateway, "preparing request: "+err.Error())
		return
	}
	out.Host = service
	res, err := r.transport.RoundTrip(out)
	if err != nil {
		Fail(w, http.StatusBadGateway, fmt.Sprintf("calling %s %s: %v", service, b.Version, err))
		return
	}
	defer func() { _ = res.Body.Close() }()
	copyHeader(w.Header(), res.Header)
	w.WriteHeader(res.StatusCode)
	// The status is out: a broken copy can only be seen as a short body.
	_, _ = way.Copy(req.Context(), w, res.Body)
}

// forward makes the outgoing request with the incoming headers.
func forward(ctx context.Context, in *http.Request, target string, body []byte) (*http.Request, error) {
	if in.URL.RawQuery != "" {
		target += "?" + in.URL.RawQuery
	}
	out, err := http.NewRequestWithContext(ctx, in.Method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	copyHeader(out.Header, in.Header)
	return out, nil
}

// copyHeader copies all but the hop-by-hop headers and the length, which the
// transport sets itself on requests; answers keep theirs.
func copyHeader(dst, src http.Header) {
	for k, v := range src {
		switch k {
		case "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
			continue
		}
		dst[k] = slices.Clone(v)
	}
}

// TraceID reads the trace id of a W3C traceparent header, or "".
func TraceID(h http.Header) string {
	parts := strings.Split(h.Get("Traceparent"), "-")
	if len(parts) < 4 || len(parts[1]) != 32 {
		return ""
	}
	return parts[1]
}

// Fail answers with a JSON error.
func Fail(w http.ResponseWriter, status int, msg string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": msg})
}
