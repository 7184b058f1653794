package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
)

func planCommand(g *global) *cobra.Command {
	cmd := group(&cobra.Command{Use: "plan", Short: "Plans: from a burn to a locked door",
		Long: "A plan is the time-bound program that a burning objective opens. A closed plan reads as the post-mortem."},
		planList(g), planView(g), planWatch(g), planExport(g))
	for _, a := range []struct{ name, short string }{
		{"approve", "Approve the proposed fix; it then starts by itself"},
		{"hold", "Stop a plan where it is; traffic stays as it is"},
		{"resume", "Let a held plan go on"},
		{"rollback", "Take the fix back now"},
		{"note", "Add a note to the record"},
		{"close", "Close a plan without a cause"},
	} {
		cmd.AddCommand(planAct(g, a.name, a.short))
	}
	return cmd
}

func planList(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "All plans, those that need a person first", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			rows, raw, err := planRows(c.Context(), newClient(g.server))
			if err != nil {
				return err
			}
			if g.output == "json" {
				_, err := g.env.Stdout.Write(raw)
				return err
			}
			if len(rows) == 0 {
				fmt.Fprintln(g.env.Stderr, "No plan yet: nothing has burned. Objectives: pitwall slo list")
				return nil
			}
			w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "PLAN\tSTATE\tSERVICE\tWHAT\tOWNER\tDUE\tCAUSE")
			for _, r := range rows {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.StateWord, r.Service, r.What, r.Owner, r.Due, orElse(r.Cause, "–"))
			}
			return flushThen(w, g.env.Stderr, "pitwall plan view "+string(rows[0].ID))
		},
	}
}

// planRows reads the list of plans; raw is the answer as it came.
func planRows(ctx context.Context, api *client) ([]report.PlanRow, []byte, error) {
	var body struct {
		Plans []report.PlanRow `json:"plans"`
	}
	raw, err := rawAnd(ctx, api, "/api/v1/plans", &body)
	return body.Plans, raw, err
}

// rawPlans reads every plan whole, oldest first.
func rawPlans(ctx context.Context, api *client) ([]pitwall.Plan, error) {
	rows, _, err := planRows(ctx, api)
	if err != nil {
		return nil, err
	}
	list := make([]pitwall.Plan, 0, len(rows))
	for _, r := range rows {
		var p pitwall.Plan
		if err := api.get(ctx, "/api/v1/plans/"+url.PathEscape(string(r.ID))+"?raw=1", &p); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	sortPlans(list)
	return list, nil
}

func planView(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "view PLAN", Short: "One plan as it stands", Args: cobra.ExactArgs(1), Example: "  pitwall plan view PIP-1",
		Annotations: map[string]string{outputs: documents},
		RunE: func(c *cobra.Command, args []string) error {
			if g.output == "markdown" || g.output == "html" {
				return export(c.Context(), g, args[0], "")
			}
			v, raw, err := viewOf(c.Context(), newClient(g.server), args[0])
			if err != nil {
				return err
			}
			if g.output == "json" {
				_, err := g.env.Stdout.Write(raw)
				return err
			}
			_, err = io.WriteString(g.env.Stdout, report.Text(v))
			return err
		},
	}
}

func viewOf(ctx context.Context, api *client, id string) (report.PlanView, []byte, error) {
	var v report.PlanView
	raw, err := rawAnd(ctx, api, "/api/v1/plans/"+url.PathEscape(id), &v)
	return v, raw, err
}

func planWatch(g *global) *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use: "watch PLAN", Short: "Print a line whenever the plan moves; end when it ends", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, timeout)
				defer cancel()
			}
			return watch(ctx, g, args[0])
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "stop with exit code 6 after this long (0: never)")
	return cmd
}

func watch(ctx context.Context, g *global, id string) error {
	api, seen := newClient(g.server), pitwall.State("")
	for {
		v, raw, err := viewOf(ctx, api, id)
		switch {
		case err != nil && (seen == "" || pitwall.KindOf(err) != pitwall.Unavailable):
			return err
		case err == nil && v.State != seen: // unless it is being restarted
			seen = v.State
			if g.output == "json" {
				fmt.Fprintln(g.env.Stdout, strings.TrimSpace(string(raw)))
			} else {
				fmt.Fprintln(g.env.Stdout, v.Line)
			}
		}
		if v.Final {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

func planExport(g *global) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "export PLAN", Short: "A plan as a document: -o markdown (default), html or json", Args: cobra.ExactArgs(1),
		Example:     "  pitwall plan export PIP-1 -o markdown\n  pitwall plan export PIP-1 -o html --out pip-1.html",
		Annotations: map[string]string{outputs: documents},
		RunE:        func(c *cobra.Command, args []string) error { return export(c.Context(), g, args[0], out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "write to this file instead of standard output")
	return cmd
}

// export writes a plan as a document to a file, or to standard output if out is empty.
func export(ctx context.Context, g *global, plan, out string) error {
	format := map[string]string{"html": "html", "json": "json"}[g.output]
	path := "/api/v1/plans/" + url.PathEscape(plan) + "/export?format=" + orElse(format, "md")
	var raw []byte
	if err := newClient(g.server).get(ctx, path, &raw); err != nil {
		return err
	}
	if out == "" {
		_, err := g.env.Stdout.Write(raw)
		return err
	}
	if err := os.WriteFile(out, raw, 0o644); err != nil {
		return fmt.Errorf("writing export: %w", err)
	}
	fmt.Fprintln(g.env.Stderr, "wrote "+out)
	return nil
}

// actBody is what the server wants to know; the plan is in the path.
type actBody struct {
	Action string `json:"action"`
	asked
}

func planAct(g *global, action, short string) *cobra.Command {
	r := actBody{Action: action}
	cmd := &cobra.Command{
		Use: action + " PLAN", Short: short, Args: cobra.ExactArgs(1),
		Example: fmt.Sprintf("  pitwall plan %s PIP-1 --reason \"…\" --dry-run", action),
		RunE: func(c *cobra.Command, args []string) error {
			if err := r.complete(c, g); err != nil {
				return err
			}
			var res pitwall.ActResult
			if err := newClient(g.server).do(c.Context(), "POST", "/api/v1/plans/"+url.PathEscape(args[0])+"/actions", r, &res); err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(g.env.Stdout, res)
			}
			fmt.Fprintf(g.env.Stdout, "%s: %s\n", res.Plan, res.Did)
			fmt.Fprintln(g.env.Stderr, "next: pitwall plan watch "+args[0])
			return nil
		},
	}
	r.flags(cmd)
	return cmd
}
