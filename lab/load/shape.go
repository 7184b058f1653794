package load

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/pitwall/pitwall/lab/shop"
)

// Shape is what customers do differently from now on; the lab's director sets
// it, as the world outside does to a real shop.
type Shape struct {
	// Factor is how much faster requests come than planned; 1 is as planned.
	Factor float64 `json:"factor"`
	// Partner says what the partner's carts are: "" as everybody's, "huge":
	// eighty lines of goods, "malformed": with goods that do not exist.
	Partner string `json:"partner,omitempty"`
}

// hugeCart is how many lines a partner's merged cart has: below the hundred
// that inventory accepts.
const hugeCart = 80

// shape bends a schedule while it runs. From the moment the factor changes,
// planned time passes that much faster; what was sent stays where it was.
type shape struct {
	mu      sync.Mutex
	factor  float64
	partner string
	planned time.Duration // planned time at the last change
	real    time.Duration // real time at the last change
	last    time.Duration // planned time of the last arrival
}

// moment is when an arrival planned for at is sent.
func (s *shape) moment(start time.Time, at time.Duration) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = at
	return start.Add(s.real + time.Duration(float64(at-s.planned)/s.factor))
}

// set changes the shape from the last arrival on.
func (s *shape) set(to Shape) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.real += time.Duration(float64(s.last-s.planned) / s.factor)
	s.planned, s.factor, s.partner = s.last, to.Factor, to.Partner
}

// spoil changes the partner's carts.
func (s *shape) spoil(a *Arrival) {
	s.mu.Lock()
	kind := s.partner
	s.mu.Unlock()
	if a.Cart == nil || a.From != Partner || kind == "" {
		return
	}
	cart := &shop.Cart{Token: a.Cart.Token, Lines: slices.Clone(a.Cart.Lines)}
	switch kind {
	case "huge":
		have := map[string]bool{}
		for _, l := range cart.Lines {
			have[l.SKU] = true
		}
		for i := 0; len(cart.Lines) < hugeCart; i++ {
			if sku := shop.SKU(i); !have[sku] {
				cart.Lines = append(cart.Lines, shop.CartLine{SKU: sku, Qty: 1})
			}
		}
	case "malformed":
		for i := range cart.Lines {
			cart.Lines[i].SKU = "EAN:" + cart.Lines[i].SKU // another catalogue's numbers
		}
	}
	a.Cart = cart
}

// put is PUT /shape.
func (s *shape) put(w http.ResponseWriter, r *http.Request) {
	var to Shape
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&to); err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "reading shape: " + err.Error()})
		return
	}
	known := to.Partner == "" || to.Partner == "huge" || to.Partner == "malformed"
	if to.Factor <= 0 || to.Factor > 100 || !known {
		writeJSON(w, http.StatusUnprocessableEntity, map[string]string{"error": "factor is above 0, up to 100; partner is empty, huge or malformed"})
		return
	}
	s.set(to)
	writeJSON(w, http.StatusOK, to)
}
