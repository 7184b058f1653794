package outside

import (
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAnAcquirerFailsAsToldTo(t *testing.T) {
	a := &acquirer{state: State{}, rand: rand.New(rand.NewPCG(1, 2))}
	h := a.handler()
	ask := func(method, path, body string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
		return w.Code
	}
	failed := func() (n int) {
		for range 400 {
			if ask("POST", "/authorisations", "{}") == 503 {
				n++
			}
		}
		return n
	}
	if n := failed(); n != 0 {
		t.Errorf("%d failed on a good day", n)
	}
	if ask("PUT", "/state", `{"fail":2}`) != 422 || ask("PUT", "/state", `{"fail":0.3}`) != 204 {
		t.Error("the state was not checked")
	}
	if n := failed(); n < 80 || n > 160 {
		t.Errorf("%d of 400 failed, want about 120", n)
	}
}
