// Command lab records the project's own incidents and says how well they are
// diagnosed. In come a built pitwall and a folder; out go one case folder for
// each run of a story, an index with what users felt in each, and, on stdout,
// the table of scores.
//
//	go run ./scripts/lab                          record what is missing, then score the seen part
//	go run ./scripts/lab -list                    what there is to record, and what is there
//	go run ./scripts/lab -only lock -parallel 2   some of it
//	go run ./scripts/lab -score                   score again what was recorded
//	go run ./scripts/lab -shrink internal/cli/testdata/cases -only lock,pool
//	go run ./scripts/lab -score -held             the third that nobody looks at while building
//	go run ./scripts/lab -early                   what a loop says that looks every ten seconds
//
// A case is named by a hash of its story, place and seed, so that a name tells
// nothing, and lies below seen or, one in three, below held. The same hash
// decides; it never changes for a case.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// options are the flags.
type options struct {
	pitwall, out, only, shrink string
	per, parallel              int
	list, score, held, early   bool
	small, verbose             bool
	rps, sample                float64
}

func main() {
	var o options
	flag.StringVar(&o.pitwall, "pitwall", "./pitwall", "the pitwall binary that records and diagnoses")
	flag.StringVar(&o.out, "out", "", "where cases live (default: pitwall/lab in the user's cache folder)")
	flag.StringVar(&o.only, "only", "", "stories or case names that contain one of these, separated by commas")
	flag.IntVar(&o.per, "per", 3, "cases per story: a third of them held back, so a multiple of three")
	flag.IntVar(&o.parallel, "parallel", 1, "recordings at the same time; one takes half a processor and wants the other half free")
	flag.Float64Var(&o.rps, "rps", 30, "checkouts per second")
	flag.Float64Var(&o.sample, "sample", 0.25, "share of traces that are kept")
	flag.BoolVar(&o.small, "small", false, "record the small form, which is committed")
	flag.BoolVar(&o.list, "list", false, "list the cases and do nothing")
	flag.BoolVar(&o.score, "score", false, "record nothing, score what is there")
	flag.BoolVar(&o.held, "held", false, "score the held part instead of the seen one")
	flag.BoolVar(&o.early, "early", false, "record nothing: ask about the first 20 s of each case, then 30 s and so on, as a running pitwall does")
	flag.StringVar(&o.shrink, "shrink", "", "record nothing: write the committed form of what was recorded below this folder")
	flag.BoolVar(&o.verbose, "v", false, "a line for each case that is scored")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

// part is the folder of the cases that are scored.
func (o options) part() string {
	if o.held {
		return "held"
	}
	return "seen"
}

func run(ctx context.Context, o options) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("%q is one argument too many", flag.Arg(0))
	}
	if o.per < 3 || o.per%3 != 0 || o.parallel < 1 {
		return errors.New("-per is a multiple of three, and -parallel at least one")
	}
	if o.out == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("finding the cache folder: %w; name a folder with -out", err)
		}
		o.out = filepath.Join(cache, "pitwall", "lab")
	}
	cases := matching(plan(o.per), o.only)
	if len(cases) == 0 {
		return fmt.Errorf("no case matches %q; -list shows what there is", o.only)
	}
	if o.list {
		return list(os.Stdout, o.out, cases)
	}
	if !o.score && !o.early && o.shrink == "" {
		if err := recordAll(ctx, o, cases); err != nil {
			return err
		}
	}
	entries, err := index(o.out)
	if err != nil {
		return err
	}
	if o.shrink != "" {
		return shrinkAll(o, entries)
	}
	if o.early {
		return lookEarly(ctx, o, entries)
	}
	return scoreAll(ctx, o, entries)
}

// matching leaves the cases whose story or name contains one of the words.
func matching(cases []planned, only string) []planned {
	if only == "" {
		return cases
	}
	var out []planned
	for _, c := range cases {
		for word := range strings.SplitSeq(only, ",") {
			if word != "" && (strings.Contains(c.Story, word) || strings.Contains(c.ID, word)) {
				out = append(out, c)
				break
			}
		}
	}
	return out
}
