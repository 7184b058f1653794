// Command ledger measures what many objectives cost: their history on the disk,
// the start, and a round of evaluations every fifteen seconds, as the operating
// system counts it.
//
// In come numbers of objectives, days and rounds. A first process fills a data
// directory with history; a second opens it as a server would and lives through
// rounds in which every objective gets requests, is evaluated with window and
// tiers, and is saved. Out goes a Markdown table on stdout (progress on stderr).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// setup is what is measured.
type setup struct {
	slos, days, rounds int
	dir                string
	words              bool
}

// end is when the history ends and the rounds begin.
func end() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// every is the time between two rounds.
const every = 15 * time.Second

func main() {
	var s setup
	flag.IntVar(&s.slos, "slos", 10_000, "objectives")
	flag.IntVar(&s.days, "days", 30, "days of history, one step a minute")
	flag.IntVar(&s.rounds, "rounds", 300, "rounds of evaluation; 256 are the length of a chunk")
	flag.StringVar(&s.dir, "dir", "", "keep the data here and use it again; empty: a temporary directory")
	flag.BoolVar(&s.words, "words", false, "evaluate with the words of each condition, as a page does")
	phase := flag.String("phase", "", "fill or run; empty: both, each in a process of its own")
	flag.Parse()
	if err := do(s, *phase); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func do(s setup, phase string) error {
	switch phase {
	case "fill":
		return fill(context.Background(), s)
	case "run":
		r, err := run(context.Background(), s)
		if err != nil {
			return err
		}
		r.print(s)
		return nil
	}
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "pitwall-ledger-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		s.dir = dir
	}
	phases := []string{"fill", "run"}
	if _, err := os.Stat(filepath.Join(s.dir, "pitwall.db")); err == nil {
		phases = phases[1:]
	}
	for _, p := range phases {
		cmd := exec.Command(os.Args[0], "-phase", p, "-dir", s.dir, "-slos", fmt.Sprint(s.slos), "-days", fmt.Sprint(s.days),
			"-rounds", fmt.Sprint(s.rounds), fmt.Sprintf("-words=%v", s.words))
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("phase %s: %w", p, err)
		}
	}
	return nil
}

// objectives are so many with the default tiers and a window of 30 days.
func objectives(n int) ([]pitwall.SLO, error) {
	const window = 30 * 24 * time.Hour
	tiers, err := slo.Preset(slo.DefaultPreset, window)
	if err != nil {
		return nil, err
	}
	list := make([]pitwall.SLO, n)
	for i := range list {
		service := pitwall.ServiceName(fmt.Sprintf("service-%04d", i/20))
		list[i] = pitwall.SLO{Name: pitwall.SLOName(fmt.Sprintf("%s-route-%02d-availability", service, i%20)), Service: service, Target: 0.999, Window: window, Tiers: tiers,
			SLI: pitwall.SLI{Kind: pitwall.SLIAvailability, Service: service, Operation: fmt.Sprintf("GET /route/%d", i%20)}}
	}
	return list, nil
}
