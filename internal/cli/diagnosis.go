package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

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
	}, diagnosisRun(g), diagnosisView(g))
}

// asking is what a diagnosis is wanted of: a recorded incident, or a service
// and a time of a running Pitwall.
type asking struct {
	dir                        string
	service, operation, signal string
	from, to, baseFrom, baseTo string
	code                       bool
}

func diagnosisRun(g *global) *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "run", Short: "Diagnose any service and time, or a recorded incident", Args: cobra.NoArgs,
		Annotations: map[string]string{outputs: documents},
		Long: `Asks a running Pitwall about a service and a time: did it get worse than in the time before,
and why? Nothing is changed, and no plan is opened.

With --case it reads a folder with a recorded incident instead (case.json and what was
measured; docs/reference/case.md) and needs no server. The file truth.json is never opened.

-o json prints one object: verdict (likely, none, inconclusive), ranked (the best first: service,
class, change, score), evidence of the first, and all checks. -o markdown and -o html print the page.

The exit code is 0 for every answer. With --exit-code it is 3 when the answer is inconclusive,
that is when a signal that is needed is missing.`,
		Example: `  pitwall diagnosis run --service checkout --from 15m
  pitwall diagnosis run --service checkout --operation "POST /checkout" --from 2026-06-20T10:30:00Z --to 2026-06-20T10:45:00Z
  pitwall diagnosis run --case incidents/2026-06-20-checkout -o json`,
		RunE: func(c *cobra.Command, _ []string) error { return runDiagnosis(c.Context(), g, a) },
	}
	f := cmd.Flags()
	f.StringVar(&a.dir, "case", "", "folder of a recorded incident")
	f.StringVar(&a.service, "service", "", "the service that is slow or fails")
	f.StringVar(&a.operation, "operation", "", "its operation (default: all that it serves)")
	f.StringVar(&a.signal, "signal", "any", "latency, errors or any")
	f.StringVar(&a.from, "from", "15m", "since when: an instant (RFC 3339), or how long ago (15m, 2h, 3d)")
	f.StringVar(&a.to, "to", "", "until when (default: now)")
	f.StringVar(&a.baseFrom, "baseline-from", "", "begin of a good time to compare with (default: as long before as the bad time lasts)")
	f.StringVar(&a.baseTo, "baseline-to", "", "end of it (default: where the bad time begins)")
	f.BoolVar(&a.code, "exit-code", false, "exit 3 when the answer is inconclusive")
	return cmd
}

func runDiagnosis(ctx context.Context, g *global, a asking) error {
	const op = "diagnosing"
	var d pitwall.Diagnosis
	var c *casefile.Case
	var unread []string // of the case
	var err error
	switch {
	case a.dir != "" && a.service != "":
		return &pitwall.Error{Op: op, Kind: pitwall.Invalid, Err: fmt.Errorf("--case and --service at once"), Hint: "a recorded incident says itself which service it is about"}
	case a.dir != "":
		if c, err = casefile.Open(a.dir); err == nil {
			d, unread, err = caseDiagnosis(ctx, c)
		}
	case a.service != "":
		d, err = liveDiagnosis(ctx, g, a)
	default:
		return &pitwall.Error{Op: op, Kind: pitwall.Invalid, Err: fmt.Errorf("nothing to diagnose"),
			Hint: "name a service with --service and a time with --from, or a recorded incident with --case"}
	}
	if err != nil {
		return err
	}
	answer := report.AnswerOf(d)
	if c != nil {
		answer.Case, answer.Warnings = c.ID, append(c.Warnings, unread...)
	}
	for _, w := range answer.Warnings {
		fmt.Fprintf(g.env.Stderr, "warning: the recording is not whole: %s\n", printable(w))
	}
	if err := showDiagnosis(g, d, answer); err != nil {
		return err
	}
	if a.code && d.Verdict == pitwall.DiagnosisInconclusive {
		return exitError{exitUnsure}
	}
	return nil
}

// fromFile is how long one file of a case may take to be read: nobody is kept
// waiting by a file but who gave it.
const fromFile = 5 * time.Minute

// caseDiagnosis asks a recorded incident what a running Pitwall asks its stores.
// What is there and cannot be read is told, each fault once: an answer without
// it may be another.
func caseDiagnosis(ctx context.Context, c *casefile.Case) (d pitwall.Diagnosis, unread []string, err error) {
	q := c.Question
	d, err = engine.Sources{
		Spans: c, Profiles: c, Measured: c, Topology: c, Logs: c, Status: c, Changes: c, Patience: fromFile,
		Trouble: func(err error) {
			if text := err.Error(); !slices.Contains(unread, text) {
				unread = append(unread, text)
			}
		},
	}.Diagnose(ctx, diagnose.Question{
		Regression: pitwall.Regression{Service: q.Service, Operation: q.Operation, Signal: q.SLI},
		Baseline:   c.Baseline, Window: c.Window,
		Alarm: diagnose.Alarm{
			At: q.AlertAt, Metric: q.Alert.Metric, Monitor: q.Alert.Monitor, Severity: q.Alert.Severity,
			Summary: q.Alert.Summary, Detail: q.Alert.Detail, Threshold: q.Alert.Threshold, Observed: q.Alert.Observed,
		},
	})
	return d, unread, err
}

// liveDiagnosis asks a running Pitwall.
func liveDiagnosis(ctx context.Context, g *global, a asking) (d pitwall.Diagnosis, err error) {
	q := url.Values{"service": {a.service}, "raw": {"true"}}
	if a.operation != "" {
		q.Set("operation", a.operation)
	}
	if a.signal != "" {
		q.Set("signal", a.signal)
	}
	now := time.Now()
	for _, at := range []struct{ flag, name, text string }{
		{"--from", "from", a.from}, {"--to", "to", a.to}, {"--baseline-from", "baseline_from", a.baseFrom}, {"--baseline-to", "baseline_to", a.baseTo},
	} {
		if at.text == "" {
			continue
		}
		t, err := instant(at.text, now)
		if err != nil {
			return d, &pitwall.Error{Op: "diagnosing", Kind: pitwall.Invalid, ID: at.flag, Err: err, Hint: at.flag + " 2026-06-20T10:30:00Z, or " + at.flag + " 15m for a quarter of an hour ago"}
		}
		q.Set(at.name, t.UTC().Format(time.RFC3339))
	}
	err = newClient(g.server).get(ctx, "/api/v1/diagnose?"+q.Encode(), &d)
	return d, err
}

// mostDays keeps a number of days within what a duration can hold.
const mostDays = 100_000

// instant reads an instant, or how long ago it was: 15m, 2h, 3d.
func instant(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	ago, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); err != nil && ok {
		var n int
		n, err = strconv.Atoi(days)
		ago = time.Duration(min(n, mostDays)) * 24 * time.Hour
	}
	if err != nil || ago < 0 {
		return time.Time{}, fmt.Errorf("%q is neither an instant nor how long ago", text)
	}
	return now.Add(-ago), nil
}

// showDiagnosis prints it in the form that was asked for.
func showDiagnosis(g *global, d pitwall.Diagnosis, a report.Answer) error {
	if g.output == "json" {
		return printJSON(g.env.Stdout, a)
	}
	v := report.DiagnosisAsked(d, report.Options{Now: d.Window.To})
	text := ""
	switch g.output {
	case "markdown":
		text = report.DiagnosisMarkdown(v)
	case "html":
		page, err := report.DiagnosisHTML(v)
		if err != nil {
			return err
		}
		text = string(page)
	default:
		text = report.DiagnosisText(v)
	}
	_, err := io.WriteString(g.env.Stdout, text)
	return err
}
