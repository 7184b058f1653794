package cli

import (
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall/internal/report"
)

// diagnosisView prints the diagnosis of a plan as its page shows it.
func diagnosisView(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "view PLAN", Short: "Why a plan's service got worse: the sentence first, then everything that was looked at", Args: cobra.ExactArgs(1),
		Long: `The diagnosis of a plan: what was asked, every check and how it ended, hypotheses with the
evidence for and against, where the added time went, what slow requests share, the profile
difference, a slow request beside a typical one, every change and why it is or is not the
cause. A part that has nothing to show says why.`,
		Example:     "  pitwall diagnosis view PIP-1\n  pitwall diagnosis view PIP-1 -o markdown > why.md\n  pitwall diagnosis view PIP-1 -o json | jq .verdict",
		Annotations: map[string]string{outputs: documents},
		RunE: func(c *cobra.Command, args []string) error {
			api, path := newClient(g.server), "/api/v1/plans/"+url.PathEscape(args[0])+"/diagnosis"
			if g.output == "markdown" || g.output == "html" {
				var raw []byte
				format := map[string]string{"markdown": "md", "html": "html"}[g.output]
				if err := api.get(c.Context(), path+"/export?format="+format, &raw); err != nil {
					return err
				}
				_, err := g.env.Stdout.Write(raw)
				return err
			}
			var v report.DiagnosisView
			raw, err := rawAnd(c.Context(), api, path, &v)
			if err != nil {
				return err
			}
			if g.output == "json" {
				_, err := g.env.Stdout.Write(raw)
				return err
			}
			if _, err := io.WriteString(g.env.Stdout, report.DiagnosisText(v)); err != nil {
				return err
			}
			_, err = io.WriteString(g.env.Stderr, "next: pitwall plan view "+args[0]+"\n")
			return err
		},
	}
}
