package cli

import (
	"fmt"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall/internal/report"
)

// correctBody is what the corrections API is sent.
type correctBody struct {
	SLO     string    `json:"slo,omitempty"`
	Service string    `json:"service,omitempty"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	asked
}

func sloCorrect(g *global) *cobra.Command {
	var b correctBody
	var from, to string
	cmd := &cobra.Command{
		Use: "correct", Short: "Take a stretch of time, such as a maintenance, out of budgets", Args: cobra.NoArgs,
		Long: `What happens in the stretch counts neither as good nor as bad. It is recorded with who
asked and why, is shown beside every number it touches, and can be revoked.`,
		Example: `  pitwall slo correct --slo checkout-latency --from 2026-03-01T02:00:00Z --to 2026-03-01T03:00:00Z \
      --reason "announced database maintenance" --dry-run`,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := b.complete(c, g); err != nil {
				return err
			}
			for _, at := range []struct {
				flag, text string
				into       *time.Time
			}{{"--from", from, &b.From}, {"--to", to, &b.To}} {
				t, err := time.Parse(time.RFC3339, at.text)
				switch {
				case at.text == "":
					return misused(c, fmt.Errorf("%s is missing: a correction has a beginning and an end, such as 2026-01-02T15:04:05Z", at.flag))
				case err != nil:
					return misused(c, fmt.Errorf("%s: write a time as 2026-01-02T15:04:05Z", at.flag))
				}
				*at.into = t
			}
			var row report.CorrectionRow
			if err := newClient(g.server).do(c.Context(), "POST", "/api/v1/corrections", b, &row); err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(g.env.Stdout, row)
			}
			did := "left out"
			if b.DryRun {
				did = "would be left out"
			}
			fmt.Fprintf(g.env.Stdout, "%s: %s of %s %s\n", row.ID, row.Span, row.Scope, did)
			fmt.Fprintln(g.env.Stderr, "next: pitwall slo corrections")
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&b.SLO, "slo", "", "one objective; without --slo and --service: every objective")
	f.StringVar(&b.Service, "service", "", "every objective of a service")
	f.StringVar(&from, "from", "", "beginning (RFC 3339)")
	f.StringVar(&to, "to", "", "end (RFC 3339)")
	b.flags(cmd)
	return cmd
}

func sloCorrections(g *global) *cobra.Command {
	q := &question{path: "/api/v1/corrections", query: url.Values{}}
	return &cobra.Command{
		Use: "corrections", Short: "What was taken out of budgets, by whom and why", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, q, func(w *tabwriter.Writer, a struct{ Corrections []report.CorrectionRow }) string {
				if len(a.Corrections) == 0 {
					return "No budget was ever corrected."
				}
				fmt.Fprintln(w, "ID\tFROM\tLENGTH\tOF\tBY\tREASON\tSTATE")
				for _, r := range a.Corrections {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Period.From.Format(time.RFC3339), r.Span, r.Scope, r.By, r.Reason, r.State)
				}
				return ""
			})
		},
	}
}

func sloUncorrect(g *global) *cobra.Command {
	var b asked
	cmd := &cobra.Command{
		Use: "uncorrect ID", Short: "Take a correction back: what it left out counts again", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := b.complete(c, g); err != nil {
				return err
			}
			var row report.CorrectionRow
			if err := newClient(g.server).do(c.Context(), "POST", "/api/v1/corrections/"+url.PathEscape(args[0])+"/revoke", b, &row); err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(g.env.Stdout, row)
			}
			did := "counts again"
			if b.DryRun {
				did = "would count again"
			}
			fmt.Fprintf(g.env.Stdout, "%s: %s of %s %s\n", row.ID, row.Span, row.Scope, did)
			return nil
		},
	}
	b.flags(cmd)
	return cmd
}
