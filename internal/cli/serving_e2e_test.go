//go:build e2e

package cli

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// serving is a pitwall of its own process that can be killed and started again
// on the same addresses and data.
type serving struct {
	t    *testing.T
	dir  string
	page string // address of page and API
	otlp string
	cmd  *exec.Cmd     // nil: it does not run
	over chan struct{} // closed when it ended
}

// newServing writes the files of a pitwall, of which pitwall.yaml lacks the
// addresses, and starts it.
func newServing(t *testing.T, files map[string]string) *serving {
	t.Helper()
	s := &serving{t: t, dir: t.TempDir(), page: "http://" + freeAddress(t), otlp: "http://" + freeAddress(t)}
	s.write(files)
	s.configure(files["pitwall.yaml"])
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			text, _ := os.ReadFile(filepath.Join(s.dir, "log")) // best effort: the failure is already known
			t.Logf("pitwall said:\n%s", tail(string(text), 30))
		}
	})
	s.start()
	return s
}

func (s *serving) write(files map[string]string) {
	s.t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
}

// configure writes pitwall.yaml with the addresses.
func (s *serving) configure(text string) {
	s.t.Helper()
	s.write(map[string]string{"pitwall.yaml": fmt.Sprintf("listen: {http: %q, otlp_http: %q, otlp_grpc: \"127.0.0.1:0\"}\ndata_dir: data\n%s",
		strings.TrimPrefix(s.page, "http://"), strings.TrimPrefix(s.otlp, "http://"), text)})
}

// start runs it and waits until it answers.
func (s *serving) start() {
	s.t.Helper()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.cmd = command(s.t, "serve", "--config", filepath.Join(s.dir, "pitwall.yaml"))
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	cmd, over := s.cmd, make(chan struct{})
	s.over = over
	go func() {
		_ = cmd.Wait() // how it ended is said by its log
		close(over)
	}()
	eventually(s.t, func() string {
		select {
		case <-over:
			s.t.Fatal("pitwall ended")
		default:
		}
		if err := newClient(s.page).get(s.t.Context(), "/api/v1/status", nil); err != nil {
			return err.Error()
		}
		return ""
	})
}

// kill ends it at once, with SIGKILL.
func (s *serving) kill() { s.end(syscall.SIGKILL) }

func (s *serving) end(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(sig)
	<-s.over
	s.cmd = nil
}

// traffic sends spans of services, a hundred a second of each, until the test
// ends. What is not acknowledged is sent again, so a restart loses nothing.
type traffic struct {
	otlp     string
	services []string
	ids      atomic.Int64

	mu      sync.Mutex
	failing map[string]bool
}

// perRound spans of each service are sent every round.
const (
	perRound = 10
	round    = 100 * time.Millisecond
)

// startTraffic begins with a past of good requests, so that objectives are as
// old as their windows from the first moment.
func startTraffic(t *testing.T, otlp string, past time.Duration, services ...string) *traffic {
	t.Helper()
	f := &traffic{otlp: otlp, services: services, failing: map[string]bool{}}
	now := time.Now()
	for at := now.Add(-past); at.Before(now); at = at.Add(round) {
		if err := f.send(at); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(round)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := f.send(time.Now()); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return f
}

// fail says which services fail from now on: half of their requests.
func (f *traffic) fail(services ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing = map[string]bool{}
	for _, s := range services {
		f.failing[s] = true
	}
}

func (f *traffic) send(at time.Time) error {
	f.mu.Lock()
	failing := f.failing
	f.mu.Unlock()
	var all []any
	for _, service := range f.services {
		var spans []any
		for i := range perRound {
			span := spanJSON(int(f.ids.Add(1)), at)
			if failing[service] && i%2 == 0 {
				span["status"] = map[string]any{"code": 2}
			}
			spans = append(spans, span)
		}
		all = append(all, map[string]any{"resource": resourceOf(service), "scopeSpans": []any{map[string]any{"spans": spans}}})
	}
	return sendUntilTaken(f.otlp+"/v1/traces", encoded(map[string]any{"resourceSpans": all}))
}

// inbox collects what servers of a test were sent.
type inbox[T any] struct {
	mu   sync.Mutex
	list []T
}

func (b *inbox[T]) add(v T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = append(b.list, v)
}

func (b *inbox[T]) all() []T {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.list)
}

// alarmsNow is what the API says of alarms.
type alarmsNow struct {
	Alarms []struct {
		ID, SLO string
		Since   time.Time
		Until   time.Time
		State   struct{ Tier struct{ Name string } }
	}
}

func (s *serving) alarms() (alarmsNow, error) {
	var list alarmsNow
	err := newClient(s.page).get(s.t.Context(), "/api/v1/alarms", &list)
	return list, err
}

// deliveries are what was told, or waits to be.
func (s *serving) deliveries() ([]delivery, error) {
	var list struct{ Deliveries []delivery }
	err := newClient(s.page).get(s.t.Context(), "/api/v1/deliveries?limit=1000", &list)
	return list.Deliveries, err
}

type delivery struct {
	Receiver string
	Done     time.Time
	Failed   bool
	Trouble  string
	Message  struct{ ID, Kind, Thread string }
}

// allSent says what still waits, or was given up.
func (s *serving) allSent() (list []delivery, wrong string) {
	list, err := s.deliveries()
	if err != nil {
		return nil, err.Error()
	}
	for _, d := range list {
		if d.Done.IsZero() || d.Failed {
			return list, fmt.Sprintf("of %d messages %s to %s waits: %s", len(list), d.Message.ID, d.Receiver, d.Trouble)
		}
	}
	return list, ""
}
