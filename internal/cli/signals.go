package cli

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/httpd"
	"github.com/pitwall/pitwall/internal/report"
)

// question is what the commands that read signals ask: a path and its query.
type question struct {
	path, since string
	query       url.Values
}

// period adds the flags that every question about a time shares.
func (q *question) period(c *cobra.Command, since string) {
	q.query = url.Values{}
	c.Flags().StringVar(&q.since, "since", since, "how far back, such as 15m, 2h or 7d")
	q.moment(c, "from", "beginning instead of --since (RFC 3339)")
	q.moment(c, "to", "end (RFC 3339; default now)")
}

// moment adds a flag that is a time.
func (q *question) moment(c *cobra.Command, name, usage string) {
	c.Flags().Var(&queryFlag{q.query, name, func(v string) error {
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return errors.New("write a time as 2026-01-02T15:04:05Z")
		}
		return nil
	}}, name, usage)
}

// count adds the flag that bounds an answer.
func (q *question) count(c *cobra.Command) {
	c.Flags().Var(&queryFlag{q.query, "limit", func(v string) error {
		if n, err := strconv.Atoi(v); err != nil || n < 1 || n > 10_000 {
			return errors.New("write a number from 1 to 10000")
		}
		return nil
	}}, "limit", "at most this many, up to 10000 (default 200)")
}

// text adds a flag that goes into the query as it is.
func (q *question) text(c *cobra.Command, name, usage string) {
	c.Flags().Var(&queryFlag{query: q.query, name: name}, name, usage)
}

// queryFlag writes a flag's value straight into a query.
type queryFlag struct {
	query url.Values
	name  string
	check func(string) error // nil: anything goes
}

func (f *queryFlag) String() string { return f.query.Get(f.name) }
func (f *queryFlag) Type() string   { return "string" }
func (f *queryFlag) Set(v string) error {
	if f.check != nil {
		if err := f.check(v); err != nil {
			return err
		}
	}
	f.query.Set(f.name, v)
	return nil
}

func (q *question) address() string {
	if q.since != "" {
		q.query.Set("since", q.since)
	}
	return q.path + "?" + q.query.Encode()
}

// ask answers with the server's JSON, or has it printed as a table.
func ask[T any](c *cobra.Command, g *global, q *question, table func(w *tabwriter.Writer, answer T) (empty string)) error {
	var answer T
	raw, err := rawAnd(c.Context(), newClient(g.server), q.address(), &answer)
	if err != nil {
		return err
	}
	if g.output == "json" {
		_, err := g.env.Stdout.Write(raw)
		return err
	}
	w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
	if empty := table(w, answer); empty != "" {
		fmt.Fprintln(g.env.Stderr, empty)
		return nil
	}
	return w.Flush()
}

func operationCommand(g *global) *cobra.Command {
	q := &question{path: "/api/v1/operations"}
	list := &cobra.Command{
		Use: "list", Short: "What the spans of a period add up to, the most time first", Args: cobra.NoArgs,
		Example: "  pitwall operation list --service checkout --since 6h",
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, q, func(w *tabwriter.Writer, a struct{ Operations []httpd.OperationRow }) string {
				if len(a.Operations) == 0 {
					return "No such span in this period. pitwall doctor says what comes in; what only a store elsewhere holds is not added up."
				}
				fmt.Fprintln(w, "SERVICE\tVERSION\tOPERATION\tKIND\tPEER\tSPANS\tFAILED\tP50\tP99\tTOTAL\tSELF")
				for _, o := range a.Operations {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", o.Service, orElse(string(o.Version), "–"), o.Operation, kindWord(o.Kind), orElse(o.Peer, "–"),
						report.Count(o.Count), report.Count(o.Failed), report.Seconds(o.P50), report.Seconds(o.P99), report.Seconds(o.Total.Seconds()), selfTime(o))
				}
				return ""
			})
		},
	}
	q.period(list, "1h")
	q.text(list, "service", "only this service")
	q.text(list, "version", "only this version")
	q.text(list, "operation", "only this operation")
	q.count(list)
	return group(&cobra.Command{Use: "operation", Short: "Requests, errors and time by operation"}, list)
}

func kindWord(k pitwall.SpanKind) string {
	return map[pitwall.SpanKind]string{pitwall.SpanServer: "server", pitwall.SpanClient: "client", pitwall.SpanProducer: "producer", pitwall.SpanConsumer: "consumer"}[k]
}

func alertCommand(g *global) *cobra.Command {
	q := &question{path: "/api/v1/alerts"}
	list := &cobra.Command{
		Use: "list", Short: "What other alerting systems said, newest first", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, q, func(w *tabwriter.Writer, a struct{ Alerts []pitwall.Alert }) string {
				fmt.Fprintln(w, "SINCE\tSTATE\tALERT\tSERVICE\tSOURCE")
				for _, x := range a.Alerts {
					state := "firing"
					if !x.Firing {
						state = "over after " + report.Span(x.To.Sub(x.From))
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", x.From.Local().Format("2006-01-02 15:04:05"), state, x.Name, orElse(string(x.Service), "–"), x.Source)
				}
				return ifNone(len(a.Alerts), "No alert in this period. Point Alertmanager at Pitwall: docs/howto/change-webhooks.md")
			})
		},
	}
	q.period(list, "24h")
	return group(&cobra.Command{Use: "alert", Short: "Alerts that came from elsewhere"}, list)
}

func kpiCommand(g *global) *cobra.Command {
	q := &question{path: "/api/v1/kpis", query: url.Values{}}
	return group(&cobra.Command{Use: "kpi", Short: "Business numbers, declared as queries"}, &cobra.Command{
		Use: "list", Short: "Every KPI of the last 15 minutes beside the day before", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, q, func(w *tabwriter.Writer, a struct{ Rows []report.KPIRow }) string {
				fmt.Fprintln(w, "KPI\tCOHORT\tDAY BEFORE\tNOW\tCHANGE\tTROUBLE")
				for _, r := range a.Rows {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.Name, orElse(r.Cohort, "–"), r.Was, r.Is, r.Change, r.Trouble)
				}
				return ifNone(len(a.Rows), "No KPI is declared: kpis: in pitwall.yaml, see docs/howto/business-kpis.md")
			})
		},
	})
}

// selfTime is what was not spent in children; it is known once the traces are
// complete, half a minute to some minutes after their last span.
func selfTime(o httpd.OperationRow) string {
	if o.Closed == 0 {
		return "–"
	}
	return report.Seconds(o.Self.Seconds())
}
