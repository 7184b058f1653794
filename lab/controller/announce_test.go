package controller_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/pitwall/pitwall/lab/controller"
)

func TestAnnouncerRepeatsUntilAccepted(t *testing.T) {
	got := make(chan string, 8)
	var mu sync.Mutex
	tries := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		tries++
		n := tries
		mu.Unlock()
		if n < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		var c controller.Change
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil || r.Header.Get("Idempotency-Key") != c.ID {
			t.Errorf("body %+v with key %q, %v", c, r.Header.Get("Idempotency-Key"), err)
		}
		got <- c.ID
	}))
	defer srv.Close()
	a := controller.NewAnnouncer(srv.URL, func(error) {})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { a.Run(ctx); close(done) }()
	a.Announce(controller.Change{ID: "one"})
	a.Announce(controller.Change{ID: "two"})
	for _, want := range []string{"one", "two"} {
		select {
		case id := <-got:
			if id != want {
				t.Errorf("accepted %q, want %q", id, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s was never accepted", want)
		}
	}
	cancel()
	<-done
}
