package cli

import (
	"fmt"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

func findingCommand(g *global) *cobra.Command {
	return group(&cobra.Command{Use: "finding", Short: "Changes of operations that were found though no objective burns"},
		findingList(g), findingView(g), findingAccept(g))
}

func findingList(g *global) *cobra.Command {
	var all bool
	q := &question{path: "/api/v1/findings", query: url.Values{}}
	cmd := &cobra.Command{
		Use: "list", Short: "What was found, the newest first; with --all what was seen and not reported, and why", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, q, func(w *tabwriter.Writer, v report.FindingsView) string {
				fmt.Fprintln(g.env.Stderr, v.Text)
				if len(v.Findings) > 0 {
					fmt.Fprintln(w, "FINDING\tSTATE\tWHAT\tMOVED\tSINCE\tNEXT")
				}
				for _, f := range v.Findings {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", f.ID, f.State, printable(f.What), f.Moved, f.Onset.At.Format(time.RFC3339), orElse(printable(f.Next), "–"))
				}
				if len(v.Trends) > 0 {
					fmt.Fprintln(w, "\nCREEPS\tMETRIC\tPACE\tENDS")
				}
				for _, t := range v.Trends {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", printable(string(t.Service)), t.Metric, t.Pace, orElse(t.Ends, "–"))
				}
				if all {
					passedRows(w, v.NotReported)
					fmt.Fprintln(w, "\n"+v.TrendText)
				}
				if len(v.Findings) > 0 {
					fmt.Fprintln(g.env.Stderr, "next: pitwall finding view "+v.Findings[0].ID)
				}
				return ""
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also what was seen and not reported")
	return cmd
}

func passedRows(w *tabwriter.Writer, rows []report.PassedRow) {
	if len(rows) == 0 {
		fmt.Fprintln(w, "Nothing was seen that is not reported.")
		return
	}
	fmt.Fprintln(w, "\nNOT REPORTED\tWHAT\tMOVED\tWHY")
	for _, p := range rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Reason, printable(p.What), p.Moved, printable(p.Why))
	}
}

func findingView(g *global) *cobra.Command {
	q := &question{query: url.Values{}}
	return &cobra.Command{
		Use: "view FINDING", Short: "One finding: what moved, since when, by how much, and what changed beside it", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q.path = "/api/v1/findings/" + url.PathEscape(args[0])
			return ask(c, g, q, func(w *tabwriter.Writer, v report.FindingView) string {
				fmt.Fprintf(w, "%s · %s\n%s\n\n", v.ID, v.State, printable(v.Why))
				fmt.Fprintf(w, "moved\t%s\n", v.Moved)
				if v.Within != "" {
					fmt.Fprintf(w, "within\t%s (95 %%)\n", v.Within)
				}
				if v.Lately != "" && v.Gone.IsZero() {
					fmt.Fprintf(w, "now\t%s\n", v.Lately)
				}
				fmt.Fprintf(w, "began\t%s, between %s and %s\n", v.Onset.At.Format(time.RFC3339), v.Onset.Earliest.Format(time.RFC3339), v.Onset.Latest.Format(time.RFC3339))
				fmt.Fprintf(w, "found\t%s\n", v.Seen.Format(time.RFC3339))
				if v.Next != "" {
					fmt.Fprintf(w, "next\t%s\n", printable(v.Next))
				}
				for i, b := range v.Beside {
					label := ""
					if i == 0 {
						label = "beside it"
					}
					fmt.Fprintf(w, "%s\t%s %s\n", label, printable(b.Label), b.Value)
				}
				if v.Accepted == nil && v.Gone.IsZero() {
					fmt.Fprintln(g.env.Stderr, "next: pitwall finding accept "+v.ID+" --reason WHY, if the new level is meant")
				}
				return ""
			})
		},
	}
}

func findingAccept(g *global) *cobra.Command {
	var b asked
	cmd := &cobra.Command{
		Use: "accept FINDING", Short: "Take note of a finding: its level is normal from now on", Args: cobra.ExactArgs(1),
		Long: `The series of the finding are held against the new level from then on, and the change is
not reported again. Who accepted it and why goes into the record.`,
		RunE: func(c *cobra.Command, args []string) error {
			if err := b.complete(c, g); err != nil {
				return err
			}
			var a pitwall.Accepted
			if err := newClient(g.server).do(c.Context(), "POST", "/api/v1/findings/"+url.PathEscape(args[0])+"/accept", b, &a); err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(g.env.Stdout, a)
			}
			did := "accepted"
			if b.DryRun {
				did = "would be accepted"
			}
			_, err := fmt.Fprintf(g.env.Stdout, "%s %s: %s\n", a.Finding, did, a.Reason)
			return err
		},
	}
	b.flags(cmd)
	return cmd
}
