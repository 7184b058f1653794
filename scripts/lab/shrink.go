package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pitwall/pitwall/lab/record"
)

// keepTraces is the share of a recording's traces that its committed form has:
// some fifty requests a side, with which a diagnosis can still count.
const keepTraces = 0.3

// shrinkAll writes the committed form of the recordings that match and count,
// of the seen part alone.
func shrinkAll(o options, all []entry) error {
	n := 0
	for _, e := range all {
		if e.Part != "seen" || e.LeftOut != "" || !wanted(e, o.only) {
			continue
		}
		to := filepath.Join(o.shrink, e.ID)
		if _, err := os.Stat(to); err == nil {
			continue
		}
		if err := record.Shrink(e.Dir, to, keepTraces); err != nil {
			_ = os.RemoveAll(to) // half a case is none
			return fmt.Errorf("shrinking %s: %w", e.ID, err)
		}
		fmt.Printf("%s %s: in %s\n", e.ID, e.Story, to)
		n++
	}
	if n == 0 {
		return fmt.Errorf("nothing was written: no recording of the seen part matches %q, or all are in %s", o.only, o.shrink)
	}
	return nil
}
