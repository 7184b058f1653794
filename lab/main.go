package lab

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/pitwall/pitwall/lab/link"
	"github.com/pitwall/pitwall/lab/load"
	"github.com/pitwall/pitwall/lab/shop"
)

// linkRate is the zone link's rate per flow, in bytes per second: 2.1 Mbit/s,
// a thin VPN between two sites.
const linkRate = 265_000

const usage = `usage: pitwall lab run --dir DIR [--story NAME] [--at SERVICE] [--seed N] [--pace 1..4] …
       pitwall lab record --story NAME --out DIR [--at SERVICE] [--seed N] …
       pitwall lab stories
       pitwall lab service NAME --version V [--addr 127.0.0.1:0] …
       pitwall lab load --edge URL [--rps N] [--seed N] [--rum URL]
       pitwall lab acquirer | neighbor | node …
`

// Exit codes of Main.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

// Main runs one lab command until it is done, ctx ends or the process is told
// to stop, and returns the exit code.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return exitUsage
	}
	var err error
	switch args[0] {
	case "run":
		err = runCommand(ctx, args[1:], streams{stdin, stdout, stderr})
	case "service":
		err = serviceCommand(ctx, args[1:], stdout, stderr)
	case "load":
		err = loadCommand(ctx, args[1:], stdout, stderr)
	case "record":
		err = recordCommand(ctx, args[1:], stdout, stderr)
	case "stories":
		err = storiesCommand(stdout)
	case "acquirer", "neighbor", "node":
		err = aroundCommand(ctx, args, stdout, stderr)
	default:
		fmt.Fprintf(stderr, "pitwall lab: no command %q\n%s", args[0], usage)
		return exitUsage
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	}
	fmt.Fprintf(stderr, "pitwall lab %s: %v\n", args[0], err)
	var u usageError
	if errors.As(err, &u) {
		return exitUsage
	}
	return exitError
}

// usageError is a command line that makes no sense.
type usageError struct{ error }

func refuse(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// streams are a command's input and outputs.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func runCommand(ctx context.Context, args []string, std streams) error {
	var o runOptions
	f := flag.NewFlagSet("lab run", flag.ContinueOnError)
	f.SetOutput(std.err)
	f.StringVar(&o.dir, "dir", "", "folder for lab.json, targets.json, effects.jsonl and the orders database")
	f.StringVar(&o.story, "story", "checkout", "what happens: one of "+strings.Join(storyNames(), ", "))
	f.StringVar(&o.at, "at", "", "the service a fault is put at, where a story has a choice; default: by the seed")
	f.Uint64Var(&o.seed, "seed", 1, "everything random follows from it")
	f.Float64Var(&o.pace, "pace", 1, "the story's timeline runs this much faster (1 to 4); request rates stay")
	f.Float64Var(&o.rps, "rps", 0, "POST /checkout per second, neighbours get a sixth of it on top; default: what the story is made for, 66 or 30")
	f.StringVar(&o.otlp, "otlp", "", "OTLP/HTTP receiver, as http://127.0.0.1:4318")
	f.StringVar(&o.otlpGRPC, "otlp-grpc", "", "OTLP/gRPC receiver as host:port; payment uses it when given")
	f.StringVar(&o.changes, "changes", "", "URL that takes announced changes")
	f.StringVar(&o.rum, "rum", "", "URL that takes real-user beacons")
	f.StringVar(&o.ordersDSN, "orders-dsn", "", "PostgreSQL DSN for orders; default is SQLite in --dir")
	f.StringVar(&o.controller, "controller-addr", "127.0.0.1:0", "where the deploy controller listens")
	f.BoolVar(&o.hold, "hold", false, "hold the story until a line arrives on standard input; load runs meanwhile")
	if err := parse(f, args); err != nil {
		return err
	}
	if o.dir == "" {
		return refuse("--dir is missing: name a folder the lab may write to")
	}
	if o.pace < 1 || o.pace > 4 {
		return refuse("--pace is %g: choose 1 to 4", o.pace)
	}
	if o.rps < 0 || o.rps > 1000 {
		return refuse("--rps is %g: choose above 0, up to 1000, or 0 for the story's own", o.rps)
	}
	ctx, stop := watchParent(ctx, os.Getppid())
	defer stop()
	return direct(ctx, o, std)
}

func serviceCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return refuse("name a service first: %s", strings.Join(shop.Names(), ", "))
	}
	o := shop.Options{Name: args[0], LinkRate: linkRate, Stage: map[string]string{}, Flags: map[string]string{}}
	var parent, cpu int
	var rate int64
	f := flag.NewFlagSet("lab service", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.Version, "version", "v0", "version it says it is; defaults of flags follow from it")
	f.StringVar(&o.Addr, "addr", "127.0.0.1:0", "where to serve")
	f.StringVar(&o.Admin, "admin", "127.0.0.1:0", "where to serve pprof and flags")
	f.StringVar(&o.MeshAddr, "mesh-addr", "127.0.0.1:0", "edge: where internal calls come in")
	f.StringVar(&o.Mesh, "mesh", "", "base URL of the edge's internal side")
	f.StringVar(&o.OTLP, "otlp", "", "OTLP/HTTP receiver; none exports nothing")
	f.StringVar(&o.OTLPGRPC, "otlp-grpc", "", "OTLP/gRPC receiver as host:port")
	f.StringVar(&o.Dir, "dir", ".", "orders: folder of the SQLite file")
	f.StringVar(&o.DSN, "orders-dsn", "", "orders: PostgreSQL instead")
	f.Uint64Var(&o.Seed, "seed", 1, "the goods follow from it")
	f.Int64Var(&rate, "link-rate", linkRate, "edge: bytes per second and flow between the zones, 0 for no limit")
	f.IntVar(&parent, "watch-parent", 0, "stop when this process is no longer the parent")
	f.IntVar(&cpu, "cpu", -1, "run on this processor only")
	f.DurationVar(&o.Refresh, "refresh", 0, "fetch the version's feature switches this long after the start; 0 at once")
	f.Func("set", "flag=value, may repeat", pairsInto(o.Flags))
	f.Func("stage", "flag=value that holds whatever the version, may repeat", pairsInto(o.Stage))
	if err := parse(f, args[1:]); err != nil {
		return err
	}
	o.LinkRate = link.Rate(rate)
	if err := pin(cpu); err != nil {
		return err
	}
	ctx, stop := watchParent(ctx, parent)
	defer stop()
	return shop.Run(ctx, o, stdout)
}

func loadCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o load.Options
	var parent int
	f := flag.NewFlagSet("lab load", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.Edge, "edge", "", "base URL of the shop")
	f.StringVar(&o.RUM, "rum", "", "URL that takes beacons")
	f.StringVar(&o.Addr, "addr", "127.0.0.1:0", "where to serve statistics")
	f.Float64Var(&o.RPS, "rps", 66, "POST /checkout per second")
	f.Uint64Var(&o.Seed, "seed", 1, "the schedule follows from it")
	f.IntVar(&o.Users, "users", 0, "customers that come; 0 for the usual 5000")
	f.BoolVar(&o.Clients, "clients", false, "have requests say who sends them")
	f.IntVar(&parent, "watch-parent", 0, "stop when this process is no longer the parent")
	if err := parse(f, args); err != nil {
		return err
	}
	ctx, stop := watchParent(ctx, parent)
	defer stop()
	return load.Run(ctx, o, stdout)
}

// pairsInto reads flag=value.
func pairsInto(into map[string]string) func(string) error {
	return func(s string) error {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return fmt.Errorf("%q is not flag=value", s)
		}
		into[name] = value
		return nil
	}
}

// parse reads flags and refuses what is left over.
func parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	if f.NArg() > 0 {
		return refuse("%q is one argument too many", f.Arg(0))
	}
	return nil
}

// watchParent ends the context when pid is no longer the parent. It works
// where a death signal is not to be had; 0 and 1 watch nothing.
func watchParent(ctx context.Context, pid int) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	if pid <= 1 {
		return ctx, cancel
	}
	go func() { // ends with the context, which the caller cancels
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if os.Getppid() != pid {
					cancel()
					return
				}
			}
		}
	}()
	return ctx, cancel
}
