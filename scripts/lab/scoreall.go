package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall/internal/diagnose/score"
	"github.com/pitwall/pitwall/scripts/exam"
)

// scoreAll diagnoses the cases of one part that can be scored, prints the table
// by class and writes it beside the cases.
func scoreAll(ctx context.Context, o options, all []entry) error {
	part := o.part()
	var marks []score.Mark
	var left []string
	var slowest time.Duration
	for _, e := range all {
		switch {
		case e.Part != part || !wanted(e, o.only):
			continue
		case e.LeftOut != "":
			left = append(left, fmt.Sprintf("%s %s at %s: %s", e.ID, e.Story, e.Service, e.LeftOut))
			continue
		}
		r, err := exam.Take(ctx, o.pitwall, e.Dir)
		if err != nil {
			return err
		}
		if o.verbose {
			line(e, r)
		}
		slowest = max(slowest, r.Took)
		marks = append(marks, r.Mark)
	}
	if len(marks) == 0 {
		return fmt.Errorf("there is nothing to score below %s", filepath.Join(o.out, part))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s cases by class of the truth\n\n%s\n", part, score.Text(score.Rows(marks, class)))
	quiet, wrong := quietly(marks)
	fmt.Fprintf(&b, "false verdicts on quiet runs: %d of %d\n", wrong, quiet)
	fmt.Fprintf(&b, "left out: %d\n", len(left))
	for _, l := range left {
		fmt.Fprintf(&b, "  %s\n", l)
	}
	fmt.Fprintf(os.Stderr, "the slowest diagnosis took %.2f s\n", slowest.Seconds())
	fmt.Print(b.String())
	return os.WriteFile(filepath.Join(o.out, "score-"+part+".txt"), []byte(b.String()), 0o644)
}

func wanted(e entry, only string) bool {
	return len(matching([]planned{{ID: e.ID, Story: e.Story}}, only)) > 0
}

// class groups the table; quiet runs are a group of their own.
func class(m score.Mark) string {
	if m.Truth.None && m.Truth.External == "" {
		return "quiet"
	}
	if m.Truth.None {
		return m.Truth.Class + " (external)"
	}
	return m.Truth.Class
}

// quietly counts the quiet runs and those in which something was blamed.
func quietly(marks []score.Mark) (n, wrong int) {
	for _, m := range marks {
		if class(m) == "quiet" {
			n++
			if !m.NoneOK {
				wrong++
			}
		}
	}
	return n, wrong
}

// line is one case in a table of its own.
func line(e entry, r exam.Result) {
	said := []string{r.Answer.Verdict}
	for i, x := range r.Answer.Ranked[:min(3, len(r.Answer.Ranked))] {
		said = append(said, fmt.Sprintf("%d. %s %s %.12s", i+1, x.Service, x.Class, x.Change))
	}
	verdict := map[bool]string{true: "right", false: "WRONG"}[r.Right()]
	fmt.Printf("%s %s %s at %s: %s\n", verdict, e.ID, e.Story, e.Service, strings.Join(slices.DeleteFunc(said, func(s string) bool { return s == "" }), "; "))
}
