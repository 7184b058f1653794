package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/pitwall/pitwall/lab/controller"
	"github.com/pitwall/pitwall/lab/shop"
)

// runOptions are the flags of lab run.
type runOptions struct {
	dir, story, at, otlp, otlpGRPC, changes, rum, ordersDSN, controller string

	seed      uint64
	pace, rps float64
	hold      bool
}

// director owns everything one lab run started.
type director struct {
	opt    runOptions
	stderr io.Writer
	world  *world
	ctrl   *controller.Controller
	family *family
	truth  knownTruth
	stage  stage

	ctrlURL string

	mu   sync.Mutex // guards what follows and the files
	out  *json.Encoder
	load *shop.Listening
}

// direct runs the lab until ctx ends, then stops everything it started.
func direct(ctx context.Context, o runOptions, std streams) (err error) {
	told, err := story(o.story, o.seed, o.at)
	if err != nil {
		return err
	}
	if o.rps == 0 {
		o.rps = told.rps
	}
	if o.dir, err = filepath.Abs(o.dir); err != nil {
		return fmt.Errorf("resolving --dir: %w", err)
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return fmt.Errorf("making --dir: %w", err)
	}
	effects, err := os.OpenFile(filepath.Join(o.dir, "effects.jsonl"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("opening effects log: %w", err)
	}
	defer func() { err = errors.Join(err, effects.Close()) }()

	d := &director{opt: o, stderr: std.err, out: json.NewEncoder(std.out), stage: told.stage}
	d.truth.truth = told.truth
	if d.family, err = newFamily(std.err, d.gone); err != nil {
		return err
	}
	defer d.family.stop()
	d.world = &world{opt: o, stage: told.stage, family: d.family, changed: d.writeFiles}
	ann := controller.NewAnnouncer(o.changes, func(err error) { fmt.Fprintln(std.err, "pitwall lab:", err) })
	d.ctrl = controller.New(controller.Config{
		World: d.world, Announce: ann.Announce, Extra: d.extraRoutes(),
		Log: func(e controller.Effect) error { return json.NewEncoder(effects).Encode(e) },
	})
	return d.run(ctx, ann, told.steps, std.in)
}

// run serves the controller, opens the shop and tells the story.
func (d *director) run(ctx context.Context, ann *controller.Announcer, steps []step, stdin io.Reader) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l, err := net.Listen("tcp", d.opt.controller)
	if err != nil {
		return fmt.Errorf("listening for the deploy controller: %w", err)
	}
	srv := &http.Server{Handler: d.ctrl.Handler(), ReadHeaderTimeout: 5 * time.Second}
	defer func() { _ = srv.Close() }()
	d.ctrlURL = "http://" + l.Addr().String()
	wg.Go(func() { _ = srv.Serve(l) }) // ends with Close
	wg.Go(func() { ann.Run(ctx) })
	if err := d.open(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // stopped while opening
		}
		return err
	}
	if d.opt.hold {
		d.say(event{Event: "held", Summary: "the story begins with a line on standard input"})
		if !waitLine(ctx, stdin) {
			return nil
		}
	}
	return d.tell(ctx, steps)
}

// open starts the services, then the load.
func (d *director) open(ctx context.Context) error {
	if err := d.world.surround(ctx); err != nil {
		return err
	}
	versions := firstVersions()
	for _, name := range shop.Names() {
		if err := d.ctrl.Boot(ctx, name, versions[name]); err != nil {
			return err
		}
	}
	edge := d.world.front()
	d.say(event{Event: "shop-open", Summary: "http://" + edge.Addr})
	c, err := d.family.start(ctx, "load", nil, "load", "--edge", "http://"+edge.Addr, "--rum", d.opt.rum,
		"--seed", strconv.FormatUint(d.opt.seed, 10), "--rps", strconv.FormatFloat(d.opt.rps, 'g', -1, 64),
		"--users", strconv.Itoa(d.stage.users), "--clients="+strconv.FormatBool(d.stage.clients))
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.load = &c.said
	d.mu.Unlock()
	if err := d.writeFiles(); err != nil {
		return err
	}
	d.say(event{Event: "load-started", Summary: fmt.Sprintf("%g checkouts per second", d.opt.rps)})
	return nil
}

// loadAddr is where the load generator serves; "" before it does.
func (d *director) loadAddr() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.load == nil {
		return ""
	}
	return d.load.Addr
}

// gone hears of a process that ended by itself.
func (d *director) gone(c *child) {
	l, err := d.world.forget(c.said.PID)
	if err != nil {
		fmt.Fprintln(d.stderr, "pitwall lab:", err)
	}
	d.ctrl.Gone(l.Service, l.Version)
	d.say(event{Event: "process-ended", Service: c.said.Service, Version: c.said.Version, Summary: c.name})
}

// event is one line on standard output.
type event struct {
	Time    time.Time `json:"time"`
	Event   string    `json:"event"` // shop-open | load-started | held | decoy | outside | fault | memory-killed | story-told | process-ended
	At      float64   `json:"at_s"`  // story time at pace 1, seconds
	Service string    `json:"service,omitempty"`
	Version string    `json:"version,omitempty"`
	Change  string    `json:"change,omitempty"`
	Summary string    `json:"summary,omitempty"`
}

func (d *director) say(e event) {
	e.Time = time.Now().UTC()
	d.mu.Lock()
	defer d.mu.Unlock()
	_ = d.out.Encode(e) // a closed pipe: the parent is gone and we are about to be
}

// waitLine waits for one line. The end of input is no line.
func waitLine(ctx context.Context, r io.Reader) bool {
	got := make(chan struct{})
	go func() { // a blocked read of standard input ends with the process
		b := make([]byte, 1)
		for {
			n, err := r.Read(b)
			if n == 1 && b[0] == '\n' {
				close(got)
				return
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case <-got:
		return true
	case <-ctx.Done():
		return false
	}
}
