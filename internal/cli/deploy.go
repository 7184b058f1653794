package cli

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall/internal/report"
)

func gateDeploy(g *global) *cobra.Command {
	var service, risk string
	cmd := &cobra.Command{
		Use: "deploy", Short: "Whether a service may be deployed now: exit 0 yes, 1 halted by a burning objective", Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("the service is a flag: --service %s", args[0])
			}
			return nil
		},
		Long: `Asks a running Pitwall whether a tier that halts deploys fires for the service. A fix and
a rollback may always go. A service without objectives is not halted, and the answer says
that nothing vouches for it.`,
		Example: "  pitwall gate deploy --service checkout --risk high && ./deploy.sh",
		RunE: func(c *cobra.Command, _ []string) error {
			if service == "" {
				return misused(c, fmt.Errorf("which service? give --service"))
			}
			if !slices.Contains(report.Risks(), risk) {
				return misused(c, fmt.Errorf("no risk %q: there are %s", risk, strings.Join(report.Risks(), ", ")))
			}
			var v report.DeployView
			q := url.Values{"service": {service}, "risk": {risk}}
			raw, err := rawAnd(c.Context(), newClient(g.server), "/api/v1/gates/deploy?"+q.Encode(), &v)
			if err != nil {
				return err
			}
			if g.output == "json" {
				if _, err := g.env.Stdout.Write(raw); err != nil {
					return err
				}
			} else {
				fmt.Fprintln(g.env.Stdout, v.Sentence)
				for _, h := range v.HaltedBy {
					fmt.Fprintf(g.env.Stdout, "  %s, tier %s: %s\n", h.SLO, h.Tier, h.Text)
				}
			}
			if !v.Allowed {
				return exitError{exitNo}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&service, "service", "", "the service to be deployed (required)")
	cmd.Flags().StringVar(&risk, "risk", "high", "of the deploy: fix, low or high")
	return cmd
}
