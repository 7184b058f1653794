package cli

import (
	"fmt"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall/internal/report"
)

// spanRow is a span as the API gives it.
type spanRow struct {
	TraceID   string    `json:"trace_id"`
	SpanID    string    `json:"span_id"`
	ParentID  string    `json:"parent_id"`
	Start     time.Time `json:"start"`
	Seconds   float64   `json:"duration_s"`
	Service   string    `json:"service"`
	Version   string    `json:"version"`
	Operation string    `json:"operation"`
	Failed    bool      `json:"failed"`
}

func traceCommand(g *global) *cobra.Command {
	q := &question{path: "/api/v1/spans"}
	list := &cobra.Command{
		Use: "list", Short: "Spans by service, operation, attribute, duration and failure", Args: cobra.NoArgs,
		Example: "  pitwall trace list --service checkout --slower 500ms --attr tenant=7 --since 15m",
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, q, func(w *tabwriter.Writer, a struct{ Spans []spanRow }) string {
				fmt.Fprintln(w, "START\tSERVICE\tOPERATION\tTOOK\tSTATUS\tTRACE")
				for _, s := range a.Spans {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", s.Start.Local().Format("2006-01-02 15:04:05.000"), s.Service, s.Operation, report.Seconds(s.Seconds), statusWord(s.Failed), s.TraceID)
				}
				return ifNone(len(a.Spans), "No such span in this period. pitwall doctor says what comes in.")
			})
		},
	}
	q.period(list, "1h")
	for name, usage := range map[string]string{"service": "only this service", "version": "only this version", "operation": "only this operation",
		"slower": "at least this long, such as 500ms", "failed": "true: only failed ones", "limit": "at most this many, spread evenly (default 100)"} {
		q.text(list, name, usage)
	}
	list.Flags().Var(&listFlag{q.query, "attr"}, "attr", "key=value that a span must carry; may be repeated")
	view := &question{query: url.Values{}}
	return group(&cobra.Command{Use: "trace", Short: "Requests, span by span"}, list, criticalPathCommand(g), &cobra.Command{
		Use: "view TRACE", Short: "Every span of one trace", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			view.path = "/api/v1/traces/" + url.PathEscape(args[0])
			return ask(c, g, view, func(w *tabwriter.Writer, a struct{ Spans []spanRow }) string {
				fmt.Fprintln(w, "START\tSERVICE\tOPERATION\tTOOK\tSTATUS\tSPAN\tPARENT")
				for _, s := range a.Spans {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.Start.Local().Format("15:04:05.000000"), s.Service, s.Operation, report.Seconds(s.Seconds), statusWord(s.Failed), s.SpanID, orElse(s.ParentID, "–"))
				}
				return ""
			})
		},
	})
}

func statusWord(failed bool) string {
	if failed {
		return "failed"
	}
	return "ok"
}

// listFlag adds each of its values to a query.
type listFlag struct {
	query url.Values
	name  string
}

// String, Type and Set implement pflag.Value.
func (f *listFlag) String() string { return "" }
func (f *listFlag) Type() string   { return "strings" }
func (f *listFlag) Set(v string) error {
	f.query.Add(f.name, v)
	return nil
}
