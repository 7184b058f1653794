// Package load plays the shop's customers: an open-model load generator and
// the beacons their browsers send.
//
// In: a seed, rates and the edge's URL. Out: requests at moments fixed
// beforehand, every sample with its latency from the intended moment, and
// real-user beacons. It refuses to know versions, weights and faults, and it
// never slows down because the shop does.
package load

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pitwall/pitwall/lab/shop"
)

// Route is one kind of request.
type Route struct {
	Name         string // "POST /checkout"
	Method, Path string
	RPS          float64
}

// Routes are the shop's routes at a given checkout rate; the two light
// neighbours get about a sixth of it together.
func Routes(rps float64) []Route {
	return []Route{
		{"POST /checkout", "POST", "/checkout", rps},
		{"GET /catalog", "GET", "/catalog", rps * 0.1},
		{"GET /orders/recent", "GET", "/orders/recent", rps * 0.06},
	}
}

// Arrival is one request, decided before it is sent.
type Arrival struct {
	At    time.Duration // since the start
	Route Route
	Cart  *shop.Cart // checkouts only
	User  int
	RUM   bool   // its browser sends a beacon
	From  string // who sends it, as the X-Client header; "" sends none
}

// Schedule yields arrivals in order of time: Poisson arrivals per route. The
// same seed and routes give the same arrivals, however the shop behaves.
type Schedule struct {
	streams []*stream
	users   int
	clients bool
}

// stream is one route's arrivals.
type stream struct {
	route Route
	times *rand.Rand // inter-arrival times
	what  *rand.Rand // carts, users, sampling
	next  time.Duration
}

// everybody is how many customers the shop has, unless told otherwise.
const everybody = 5_000

// NewSchedule makes a schedule.
func NewSchedule(seed uint64, routes []Route) *Schedule {
	s := &Schedule{users: everybody}
	for i, r := range routes {
		if r.RPS <= 0 {
			continue
		}
		st := &stream{route: r, times: rand.New(rand.NewPCG(seed, uint64(2*i+1))), what: rand.New(rand.NewPCG(seed, uint64(2*i+2)))}
		st.advance()
		s.streams = append(s.streams, st)
	}
	return s
}

// Among lets only the first n customers come, so that they come back sooner.
func (s *Schedule) Among(n int) *Schedule {
	s.users = n
	return s
}

// WithClients has each request say who sends it.
func (s *Schedule) WithClients() *Schedule {
	s.clients = true
	return s
}

func (s *stream) advance() {
	s.next += time.Duration(s.times.ExpFloat64() / s.route.RPS * float64(time.Second))
}

// Next is the next arrival; ok is false when no route has a rate.
func (s *Schedule) Next() (a Arrival, ok bool) {
	if len(s.streams) == 0 {
		return Arrival{}, false
	}
	first := s.streams[0]
	for _, st := range s.streams[1:] {
		if st.next < first.next {
			first = st
		}
	}
	a = Arrival{At: first.next, Route: first.route, User: first.what.IntN(s.users)}
	if first.route.Path == "/checkout" {
		a.Cart = newCart(first.what, a.User)
		a.RUM = first.what.Float64() < rumShare
	}
	if s.clients {
		a.From = client(first.what)
	}
	first.advance()
	return a, true
}

// Partner is the client whose carts can go wrong.
const Partner = "partner-17"

// client draws who sends a request: browsers, the app, and two partner shops.
func client(r *rand.Rand) string {
	switch p := r.Float64(); {
	case p < .5:
		return "web"
	case p < .8:
		return "app"
	case p < .9:
		return "partner-4"
	default:
		return Partner
	}
}

// cartSizes is the share of carts with 3, 4, … 12 lines, in percent: a median
// of five and a tail that more than doubles it.
func cartSizes() []float64 { return []float64{18, 23, 22, 14, 9, 6, 3.5, 2.4, 1.4, 0.7} }

// newCart fills a cart with different goods, popular ones more often.
func newCart(r *rand.Rand, user int) *shop.Cart {
	c := &shop.Cart{Token: shop.Token(fmt.Sprintf("user-%04d", user))}
	size, p := 3, r.Float64()*100
	for _, share := range cartSizes() {
		if p < share {
			break
		}
		p -= share
		size++
	}
	size = min(size, 12)
	seen := map[int]bool{}
	for len(c.Lines) < size {
		i := min(int(r.ExpFloat64()*shop.SKUs/4), shop.SKUs-1)
		if seen[i] {
			continue
		}
		seen[i] = true
		c.Lines = append(c.Lines, shop.CartLine{SKU: shop.SKU(i), Qty: 1 + r.IntN(3)})
	}
	return c
}
