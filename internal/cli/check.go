package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

func checkCommand(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE…]",
		Short: "Validate configuration, objectives, policy and playbooks offline: exit 0 valid, 1 faults",
		Long: `Without arguments: the configuration and everything it names. With arguments: OpenSLO
files. Faults are printed as file:line with what to do; exit code 0 valid, 1 faults, 2 trouble.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return checkFiles(g, args)
			}
			return checkAll(g)
		},
	}
}

func checkFiles(g *global, files []string) error {
	faults := 0
	for _, name := range files {
		slos, warnings, err := slo.ReadFile(name)
		for _, w := range warnings {
			fmt.Fprintln(g.env.Stderr, "warning: "+w)
		}
		if err == nil {
			fmt.Fprintf(g.env.Stdout, "%s: valid, %d objectives\n", name, len(slos))
			continue
		}
		if pitwall.KindOf(err) != pitwall.Invalid {
			return err
		}
		faults++
		sayFault(g, err)
	}
	if faults > 0 {
		return exitError{exitNo}
	}
	return nil
}

func sayFault(g *global, err error) {
	fmt.Fprintln(g.env.Stdout, err.Error())
	if hint := pitwall.HintOf(err); hint != "" {
		fmt.Fprintln(g.env.Stdout, "  try: "+hint)
	}
}

// checkAll reads the configuration and what it names, the way serve does.
func checkAll(g *global) error {
	conf, err := loadConfig(g)
	if err == nil {
		var slos []pitwall.SLO
		if slos, err = readSLOs(conf); err == nil {
			if _, err = readPolicy(conf); err == nil {
				if _, err = readPlaybooks(conf); err == nil {
					fmt.Fprintf(g.env.Stdout, "valid: %d objectives\n", len(slos))
					fmt.Fprintln(g.env.Stderr, "next: pitwall serve")
					return nil
				}
			}
		}
	}
	switch pitwall.KindOf(err) {
	case pitwall.Invalid, pitwall.NotFound:
		sayFault(g, err)
		return exitError{exitNo}
	}
	return err
}
