package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/pitwall/pitwall/lab/shop"
)

// Options start a load generator.
type Options struct {
	Edge, RUM, Addr string
	Seed            uint64
	RPS             float64 // of POST /checkout
	Users           int     // how many customers; 0: the usual number
	Clients         bool    // requests say who sends them
}

// Run generates load until ctx ends and serves its statistics: GET /load and
// GET /load/window?from=&to=. It prints one shop.Listening line when ready and
// starts sending half a second later.
func Run(ctx context.Context, o Options, stdout io.Writer) error {
	if o.Edge == "" || o.RPS <= 0 {
		return errors.New("a load generator needs --edge URL and --rps above 0")
	}
	samples := &Samples{}
	rum, err := NewBeacons(o.RUM)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", o.Addr)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", o.Addr, err)
	}
	gen := NewGenerator(o.Edge, samples, rum)
	mux := samples.handler()
	mux.HandleFunc("PUT /shape", gen.shape.put)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() { _ = srv.Close() }()
	wg.Go(func() { _ = srv.Serve(l) }) // ends with Close
	wg.Go(func() { rum.Run(ctx) })
	addr := l.Addr().String()
	err = json.NewEncoder(stdout).Encode(shop.Listening{
		Time: time.Now().UTC(), Event: "listening", Msg: "listening on " + addr, Service: "load", Addr: addr, PID: os.Getpid(),
	})
	if err != nil {
		return fmt.Errorf("announcing address: %w", err)
	}
	start := time.Now().Add(500 * time.Millisecond)
	schedule := NewSchedule(o.Seed, Routes(o.RPS))
	if o.Users > 0 {
		schedule.Among(o.Users)
	}
	if o.Clients {
		schedule.WithClients()
	}
	gen.Run(ctx, schedule, start)
	return nil
}

// handler serves the statistics.
func (s *Samples) handler() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /load", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, s.Summary(time.Now()))
	})
	mux.HandleFunc("GET /load/window", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		from, err1 := moment(q.Get("from"))
		to, err2 := moment(q.Get("to"))
		if err := errors.Join(err1, err2); err != nil {
			writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
			return
		}
		route := q.Get("route")
		if route == "" {
			route = "POST /checkout"
		}
		writeJSON(w, http.StatusOK, s.Between(route, from, to))
	})
	return mux
}

// moment reads RFC 3339 or Unix seconds with a fraction.
func moment(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	sec, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("reading time %q: give RFC 3339 or Unix seconds as from= and to=", s)
	}
	return time.UnixMicro(int64(sec * 1e6)), nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller hung up: nothing to tell it
}
