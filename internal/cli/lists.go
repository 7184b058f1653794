package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
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
