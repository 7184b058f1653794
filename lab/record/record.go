package record

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Options say what to record.
type Options struct {
	Out    string   // the case folder; it must not exist
	ID     string   // of the case; empty: the folder's name
	Lab    []string // command that runs the lab, to which "run …" is added
	Story  string
	At     string // the service the story is put at; empty: the seed decides
	Seed   uint64
	RPS    float64
	Pace   float64
	Sample float64       // share of traces kept, (0,1]
	Small  bool          // a case to be committed
	Warm   time.Duration // after the start of load; what comes before belongs to no period
	Most   time.Duration // the recording ends then at the latest, after the start of load
	Bad    time.Duration // it ends earlier once the indicator has been bad for so long
	Stderr io.Writer     // of the lab
}

const (
	look    = 5 * time.Second // how often a recording looks whether it can end
	leftOut = 2 * time.Second // of the run's end: requests on their way then are cut off
	badMost = 2. / 3          // share of steps after the onset that must be bad to end early
)

// Report is recording.json: how a recording went. It belongs to whoever keeps
// cases, not to a diagnosis.
type Report struct {
	ID       string    `json:"id"`
	Story    string    `json:"story"`
	At       string    `json:"at,omitempty"`
	Seed     uint64    `json:"seed"`
	RPS      float64   `json:"rps"`
	Pace     float64   `json:"pace"`
	Small    bool      `json:"small,omitempty"`
	Started  time.Time `json:"started"` // load
	Class    string    `json:"class"`
	Service  string    `json:"service"`
	Injected bool      `json:"injected"`
	External bool      `json:"external,omitempty"`
	Effect   Effect    `json:"effect"`
	Warnings []string  `json:"warnings,omitempty"` // what was lost
	Spans    int       `json:"spans"`              // that arrived
	Kept     int       `json:"spans_kept"`
	Sampling float64   `json:"sampling"`
	Rows     int       `json:"metric_rows"`
	Logs     int       `json:"logs"`
	Changes  int       `json:"changes"`
	Beacons  int       `json:"beacons"`
	Profiles int       `json:"profiles"`
	Bytes    int64     `json:"bytes"` // on disk
	Wall     float64   `json:"wall_s"`
	LabCPU   float64   `json:"lab_cpu_s"`
	OwnCPU   float64   `json:"recorder_cpu_s"`

	InjectedAt *time.Time `json:"injected_at,omitempty"`
	OnsetAt    *time.Time `json:"onset_at,omitempty"` // when the lab says its effect began
	SeenAt     *time.Time `json:"seen_at,omitempty"`  // when the indicator turned bad
	Events     []Event    `json:"events"`
}

// Run records one run of the lab into o.Out. The folder appears when it is
// complete, or not at all.
func Run(ctx context.Context, o Options) (Report, error) {
	if err := o.check(); err != nil {
		return Report{}, err
	}
	begun := time.Now()
	work, err := os.MkdirTemp(filepath.Dir(o.Out), ".recording-")
	if err != nil {
		return Report{}, fmt.Errorf("making a folder for the recording: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	t := newTape()
	r, err := listen(t)
	if err != nil {
		return Report{}, err
	}
	defer r.close()
	take, err := record(ctx, o, taping{t, r, filepath.Join(work, "lab")})
	if err != nil {
		return Report{}, err
	}
	dir := filepath.Join(work, "case")
	rep, err := take.write(dir)
	if err != nil {
		return Report{}, fmt.Errorf("writing the case: %w", err)
	}
	rep.Wall, rep.OwnCPU = time.Since(begun).Seconds(), ownCPU().Seconds()
	if err := writeJSON(filepath.Join(dir, "recording.json"), rep); err != nil {
		return Report{}, err
	}
	if err := os.Rename(dir, o.Out); err != nil {
		return Report{}, fmt.Errorf("putting the case in its place: %w", err)
	}
	return rep, nil
}

func (o *Options) check() error {
	if o.ID == "" {
		o.ID = filepath.Base(o.Out)
	}
	if _, err := os.Stat(o.Out); err == nil {
		return fmt.Errorf("%s exists already: name a folder that does not", o.Out)
	}
	switch {
	case len(o.Lab) == 0 || o.Out == "":
		return errors.New("a recording needs a command for the lab and a folder")
	case o.Sample <= 0 || o.Sample > 1:
		return fmt.Errorf("sampling is %g: choose above 0, up to 1", o.Sample)
	case o.Most < o.Warm+(reference+inARow)*step:
		return fmt.Errorf("%s are too short: after %s of warming up there must be %s to compare", o.Most, o.Warm, (reference+inARow)*step)
	}
	return os.MkdirAll(filepath.Dir(o.Out), 0o755)
}

// taping is what a recording writes to while it runs.
type taping struct {
	tape *tape
	ears *receivers
	dir  string // of the lab
}

// record runs the lab until there is enough to see, then stops it.
func record(ctx context.Context, o Options, to taping) (tk *taken, err error) {
	s, loaded, err := open(ctx, o, to.ears, to.dir)
	if err != nil {
		return nil, err
	}
	stopped := false
	defer func() {
		if !stopped {
			err = errors.Join(err, s.close())
		}
	}()
	running, err := s.running()
	if err != nil {
		return nil, err
	}
	var services []string
	for _, in := range running {
		services = append(services, in.service)
	}
	profiling, enough := context.WithCancel(ctx)
	defer enough()
	p := &profiler{shop: s, tape: to.tape}
	var wg sync.WaitGroup
	wg.Go(func() { p.run(profiling, services) })
	asks, err := s.truth(ctx)
	if err == nil {
		err = wait(ctx, o, waiting{to.tape, s, loaded, asks.Question.orFlagship()})
	}
	ended := time.Now()
	enough()
	wg.Wait()
	if err != nil {
		return nil, err
	}
	tk = &taken{opt: o, tape: to.tape, loaded: loaded, stopped: ended, shots: p.shots}
	if tk.lab, err = s.truth(ctx); err != nil {
		return nil, err
	}
	stopped = true
	if err := s.close(); err != nil {
		return nil, fmt.Errorf("stopping the lab: %w", err)
	}
	tk.events, tk.labCPU = s.said(), s.cpu()
	return tk, nil
}

// orFlagship is what every story without a question of its own asks.
func (q question) orFlagship() question {
	if q.Service == "" {
		return question{"edge", "POST /checkout", "latency"}
	}
	return q
}

// waiting is what a recording looks at while it waits.
type waiting struct {
	tape   *tape
	shop   *shop
	loaded time.Time
	asks   question
}

// wait ends when the indicator has been bad for long enough, or at the latest
// when the story has been told. It looks at nothing but the indicator.
func wait(ctx context.Context, o Options, w waiting) error {
	last := w.loaded.Add(o.Most)
	var seen int
	var rs []request
	for {
		next := min(look, time.Until(last))
		if next <= 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.shop.done:
			return fmt.Errorf("the lab ended by itself: %w", w.shop.err)
		case <-time.After(next):
		}
		w.tape.mu.Lock()
		fresh := append([]ptrace.Traces{}, w.tape.traces[seen:]...)
		seen = len(w.tape.traces)
		w.tape.mu.Unlock()
		rs = append(rs, asked(flatten(fresh), w.asks.Service, w.asks.Operation)...)
		if o.Bad > 0 && badFor(rs, period{w.loaded.Add(o.Warm), time.Now()}) >= o.Bad {
			return nil
		}
	}
}

// badFor is how long the indicator has been bad: since the onset, if most steps
// since then were. A scare that passed counts for nothing.
func badFor(rs []request, p period) time.Duration {
	ts := ticks(rs, p)
	a := watch(ts)
	if !a.fired {
		return 0
	}
	in := slow(ts[:reference])
	if a.sli == "errors" {
		in = errors5xx(ts[:reference])
	}
	bad, since := 0, 0
	for _, t := range ts {
		if t.from.Before(a.onset) {
			continue
		}
		since++
		if in.bad(in.value(t), t) {
			bad++
		}
	}
	if float64(bad) < badMost*float64(since) {
		return 0
	}
	return p.to.Sub(a.onset)
}
