package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/objectives"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/slo"
)

func checkCommand(g *global) *cobra.Command {
	var how checking
	cmd := &cobra.Command{
		Use:   "check [FILE…]",
		Short: "Validate configuration, objectives, policy and playbooks offline: exit 0 valid, 1 faults",
		Long: `Without arguments: the configuration and everything it names. With arguments: files of
objectives in any dialect (OpenSLO, Sloth, Pyrra, slo-generator), read as one set. Every
fault is printed as file:line with what to do; exit code 0 valid, 1 faults, 2 trouble.`,
		Example: `  pitwall check slos/*.yaml --table`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return checkFiles(g, how, args)
			}
			return checkAll(c.Context(), g)
		},
	}
	cmd.Flags().BoolVar(&how.strict, "strict", false, "refuse what OpenSLO's own validator refuses, even where the meaning is plain")
	cmd.Flags().BoolVar(&how.openslo, "openslo", false, "judge documents as OpenSLO's own validator does, without asking whether they can be counted here")
	cmd.Flags().BoolVar(&how.table, "table", false, "also print how fast each objective's tiers notice which burn, and what is spent by then")
	cmd.Flags().StringVar(&how.preset, "preset", "", "burn tiers of objectives that name none (default pitwall-default)")
	return cmd
}

// checking is how files are checked.
type checking struct {
	strict, openslo, table bool
	preset                 string
}

// checkFiles reads the files as one set, as serve does: an objective may refer
// to what stands in another of them.
func checkFiles(g *global, how checking, files []string) error {
	if how.openslo {
		return checkOpenSLO(g, files)
	}
	set, err := objectives.Read(objectives.Options{Strict: how.strict, Preset: how.preset}, files...)
	for _, w := range set.Warnings {
		fmt.Fprintln(g.env.Stderr, "warning: "+w.String())
	}
	faulty := map[string]bool{}
	for _, fault := range objectives.Faults(err) {
		var e *pitwall.Error
		if !errors.As(fault, &e) || e.Kind != pitwall.Invalid {
			return fault
		}
		sayFault(g, fault)
		for _, name := range files {
			faulty[name] = faulty[name] || e.ID == name || strings.HasPrefix(e.ID, name+":")
		}
	}
	for _, name := range files {
		n := 0
		for _, s := range set.SLOs {
			if strings.HasPrefix(s.Source, name+":") {
				n++
			}
		}
		if !faulty[name] {
			fmt.Fprintf(g.env.Stdout, "%s: valid, %s\n", name, countObjectives(n))
		}
	}
	if how.table {
		if err := detectionTables(g, set.SLOs); err != nil {
			return err
		}
	}
	if err != nil {
		return exitError{exitNo}
	}
	return nil
}

// checkOpenSLO gives each file the verdict of the format's own validator.
func checkOpenSLO(g *global, files []string) error {
	refused := false
	for _, name := range files {
		data, err := readText(g, name)
		if err != nil {
			return err
		}
		objects, faults, err := openslo.Read(name, data)
		if err != nil {
			refused = true
			sayFault(g, err)
			continue
		}
		for _, f := range faults {
			if f.Grade != openslo.Stricter {
				sayFault(g, f.Err())
			}
		}
		verdict := openslo.Verdict(faults)
		fmt.Fprintf(g.env.Stdout, "%s: %s OpenSLO, %d objects\n", name, verdict, len(objects))
		refused = refused || verdict != "valid"
	}
	if refused {
		return exitError{exitNo}
	}
	return nil
}

// detectionTables prints how fast each objective notices which burn.
func detectionTables(g *global, slos []pitwall.SLO) error {
	w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
	for _, s := range slos {
		fmt.Fprintf(w, "\n%s: %s\n", s.Name, report.Objective(s))
		writeTable(w, *report.DetectionTable(slo.Table(s)))
	}
	return w.Flush()
}

// faultsOr says every fault of what people wrote and gives exit code 1; trouble
// of any other kind is passed on.
func faultsOr(g *global, err error) error {
	faults := objectives.Faults(err)
	for _, fault := range faults {
		if pitwall.KindOf(fault) != pitwall.Invalid {
			return fault
		}
	}
	for _, fault := range faults {
		sayFault(g, fault)
	}
	return exitError{exitNo}
}

func countObjectives(n int) string {
	if n == 1 {
		return "1 objective"
	}
	return fmt.Sprintf("%d objectives", n)
}

func sayFault(g *global, err error) {
	fmt.Fprintln(g.env.Stdout, err.Error())
	if hint := pitwall.HintOf(err); hint != "" {
		fmt.Fprintln(g.env.Stdout, "  try: "+hint)
	}
}

// checkAll reads the configuration and what it names, the way serve does, but
// opens no store and calls nobody.
func checkAll(ctx context.Context, g *global) error {
	conf, err := loadConfig(g)
	if err != nil {
		return faultOr(g, err)
	}
	slos, faults := 0, 0
	for _, check := range []func() error{
		func() error {
			list, err := readSLOs(conf)
			slos = len(list)
			return err
		},
		func() error { _, err := readPolicy(conf); return err },
		func() error { _, err := readPlaybooks(conf); return err },
		func() error { _, err := readTarget(conf); return err },
		func() error { _, err := readRepository(ctx, conf); return err },
		func() error { _, err := readJourneys(conf); return err },
		func() error { return checkRoutes(conf) },
		func() error { return allReadable(conf) },
	} {
		switch err := faultOr(g, check()); {
		case errors.Is(err, exitError{exitNo}):
			faults++
		case err != nil:
			return err
		}
	}
	if faults > 0 {
		return exitError{exitNo}
	}
	fmt.Fprintf(g.env.Stdout, "valid: %s\n", countObjectives(slos))
	fmt.Fprintln(g.env.Stderr, "next: pitwall serve")
	return nil
}

// allReadable asks whether every secret that is named can be read.
func allReadable(conf config.Config) error {
	c, s := conf.Changes, conf.Sources
	files := []string{conf.Target.TokenFile, c.SecretFile, c.GitHub.SecretFile, c.ArgoCD.TokenFile, c.Flagger.TokenFile, c.Alertmanager.TokenFile}
	for _, r := range []config.Remote{s.Prometheus, s.Tempo, s.Jaeger, s.Pyroscope} {
		files = append(files, r.TokenFile, r.PasswordFile)
	}
	for _, file := range files {
		if err := readable(file); err != nil {
			return err
		}
	}
	return nil
}

// readable asks whether a secret can be read; it is not looked at.
func readable(file string) error {
	if file == "" {
		return nil
	}
	_, err := config.ReadSecret(file)
	return err
}

// faultOr says a fault of what a person wrote and gives exit code 1; trouble of
// any other kind is passed on.
func faultOr(g *global, err error) error {
	switch pitwall.KindOf(err) {
	case pitwall.Invalid, pitwall.NotFound:
		for _, fault := range objectives.Faults(err) {
			sayFault(g, fault)
		}
		return exitError{exitNo}
	}
	return err
}
