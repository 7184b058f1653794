package shop

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/pitwall/pitwall/lab/link"
	"github.com/pitwall/pitwall/lab/mesh"
	"github.com/pitwall/pitwall/lab/telemetry"
)

// edge is the shop's front door and, on its internal side, the router between
// checkout's zone and the others.
type edge struct {
	flags  *flagSet
	router *mesh.Router
	peers  map[string]*http.Client
}

func newEdge(d deps) service {
	l := link.Link{Rate: d.LinkRate}
	e := &edge{flags: d.flags, router: mesh.New(l, transport()), peers: map[string]*http.Client{}}
	for _, peer := range []string{"checkout", "inventory", "orders"} {
		e.peers[peer] = d.tel.Client(peer, versioned{e.router, peer, transport()})
	}
	d.admin.HandleFunc("PUT /routes", e.setRoutes)
	return service{
		routes: []route{
			{"POST /checkout", e.to("checkout")},
			{"GET /catalog", e.to("inventory")},
			{"GET /orders/recent", e.to("orders")},
		},
		mesh:  e.router,
		close: func() error { return nil },
	}
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
		out, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+peer+r.URL.Path, r.Body)
		if err != nil {
			mesh.Fail(w, http.StatusBadGateway, "preparing request: "+err.Error())
			return
		}
		out.ContentLength = r.ContentLength
		if ct := r.Header.Get("Content-Type"); ct != "" {
			out.Header.Set("Content-Type", ct)
		}
		res, err := client.Do(out)
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
