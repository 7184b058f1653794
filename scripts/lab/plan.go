package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/pitwall/pitwall/lab"
)

// planned is one case there is to record.
type planned struct {
	ID    string
	Story string
	At    string // the service it is put at; empty: the story has no place
	Seed  uint64
	Pace  float64
	Held  bool // not to be looked at while building
}

// bySecond is when, at the latest, a story's fault should begin: what comes
// before only has to be long enough to know what is normal.
const bySecond = 60 * time.Second

// mostSeeds ends the search for a story whose hashes never fall right.
const mostSeeds = 1000

// plan lists the cases of every story: per of them, a third held back. It walks
// the seeds and places in turn and takes those whose hash falls where one is
// still wanted, so the split is fair for every story and fixed for every case.
func plan(per int) []planned {
	var out []planned
	for _, s := range lab.Stories() {
		want := map[bool]int{true: per / 3, false: per - per/3}
		for seed := uint64(1); seed <= mostSeeds && want[true]+want[false] > 0; seed++ {
			c := planned{Story: s.Name, Seed: seed, Pace: pace(s.Onset)}
			if n := len(s.Services); n > 0 {
				c.At = s.Services[int(seed-1)%n]
			}
			c.ID, c.Held = name(c)
			if want[c.Held] > 0 {
				want[c.Held]--
				out = append(out, c)
			}
		}
	}
	return out
}

// name gives a case's name and whether it is held back, both by a hash of what
// it is.
func name(c planned) (id string, held bool) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%s|%d", c.Story, c.At, c.Seed))
	return "lab-" + hex.EncodeToString(sum[:4]), sum[31]%3 == 0
}

// pace tells a story with a long beginning faster; request rates stay.
func pace(onset time.Duration) float64 {
	return min(4, max(1, float64(onset)/float64(bySecond)))
}

// dir is where a case lies.
func (c planned) dir(out string) string {
	part := "seen"
	if c.Held {
		part = "held"
	}
	return filepath.Join(out, part, c.ID)
}

func (c planned) recorded(out string) bool {
	_, err := os.Stat(filepath.Join(c.dir(out), "recording.json"))
	return err == nil
}

// list prints what there is to record. Of the held part it does not say what
// became of it.
func list(w io.Writer, out string, cases []planned) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "case\tpart\tstory\tat\tseed\trecorded")
	done := 0
	for _, c := range cases {
		part, yes := "seen", "–"
		if c.Held {
			part = "held"
		}
		if c.recorded(out) {
			yes = "yes"
			done++
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\n", c.ID, part, c.Story, c.At, c.Seed, yes)
	}
	fmt.Fprintf(t, "%d cases, %d recorded in %s\n", len(cases), done, out)
	return t.Flush()
}
