package cli

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/lab"
)

// demoOptions are the flags of the demo.
type demoOptions struct {
	Story    string
	At       string
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
		Long: `Starts two things on this machine: a small online shop of six services with customers,
and a Pitwall that watches it. After about two minutes a deploy makes the checkout slow.
Open the printed address and watch Pitwall notice, find the deploy, take it back step by
step, prove that it helped, and leave a lock behind so that it cannot happen again.
All of it takes about five minutes.

The services are real processes with real telemetry; nothing is played back, and Pitwall
is not told what breaks. Nothing leaves this machine and everything lives in one new
directory. Ctrl-C ends it all.

With --once it ends when the story has: exit code 0 if it ended as it should, 1 if not,
6 if it took longer than --timeout.`,
		Example: `  pitwall demo                                  # stays up; open the printed address
  pitwall demo --approve                        # a person must approve the fix on the page
  pitwall demo --once --seed 1 --out out.json   # run the story once and write what was observed
  pitwall demo --story quiet --once             # nothing is wrong: no plan may open
  pitwall demo --story lock --at payment        # another fault, at another service
  pitwall demo --story upstream --once          # nobody's change is to blame, and none may be taken back
  pitwall demo --once --chaos kill              # Pitwall is SIGKILLed at random moments meanwhile`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runDemo(c.Context(), g, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Story, "story", "checkout", "what happens: one of "+strings.Join(storyNames(), ", ")+`; "pitwall lab stories" says what each is`)
	f.StringVar(&o.At, "at", "", "the service a fault is put at, where a story has a choice (default: by the seed)")
	f.Int64Var(&o.Seed, "seed", 1, "another number, another shop and other customers")
	f.Float64Var(&o.Pace, "pace", 1, "how many times faster the story goes, 1 to 4")
	f.StringVar(&o.Data, "data", "", "directory to keep everything in; must not hold a demo yet (default: a new temporary one)")
	f.StringVar(&o.Out, "out", "", "write what was observed to this JSON file (docs/reference/demo.md)")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "address of the page; a free port is taken when it is busy")
	f.StringVar(&o.Chaos, "chaos", "", `"kill": Pitwall is SIGKILLed at random moments and must go on where it was`)
	f.StringVar(&o.OrdersDB, "orders-dsn", "", "PostgreSQL for the shop's orders service; leave the password to PGPASSFILE (default: SQLite)")
	f.BoolVar(&o.Once, "once", false, "end when the story has")
	f.BoolVar(&o.Approve, "approve", false, "a person must approve the fix on the page")
	f.DurationVar(&o.Quiet, "quiet-for", 200*time.Second, "length of the quiet story at pace 1")
	f.DurationVar(&o.Timeout, "timeout", 20*time.Minute, "give up after this long with --once")
	return cmd
}

// check refuses what the demo cannot do.
func (o demoOptions) check() error {
	bad := func(format string, args ...any) error {
		return &pitwall.Error{Op: "starting demo", Kind: pitwall.Invalid, Err: fmt.Errorf(format, args...), Hint: "pitwall demo --help"}
	}
	story, found := storyOf(o.Story)
	switch {
	case !found:
		return bad("no story %q: there are %s", o.Story, strings.Join(storyNames(), ", "))
	case o.At != "" && !slices.Contains(story.Services, o.At):
		return bad("story %s cannot be put at %q: it can at %s", o.Story, o.At, orElse(strings.Join(story.Services, ", "), "no place of choice"))
	case o.Chaos != "" && o.Chaos != "kill":
		return bad("no chaos %q: there is kill", o.Chaos)
	case o.Pace < 1 || o.Pace > 4:
		return bad("pace %g: give 1 to 4", o.Pace)
	}
	return nil
}

// storyOf finds a story of the lab.
func storyOf(name string) (lab.StoryInfo, bool) {
	all := lab.Stories()
	i := slices.IndexFunc(all, func(s lab.StoryInfo) bool { return s.Name == name })
	if i < 0 {
		return lab.StoryInfo{}, false
	}
	return all[i], true
}

func storyNames() []string {
	var names []string
	for _, s := range lab.Stories() {
		names = append(names, s.Name)
	}
	return names
}

// demo is one run: two child processes and what was seen of them.
type demo struct {
	o       demoOptions
	story   lab.StoryInfo
	env     Env
	dir     string
	url     string
	api     *client
	lab     *client
	pitwall *child
	shop    *child
	logs    *os.File // of both
	rng     *rand.Rand

	began time.Time

	mu    sync.Mutex // guards what follows, and lines on the terminal
	kills []killSeen
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
	story, _ := storyOf(o.Story) // check found it
	d := &demo{o: o, story: story, env: g.env, rng: rand.New(rand.NewPCG(uint64(o.Seed), 0x70697477)), began: time.Now()}
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

// say prints a line for the person who watches.
func (d *demo) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.env.Stderr, format+"\n", args...)
}
