package lab

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/pitwall/pitwall/lab/node"
	"github.com/pitwall/pitwall/lab/outside"
)

// storiesCommand lists the stories.
func storiesCommand(stdout io.Writer) error {
	w := tabwriter.NewWriter(stdout, 0, 4, 2, ' ', 0)
	for _, s := range Stories() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", s.Name, s.Class, strings.Join(s.Services, ", "), s.Summary)
	}
	return w.Flush()
}

// aroundCommand runs one of the processes around the shop.
func aroundCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var parent, threads, nice, cpu int
	var seed uint64
	var otlp string
	f := flag.NewFlagSet("lab "+args[0], flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&parent, "watch-parent", 0, "stop when this process is no longer the parent")
	switch args[0] {
	case "acquirer":
		f.Uint64Var(&seed, "seed", 1, "sizes and failures follow from it")
	case "neighbor":
		f.IntVar(&threads, "threads", neighborThreads, "the most threads that may compute")
		f.IntVar(&nice, "nice", 0, "priority to compute at; 0 leaves it")
		f.IntVar(&cpu, "cpu", -1, "compute on this processor only")
	default:
		f.StringVar(&otlp, "otlp", "", "OTLP/HTTP receiver; none exports nothing")
	}
	if err := parse(f, args[1:]); err != nil {
		return err
	}
	ctx, stop := watchParent(ctx, parent)
	defer stop()
	switch args[0] {
	case "acquirer":
		return outside.Acquirer(ctx, "127.0.0.1:0", seed, stdout)
	case "neighbor":
		if threads < 1 || threads > 64 {
			return refuse("--threads is %d: choose 1 to 64", threads)
		}
		if err := pin(cpu); err != nil {
			return err
		}
		if nice != 0 {
			yield(nice)
		}
		return outside.Neighbor(ctx, threads, stdout)
	}
	return node.Run(ctx, otlp, stdout)
}
