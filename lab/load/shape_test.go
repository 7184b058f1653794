package load

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestASurgeBendsTheSchedule(t *testing.T) {
	s := &shape{factor: 1}
	start := time.Unix(100, 0)
	at := func(planned, want time.Duration) {
		t.Helper()
		if got := s.moment(start, planned).Sub(start); got != want {
			t.Errorf("planned for %s, sent at %s, want %s", planned, got, want)
		}
	}
	at(10*time.Second, 10*time.Second)
	s.set(Shape{Factor: 2})
	at(20*time.Second, 15*time.Second)
	s.set(Shape{Factor: 1})
	at(21*time.Second, 16*time.Second)
}

func TestOnlyThePartnerIsSpoilt(t *testing.T) {
	sched := NewSchedule(3, Routes(66)).WithClients().Among(300)
	s := &shape{factor: 1}
	partner, other := 0, 0
	for range 4_000 {
		a, _ := sched.Next()
		if a.User >= 300 || a.From == "" {
			t.Fatalf("arrival %+v", a)
		}
		if a.Cart == nil {
			continue
		}
		before := a.Cart.Lines[0].SKU
		s.set(Shape{Factor: 1, Partner: "malformed"})
		s.spoil(&a)
		if spoilt := a.Cart.Lines[0].SKU != before; spoilt != (a.From == Partner) {
			t.Fatalf("%s sent %q for %q", a.From, a.Cart.Lines[0].SKU, before)
		}
		s.set(Shape{Factor: 1, Partner: "huge"})
		s.spoil(&a)
		if a.From != Partner {
			other++
			continue
		}
		partner++
		seen := map[string]bool{}
		for _, l := range a.Cart.Lines {
			seen[l.SKU] = true
		}
		if len(seen) != hugeCart || len(a.Cart.Lines) != hugeCart {
			t.Fatalf("a huge cart has %d lines of %d goods", len(a.Cart.Lines), len(seen))
		}
	}
	if share := float64(partner) / float64(partner+other); share < .07 || share > .13 {
		t.Errorf("%.2f of carts are the partner's, want a tenth", share)
	}
}

func TestAShapeIsChecked(t *testing.T) {
	s := &shape{factor: 1}
	f := func(body string, want int) {
		t.Helper()
		w := httptest.NewRecorder()
		s.put(w, httptest.NewRequest("PUT", "/shape", strings.NewReader(body)))
		if w.Code != want {
			t.Errorf("%s answered %d, want %d", body, w.Code, want)
		}
	}
	f(`{"factor":2}`, 200)
	f(`{"factor":0}`, 422)
	f(`{"factor":-1}`, 422)
	f(`{"factor":1,"partner":"odd"}`, 422)
	f(`no`, 400)
	if s.factor != 2 {
		t.Errorf("the factor is %g", s.factor)
	}
}
