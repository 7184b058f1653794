package cli

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/source/synthetic"
)

func syntheticCommand(g *global) *cobra.Command {
	q := &question{path: "/api/v1/synthetics", query: map[string][]string{}}
	return group(&cobra.Command{Use: "synthetic", Short: "Journeys that Pitwall takes through your pages by itself"}, &cobra.Command{
		Use: "list", Short: "Every journey, with its last run", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, q, func(w *tabwriter.Writer, a struct{ Journeys []synthetic.Standing }) string {
				fmt.Fprintln(w, "JOURNEY\tSERVICE\tEVERY\tRUNS\tFAILED\tLAST RUN\tTOOK\tWHY")
				for _, j := range a.Journeys {
					last, took, why := "not yet", "–", ""
					if j.Latest != nil {
						last, took, why = okWord(j.Latest.OK), report.Seconds(j.Latest.Took), whereFailed(*j.Latest)
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\t%s\t%s\n", j.Journey, orElse(string(j.Service), "–"), report.Seconds(j.Every), j.Runs, j.Failed, last, took, why)
				}
				return ifNone(len(a.Journeys), "No journey: name files under synthetics: in pitwall.yaml, see docs/howto/synthetic-journeys.md")
			})
		},
	}, syntheticRun(g))
}

func okWord(ok bool) string {
	if ok {
		return "passed"
	}
	return "failed"
}

func syntheticRun(g *global) *cobra.Command {
	var secrets string
	cmd := &cobra.Command{
		Use: "run FILE…", Short: "Take the journeys of files once, from here: exit 0 all passed, 1 one failed",
		Long: `Needs no server: the requests are sent from this machine, and nothing is stored. Use it
to try a journey before it goes into pitwall.yaml, or as a check after a deploy.`,
		Example: "  pitwall synthetic run journeys/checkout.yaml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			var journeys []synthetic.Journey
			for _, file := range files {
				data, err := os.ReadFile(file)
				if err != nil {
					return &pitwall.Error{Op: "reading journey", Kind: pitwall.NotFound, ID: file, Err: err}
				}
				found, err := synthetic.Parse(file, data)
				if err != nil {
					return err
				}
				journeys = append(journeys, found...)
			}
			return takeJourneys(c.Context(), g, journeys, secrets)
		},
	}
	cmd.Flags().StringVar(&secrets, "secrets", "", "directory of the files that ${secret:name} names")
	return cmd
}

func takeJourneys(ctx context.Context, g *global, journeys []synthetic.Journey, secrets string) error {
	conf := synthetic.Config{Journeys: journeys, Rand: rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())), Now: time.Now}
	if secrets != "" {
		conf.Secrets = synthetic.SecretsIn(secrets)
	}
	runner, err := synthetic.New(conf)
	if err != nil {
		return err
	}
	failed := false
	var results []synthetic.Result
	for _, j := range journeys {
		r := runner.Check(ctx, j)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		results = append(results, r)
		failed = failed || !r.OK
		if g.output != "json" {
			if err := printJourney(g.env.Stdout, r); err != nil {
				return err
			}
		}
	}
	if g.output == "json" {
		if err := printJSON(g.env.Stdout, map[string]any{"schema": "pitwall.journeys/1", "results": results}); err != nil {
			return err
		}
	}
	if failed {
		return exitError{exitNo}
	}
	return nil
}

func printJourney(out io.Writer, r synthetic.Result) error {
	fmt.Fprintf(out, "%s: %s in %s\n", r.Journey, okWord(r.OK), report.Seconds(r.Took))
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, s := range r.Steps {
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", s.Name, okWord(s.OK), report.Seconds(s.Took), whyFailed(s))
	}
	return w.Flush()
}

// whereFailed names the step that ended a run, with the reason.
func whereFailed(r synthetic.Result) string {
	for _, s := range r.Steps {
		if !s.OK {
			return oneLine(s.Name + ": " + whyFailed(s))
		}
	}
	return ""
}

func whyFailed(s synthetic.StepResult) string {
	var all []string
	for _, f := range s.Failures {
		all = append(all, fmt.Sprintf("%s: wanted %s, got %s", f.Assertion, f.Wanted, f.Got))
	}
	return strings.Join(all, "; ")
}
