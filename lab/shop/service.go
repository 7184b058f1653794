package shop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall/lab/link"
	"github.com/pitwall/pitwall/lab/mesh"
	"github.com/pitwall/pitwall/lab/telemetry"
)

// Options start one service.
type Options struct {
	Name, Version string
	Addr, Admin   string            // listen addresses; port 0 picks a free one
	MeshAddr      string            // edge only: where internal calls come in
	Mesh          string            // others: base URL of the edge's internal side
	OTLP          string            // OTLP/HTTP base URL, "" for none
	OTLPGRPC      string            // OTLP/gRPC host:port, "" for none
	Dir           string            // orders: where the SQLite file lives
	DSN           string            // orders: PostgreSQL instead of SQLite
	Seed          uint64            // the shop's goods are a function of it
	LinkRate      link.Rate         // edge: bytes per second and flow between the zones
	Stage         map[string]string // flags the shop around it sets, whatever the version
	Flags         map[string]string // overrides of the version's defaults
	// Refresh delays what a version brings: its feature switches are fetched
	// that long after its start, for the first time. 0: before it listens.
	Refresh time.Duration
}

// Listening is the first line a service prints, as JSON.
type Listening struct {
	Time    time.Time `json:"time"`
	Event   string    `json:"event"` // always "listening"
	Msg     string    `json:"msg"`   // "listening on 127.0.0.1:4711"
	Service string    `json:"service"`
	Version string    `json:"version"`
	Addr    string    `json:"addr"`           // public side
	Admin   string    `json:"admin"`          // pprof and flags
	Mesh    string    `json:"mesh,omitempty"` // edge only
	PID     int       `json:"pid"`
}

// deps is what a service gets from its process.
type deps struct {
	Options
	tel   *telemetry.Telemetry
	flags *flagSet
	admin *http.ServeMux
}

// route is one endpoint: "POST /charge".
type route struct {
	pattern string
	handle  http.HandlerFunc
}

// service is a started service: its routes and what to close at the end.
type service struct {
	routes []route
	mesh   http.Handler // edge only
	close  func() error
	// switched runs after the feature switches were refreshed; may be nil.
	switched func(context.Context) error
}

// Names lists the services in the order a shop starts them.
func Names() []string {
	return []string{"edge", "auth", "inventory", "payment", "orders", "checkout"}
}

// Run serves until ctx ends. It prints one Listening line when ready.
func Run(ctx context.Context, o Options, stdout io.Writer) (err error) {
	if !slices.Contains(Names(), o.Name) {
		return fmt.Errorf("no service named %q: choose one of %s", o.Name, strings.Join(Names(), ", "))
	}
	runtime.SetMutexProfileFraction(100) // 1 in 100 contended locks
	runtime.SetBlockProfileRate(1_000_000)
	tel, err := telemetry.Start(ctx, telemetry.Config{
		Service: o.Name, Version: o.Version, Instance: fmt.Sprintf("%s-%s-%d", o.Name, o.Version, os.Getpid()),
		OTLP: o.OTLP, OTLPGRPC: o.OTLPGRPC,
	})
	if err != nil {
		return fmt.Errorf("starting telemetry: %w", err)
	}
	defer func() {
		left, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = tel.Close(left) // the receiver may be gone already; the shop stops all the same
	}()
	d := deps{Options: o, tel: tel, flags: newFlagSet(o), admin: http.NewServeMux()}
	svc, err := build(ctx, d)
	if err != nil {
		return fmt.Errorf("building %s: %w", o.Name, err)
	}
	defer func() { err = errors.Join(err, svc.close()) }()
	if o.Refresh > 0 {
		later := time.AfterFunc(o.Refresh, func() {
			d.flags.refresh(o)
			tel.Log(ctx, telemetry.Info, "feature switches refreshed")
			if svc.switched == nil {
				return
			}
			if err := svc.switched(ctx); err != nil {
				tel.Log(ctx, telemetry.Error, err.Error())
			}
		})
		defer later.Stop()
	}
	return serve(ctx, d, svc, stdout)
}

// build makes the service named in the options.
func build(ctx context.Context, d deps) (service, error) {
	switch d.Name {
	case "edge":
		return newEdge(d)
	case "auth":
		return newAuth(d), nil
	case "inventory":
		return newInventory(ctx, d)
	case "payment":
		return newPayment(d)
	case "orders":
		return newOrders(ctx, d)
	default:
		return newCheckout(d)
	}
}

// serve opens the listeners and runs them until ctx ends.
func serve(ctx context.Context, d deps, svc service, stdout io.Writer) error {
	mux := http.NewServeMux()
	for _, r := range svc.routes {
		mux.Handle(r.pattern, d.tel.Handler(watched(d.tel, r.handle)))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]string{"status": "ok"}) })
	debugRoutes(d)

	type side struct {
		addr    string
		handler http.Handler
	}
	sides := []side{{d.Addr, mux}, {d.Admin, d.admin}}
	if svc.mesh != nil {
		sides = append(sides, side{d.MeshAddr, svc.mesh})
	}
	said := Listening{Time: time.Now().UTC(), Event: "listening", Service: d.Name, Version: d.Version, PID: os.Getpid()}
	places := []*string{&said.Addr, &said.Admin, &said.Mesh}
	errs := make(chan error, len(sides))
	var servers []*http.Server
	defer func() {
		for _, s := range servers {
			_ = s.Close()
		}
	}()
	for i, s := range sides {
		l, err := net.Listen("tcp", s.addr)
		if err != nil {
			return fmt.Errorf("listening on %s: %w", s.addr, err)
		}
		*places[i] = l.Addr().String()
		srv := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
		servers = append(servers, srv)
		go func() { errs <- srv.Serve(l) }()
	}
	said.Msg = "listening on " + said.Addr
	if err := json.NewEncoder(stdout).Encode(said); err != nil {
		return fmt.Errorf("announcing address: %w", err)
	}
	d.tel.Log(ctx, telemetry.Info, fmt.Sprintf("%s %s listens on %s", d.Name, d.Version, said.Addr))
	select {
	case err := <-errs:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	return drain(servers)
}

// drain lets requests on their way finish, for two seconds.
func drain(servers []*http.Server) error {
	left, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, s := range servers {
		if err := s.Shutdown(left); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("draining: %w", err)
		}
	}
	return nil
}

// debugRoutes adds pprof and flags to the admin side.
func debugRoutes(d deps) {
	mux, f := d.admin, d.flags
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /flags", func(w http.ResponseWriter, _ *http.Request) { reply(w, f.all()) })
	mux.HandleFunc("PUT /flags/{flag}", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Value string `json:"value"`
		}
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&in); err != nil {
			mesh.Fail(w, http.StatusBadRequest, "reading flag value: "+err.Error())
			return
		}
		f.set(r.PathValue("flag"), in.Value)
		d.tel.Log(r.Context(), telemetry.Info, fmt.Sprintf("flag %s is now %s", r.PathValue("flag"), in.Value))
		reply(w, f.all())
	})
}

// reply answers with JSON, length included.
func reply(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		mesh.Fail(w, http.StatusInternalServerError, "encoding answer: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", fmt.Sprint(len(b)))
	_, _ = w.Write(b) // the caller hung up: nothing to tell it
}
