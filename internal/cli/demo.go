package cli

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
)

// demoOptions are the flags of the demo.
type demoOptions struct {
	Story    string
	Seed     int64
	Pace     float64
	Data     string
	Out      string
	Listen   string
	Chaos    string
	OrdersDB string
	Once     bool
	Approve  bool
	Quiet    time.Duration // length of the quiet story at pace 1
	Timeout  time.Duration
}

func demoCommand(g *global) *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Watch the whole loop close on a small shop that breaks on cue",
		Long: `Starts a shop of six small services under load (real processes, real OpenTelemetry,
real profiles), and a Pitwall that watches it. Then a deploy goes wrong. Open the
printed address and follow the plan from the page to the locked door.

Nothing leaves this machine; everything lives in one data directory.`,
		Example: `  pitwall demo                                  # stays up; open the printed address
  pitwall demo --approve                        # a person must approve the fix on the page
  pitwall demo --once --seed 1 --out out.json   # run the story once and write what was observed
  pitwall demo --story quiet --once             # nothing is wrong: no plan may open
  pitwall demo --once --chaos kill              # Pitwall is SIGKILLed at random moments meanwhile`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runDemo(c.Context(), g, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Story, "story", "checkout", "what happens: checkout (a deploy bloats a response) or quiet (only innocent deploys)")
	f.Int64Var(&o.Seed, "seed", 1, "seed of everything random in the shop")
	f.Float64Var(&o.Pace, "pace", 1, "how many times faster the story goes, 1 to 4; rates of requests stay")
	f.StringVar(&o.Data, "data", "", "data directory (default: a new temporary one)")
	f.StringVar(&o.Out, "out", "", "write what was observed to this JSON file")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "address of page and API; a free port is taken when it is busy")
	f.StringVar(&o.Chaos, "chaos", "", `"kill" sends SIGKILL to Pitwall at random moments`)
	f.StringVar(&o.OrdersDB, "orders-dsn", "", "PostgreSQL DSN for the orders service (default: SQLite)")
	f.BoolVar(&o.Once, "once", false, "end when the story has ended")
	f.BoolVar(&o.Approve, "approve", false, "a person must approve the fix on the page")
	f.DurationVar(&o.Quiet, "quiet-for", 200*time.Second, "length of the quiet story, divided by the pace")
	f.DurationVar(&o.Timeout, "timeout", 20*time.Minute, "give up after this long with --once")
	return cmd
}

// check refuses what the demo cannot do.
func (o demoOptions) check() error {
	bad := func(format string, args ...any) error {
		return &pitwall.Error{Op: "starting demo", Kind: pitwall.Invalid, Err: fmt.Errorf(format, args...), Hint: "pitwall demo --help"}
	}
	switch {
	case o.Story != "checkout" && o.Story != "quiet":
		return bad("no story %q: there are checkout and quiet", o.Story)
	case o.Chaos != "" && o.Chaos != "kill":
		return bad("no chaos %q: there is kill", o.Chaos)
	case o.Pace < 1 || o.Pace > 4:
		return bad("pace %g: give 1 to 4", o.Pace)
	}
	return nil
}

// demo is one run: two child processes and what was seen of them.
type demo struct {
	o       demoOptions
	env     Env
	dir     string
	url     string
	api     *client
	lab     *client
	pitwall *child
	shop    *child
	rng     *rand.Rand

	mu    sync.Mutex
	kills []killSeen
	began time.Time
}

// killSeen is one SIGKILL of Pitwall.
type killSeen struct {
	At    time.Time     `json:"at"`
	State pitwall.State `json:"state"` // of the plan when it was last seen before
}

func runDemo(ctx context.Context, g *global, o demoOptions) error {
	if err := o.check(); err != nil {
		return err
	}
	d := &demo{o: o, env: g.env, rng: rand.New(rand.NewPCG(uint64(o.Seed), 0x70697477)), began: time.Now()}
	if o.Once {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Timeout)
		defer cancel()
	}
	if err := d.prepare(); err != nil {
		return err
	}
	defer d.stop()
	if err := d.start(ctx); err != nil {
		return err
	}
	return d.follow(ctx)
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.env.Stderr, format+"\n", args...)
}

// prepare lays out the data directory: configuration, objectives, policy.
func (d *demo) prepare() error {
	d.dir = d.o.Data
	if d.dir == "" {
		dir, err := os.MkdirTemp("", "pitwall-demo-")
		if err != nil {
			return fmt.Errorf("making data directory: %w", err)
		}
		d.dir = dir
	}
	abs, err := filepath.Abs(d.dir)
	if err != nil {
		return fmt.Errorf("finding data directory: %w", err)
	}
	d.dir = abs
	listen, err := freeAddr(d.o.Listen)
	if err != nil {
		return err
	}
	otlp, err := freeAddr("127.0.0.1:4318")
	if err != nil {
		return err
	}
	grpc, err := freeAddr("127.0.0.1:4317")
	if err != nil {
		return err
	}
	controller, err := freeAddr("127.0.0.1:4400")
	if err != nil {
		return err
	}
	d.url = "http://" + listen
	d.api, d.lab = newClient(d.url), newClient("http://"+controller)
	if err := d.writeFiles(demoAddrs{HTTP: listen, OTLP: otlp, GRPC: grpc, Controller: controller}); err != nil {
		return err
	}
	logs, err := os.OpenFile(filepath.Join(d.dir, "demo.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("opening log: %w", err)
	}
	d.pitwall = &child{name: "pitwall serve", args: []string{"serve", "--config", filepath.Join(d.dir, "pitwall.yaml")}, log: logs}
	d.shop = &child{name: "the shop", log: logs, line: d.labLine, args: []string{"lab", "run",
		"--dir", filepath.Join(d.dir, "lab"), "--controller-addr", controller,
		"--seed", strconv.FormatInt(d.o.Seed, 10), "--pace", strconv.FormatFloat(d.o.Pace, 'g', -1, 64), "--story", d.o.Story,
		"--otlp", "http://" + otlp, "--otlp-grpc", grpc,
		"--changes", d.url + "/api/v1/changes", "--rum", d.url + "/api/v1/rum"}}
	if d.o.OrdersDB != "" {
		d.shop.args = append(d.shop.args, "--orders-dsn", d.o.OrdersDB)
	}
	return nil
}

// freeAddr gives addr if nothing listens there, else the same host with a free port.
func freeAddr(addr string) (string, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", &pitwall.Error{Op: "choosing address", Kind: pitwall.Invalid, ID: addr, Err: err, Hint: "--listen 127.0.0.1:8080"}
	}
	for _, try := range []string{addr, net.JoinHostPort(host, "0")} {
		l, err := net.Listen("tcp", try)
		if err != nil {
			continue
		}
		found := l.Addr().String()
		return found, l.Close()
	}
	return "", &pitwall.Error{Op: "choosing address", Kind: pitwall.Unavailable, ID: addr, Err: fmt.Errorf("nothing can listen on %s", host)}
}

// start brings up Pitwall, then the shop, so that no signal is missed.
func (d *demo) start(ctx context.Context) error {
	if err := d.pitwall.start(); err != nil {
		return err
	}
	if err := d.ready(ctx); err != nil {
		return err
	}
	d.say("Pitwall    %s   (data in %s)", d.url, d.dir)
	if err := d.shop.start(); err != nil {
		return err
	}
	d.say("The shop   six services, about 70 requests a second; story %q, seed %d, pace %g", d.o.Story, d.o.Seed, d.o.Pace)
	return nil
}

// ready waits until the server answers.
func (d *demo) ready(ctx context.Context) error {
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		if d.api.get(ctx, "/readyz", nil) == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-d.pitwall.exited():
			return &pitwall.Error{Op: "starting demo", Kind: pitwall.Unavailable, Err: fmt.Errorf("pitwall serve ended at once"),
				Hint: "read " + filepath.Join(d.dir, "demo.log")}
		case <-time.After(100 * time.Millisecond):
		}
	}
	return &pitwall.Error{Op: "starting demo", Kind: pitwall.Unavailable, Err: fmt.Errorf("pitwall serve did not answer within 30 s"),
		Hint: "read " + filepath.Join(d.dir, "demo.log")}
}

func (d *demo) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	d.shop.stop(ctx)
	d.pitwall.stop(ctx)
}
