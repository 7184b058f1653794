package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose"
	"github.com/pitwall/pitwall/internal/engine"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/source/casefile"
)

func diagnosisCommand(g *global) *cobra.Command {
	return group(&cobra.Command{
		Use: "diagnosis", Short: "Why something is slow or fails: the cause with its evidence, or that none was found",
		Long: `A diagnosis compares a bad time with a good one: where the additional time or the failures are,
of which kind they are, and which change came before, lies on the path and touches just that.
It lists everything that was looked at, and says so when nothing explains what is seen.`,
	}, diagnosisRun(g))
}

func diagnosisRun(g *global) *cobra.Command {
	var dir string
	var code bool
	cmd := &cobra.Command{
		Use: "run", Short: "Diagnose a recorded incident", Args: cobra.NoArgs,
		Long: `Reads a folder with a recorded incident (case.json and what was measured; docs/reference/case.md)
and says what caused it. The file truth.json is never opened.

-o json prints one object: verdict (confirmed, likely, none, inconclusive), ranked (the best
first: service, class, change, score), evidence of the first, and all checks.

The exit code is 0 for every answer. With --exit-code it is 3 when the answer is inconclusive,
that is when a signal that is needed is missing.`,
		Example: `  pitwall diagnosis run --case incidents/2026-06-20-checkout
  pitwall diagnosis run --case incidents/2026-06-20-checkout -o json`,
		RunE: func(c *cobra.Command, _ []string) error { return diagnoseCase(c.Context(), g, dir, code) },
	}
	cmd.Flags().StringVar(&dir, "case", "", "folder of a recorded incident")
	cmd.Flags().BoolVar(&code, "exit-code", false, "exit 3 when the answer is inconclusive")
	return cmd
}

func diagnoseCase(ctx context.Context, g *global, dir string, code bool) error {
	if dir == "" {
		return &pitwall.Error{Op: "diagnosing", Kind: pitwall.Invalid, Err: fmt.Errorf("nothing to diagnose"), Hint: "name a recorded incident with --case"}
	}
	c, err := casefile.Open(dir)
	if err != nil {
		return err
	}
	d, err := caseDiagnosis(ctx, c)
	if err != nil {
		return err
	}
	a := report.AnswerOf(d)
	a.Case, a.Warnings = c.ID, c.Warnings
	if err := showAnswer(g, a); err != nil {
		return err
	}
	if code && a.Verdict == pitwall.DiagnosisInconclusive {
		return exitError{exitUnsure}
	}
	return nil
}

// caseDiagnosis asks a recorded incident what a running Pitwall asks its stores.
func caseDiagnosis(ctx context.Context, c *casefile.Case) (pitwall.Diagnosis, error) {
	q := c.Question
	return engine.Sources{
		Spans: c, Profiles: c, Measured: c, Topology: c, Logs: c, Status: c, Changes: c,
	}.Diagnose(ctx, diagnose.Question{
		Regression: pitwall.Regression{Service: q.Service, Operation: q.Operation, Signal: q.SLI},
		Baseline:   c.Baseline, Window: c.Window,
		Alarm: diagnose.Alarm{
			At: q.AlertAt, Metric: q.Alert.Metric, Monitor: q.Alert.Monitor, Severity: q.Alert.Severity,
			Summary: q.Alert.Summary, Detail: q.Alert.Detail, Threshold: q.Alert.Threshold, Observed: q.Alert.Observed,
		},
	})
}

func showAnswer(g *global, a report.Answer) error {
	for _, w := range a.Warnings {
		fmt.Fprintf(g.env.Stderr, "warning: the recording is not whole: %s\n", w)
	}
	if g.output == "json" {
		e := json.NewEncoder(g.env.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(a)
	}
	fmt.Fprintln(g.env.Stdout, printable(a.Summary))
	w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
	if len(a.Ranked) > 0 {
		fmt.Fprintln(w, "\nRANK\tSERVICE\tCLASS\tCHANGE\tCONFIDENCE\tSCORE\tCLAIM")
	}
	for i, r := range a.Ranked {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%.2f\t%s\n", i+1, printable(string(r.Service)), r.Class, orElse(printable(string(r.Change)), "–"), r.Confidence, r.Score, printable(r.Claim))
	}
	fmt.Fprintln(w, "\nCHECK\tOUTCOME\tANSWER")
	for _, c := range a.Checks {
		fmt.Fprintf(w, "%s\t%s\t%s\n", c.Name, c.Outcome, printable(c.Reason))
	}
	return w.Flush()
}
