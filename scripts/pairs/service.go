package main

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// packers is read-only: a pool of compressors for use again.
var packers = sync.Pool{New: func() any { z, _ := flate.NewWriter(io.Discard, 1); return z }}

// mix is what a session's requests do: chosen by its seed.
type mix struct {
	Steps  []mixStep `json:"steps"`
	Routes [][]int   `json:"routes"` // the steps of each route
}

// mixStep is one kind of work and how long a request spends in it.
type mixStep struct {
	Culprit string  `json:"culprit"`
	Micros  float64 `json:"micros"` // wanted, per request that does it
	Units   float64 `json:"units"`  // measured: that many units take so long
}

const (
	kinds  = 10 // of work in a session
	routes = 4
)

// chooseMix draws ten kinds of work and four routes over them, each kind on two
// routes, 90 to 180 microseconds in each.
func chooseMix(all []step, rng *rand.Rand) mix {
	m := mix{Routes: make([][]int, routes)}
	for i, k := range rng.Perm(len(all))[:kinds] {
		m.Steps = append(m.Steps, mixStep{Culprit: all[k].culprit, Micros: 90 + 90*rng.Float64()})
		two := rng.Perm(routes)[:2]
		m.Routes[two[0]], m.Routes[two[1]] = append(m.Routes[two[0]], i), append(m.Routes[two[1]], i)
	}
	for i := range m.Steps {
		m.Steps[i].Units = m.Steps[i].Micros / microsPerUnit(find(all, m.Steps[i].Culprit))
	}
	return m
}

func find(all []step, culprit string) step {
	for _, s := range all {
		if s.culprit == culprit {
			return s
		}
	}
	return step{}
}

// microsPerUnit is the fastest of several tries: what others do on the machine
// only ever slows one down.
func microsPerUnit(s step) float64 {
	const units, tries = 50, 40
	best := time.Hour
	for range tries {
		start := time.Now()
		s.do(units)
		best = min(best, time.Since(start))
	}
	return best.Seconds() * 1e6 / units
}

// service answers requests with the work of their route.
type service struct {
	all      []step
	mix      mix
	mu       sync.Mutex
	factor   map[int]float64 // by step of the mix; none: 1
	carry    map[int]float64 // fractions of a unit still owed
	requests atomic.Int64
}

// serve runs the service until its standard input closes.
func serve(seed uint64) error {
	w, err := newWork()
	if err != nil {
		return err
	}
	s := &service{all: w.steps(), factor: map[int]float64{}, carry: map[int]float64{}}
	s.mix = chooseMix(s.all, rand.New(rand.NewPCG(seed, 0)))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/basket", func(w http.ResponseWriter, r *http.Request) { s.basket(w) })
	mux.HandleFunc("/search", func(w http.ResponseWriter, r *http.Request) { s.search(w) })
	mux.HandleFunc("/orders", func(w http.ResponseWriter, r *http.Request) { s.orders(w) })
	mux.HandleFunc("/offers", func(w http.ResponseWriter, r *http.Request) { s.offers(w) })
	mux.HandleFunc("/window", s.window)
	mux.HandleFunc("/mix", func(w http.ResponseWriter, r *http.Request) { _ = json.NewEncoder(w).Encode(s.mix) })
	go func() { _ = http.Serve(ln, mux) }()
	fmt.Println(ln.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

//go:noinline
func (s *service) basket(w io.Writer) { s.route(0, w) }

//go:noinline
func (s *service) search(w io.Writer) { s.route(1, w) }

//go:noinline
func (s *service) orders(w io.Writer) { s.route(2, w) }

//go:noinline
func (s *service) offers(w io.Writer) { s.route(3, w) }

func (s *service) route(n int, w io.Writer) {
	for _, i := range s.mix.Routes[n] {
		find(s.all, s.mix.Steps[i].Culprit).do(s.units(i))
	}
	s.requests.Add(1)
	fmt.Fprintf(w, "route %d served\n", n)
}

// units is how much of a step to do now: fractions add up over requests.
func (s *service) units(i int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	factor := 1.0
	if f, ok := s.factor[i]; ok {
		factor = f
	}
	s.carry[i] += s.mix.Steps[i].Units * factor
	n := int(s.carry[i])
	s.carry[i] -= float64(n)
	return n
}

// window makes one profile of a second while a step costs a factor more, and
// says in a header how many requests were served in it.
func (s *service) window(w http.ResponseWriter, r *http.Request) {
	i, _ := strconv.Atoi(r.FormValue("step"))
	factor, err := strconv.ParseFloat(r.FormValue("factor"), 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.factor = map[int]float64{i: factor}
	s.mu.Unlock()
	time.Sleep(50 * time.Millisecond) // what began under the old factor ends
	var buf bytes.Buffer
	if err := pprof.StartCPUProfile(&buf); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	before := s.requests.Load()
	time.Sleep(time.Second)
	served := s.requests.Load() - before
	pprof.StopCPUProfile()
	w.Header().Set("Requests", strconv.FormatInt(served, 10))
	_, _ = w.Write(buf.Bytes())
}
