package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// asked is what goes into the record beside something that a person wants done.
type asked struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
	DryRun bool   `json:"dry_run,omitempty"`
}

func (a *asked) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.Reason, "reason", "", "why; it goes into the record (required)")
	f.StringVar(&a.By, "by", "", "who you are (default: $USER)")
	f.BoolVar(&a.DryRun, "dry-run", false, "say what would happen, and change nothing")
}

// complete fills in who asks, and refuses to ask for nobody or without a reason.
func (a *asked) complete(c *cobra.Command, g *global) error {
	a.By = orElse(a.By, g.env.Getenv("USER"))
	if strings.TrimSpace(a.Reason) == "" || strings.TrimSpace(a.By) == "" {
		return misused(c, fmt.Errorf("who and why go into the record: give --reason, and --by where $USER is not set"))
	}
	return nil
}
