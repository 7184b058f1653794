package cli

import (
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
)

func alarmCommand(g *global) *cobra.Command {
	return group(&cobra.Command{Use: "alarm", Short: "What fires, who hears of it, and what was sent"},
		alarmList(g), alarmExplain(g), alarmDeliveries(g), alarmTry(g))
}

func alarmList(g *global) *cobra.Command {
	q := &question{path: "/api/v1/alarms", query: url.Values{}}
	return &cobra.Command{
		Use: "list", Short: "Tiers that fire now, and those that just ceased to", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, q, func(w *tabwriter.Writer, a struct{ Alarms []pitwall.Alarm }) string {
				if len(a.Alarms) == 0 {
					return "Nothing fires."
				}
				fmt.Fprintln(w, "SINCE\tSTATE\tASKS FOR\tSLO\tTIER\tOWNER\tPLAN\tWHAT")
				for _, x := range a.Alarms {
					state := "firing"
					if by := strings.Split(x.SpokenBy, "/"); len(by) == 3 {
						state = "firing, " + by[1] + " speaks"
					}
					if !x.Firing() {
						state = "over"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", x.Since.Local().Format(time.DateTime), state, x.Action, x.SLO, x.State.Tier.Name, x.Owner, orElse(string(x.Plan), "–"), x.Text)
				}
				return ""
			})
		},
	}
}

func alarmExplain(g *global) *cobra.Command {
	q := &question{}
	cmd := &cobra.Command{
		Use: "explain SLO", Short: "Who would hear of a firing of this objective now, by which route, and why", Args: cobra.ExactArgs(1),
		Example: "  pitwall alarm explain checkout-latency --tier page-fast",
		RunE: func(c *cobra.Command, args []string) error {
			q.path = "/api/v1/slos/" + url.PathEscape(args[0]) + "/routing"
			return ask(c, g, q, func(w *tabwriter.Writer, a struct{ Lines []string }) string {
				for _, line := range a.Lines {
					fmt.Fprintln(w, line)
				}
				return ""
			})
		},
	}
	q.query = url.Values{}
	q.text(cmd, "tier", "which tier (default: the worst)")
	return cmd
}

func alarmDeliveries(g *global) *cobra.Command {
	q := &question{path: "/api/v1/deliveries"}
	cmd := &cobra.Command{
		Use: "deliveries", Short: "What was sent to whom, the newest first, and what waits", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, q, func(w *tabwriter.Writer, a struct{ Deliveries []pitwall.Delivery }) string {
				if len(a.Deliveries) == 0 {
					return "Nothing was ever sent. alerting.routes in pitwall.yaml names a routing file."
				}
				fmt.Fprintln(w, "TIME\tSTATE\tRECEIVER\tKIND\tTRIES\tWHAT\tTROUBLE")
				for _, d := range a.Deliveries {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\n", d.Message.Time.Local().Format(time.DateTime), deliveryState(d), d.Receiver, d.Message.Kind, d.Attempts, d.Message.Title, orElse(d.Trouble, "–"))
				}
				return ""
			})
		},
	}
	q.query = url.Values{}
	q.count(cmd)
	return cmd
}

func alarmTry(g *global) *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use: "try RECEIVER", Short: "Send a test message to a receiver of the routing file", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if by = orElse(by, g.env.Getenv("USER")); by == "" {
				return misused(c, fmt.Errorf("the message says who tried: give --by where $USER is not set"))
			}
			var res struct {
				Did string `json:"did"`
			}
			if err := newClient(g.server).do(c.Context(), "POST", "/api/v1/receivers/"+url.PathEscape(args[0])+"/test", map[string]string{"by": by}, &res); err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(g.env.Stdout, res)
			}
			fmt.Fprintln(g.env.Stdout, res.Did)
			return nil
		},
	}
	cmd.Flags().StringVar(&by, "by", "", "who you are (default: $USER)")
	return cmd
}

func deliveryState(d pitwall.Delivery) string {
	switch {
	case d.Done.IsZero():
		return "waits"
	case d.Failed:
		return "given up"
	}
	return "sent"
}
