package cli

import (
	"context"
	"fmt"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/record"
)

func recordCommand(g *global) *cobra.Command {
	return group(&cobra.Command{Use: "record", Short: "The append-only, hash-chained history of everything"},
		recordList(g), recordVerify(g), recordExport(g))
}

// allEvents reads the whole record from the server.
func allEvents(ctx context.Context, api *client) ([]pitwall.Event, error) {
	var all []pitwall.Event
	for {
		after := uint64(0)
		if n := len(all); n > 0 {
			after = all[n-1].Seq
		}
		var page struct {
			Events []pitwall.Event `json:"events"`
		}
		if err := api.get(ctx, fmt.Sprintf("/api/v1/record?after=%d&limit=500", after), &page); err != nil {
			return nil, err
		}
		if len(page.Events) == 0 {
			return all, nil
		}
		all = append(all, page.Events...)
	}
}

func recordList(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Every event in order", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			events, err := allEvents(c.Context(), newClient(g.server))
			if err != nil {
				return err
			}
			if g.output == "json" {
				return printJSON(g.env.Stdout, map[string]any{"schema": "pitwall.record/1", "events": events})
			}
			w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "SEQ\tTIME\tPLAN\tEVENT\tACTOR\tTO\tHASH")
			for _, e := range events {
				fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%.12s\n", e.Seq, e.Time.Local().Format("2006-01-02 15:04:05"), orElse(string(e.Plan), "–"), e.Type, e.Actor, orElse(string(e.To), "–"), e.Hash)
			}
			return flushThen(w, g.env.Stderr, "pitwall record verify")
		},
	}
}

func recordVerify(g *global) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "verify", Short: "Check every hash of the chain: exit 0 intact, 1 broken", Args: cobra.NoArgs,
		Long: `Walks the record from its first event and recomputes every hash. Exit code 0: intact;
1: broken, and the message names the event and how. With --file an export is checked
without any server.

Whoever can rewrite the whole record can rewrite the whole chain; keep the printed last
hash elsewhere and compare, and even that is seen.`,
		RunE: func(c *cobra.Command, _ []string) error { return verifyRecord(c.Context(), g, file) },
	}
	cmd.Flags().StringVar(&file, "file", "", "check this export (JSON lines) instead of asking the server")
	return cmd
}

func verifyRecord(ctx context.Context, g *global, file string) error {
	var n uint64
	var err error
	var last string
	if file != "" {
		f, oerr := os.Open(file)
		if oerr != nil {
			return &pitwall.Error{Op: "reading export", Kind: pitwall.Invalid, Err: oerr}
		}
		defer f.Close()
		events := record.Read(f)
		n, err = record.Verify(func(yield func(pitwall.Event, error) bool) {
			for e, err := range events {
				last = e.Hash
				if !yield(e, err) {
					return
				}
			}
		})
	} else {
		events, rerr := allEvents(ctx, newClient(g.server))
		if rerr != nil {
			return rerr
		}
		if len(events) > 0 {
			last = events[len(events)-1].Hash
		}
		n, err = record.Verify(func(yield func(pitwall.Event, error) bool) {
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
		})
	}
	switch {
	case err != nil && g.output == "json":
		if err := printJSON(g.env.Stdout, map[string]any{"schema": "pitwall.record-verify/1", "intact": false, "events": n, "error": err.Error()}); err != nil {
			return err
		}
		return exitError{exitNo}
	case err != nil:
		fmt.Fprintf(g.env.Stdout, "BROKEN after %d events: %v\n", n, err)
		return exitError{exitNo}
	case g.output == "json":
		return printJSON(g.env.Stdout, map[string]any{"schema": "pitwall.record-verify/1", "intact": true, "events": n, "last_hash": last})
	}
	fmt.Fprintf(g.env.Stdout, "intact: %d events, last hash %s\n", n, last)
	return nil
}

func recordExport(g *global) *cobra.Command {
	return &cobra.Command{
		Use: "export", Short: "The record as JSON lines", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			events, err := allEvents(c.Context(), newClient(g.server))
			if err != nil {
				return err
			}
			_, err = record.Export(g.env.Stdout, func(yield func(pitwall.Event, error) bool) {
				for _, e := range events {
					if !yield(e, nil) {
						return
					}
				}
			})
			return err
		},
	}
}
