package synthetic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// sink keeps series, or fails.
type sink struct {
	mu   sync.Mutex
	err  error
	list []pitwall.Series
}

func (s *sink) AppendSeries(_ context.Context, list []pitwall.Series) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.list = append(s.list, list...)
	}
	return s.err
}

// value finds the newest sample of a series by its name and labels.
func (s *sink) value(name string, labels ...string) (float64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(s.list) - 1; i >= 0; i-- {
		l := s.list[i].Labels
		fits := l["__name__"] == name
		for k := 0; k < len(labels); k += 2 {
			fits = fits && l[labels[k]] == labels[k+1]
		}
		if fits {
			return s.list[i].V[0], true
		}
	}
	return 0, false
}

// TestRun: journeys of one runner, one of which hangs, one fails, one is well.
func TestRun(t *testing.T) {
	var running, most, hung atomic.Int32
	s := newShop(t, plainHTTP, nil)
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hangs":
			hung.Add(1)
			<-r.Context().Done()
		case "/bad":
			w.WriteHeader(http.StatusInternalServerError)
		default:
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Millisecond)
			running.Add(-1)
			fmt.Fprint(w, "ok")
		}
	})
	kept := &sink{}
	var list []Journey
	for name, path := range map[string]string{"well": "/ok", "bad": "/bad", "hangs": "/hangs"} {
		j := journey(t, s.URL, "  - {name: first, get: '${base}"+path+"'}\n  - {name: second, get: '${base}/ok'}\n")
		// A timeout longer than the rhythm Parse would refuse: runs must not overlap all the same.
		j.Name, j.Every, j.Timeout = name, 10*time.Millisecond, 2*time.Second
		if name == "hangs" {
			j.Timeout = 300 * time.Millisecond
		}
		list = append(list, j)
	}
	r, err := New(Config{Journeys: list, Sink: kept, Keep: 3, Rand: rand.New(rand.NewPCG(3, 4))})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Health(); len(got) != 3 || got[0].Blind == "" || !got[0].Up || got[0].Signal != pitwall.SignalSynthetics {
		t.Errorf("health before: %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	enough := func() bool {
		all := r.Results()
		return all[0].Runs >= 6 && all[1].Runs >= 1 && all[2].Runs >= 6
	}
	for deadline := time.Now().Add(8 * time.Second); !enough() && time.Now().Before(deadline); {
		time.Sleep(2 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	all := r.Results()
	bad, hangs, well := all[0], all[1], all[2]
	if well.Runs < 6 || well.Failed != 0 || !well.Latest.OK || len(well.Failing) != 0 {
		t.Errorf("well: %+v", well)
	}
	if most.Load() != 1 {
		t.Errorf("%d runs of one journey at once", most.Load())
	}
	if bad.Runs != bad.Failed || len(bad.Failing) != 3 || bad.Failing[0].At.Before(bad.Failing[2].At) || bad.Failing[0].Steps[0].Failures[0].Got != "500" {
		t.Errorf("bad: %+v", bad)
	}
	if hangs.Failed < 1 || hangs.Runs >= well.Runs || uint64(hung.Load()) > hangs.Runs+1 {
		t.Errorf("hangs: %+v, %d requests", hangs, hung.Load())
	}
	for _, c := range []struct {
		want   float64
		name   string
		labels []string
	}{
		{1, "pitwall_journey_success", []string{"journey", "well", "service", "edge"}},
		{0, "pitwall_journey_success", []string{"journey", "bad"}},
		{1, "probe_success", []string{"journey", "well", "step", "second"}},
		{0, "probe_success", []string{"journey", "hangs", "step", "first"}},
		{500, "probe_http_status_code", []string{"journey", "bad", "step", "first"}},
		{0, "probe_http_status_code", []string{"journey", "hangs"}},
	} {
		if got, ok := kept.value(c.name, c.labels...); got != c.want || !ok {
			t.Errorf("%s %v is %v (%v), want %v", c.name, c.labels, got, ok, c.want)
		}
	}
	if _, ok := kept.value("probe_success", "journey", "bad", "step", "second"); ok {
		t.Error("a step that was not reached has a result")
	}
	if v, ok := kept.value("probe_http_duration_seconds", "journey", "well", "phase", "processing"); v <= 0 || !ok {
		t.Errorf("processing took %v", v)
	}
	for _, h := range r.Health() {
		if !h.Up || h.LastSeen.IsZero() || (h.Name == "synthetic/bad") != strings.Contains(h.Message, `step "first" failed: status: wanted 2xx, got 500`) {
			t.Errorf("health %+v", h)
		}
	}
}

func TestSinkTroubleLosesNothing(t *testing.T) {
	kept := &sink{err: errors.New("disk full")}
	j := Journey{Name: "j", Service: "edge", Every: time.Second, Timeout: time.Second}
	r := newRunner(t, Config{Journeys: []Journey{j}, Sink: kept})
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	result := func(n int) Result {
		return Result{Journey: "j", Service: "edge", At: at.Add(time.Duration(n) * time.Second), OK: true}
	}
	for n := range 3 {
		r.keep(t.Context(), result(n))
	}
	if h := r.Health()[0]; h.Up || !strings.Contains(h.Message, "disk full") || h.Rejected != 0 {
		t.Errorf("health %+v", h)
	}
	kept.err = nil
	r.keep(t.Context(), result(3))
	if h := r.Health()[0]; !h.Up || h.Message != "" || len(kept.list) != 8 || kept.list[0].T[0] != at.UnixMilli() {
		t.Errorf("health %+v, stored %+v", h, kept.list)
	}
	kept.err = errors.New("disk full again")
	for n := range pendingMost {
		r.keep(t.Context(), result(n))
	}
	if h := r.Health()[0]; h.Rejected != pendingMost || len(r.state["j"].pending) != pendingMost {
		t.Errorf("health %+v, %d wait", h, len(r.state["j"].pending))
	}
	kept.err = pitwall.Errorf(pitwall.Invalid, "storing", "too old")
	r.keep(t.Context(), result(0))
	if h := r.Health()[0]; h.Rejected != 2*pendingMost+2 || len(r.state["j"].pending) != 0 {
		t.Errorf("health %+v", h)
	}
}

func TestNewRefuses(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 1))
	if _, err := New(Config{Journeys: []Journey{{Name: "a"}, {Name: "a", File: "b.yaml"}}, Rand: chance}); pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), "b.yaml") {
		t.Errorf("%v", err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a runner without chance")
	}
	r, err := New(Config{Rand: chance})
	if err != nil || len(r.Health()) != 1 || r.Health()[0].Up || r.Health()[0].Blind == "" {
		t.Errorf("without journeys: %+v, %v", r.Health(), err)
	}
}

func TestMissingSecretIsOurTrouble(t *testing.T) {
	s := newShop(t, plainHTTP, map[string]http.HandlerFunc{"/": text("ok")})
	j := journey(t, s.URL, "  - {name: a, get: '${base}/', headers: {x: '${secret:key}'}}\n")
	dir := t.TempDir()
	r := newRunner(t, Config{Journeys: []Journey{j}, Secrets: SecretsIn(dir)})
	r.keep(t.Context(), r.Check(t.Context(), j))
	if h := r.Health()[0]; h.Up || !strings.Contains(h.Message, "reading secret: key") || strings.Contains(h.Message, dir) || len(s.got) != 0 {
		t.Errorf("health %+v", h)
	}
}

// BenchmarkStep is one step against a server on the same machine, its
// connection kept.
func BenchmarkStep(b *testing.B) {
	srv := httptest.NewServer(text(`{"items":[1,2,3]}`))
	defer srv.Close()
	steps := ""
	for i := range stepsMost {
		steps += fmt.Sprintf("  - {name: s%d, get: '${base}/', expect: {json: {$.items.length: '>= 1'}}}\n", i)
	}
	j := journey(b, srv.URL, steps)
	r := newRunner(b, Config{})
	for b.Loop() {
		if got := r.Check(b.Context(), j); !got.OK {
			b.Fatalf("%+v", got)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/stepsMost, "ns/step")
}
