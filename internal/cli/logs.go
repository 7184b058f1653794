package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/logs"
	"github.com/pitwall/pitwall/internal/report"
)

func logCommand(g *global) *cobra.Command {
	list, patterns, contrast := &question{path: "/api/v1/logs"}, &question{path: "/api/v1/logs/patterns"}, &question{path: "/api/v1/logs/contrast"}
	filter := func(c *cobra.Command, q *question) *cobra.Command {
		q.period(c, "1h")
		q.text(c, "service", "only this service")
		q.text(c, "version", "only this version")
		c.Flags().Var(&queryFlag{q.query, "severity", knownSeverity}, "severity", "the lowest that is shown: "+severities)
		q.text(c, "trace", "only this trace, 32 hex digits")
		q.text(c, "contains", "only records with this in their text")
		q.count(c)
		return c
	}
	records := filter(&cobra.Command{
		Use: "list", Short: "Log records, newest first", Args: cobra.NoArgs,
		Example: "  pitwall log list --service checkout --severity error --since 15m",
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, list, func(w *tabwriter.Writer, a struct{ Records []httpd.LogRow }) string {
				fmt.Fprintln(w, "TIME\tSERVICE\tSEVERITY\tTEXT")
				for _, r := range a.Records {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.At.Local().Format("2006-01-02 15:04:05.000"), r.Service, severityWord(r.Severity), oneLine(r.Text))
				}
				return ifNone(len(a.Records), "No such log record in this period.")
			})
		},
	}, list)
	list.text(records, "pattern", "only records of this pattern")
	counted := filter(&cobra.Command{
		Use: "patterns", Short: "Log records counted by pattern", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, patterns, func(w *tabwriter.Writer, a struct{ Patterns []pitwall.LogPattern }) string {
				fmt.Fprintln(w, "COUNT\tSERVICE\tVERSION\tSEVERITY\tID\tPATTERN")
				for _, p := range a.Patterns {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", report.Count(p.Count), p.Service, orElse(string(p.Version), "–"), severityWord(p.Severity), p.ID, oneLine(p.Template))
				}
				return ifNone(len(a.Patterns), "No such log record in this period.")
			})
		},
	}, patterns)
	compared := filter(&cobra.Command{
		Use: "contrast --at TIME", Short: "Which patterns are new, grew or vanished since a moment", Args: cobra.NoArgs,
		Example: "  pitwall log contrast --service checkout --since 1h --at 2026-01-02T15:04:05Z",
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, contrast, func(w *tabwriter.Writer, a contrastAnswer) string { return a.table(w) })
		},
	}, contrast)
	contrast.moment(compared, "at", "the moment, RFC 3339 (required)")
	_ = compared.MarkFlagRequired("at")
	return group(&cobra.Command{Use: "log", Short: "What services wrote, and how it changed"}, records, counted, compared)
}

const severities = "trace, debug, info, warn, error or fatal"

func knownSeverity(v string) error {
	if !slices.Contains([]string{"trace", "debug", "info", "warn", "error", "fatal"}, v) {
		return errors.New("write " + severities)
	}
	return nil
}

func ifNone(n int, text string) string {
	if n > 0 {
		return ""
	}
	return text
}

func severityWord(s pitwall.LogSeverity) string {
	switch {
	case s == 0:
		return "–"
	case s < pitwall.SeverityDebug:
		return "trace"
	case s < pitwall.SeverityInfo:
		return "debug"
	case s < pitwall.SeverityWarn:
		return "info"
	case s < pitwall.SeverityError:
		return "warn"
	case s < pitwall.SeverityFatal:
		return "error"
	}
	return "fatal"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// contrastAnswer is what the server says about two periods of logs.
type contrastAnswer struct {
	Changes []logs.PatternChange `json:"changes"`
}

func (a contrastAnswer) table(w io.Writer) string {
	fmt.Fprintln(w, "WHAT\tSERVICE\tSEVERITY\tBEFORE\tAFTER\tPATTERN")
	for _, c := range a.Changes {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Kind, c.Service, severityWord(c.Severity), report.Count(c.Before.N), report.Count(c.After.N), oneLine(c.Template))
	}
	return ifNone(len(a.Changes), "No pattern is new, grew or vanished beyond chance.")
}
