package lab

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pitwall/pitwall/lab/record"
)

// watchBad is how long a recording watches a bad indicator before it ends: nine
// profile windows of five seconds, one more than a comparison needs.
const watchBad = 48 * time.Second

// recordCommand records one run of a story as a case folder and prints
// recording.json.
func recordCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o := record.Options{Stderr: stderr}
	f := flag.NewFlagSet("lab record", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.Story, "story", "checkout", "what happens; \"pitwall lab run -h\" lists the stories")
	f.StringVar(&o.At, "at", "", "service the story is put at; empty lets the seed decide")
	f.Uint64Var(&o.Seed, "seed", 1, "everything random follows from it")
	f.StringVar(&o.Out, "out", "", "the case folder; it must not exist")
	f.Float64Var(&o.RPS, "rps", 30, "POST /checkout per second")
	f.Float64Var(&o.Pace, "pace", 1, "the story's timeline runs this much faster (1 to 4); request rates stay")
	f.Float64Var(&o.Sample, "sample", 0.25, "share of traces that are kept, whole")
	f.BoolVar(&o.Small, "small", false, "a case to be committed: fewer traces and profiles, metrics every ten seconds")
	if err := parse(f, args); err != nil {
		return err
	}
	all := Stories()
	i := slices.IndexFunc(all, func(s StoryInfo) bool { return s.Name == o.Story })
	switch {
	case i < 0:
		return refuse("no story %q: \"pitwall lab run -h\" lists them", o.Story)
	case o.Out == "":
		return refuse("--out is missing: name a folder for the case")
	case o.Pace < 1 || o.Pace > 4:
		return refuse("--pace is %g: choose 1 to 4", o.Pace)
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this binary: %w", err)
	}
	if o.Out, err = filepath.Abs(o.Out); err != nil {
		return fmt.Errorf("resolving --out: %w", err)
	}
	o.Lab = []string{exe, "lab"}
	paced := func(d time.Duration) time.Duration { return time.Duration(float64(d) / o.Pace) }
	o.Warm, o.Most, o.Bad = all[i].Warm, paced(all[i].Needs), watchBad
	rep, err := record.Run(ctx, o)
	if err != nil {
		return err
	}
	e := json.NewEncoder(stdout)
	e.SetIndent("", " ")
	return e.Encode(rep)
}
