package record

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	opensWithin = 60 * time.Second // the shop must be open and under load
	endsWithin  = 15 * time.Second // between asking the lab to stop and killing it
)

// shop is a lab that runs as a child process.
type shop struct {
	cmd  *exec.Cmd
	dir  string
	done chan struct{} // closed when the process has ended
	err  error         // of the process; read it after done

	mu     sync.Mutex
	events []Event
	loaded chan time.Time // when the load began; sent once
}

// Event is one line the lab said.
type Event struct {
	Time    time.Time `json:"time"`
	Event   string    `json:"event"`
	Service string    `json:"service,omitempty"`
	Version string    `json:"version,omitempty"`
	Change  string    `json:"change,omitempty"`
	Summary string    `json:"summary,omitempty"`
}

// open starts the lab and waits until it is under load.
func open(ctx context.Context, o Options, r *receivers, dir string) (*shop, time.Time, error) {
	args := append(append([]string{}, o.Lab[1:]...), "run", "--dir", dir, "--story", o.Story,
		"--seed", strconv.FormatUint(o.Seed, 10), "--pace", strconv.FormatFloat(o.Pace, 'g', -1, 64),
		"--rps", strconv.FormatFloat(o.RPS, 'g', -1, 64),
		"--otlp", r.OTLP, "--otlp-grpc", r.GRPC, "--changes", r.Changes, "--rum", r.RUM)
	if o.At != "" {
		args = append(args, "--at", o.At)
	}
	s := &shop{cmd: exec.Command(o.Lab[0], args...), dir: dir, done: make(chan struct{}), loaded: make(chan time.Time, 1)}
	s.cmd.Stderr = o.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("preparing the lab: %w", err)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, time.Time{}, fmt.Errorf("starting the lab: %w", err)
	}
	go func() { // ends with the process, for which close waits
		s.hear(out)
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	select {
	case t := <-s.loaded:
		return s, t, nil
	case <-s.done:
		return nil, time.Time{}, fmt.Errorf("the lab ended before it was open: %w", s.err)
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(opensWithin):
		err = fmt.Errorf("the lab was not open within %s", opensWithin)
	}
	return nil, time.Time{}, errors.Join(err, s.close())
}

// hear reads the lab's events until it closes its output.
func (s *shop) hear(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var e Event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			continue // not for us
		}
		s.mu.Lock()
		s.events = append(s.events, e)
		s.mu.Unlock()
		if e.Event == "load-started" {
			select {
			case s.loaded <- e.Time:
			default:
			}
		}
	}
	_, _ = io.Copy(io.Discard, r) // a line too long for the scanner: the lab must not block
}

// close asks the lab to stop, waits for it, and kills it if it does not.
func (s *shop) close() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // gone already: done says so
	select {
	case <-s.done:
		return s.err
	case <-time.After(endsWithin):
	}
	_ = s.cmd.Process.Kill()
	<-s.done
	return fmt.Errorf("the lab did not stop within %s", endsWithin)
}

// cpu is what the lab and all its processes used, once they have ended.
func (s *shop) cpu() time.Duration {
	p := s.cmd.ProcessState
	if p == nil {
		return 0
	}
	return p.UserTime() + p.SystemTime()
}

func (s *shop) said() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Event{}, s.events...)
}

// instance is a running version of a service and where its profiles are.
type instance struct{ service, version, admin string }

// running lists the newest instance of each service.
func (s *shop) running() ([]instance, error) {
	var groups []struct {
		Targets []string          `json:"targets"`
		Labels  map[string]string `json:"labels"`
	}
	raw, err := os.ReadFile(filepath.Join(s.dir, "targets.json"))
	if err != nil {
		return nil, fmt.Errorf("reading targets: %w", err)
	}
	if err := json.Unmarshal(raw, &groups); err != nil {
		return nil, fmt.Errorf("reading targets: %w", err)
	}
	at := map[string]int{}
	var out []instance
	for _, g := range groups {
		in := instance{service: g.Labels["service"], version: g.Labels["version"]}
		if len(g.Targets) == 0 || in.service == "" {
			continue
		}
		in.admin = g.Targets[0]
		if i, ok := at[in.service]; ok {
			out[i] = in // the list is in order of start: the later one took over
			continue
		}
		at[in.service] = len(out)
		out = append(out, in)
	}
	return out, nil
}

// truth asks the lab what really happened.
func (s *shop) truth(ctx context.Context) (labTruth, error) {
	var t labTruth
	var lab struct {
		Controller string `json:"controller"`
	}
	raw, err := os.ReadFile(filepath.Join(s.dir, "lab.json"))
	if err != nil {
		return t, fmt.Errorf("reading lab.json: %w", err)
	}
	if err := json.Unmarshal(raw, &lab); err != nil {
		return t, fmt.Errorf("reading lab.json: %w", err)
	}
	raw, err = fetch(ctx, lab.Controller+"/v1/truth")
	if err != nil {
		return t, fmt.Errorf("asking for the truth: %w", err)
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		return t, fmt.Errorf("reading the truth: %w", err)
	}
	return t, nil
}

// mostAnswer bounds what is read of one answer of the lab.
const mostAnswer = 64 << 20

// answersWithin is how long the lab may take to answer; a profile is asked for
// longer than that is.
const answersWithin = profileWindow + 10*time.Second

// fetch gets a body with status 200.
func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(res.Body, mostAnswer))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s: %.200s", url, res.Status, raw)
	}
	return raw, nil
}
