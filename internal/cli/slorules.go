package cli

import (
	"bufio"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives"
	"github.com/pitwall/pitwall/internal/objectives/promrules"
	"github.com/pitwall/pitwall/internal/objectives/pyrra"
	"github.com/pitwall/pitwall/internal/objectives/sloth"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/strict"
)

// rulesOptions are the flags of "slo rules".
type rulesOptions struct {
	dialect, out, preset, period string
	windows                      []string
	labels                       map[string]string
	noAlerts, noRecords, generic bool
	interval                     time.Duration
}

func sloRules(g *global) *cobra.Command {
	o := rulesOptions{}
	cmd := &cobra.Command{
		Use: "rules [FILE…]", Short: "Objectives as Prometheus rules, for a Prometheus that alerts without Pitwall",
		Long: `Writes recording and alerting rules. Dialects:
  pitwall  one rule for each window and tier, exact ratios, no NaN
  sloth    the rules Sloth v0.16 makes of its own files
  pyrra    the rules Pyrra makes of its own manifests
Without FILE, the objectives of the running server.`,
		Example: "  pitwall slo rules slos/*.yaml --out rules.yaml && promtool check rules rules.yaml",
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.misfit(c, len(args) > 0); err != nil {
				return misused(c, err)
			}
			if len(args) == 0 {
				var raw []byte
				if err := newClient(g.server).get(c.Context(), "/api/v1/slo-rules?dialect="+url.QueryEscape(o.dialect), &raw); err != nil {
					return err
				}
				return writeOut(g, o.out, raw)
			}
			files, err := o.generate(g, args)
			if err != nil {
				return faultsOr(g, err)
			}
			return writeRules(g, o.out, files)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dialect, "dialect", "pitwall", "pitwall, sloth or pyrra")
	f.StringVar(&o.out, "out", "", "write to this file instead of standard output")
	f.StringVar(&o.preset, "preset", "", "burn tiers of objectives that name none (pitwall; default pitwall-default)")
	f.StringVar(&o.period, "period", "30d", "window of objectives that name none (sloth)")
	f.StringSliceVar(&o.windows, "windows", nil, "files of alert windows (sloth)")
	f.StringToStringVar(&o.labels, "label", nil, "a label on every series, name=value (pitwall, sloth)")
	f.DurationVar(&o.interval, "interval", 30*time.Second, "how often rules of windows up to an hour are evaluated; longer ones a quarter as often (pitwall)")
	f.BoolVar(&o.noAlerts, "no-alerts", false, "recording rules only (sloth)")
	f.BoolVar(&o.noRecords, "no-records", false, "alerting rules only (sloth)")
	f.BoolVar(&o.generic, "generic", false, "also the rules that are named alike for every objective (pyrra)")
	return cmd
}

// misfit names what was asked for and would be without effect.
func (o rulesOptions) misfit(c *cobra.Command, files bool) error {
	dialects := []string{"pitwall", "sloth", "pyrra"}
	switch {
	case !slices.Contains(dialects, o.dialect):
		return fmt.Errorf("no dialect %q: there are %s%s", o.dialect, strings.Join(dialects, ", "), strict.Nearest(o.dialect, dialects))
	case !files && o.dialect == "pyrra":
		return errors.New("--dialect pyrra needs the FILE: a manifest of Pyrra")
	}
	takes := map[string]string{"preset": "pitwall", "period": "sloth", "windows": "sloth", "label": "pitwall, sloth", "no-alerts": "sloth", "no-records": "sloth", "generic": "pyrra"}
	var err error
	c.Flags().Visit(func(f *pflag.Flag) {
		switch in, known := takes[f.Name]; {
		case !known || err != nil:
		case !files:
			err = fmt.Errorf("--%s works with FILE only", f.Name)
		case !slices.Contains(strings.Split(in, ", "), o.dialect):
			err = fmt.Errorf("--%s does nothing with --dialect %s, only with %s", f.Name, o.dialect, in)
		}
	})
	return err
}

// oneFile joins plain files of rules: of several documents in a file Prometheus
// reads the first, and does not say so. Objects of Kubernetes stay documents.
func oneFile(files []promql.Rules) ([]promql.Rules, error) {
	var plain promql.Rules
	var list []promql.Rules
	seen := map[string]bool{}
	for _, f := range files {
		if f.Kube != nil {
			list = append(list, f)
			continue
		}
		plain.Comment = orElse(plain.Comment, f.Comment)
		for _, g := range f.Groups {
			if seen[g.Name] {
				return nil, &pitwall.Error{Op: "making rules", Kind: pitwall.Invalid, ID: g.Name, Err: errors.New("two groups have this name, which Prometheus refuses in one file"), Hint: "write them to two files, one command each"}
			}
			seen[g.Name] = true
		}
		plain.Groups = append(plain.Groups, f.Groups...)
	}
	if len(seen) > 0 {
		list = append([]promql.Rules{plain}, list...)
	}
	return list, nil
}

func (o rulesOptions) generate(g *global, names []string) ([]promql.Rules, error) {
	var files []promql.Rules
	var err error
	switch o.dialect {
	case "sloth":
		files, err = o.sloth(g, names)
	case "pyrra":
		files, err = o.pyrra(g, names)
	case "pitwall":
		var set objectives.Set
		if set, err = objectives.Read(objectives.Options{Preset: o.preset}, names...); err == nil {
			warn(g, set.Texts())
			can, others := ofMetrics(set.SLOs)
			if len(can) == 0 {
				return nil, &pitwall.Error{Op: "making rules", Kind: pitwall.Invalid, ID: names[0], Err: fmt.Errorf("no objective is counted from metrics over a rolling window, which is all that rules can do"), Hint: "pitwall alerts on the others: alerting.routes"}
			}
			if len(others) > 0 {
				warn(g, []string{"left out, for rules cannot count them: " + strings.Join(others, ", ")})
			}
			var rules promql.Rules
			rules, err = promrules.Generate(can, promrules.Options{Labels: o.labels, Interval: o.interval})
			files = []promql.Rules{rules}
		}
	}
	if err != nil {
		return nil, err
	}
	return oneFile(files)
}

// writeRules writes rules as they are made: there may be megabytes of them. A
// file is there whole or not at all.
func writeRules(g *global, name string, files []promql.Rules) error {
	if name == "" {
		out := bufio.NewWriter(g.env.Stdout)
		return errors.Join(promql.WriteYAML(out, files...), out.Flush())
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".pitwall-*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	out := bufio.NewWriterSize(f, 1<<16)
	err = errors.Join(promql.WriteYAML(out, files...), out.Flush(), f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, errors.Join(err, os.Remove(f.Name())))
	}
	fmt.Fprintln(g.env.Stderr, "wrote "+name)
	return nil
}

func warn(g *global, texts []string) {
	for _, w := range texts {
		fmt.Fprintln(g.env.Stderr, "warning: "+w)
	}
}

// eachDocument hands every document of the files to a reader.
func eachDocument(op string, names []string, read func(doc strict.Doc, n *yaml.Node) error) error {
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return &pitwall.Error{Op: op, Kind: pitwall.NotFound, ID: name, Err: err}
		}
		doc := strict.Doc{Op: op, File: name}
		nodes, err := doc.Nodes(data)
		if err != nil {
			return err
		}
		for _, n := range nodes {
			if err := read(doc, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (o rulesOptions) sloth(g *global, names []string) ([]promql.Rules, error) {
	options := sloth.Options{Labels: o.labels, DisableAlerts: o.noAlerts, DisableRecordings: o.noRecords}
	var err error
	if options.Period, err = promql.ParseDuration(o.period); err != nil {
		return nil, pitwall.Errorf(pitwall.Invalid, "reading --period", "%w", err)
	}
	err = eachDocument("reading alert windows", o.windows, func(doc strict.Doc, n *yaml.Node) error {
		w, err := sloth.ReadWindows(doc, n)
		options.Windows = append(options.Windows, w)
		return err
	})
	if err != nil {
		return nil, err
	}
	var specs []sloth.Spec
	err = eachDocument("reading Sloth file", names, func(doc strict.Doc, n *yaml.Node) error {
		spec, warnings, err := sloth.Read(doc, n)
		warn(g, warnings)
		specs = append(specs, spec)
		return err
	})
	if err != nil {
		return nil, err
	}
	return sloth.Generate(options, specs...)
}

func (o rulesOptions) pyrra(g *global, names []string) ([]promql.Rules, error) {
	var files []promql.Rules
	err := eachDocument("reading Pyrra manifest", names, func(doc strict.Doc, n *yaml.Node) error {
		spec, warnings, err := pyrra.Read(doc, n)
		warn(g, warnings)
		if err != nil {
			return err
		}
		rules, err := pyrra.Generate(spec, pyrra.Options{Generic: o.generic})
		files = append(files, rules)
		return err
	})
	return files, err
}

func sloReplay(g *global) *cobra.Command {
	q := &question{}
	cmd := &cobra.Command{
		Use: "replay SLO|FILE", Short: "How often an objective would have paged over the past, how late, with how much budget spent", Args: cobra.ExactArgs(1),
		Long: `Runs the tiers of an objective over what was counted, with the same code that watches
now: before a change is merged. A FILE is an objective that is not in force yet; it is
counted from the metrics and spans the server has.`,
		Example: `  pitwall slo replay checkout-latency --preset sre-workbook --since 30d
  pitwall slo replay slos/new.yaml --since 7d`,
		RunE: func(c *cobra.Command, args []string) error {
			var v report.ReplayView
			table := func(w *tabwriter.Writer, v report.ReplayView) string { return replayTable(g, w, v) }
			if _, err := os.Stat(args[0]); err != nil {
				q.path = "/api/v1/slos/" + url.PathEscape(args[0]) + "/replay"
				return ask(c, g, q, table)
			}
			text, err := readText(g, args[0])
			if err != nil {
				return err
			}
			q.path = "/api/v1/slos/replay"
			q.query.Set("name", args[0])
			in := sending{method: "POST", path: q.address(), body: text, headers: map[string][]string{"Content-Type": {"application/yaml"}}}
			if err := newClient(g.server).send(c.Context(), in, &v); err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(g.env.Stdout, v)
			}
			w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
			replayTable(g, w, v)
			return w.Flush()
		},
	}
	q.period(cmd, "")
	q.text(cmd, "preset", "tiers to try instead of its own: "+strings.Join(slo.Presets(), ", "))
	q.text(cmd, "target", "target to try instead of its own, such as 0.995")
	return cmd
}

func replayTable(g *global, w *tabwriter.Writer, v report.ReplayView) string {
	fmt.Fprintf(g.env.Stdout, "%s\nbudget: %s; at worst: %s\n", v.Sentence, v.Left, v.Worst)
	fmt.Fprintln(w, "\nTIER\tFIRES WHEN IT\tASKS FOR\tTIMES\tA WEEK\tLONGEST")
	for _, t := range v.Tiers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", t.Name, t.When, t.Action, t.Times, t.PerWeek, t.Longest)
	}
	if len(v.Firings) > 0 {
		fmt.Fprintln(w, "\nFROM\tLASTED\tTIER\tASKS FOR\tSPENT BY THEN\tINCIDENT\tLATE")
	}
	for _, f := range v.Firings {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", f.From.Local().Format(time.DateTime), f.Lasted, f.Tier, f.Action, f.Spent, orElse(f.Incident, "–"), orElse(f.Late, "–"))
	}
	for _, m := range v.Missed {
		fmt.Fprintln(w, "missed: "+m)
	}
	if v.Note != "" {
		fmt.Fprintln(w, v.Note)
	}
	return ""
}

func sloReport(g *global) *cobra.Command {
	var month, from, to, out string
	cmd := &cobra.Command{
		Use: "report", Short: "The month of every objective: target, measured, budget, worst day, pages", Args: cobra.NoArgs,
		Example:     "  pitwall slo report --month 2026-10 --out october.md",
		Annotations: map[string]string{outputs: documents},
		RunE: func(c *cobra.Command, _ []string) error {
			q := url.Values{"format": {orElse(map[string]string{"html": "html", "json": "json"}[g.output], "md")}}
			for name, v := range map[string]string{"month": month, "from": from, "to": to} {
				if v != "" {
					q.Set(name, v)
				}
			}
			var raw []byte
			if err := newClient(g.server).get(c.Context(), "/api/v1/slo-report?"+q.Encode(), &raw); err != nil {
				return err
			}
			return writeOut(g, out, raw)
		},
	}
	f := cmd.Flags()
	f.StringVar(&month, "month", "", "such as 2026-10 (default: the running month)")
	f.StringVar(&from, "from", "", "beginning instead of --month (RFC 3339)")
	f.StringVar(&to, "to", "", "end (RFC 3339)")
	f.StringVar(&out, "out", "", "write to this file instead of standard output")
	return cmd
}
