package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall/internal/diagnose/score"
)

// answersWithin is how long one diagnosis may take; the wanted figure is one
// second.
const answersWithin = 60 * time.Second

// scoreAll diagnoses the cases of one part that can be scored, prints the table
// by class and writes it beside the cases.
func scoreAll(ctx context.Context, o options, all []entry) error {
	part := "seen"
	if o.held {
		part = "held"
	}
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
		m, took, err := diagnose(ctx, o, e)
		if err != nil {
			return err
		}
		slowest = max(slowest, took)
		marks = append(marks, m)
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

// diagnose asks pitwall about one case. No answer, or one that is none, is a
// wrong one.
func diagnose(ctx context.Context, o options, e entry) (score.Mark, time.Duration, error) {
	truth, err := score.ReadTruth(e.Dir)
	if err != nil {
		return score.Mark{}, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, o.pitwall, "diagnosis", "run", "--case", e.Dir, "-o", "json")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	ran := cmd.Run()
	took := time.Since(began)
	if cmd.ProcessState == nil {
		return score.Mark{}, 0, fmt.Errorf("starting %s: %w", o.pitwall, ran)
	}
	var a score.Answer
	if err := json.Unmarshal(out.Bytes(), &a); err != nil { // the exit code may speak of the verdict; the answer counts
		fmt.Fprintf(os.Stderr, "%s: no answer (%v): %.300s\n", e.ID, ran, errs.String())
	}
	m := score.One(e.ID, truth, a)
	if o.verbose {
		line(e, m, a)
	}
	return m, took, nil
}

// line is one case in a table of its own.
func line(e entry, m score.Mark, a score.Answer) {
	right := m.NoneOK
	if !m.Truth.None {
		right = m.Rank == 1 && m.Class && (m.Truth.Change == "" || m.Change)
	}
	said := []string{a.Verdict}
	for i, r := range a.Ranked[:min(3, len(a.Ranked))] {
		said = append(said, fmt.Sprintf("%d. %s %s %.12s", i+1, r.Service, r.Class, r.Change))
	}
	verdict := map[bool]string{true: "right", false: "WRONG"}[right]
	fmt.Printf("%s %s %s at %s: %s\n", verdict, e.ID, e.Story, e.Service, strings.Join(slices.DeleteFunc(said, func(s string) bool { return s == "" }), "; "))
}
