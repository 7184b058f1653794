package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// seen is what the server says it sees.
type seen struct {
	pitwall.Telemetry
	View report.TelemetryView `json:"view"`
}

func doctorCommand(g *global) *cobra.Command {
	var strict bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "What can and cannot be seen or changed, the worst first, each with the next step", Args: cobra.NoArgs,
		Long: `Looks at the telemetry itself: which services send what, how well their traces hang
together, what a release took away, which sources fell silent, and whether the
controller and the repository answer. Whatever is missing is told with what follows
from it and the next step.

Without a running server it probes what it can from the configuration: files,
addresses, directories, secrets, and whether the sources elsewhere can be reached.

Exit code 0 all that is needed to judge objectives is seen; 1 something stops that
(with --strict: anything is missing at all); 2 trouble, such as no server.`,
		Example: "  pitwall doctor\n  pitwall doctor --strict -o json   # in a pipeline: nothing may be missing",
		RunE: func(c *cobra.Command, _ []string) error {
			var answer seen
			raw, err := rawAnd(c.Context(), newClient(g.server), "/api/v1/telemetry", &answer)
			if nobodyThere(err) {
				return doctorOffline(c.Context(), g, err)
			}
			if err != nil {
				return err
			}
			if g.output == "json" {
				_, err = g.env.Stdout.Write(raw)
			} else {
				err = printSeen(g.env.Stdout, answer.View)
			}
			if err != nil {
				return err
			}
			return verdict(answer.Blind, strict)
		},
	}
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 1 for every blind spot, not only for those that stop the judging of objectives")
	return cmd
}

// verdict is the exit code: a no when objectives cannot be judged.
func verdict(blind []pitwall.BlindSpot, strict bool) error {
	for _, b := range blind {
		if strict || b.Stops == pitwall.StopsJudging {
			return exitError{exitNo}
		}
	}
	return nil
}

// nobodyThere says whether no server answered at all.
func nobodyThere(err error) bool {
	var e *pitwall.Error
	return errors.As(err, &e) && e.Kind == pitwall.Unavailable && e.Op == "asking server"
}

// printSeen prints the blind spots as a list, for their sentences are long, and
// the rest as tables.
func printSeen(out io.Writer, v report.TelemetryView) error {
	fmt.Fprintf(out, "%s %s\n", v.Tone.Icon(), v.Sentence)
	for _, b := range v.Blind {
		fmt.Fprintf(out, "\n%s %s\n", b.Tone.Icon(), b.What)
		if b.Stops != "–" {
			fmt.Fprintf(out, "  stops  %s\n", b.Stops)
		}
		fmt.Fprintf(out, "  so     %s\n  next   %s\n", b.Means, b.Remedy)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	section := func(n int, header string, row func(i int)) {
		if n == 0 {
			return
		}
		fmt.Fprintf(w, "\n%s\n", header)
		for i := range n {
			row(i)
		}
		_ = w.Flush() // a broken pipe shows at the last one
	}
	section(len(v.Services), "SERVICE\tREQUESTS\tVERSIONS\tSENDS\tMISSING\tTRACE CONTEXT", func(i int) {
		s := v.Services[i]
		fmt.Fprintf(w, "%s %s\t%s\t%s\t%s\t%s\t%s\n", s.Tone.Icon(), s.Service, s.Requests, s.Versions, s.Has, s.Missing, s.Context)
	})
	section(len(v.Drifts), "SERVICE\tRELEASE\tCHANGED TELEMETRY\tFROM → TO", func(i int) {
		d := v.Drifts[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", d.Service, d.Release, d.What, d.Change)
	})
	section(len(v.Sources), "SOURCE\tSTATE\tLAG\tACCEPTED\tREJECTED\tUNSEEN WITHOUT IT", func(i int) {
		s := v.Sources[i]
		if s.Message != "" {
			s.Blind += " (" + oneLine(s.Message) + ")"
		}
		fmt.Fprintf(w, "%s %s\t%s\t%s\t%s\t%s\t%s\n", s.Tone.Icon(), s.Name, s.State, s.Lag, s.Accepted, s.Rejected, s.Blind)
	})
	section(len(v.Volumes), "SIGNAL\tRATE\tKEPT\tA DAY\tRETENTION\tCOST A DAY", func(i int) {
		s := v.Volumes[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Signal, s.Rate, s.Size, s.PerDay, s.Retention, s.Cost)
	})
	section(min(len(v.Cardinality), 6), "CARDINALITY\t", func(i int) {
		fmt.Fprintf(w, "%s\t%s\n", v.Cardinality[i].Label, v.Cardinality[i].Value)
	})
	section(len(v.Targets), "CAN BE CHANGED\tSTATE\t", func(i int) {
		t := v.Targets[i]
		fmt.Fprintf(w, "%s %s\t%s\t%s\n", t.Tone.Icon(), t.Name, t.State, oneLine(t.Message))
	})
	return w.Flush()
}

// doctorOffline tells what can be told without a server, and ends with 2: what
// comes in is not known.
func doctorOffline(ctx context.Context, g *global, why error) error {
	list := probeAll(ctx, g)
	if g.output == "json" {
		if err := printJSON(g.env.Stdout, struct {
			Schema string  `json:"schema"`
			Server string  `json:"server"`
			Checks []probe `json:"checks"`
		}{"pitwall.doctor-offline/1", why.Error(), list}); err != nil {
			return err
		}
		return why
	}
	fmt.Fprintln(g.env.Stdout, "No server answers, so what comes in is not known. What the configuration shows:")
	for _, p := range list {
		tone := report.ToneOK
		if !p.OK {
			tone = report.ToneBad
		}
		fmt.Fprintf(g.env.Stdout, "%s %s: %s\n", tone.Icon(), p.What, p.Says)
		if p.Next != "" {
			fmt.Fprintf(g.env.Stdout, "    next   %s\n", p.Next)
		}
	}
	return why
}
