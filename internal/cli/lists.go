package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

// rawAnd reads an answer both as it came and into v.
func rawAnd(ctx context.Context, api *client, path string, v any) ([]byte, error) {
	var raw []byte
	if err := api.get(ctx, path, &raw); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return nil, &pitwall.Error{Op: "reading answer", Kind: pitwall.Internal, ID: path, Err: err,
			Hint: "are client and server the same version? pitwall --version"}
	}
	return raw, nil
}

func sortPlans(list []pitwall.Plan) {
	slices.SortFunc(list, func(a, b pitwall.Plan) int { return a.OpenedAt.Compare(b.OpenedAt) })
}

// flushThen ends a table and names the next likely command on stderr.
func flushThen(w *tabwriter.Writer, stderr io.Writer, next string) error {
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(stderr, "next: "+next)
	return nil
}

func sloCommand(g *global) *cobra.Command {
	return group(&cobra.Command{Use: "slo", Short: "Objectives, budgets and burn rates"}, &cobra.Command{
		Use: "list", Short: "All objectives, the least budget first", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listSLOs(c.Context(), g) },
	}, &cobra.Command{
		Use: "view SLO", Short: "One objective with its tiers and the maths behind them", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return viewSLO(c.Context(), g, args[0]) },
	})
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
		fmt.Fprintln(g.env.Stderr, "No objective yet: name OpenSLO files under slos: in pitwall.yaml")
		return nil
	}
	w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SLO\tSTATE\tOBJECTIVE\tMEASURED\tBUDGET\tBURN\tPLAN")
	for _, s := range body.SLOs {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Name, s.State, s.Objective, s.Measured, s.LeftText, s.Burn, orElse(string(s.Plan), "–"))
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
	fmt.Fprintf(g.env.Stdout, "%s · %s\n%s\nmeasured %s (%s good, %s bad) · budget %s · burn %s\n\n", s.Name, s.State, s.Objective, s.Measured, s.Good, s.Bad, s.LeftText, s.Burn)
	w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIER\tSTATE\tFACTOR\tLONG\tSHORT\tACTION")
	for _, t := range s.Tiers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", t.Name, t.State, t.Factor, t.Long, t.Short, t.Action)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if s.Maths != nil {
		fmt.Fprintf(g.env.Stdout, "\nmaths  %s\nquery  %s\n", s.Maths.Formula, s.Maths.Query)
	}
	return nil
}

func statusCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "One screen: burning, in flight, blind", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var v report.StatusView
			raw, err := rawAnd(c.Context(), newClient(g.server), "/api/v1/status", &v)
			if err != nil {
				return err
			}
			if g.output == "json" {
				_, err := g.env.Stdout.Write(raw)
				return err
			}
			fmt.Fprintln(g.env.Stdout, v.Sentence)
			w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "\nSOURCE\tSTATE\tACCEPTED\tREJECTED\tUNSEEN WITHOUT IT")
			for _, s := range v.Sources {
				if s.Message != "" {
					s.Blind += " (" + s.Message + ")"
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Name, s.State, s.Accepted, s.Rejected, s.Blind)
			}
			return flushThen(w, g.env.Stderr, "pitwall plan list")
		},
	}
}
