package shop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/pitwall/pitwall/lab/link"
	"github.com/pitwall/pitwall/lab/mesh"
	"github.com/pitwall/pitwall/lab/telemetry"
)

// edge is the shop's front door and, on its internal side, the router between
// checkout's zone and the others.
type edge struct {
	flags  *flagSet
	tel    *telemetry.Telemetry
	router *mesh.Router
	peers  map[string]*http.Client
}

func newEdge(d deps) (service, error) {
	l := link.Link{Rate: d.LinkRate}
	e := &edge{flags: d.flags, tel: d.tel, router: mesh.New(l, transport()), peers: map[string]*http.Client{}}
	for _, peer := range []string{"checkout", "inventory", "orders"} {
		e.peers[peer] = d.tel.Client(peer, versioned{e.router, peer, transport()})
	}
	d.admin.HandleFunc("PUT /routes", e.setRoutes)
	w := newWays(d.Seed, e.router)
	d.admin.HandleFunc("PUT /paths/{service}", w.put)
	if err := d.tel.ObserveRetransmits(w.counts); err != nil {
		return service{}, err
	}
	return service{
		routes: []route{
			{"POST /checkout", e.to("checkout")},
			{"GET /catalog", e.to("inventory")},
			{"GET /orders/recent", e.to("orders")},
		},
		mesh:  e.router,
		close: func() error { return nil },
	}, nil
}

// setRoutes swaps the routing table; the deploy controller calls it.
func (e *edge) setRoutes(w http.ResponseWriter, r *http.Request) {
	var t mesh.Table
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&t); err != nil {
		mesh.Fail(w, http.StatusBadRequest, "reading routes: "+err.Error())
		return
	}
	e.router.Set(t)
	w.WriteHeader(http.StatusNoContent)
}

// to forwards a public request, path unchanged, and hands the trace's id back
// so that a browser can name it in its beacon.
func (e *edge) to(peer string) http.HandlerFunc {
	client := e.peers[peer]
	return func(w http.ResponseWriter, r *http.Request) {
		traceID, spanID := telemetry.TraceIDs(r.Context())
		w.Header().Set("X-Trace-Id", traceID)
		w.Header().Set("Traceresponse", "00-"+traceID+"-"+spanID+"-01")
		ctx := r.Context()
		if ms := e.flags.number(peer+"_timeout_ms", 0); ms > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Duration(ms*float64(time.Millisecond)))
			defer cancel()
		}
		out, err := http.NewRequestWithContext(ctx, r.Method, "http://"+peer+r.URL.Path, r.Body)
		if err != nil {
			mesh.Fail(w, http.StatusBadGateway, "preparing request: "+err.Error())
			return
		}
		out.ContentLength = r.ContentLength
		for _, name := range []string{"Content-Type", "X-Client"} {
			if v := r.Header.Get(name); v != "" {
				out.Header.Set(name, v)
			}
		}
		res, err := client.Do(out)
		if errors.Is(err, context.DeadlineExceeded) {
			e.tel.TimedOut(r.Context(), peer)
		}
		if err != nil {
			mesh.Fail(w, http.StatusBadGateway, err.Error())
			return
		}
		defer func() { _ = res.Body.Close() }()
		w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body) // the browser hung up: nothing to tell it
	}
}

// versioned sends http://{peer}/path to the version the trace belongs to.
type versioned struct {
	router *mesh.Router
	peer   string
	next   http.RoundTripper
}

// RoundTrip picks by trace id, as the internal router does.
func (v versioned) RoundTrip(r *http.Request) (*http.Response, error) {
	b, ok := v.router.Pick(v.peer, mesh.TraceID(r.Header))
	if !ok {
		return nil, fmt.Errorf("service %q has no version with weight", v.peer)
	}
	out := r.Clone(r.Context())
	out.URL.Host, out.Host = b.Addr, v.peer
	return v.next.RoundTrip(out)
}
