package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/alertlint"
	"github.com/pitwall/pitwall/internal/objectives"
	"github.com/pitwall/pitwall/internal/slo/slotest"
)

// writeOut writes to a file, or to standard output if no name is given.
func writeOut(g *global, name string, data []byte) error {
	if name == "" {
		_, err := g.env.Stdout.Write(data)
		return err
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	fmt.Fprintln(g.env.Stderr, "wrote "+name)
	return nil
}

// readText reads a file that a person named; - is standard input.
func readText(g *global, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(g.env.Stdin, 16<<20))
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, &pitwall.Error{Op: "reading file", Kind: pitwall.NotFound, ID: name, Err: errors.Unwrap(err)}
	}
	return data, nil
}

func sloImport(g *global) *cobra.Command {
	var out, preset string
	cmd := &cobra.Command{
		Use: "import FILE…", Short: "Turn Sloth, Pyrra, slo-generator or OpenSLO files into Pitwall's OpenSLO", Args: cobra.MinimumNArgs(1),
		Long: `Reads every dialect Pitwall knows (see docs/reference/objectives.md) and writes the
objectives as OpenSLO v1 that reads back the same. What cannot be carried over is named.`,
		Example: "  pitwall slo import sloth/*.yaml --out slos/imported.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			set, err := objectives.Read(objectives.Options{Preset: preset}, args...)
			for _, w := range set.Warnings {
				fmt.Fprintln(g.env.Stderr, "warning: "+w.String())
			}
			if err != nil {
				return faultsOr(g, err)
			}
			text, err := objectives.Write(set.SLOs)
			if err != nil {
				return err
			}
			if err := writeOut(g, out, text); err != nil {
				return err
			}
			fmt.Fprintf(g.env.Stderr, "%s imported; next: pitwall check %s\n", countObjectives(len(set.SLOs)), orElse(out, "FILE"))
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write to this file instead of standard output")
	cmd.Flags().StringVar(&preset, "preset", "", "burn tiers of objectives that name none (default pitwall-default)")
	return cmd
}

func sloTest(g *global) *cobra.Command {
	var junit, preset string
	cmd := &cobra.Command{
		Use: "test FILE…", Short: "Run unit tests of objectives: these counts must spend so much and fire this tier", Args: cobra.MinimumNArgs(1),
		Long: `A test file names an objective, what is counted in each step, and what must be true
at which time; docs/howto/test-objectives.md shows one. Exit code 0 all passed, 1 some
did not or a file is faulty, 2 trouble.`,
		RunE: func(_ *cobra.Command, args []string) error {
			var all []slotest.Result
			for _, name := range args {
				data, err := readText(g, name)
				if err != nil {
					return err
				}
				results, err := slotest.Run(slotest.Input{Name: name, Data: data, Preset: preset, Open: os.ReadFile})
				if err != nil {
					return faultsOr(g, err)
				}
				all = append(all, results...)
			}
			if junit != "" {
				text, err := slotest.JUnit(all)
				if err != nil {
					return err
				}
				if err := writeOut(g, junit, text); err != nil {
					return err
				}
			}
			if g.output == "json" {
				if err := printJSON(g.env.Stdout, map[string]any{"schema": "pitwall.slo-test/1", "passed": slotest.Passed(all), "tests": all}); err != nil {
					return err
				}
			} else {
				fmt.Fprint(g.env.Stdout, slotest.Text(all))
			}
			if !slotest.Passed(all) {
				return exitError{exitNo}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&junit, "junit", "", "write the results as JUnit XML to this file too")
	cmd.Flags().StringVar(&preset, "preset", "", "burn tiers of objectives that name none (default pitwall-default)")
	return cmd
}

func sloLint(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "lint [FILE…]", Short: "Lint alerts: rule files of Prometheus, objectives with their tiers, or what fired",
		Long: `Names alerts that count events whatever the traffic, that watch a mean alone, that
have no runbook, that cannot fire, or that are silent without data, and says what to
write instead. Without FILE the running server is asked: its own tiers, and alerts of
other systems that nobody ever acted on or that come and go. Exit code 0 nothing to mend,
1 findings that wake people for nothing or cannot work, 2 trouble.`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return lintServer(c, g)
			}
			var rules []alertlint.File
			var slos []string
			for _, name := range args {
				data, err := readText(g, name)
				if err != nil {
					return err
				}
				if ruleFile(data) {
					rules = append(rules, alertlint.File{Name: name, Data: data})
				} else {
					slos = append(slos, name)
				}
			}
			findings, err := alertlint.Files(rules)
			if err != nil {
				return faultsOr(g, err)
			}
			if len(slos) > 0 {
				set, err := objectives.Read(objectives.Options{}, slos...)
				if err != nil {
					return faultsOr(g, err)
				}
				findings = append(findings, alertlint.Tiers(set.SLOs)...)
			}
			return sayFindings(g, findings)
		},
	}
}

// lintServer asks the server what it knows of its alerts and of what fired.
func lintServer(c *cobra.Command, g *global) error {
	var answer struct{ Findings []alertlint.Finding }
	if _, err := rawAnd(c.Context(), newClient(g.server), "/api/v1/alert-lint", &answer); err != nil {
		return err
	}
	return sayFindings(g, answer.Findings)
}

// ruleFile tells a file of Prometheus rules from one of objectives.
func ruleFile(data []byte) bool {
	for _, line := range bytes.Split(data, []byte("\n")) {
		text := strings.TrimSpace(string(line))
		if strings.HasPrefix(text, "groups:") || text == "kind: PrometheusRule" {
			return true
		}
	}
	return false
}

// sayFindings prints findings; those that matter are exit code 1.
func sayFindings(g *global, findings []alertlint.Finding) error {
	if findings == nil {
		findings = []alertlint.Finding{}
	}
	if g.output == "json" {
		if err := printJSON(g.env.Stdout, map[string]any{"schema": "pitwall.alert-lint/1", "findings": findings}); err != nil {
			return err
		}
	} else {
		for _, f := range findings {
			fmt.Fprintln(g.env.Stdout, findingText(f))
		}
		if len(findings) == 0 {
			fmt.Fprintln(g.env.Stdout, "nothing to mend")
		}
	}
	if worst := alertlint.Worst(findings); worst == alertlint.Fault || worst == alertlint.Warning {
		return exitError{exitNo}
	}
	return nil
}

func findingText(f alertlint.Finding) string {
	text := fmt.Sprintf("%s %s: %s (%s)\n  why: %s\n  instead: %s", f.Level, f.Alert, f.What, f.Rule, f.Why, f.Instead)
	switch {
	case f.Line > 0:
		text = fmt.Sprintf("%s:%d: %s", f.File, f.Line, text)
	case f.File != "":
		text = f.File + ": " + text
	}
	if f.Replacement != "" {
		text += "\n    " + strings.ReplaceAll(strings.TrimSpace(f.Replacement), "\n", "\n    ")
	}
	return text
}

func sloCatalogue(g *global) *cobra.Command {
	var set map[string]string
	var out string
	apply := &cobra.Command{
		Use: "apply NAME", Short: "Write an objective from a standard SLI", Args: cobra.ExactArgs(1),
		Example: `  pitwall slo catalogue apply availability --set service=checkout --set operation="POST /checkout" --out slos/checkout.yaml`,
		RunE: func(_ *cobra.Command, args []string) error {
			entries, err := objectives.Catalogue()
			if err != nil {
				return err
			}
			entry, err := objectives.Find(entries, args[0])
			if err != nil {
				return err
			}
			text, err := objectives.Apply(entry, set)
			if err != nil {
				return err
			}
			if err := writeOut(g, out, text); err != nil {
				return err
			}
			fmt.Fprintln(g.env.Stderr, "mind: "+entry.Gotcha)
			return nil
		},
	}
	apply.Flags().StringToStringVar(&set, "set", nil, "a parameter, name=value; may be given several times")
	apply.Flags().StringVar(&out, "out", "", "write to this file instead of standard output")
	return group(&cobra.Command{Use: "catalogue", Short: "Standard SLIs, ready to apply"}, catalogueList(g), catalogueView(g), apply)
}

func catalogueList(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Every standard SLI, with what to start from", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			entries, err := objectives.Catalogue()
			if err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(g.env.Stdout, map[string]any{"schema": "pitwall.slo-catalogue/1", "entries": entries})
			}
			w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "NAME\tWHAT\tSTART WITH\tWINDOW")
			for _, e := range entries {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.Name, e.Title, e.Target, e.Window)
			}
			return flushThen(w, g.env.Stderr, "pitwall slo catalogue view "+entries[0].Name)
		},
	}
}

func catalogueView(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "view NAME", Short: "One standard SLI: formula, gotcha, parameters", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			entries, err := objectives.Catalogue()
			if err != nil {
				return err
			}
			e, err := objectives.Find(entries, args[0])
			if err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(g.env.Stdout, e)
			}
			out := g.env.Stdout
			fmt.Fprintf(out, "%s · %s\n", e.Name, e.Title)
			for _, line := range []struct{ label, text string }{{"formula", e.Formula}, {"window", e.Window}, {"start with", e.Target}, {"why", e.Why}, {"gotcha", e.Gotcha}, {"needs", e.Needs}, {"instead", e.Instead}} {
				if line.text != "" {
					fmt.Fprintf(out, "%-11s%s\n", line.label, line.text)
				}
			}
			fmt.Fprintln(out)
			w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "PARAMETER\tMEANS\tDEFAULT\tEXAMPLE")
			for _, p := range e.Parameters {
				standard := "needed"
				if p.Default != nil {
					standard = *p.Default
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Name, p.Means, standard, p.Example)
			}
			return flushThen(w, g.env.Stderr, "pitwall slo catalogue apply "+e.Name+" --set …")
		},
	}
}
