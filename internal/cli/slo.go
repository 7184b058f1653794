package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall/internal/report"
)

func sloCommand(g *global) *cobra.Command {
	return group(&cobra.Command{Use: "slo", Short: "Objectives, budgets and burn rates"}, &cobra.Command{
		Use: "list", Short: "All objectives, the least budget first", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listSLOs(c.Context(), g) },
	}, &cobra.Command{
		Use: "view SLO", Short: "One objective with its tiers and the maths behind them", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return viewSLO(c.Context(), g, args[0]) },
	},
		sloSpent(g), sloWhatIf(g), sloReplay(g), sloReport(g), sloRules(g), sloImport(g), sloTest(g), sloLint(g), sloCatalogue(g),
		sloCorrect(g), sloCorrections(g), sloUncorrect(g))
}

func listSLOs(ctx context.Context, g *global) error {
	var body struct {
		SLOs []report.SLORow `json:"slos"`
	}
	raw, err := rawAnd(ctx, newClient(g.server), "/api/v1/slos", &body)
	if err != nil {
		return err
	}
	if g.output == "json" {
		_, err := g.env.Stdout.Write(raw)
		return err
	}
	if len(body.SLOs) == 0 {
		fmt.Fprintln(g.env.Stderr, "No objective yet: name OpenSLO files under slos: in pitwall.yaml, or begin with pitwall slo catalogue")
		return nil
	}
	w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SLO\tSTATE\tOBJECTIVE\tMEASURED\tBUDGET\tBURN\tPLAN")
	for _, s := range body.SLOs {
		state := s.State
		if s.Problem != "" {
			state = "cannot be counted"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, state, s.Objective, s.Measured, s.LeftText, s.Burn, orElse(string(s.Plan), "–"))
	}
	return flushThen(w, g.env.Stderr, "pitwall slo view "+string(body.SLOs[0].Name))
}

func viewSLO(ctx context.Context, g *global, name string) error {
	var v report.SLOView
	raw, err := rawAnd(ctx, newClient(g.server), "/api/v1/slos/"+url.PathEscape(name), &v)
	if err != nil {
		return err
	}
	if g.output == "json" {
		_, err := g.env.Stdout.Write(raw)
		return err
	}
	s := v.SLORow
	out := g.env.Stdout
	fmt.Fprintf(out, "%s · %s\n%s\nmeasured %s (%s good, %s bad) · budget %s · burn %s\n", s.Name, s.State, s.Objective, s.Measured, s.Good, s.Bad, s.LeftText, s.Burn)
	for _, line := range []struct{ label, value string }{{"described as", v.Description}, {"ends in", dashed(s.EndsIn)}, {"projected", s.Projected}, {"problem", s.Problem}, {"counted from", s.Counted}, {"owner", s.Owner}, {"source", s.Source}} {
		if line.value != "" {
			fmt.Fprintf(out, "%s %s\n", line.label, line.value)
		}
	}
	if v.Waiting != nil {
		fmt.Fprintln(out, "known "+v.Waiting.Text)
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIER\tSTATE\tFIRES WHEN IT\tLONG\tSHORT\tASKS FOR")
	for _, t := range s.Tiers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.Name, t.State, t.When, t.Long, t.Short, t.Action)
	}
	if v.Detection != nil {
		fmt.Fprintln(w)
		writeTable(w, *v.Detection)
	}
	if len(v.Members) > 0 {
		fmt.Fprintln(w, "\nMEMBER\tSTATE\tMEASURED\tBUDGET")
		for _, m := range v.Members {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", m.Name, m.State, m.Measured, m.LeftText)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if s.Maths != nil {
		fmt.Fprintf(out, "\nmaths  %s\n", s.Maths.Formula)
		for _, l := range s.Maths.Lines {
			fmt.Fprintf(out, "       %s: %s\n", l.Label, l.Value)
		}
		fmt.Fprintf(out, "query  %s\n", s.Maths.Query)
	}
	fmt.Fprintln(g.env.Stderr, "next: "+afterView(v))
	return nil
}

// afterView is what to ask next about an objective.
func afterView(v report.SLOView) string {
	switch {
	case !v.Budget.Known:
		return "pitwall doctor"
	case len(v.Members) > 0:
		worst := slices.MinFunc(v.Members, func(a, b report.SLORow) int { return cmp.Compare(a.Left, b.Left) })
		return "pitwall slo spent " + string(worst.Name)
	}
	return "pitwall slo spent " + string(v.Name)
}

// dashed leaves a dash out.
func dashed(s string) string {
	if s == "–" {
		return ""
	}
	return s
}

func writeTable(w *tabwriter.Writer, t report.TableView) {
	for _, row := range append([][]string{upper(t.Columns)}, t.Rows...) {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(w, "\t")
			}
			fmt.Fprint(w, cell)
		}
		fmt.Fprintln(w)
	}
}

func sloSpent(g *global) *cobra.Command {
	q := &question{}
	cmd := &cobra.Command{
		Use: "spent SLO", Short: "What spent the budget: by operation, version, deploy, or an attribute such as tenant", Args: cobra.ExactArgs(1),
		Example: "  pitwall slo spent checkout-latency --by version --since 6h",
		RunE: func(c *cobra.Command, args []string) error {
			q.path = "/api/v1/slos/" + url.PathEscape(args[0]) + "/spent"
			return ask(c, g, q, func(w *tabwriter.Writer, v report.SpentView) string {
				fmt.Fprintln(g.env.Stdout, v.Sentence)
				if len(v.Rows) == 0 {
					return orElse(v.Note, "Nothing bad in this period.")
				}
				fmt.Fprintf(w, "\n%s\tBAD\tOF\tSHARE\tOF ALL BAD\tINTERVAL\tOF THE BUDGET\n", upper([]string{v.By})[0])
				for _, r := range v.Rows {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s – %s\t%s\n", r.Value, r.Bad, r.Total, r.BadShare, r.OfBad, r.Low, r.High, r.Spent)
				}
				fmt.Fprintf(w, "\ntold apart: %s of the bad events\n", v.Covered)
				if v.Note != "" {
					fmt.Fprintln(w, v.Note)
				}
				if len(v.Dimensions) > 1 {
					fmt.Fprintln(w, "can be asked for: --by "+strings.Join(v.Dimensions, ", "))
				}
				return ""
			})
		},
	}
	q.period(cmd, "1h")
	q.text(cmd, "by", "operation, version, deploy, or the key of an attribute or label (default operation)")
	return cmd
}

func sloWhatIf(g *global) *cobra.Command {
	q := &question{}
	cmd := &cobra.Command{
		Use: "what-if SLO", Short: "What other targets would have meant over the history", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			q.path = "/api/v1/slos/" + url.PathEscape(args[0]) + "/what-if"
			return ask(c, g, q, func(w *tabwriter.Writer, v report.WhatIfView) string {
				fmt.Fprintln(g.env.Stdout, v.Sentence)
				if len(v.Rows) == 0 {
					return orElse(v.Note, "No history yet.")
				}
				fmt.Fprintln(w, "\nTARGET\t\tMEASURED\tBUDGET\tPAGES\tA WEEK")
				for _, r := range v.Rows {
					mark := ""
					if r.Current {
						mark = "← now"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", r.Text, mark, r.Measured, r.LeftText, r.Pages, orElse(r.Refused, r.PerWeek))
				}
				return ""
			})
		},
	}
	q.period(cmd, "")
	return cmd
}

// upper writes the heads of columns as the other tables do.
func upper(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strings.ToUpper(w)
	}
	return out
}
