package httpd_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/pitwall/pitwall/internal/httpd"
)

// TestTooManyQuestions: beyond those that are worked on and 16 that wait a new
// question is refused and told when to come again; one that waits already is
// joined, and room that is given back is taken.
func TestTooManyQuestions(t *testing.T) {
	s := &slow{let: make(chan struct{})}
	srv, _ := serve(t, func(c *httpd.Config) { c.Diagnosing.Ask = s.ask })
	answered := make(chan int, 40)
	get := func(ctx context.Context, service string) {
		req, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/api/v1/diagnose?"+askedAbout(service), nil)
		if err != nil {
			t.Error(err)
			return
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			answered <- 0
			return
		}
		answered <- res.StatusCode
		_ = res.Body.Close()
	}
	state := func(service string) string {
		_, body := ask(t, "GET", srv.URL+"/api/v1/diagnose/progress?"+askedAbout(service), "", nil)
		return body
	}
	for i := range 2 {
		go get(t.Context(), fmt.Sprintf("works-%d", i))
	}
	until(t, "the work on two", func() bool { return s.asked.Load() == 2 })
	patient, leave := context.WithCancel(t.Context())
	defer leave()
	go get(patient, "leaves")
	for i := range 15 {
		go get(t.Context(), fmt.Sprintf("waits-%d", i))
	}
	until(t, "16 waiting", func() bool {
		for i := range 15 {
			if !strings.Contains(state(fmt.Sprintf("waits-%d", i)), `"waiting"`) {
				return false
			}
		}
		return strings.Contains(state("leaves"), `"waiting"`)
	})

	for _, path := range []string{"/api/v1/diagnose?", "/api/v1/diagnose/export?", "/diagnose.html?"} {
		res, body := ask(t, "GET", srv.URL+path+askedAbout("late"), "", nil)
		if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "10" || !strings.Contains(body, "too many other questions wait") || !strings.Contains(body, "ask again in 10s") {
			t.Errorf("%s: %d, again after %q: %s", path, res.StatusCode, res.Header.Get("Retry-After"), body)
		}
	}
	if _, body := ask(t, "GET", srv.URL+"/api/v1/diagnose?"+askedAbout("late"), "", nil); !strings.Contains(body, `"kind":"unavailable"`) {
		t.Errorf("its kind: %s", body)
	}
	go get(t.Context(), "waits-3")
	go get(t.Context(), "works-1")

	leave()
	if got := <-answered; got != 0 {
		t.Errorf("who left, or a joined question, was answered %d", got)
	}
	until(t, "room", func() bool { return strings.Contains(state("leaves"), `"none"`) })
	go get(t.Context(), "late")
	until(t, "the late one waiting", func() bool { return strings.Contains(state("late"), `"waiting"`) })
	close(s.let)
	for range 2 + 15 + 2 + 1 {
		if got := <-answered; got != http.StatusOK {
			t.Errorf("answered %d", got)
		}
	}
	if res, body := ask(t, "GET", srv.URL+"/api/v1/diagnose?"+askedAbout("another"), "", nil); res.StatusCode != http.StatusOK {
		t.Errorf("afterwards: %d %s", res.StatusCode, body)
	}
}
