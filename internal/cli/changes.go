package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/config"
	"github.com/pitwall/pitwall/internal/source/webhook"
)

func changeCommand(g *global) *cobra.Command {
	q := &question{path: "/api/v1/changes"}
	list := &cobra.Command{
		Use: "list", Short: "What happened to the world, newest last", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c, g, q, func(w *tabwriter.Writer, a struct{ Changes []pitwall.Change }) string {
				fmt.Fprintln(w, "TIME\tSERVICE\tKIND\tVERSION\tSEEN BY\tSUMMARY\tID")
				for _, x := range a.Changes {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", x.At.Local().Format("2006-01-02 15:04:05"), x.Service, x.Kind, orElse(string(x.Version), "–"), x.SeenBy, oneLine(x.Summary), x.ID)
				}
				return ifNone(len(a.Changes), "No such change in this period. Announce them: docs/howto/announce-deploys.md")
			})
		},
	}
	q.period(list, "24h")
	q.text(list, "service", "only this service")
	return group(&cobra.Command{Use: "change", Short: "Deploys, flags and configuration: what happened to the world"}, list, changeAdd(g))
}

func changeAdd(g *global) *cobra.Command {
	var c announcement
	var dry bool
	var secret string
	cmd := &cobra.Command{
		Use: "add", Short: "Announce a change, such as a deploy, from a pipeline or by hand", Args: cobra.NoArgs,
		Example: "  pitwall change add --service checkout --version v42 --previous v41 --summary \"faster cart\" --hint sql",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.Time == "" {
				c.Time = time.Now().UTC().Format(time.RFC3339Nano)
			}
			if c.ID == "" {
				c.ID = strings.Join([]string{c.Kind, c.Service, orElse(c.Version, c.Time)}, "-")
			}
			if dry {
				return printJSON(g.env.Stdout, c)
			}
			var answer struct {
				ID    string `json:"id"`
				Known bool   `json:"known"`
			}
			if err := newClient(g.server).announce(cmd.Context(), secret, c, &answer); err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(g.env.Stdout, answer)
			}
			word := "recorded"
			if answer.Known {
				word = "was known already"
			}
			fmt.Fprintf(g.env.Stdout, "%s %s\n", answer.ID, word)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Service, "service", "", "what changed (required)")
	f.StringVar(&c.Kind, "kind", "deploy", "deploy, config, flag, scale, migration, traffic or dependency")
	f.StringVar(&c.Version, "version", "", "what runs now")
	f.StringVar(&c.Before, "previous", "", "what ran before")
	f.StringVar(&c.Summary, "summary", "", "in one line")
	f.StringSliceVar(&c.Hints, "hint", nil, "what the difference touches, such as sql or serialisation; may be repeated")
	f.StringVar(&c.Actor, "by", "", "who did it")
	f.StringVar(&c.Link, "link", "", "where to read more")
	f.StringVar(&c.ID, "id", "", "the same id twice is one change (default: made of kind, service and version)")
	f.StringVar(&c.Time, "time", "", "when it happened (RFC 3339; default now)")
	f.StringVar(&secret, "secret-file", "", "file of the secret that signs it, when the server asks for one")
	f.BoolVar(&dry, "dry-run", false, "print what would be sent")
	_ = cmd.MarkFlagRequired("service")
	return cmd
}

// announcement is a change as the changes API takes it.
type announcement struct {
	ID      string   `json:"id"`
	Time    string   `json:"time"`
	Kind    string   `json:"kind"`
	Service string   `json:"service"`
	Version string   `json:"version,omitempty"`
	Before  string   `json:"previous_version,omitempty"`
	Summary string   `json:"summary,omitempty"`
	Hints   []string `json:"diff_hints,omitempty"`
	Actor   string   `json:"actor,omitempty"`
	Link    string   `json:"link,omitempty"`
}

// announce posts a change, signed with the secret in a file when one is named.
func (c *client) announce(ctx context.Context, secretFile string, change announcement, answer any) error {
	body, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("encoding change: %w", err)
	}
	headers := http.Header{"Content-Type": {"application/json"}}
	if secretFile != "" {
		secret, err := config.ReadSecret(secretFile)
		if err != nil {
			return err
		}
		headers.Set(webhook.SignatureHeader, webhook.Sign(secret, body))
	}
	return c.send(ctx, sending{method: http.MethodPost, path: "/api/v1/changes", body: body, headers: headers}, answer)
}
