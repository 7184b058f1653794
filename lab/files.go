package lab

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// labFile is DIR/lab.json: where everything is.
type labFile struct {
	Schema     string         `json:"schema"`
	Story      string         `json:"story"`
	Seed       uint64         `json:"seed"`
	Pace       float64        `json:"pace"`
	RPS        float64        `json:"rps"`
	Controller string         `json:"controller"`
	Edge       string         `json:"edge"`
	Load       string         `json:"load,omitempty"`
	PIDs       map[string]int `json:"pids"` // "inventory@v41", "load", "director"
	Truth      truth          `json:"truth"`
}

// targetGroup is one entry of DIR/targets.json, in Prometheus' file_sd format.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// writeFiles writes lab.json and targets.json, each at once or not at all.
func (d *director) writeFiles() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	lab := labFile{
		Schema: "pitwall.lab/v1", Story: d.opt.story, Seed: d.opt.seed, Pace: d.opt.pace, RPS: d.opt.rps,
		Controller: d.ctrlURL, PIDs: map[string]int{"director": os.Getpid()}, Truth: d.truth.copy(),
	}
	targets := []targetGroup{}
	for _, l := range d.world.running() {
		lab.PIDs[l.Service+"@"+l.Version] = l.PID
		targets = append(targets, targetGroup{[]string{l.Admin}, map[string]string{"service": l.Service, "version": l.Version}})
		if l.Service == "edge" {
			lab.Edge = "http://" + l.Addr
		}
	}
	if d.load != nil {
		lab.PIDs["load"], lab.Load = d.load.PID, "http://"+d.load.Addr
	}
	if err := writeJSON(filepath.Join(d.opt.dir, "targets.json"), targets); err != nil {
		return err
	}
	if d.load == nil {
		return nil // lab.json appears when the lab is ready
	}
	return writeJSON(filepath.Join(d.opt.dir, "lab.json"), lab)
}

// writeJSON replaces a file atomically.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", filepath.Base(path), err)
	}
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("replacing %s: %w", filepath.Base(path), err)
	}
	return nil
}

// truth is what really happened, for whoever judges a watcher.
type truth struct {
	Story    string     `json:"story"`
	Injected bool       `json:"injected"`
	Service  string     `json:"service"`
	Class    string     `json:"class"`
	Change   string     `json:"change"` // "" where nobody's change is to blame
	At       *time.Time `json:"injected_at"`

	Onset       *time.Time `json:"onset_at"`     // when the effect begins; later than injected_at where it comes late
	External    bool       `json:"external"`     // the world did it
	Accept      []string   `json:"accept"`       // other names of the service that are right
	ClassAccept []string   `json:"class_accept"` // other classes that are right
	Decoys      []string   `json:"decoys"`       // ids of innocent changes
	Question    Question   `json:"question"`     // what goes bad
}

// knownTruth is the truth so far.
type knownTruth struct {
	mu sync.Mutex
	truth
}

// copy is the truth as it is now.
func (t *knownTruth) copy() truth {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.truth
	c.Decoys = append([]string{}, c.Decoys...)
	return c
}

// extraRoutes are the controller's routes that belong to the lab itself.
func (d *director) extraRoutes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /v1/truth": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(d.truth.copy()) // the caller hung up: nothing to tell it
		}),
		"GET /v1/load":        http.HandlerFunc(d.askLoad),
		"GET /v1/load/window": http.HandlerFunc(d.askLoad),
	}
}

// askLoad passes a question on to the load generator's process.
func (d *director) askLoad(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	l := d.load
	d.mu.Unlock()
	if l == nil {
		http.Error(w, `{"error":"the load has not started"}`, http.StatusServiceUnavailable)
		return
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://"+l.Addr+r.URL.Path[len("/v1"):]+"?"+r.URL.RawQuery, nil)
	if err != nil {
		http.Error(w, `{"error":"preparing question"}`, http.StatusInternalServerError)
		return
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		http.Error(w, `{"error":"the load generator does not answer"}`, http.StatusBadGateway)
		return
	}
	defer func() { _ = res.Body.Close() }()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body) // the caller hung up: nothing to tell it
}
