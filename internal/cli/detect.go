package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/source/seriesfile"
)

// scanning is how series of files are looked at.
type scanning struct {
	alpha  float64
	column string
	exit   bool
	online bool
}

func detectCommand(g *global) *cobra.Command {
	var how scanning
	cmd := &cobra.Command{
		Use: "detect FILE…", Short: "Change points and anomalies in series, with how sure they are", Args: cobra.MinimumNArgs(1),
		Annotations: map[string]string{outputs: "ndjson html"},
		Long: `Looks at each series as a whole, offline, and says where it changed (step, ramp, spike,
variance), by how much, between which rows, and with which probability a series that did not
change would show as much; what may become a change when more points come (suspect); and which
stretches are not as the past made expect (anomalies). A change is never taken back when rows
are appended.

A file is CSV with a header (time,value or several columns, parted by comma, semicolon or tab,
with a decimal point or comma, as a spreadsheet or Grafana writes it; gzip is fine; an empty
value is a missing point) or what a Prometheus answers to /api/v1/query_range. "-" reads
standard input.

-o json prints an object for one series and a list for several; ndjson an object a line. Rows
are 0-based, the header not counted; time is as the file spells it. -o html is a page with a
chart of each series, the changes marked with the interval they lie in.`,
		Example: `  pitwall detect latency.csv
  pitwall detect bench/*.csv -o ndjson --alpha 0.001
  curl -s 'http://prometheus:9090/api/v1/query_range?query=…' | pitwall detect - -o html > changes.html`,
		RunE: func(c *cobra.Command, args []string) error { return detectFiles(c.Context(), g, how, args) },
	}
	cmd.Flags().Float64Var(&how.alpha, "alpha", 0.01, "probability of any change in a series that has none, in (0, 0.5]")
	cmd.Flags().StringVar(&how.column, "column", "", "look at this column only")
	cmd.Flags().BoolVar(&how.online, "online", false, "also say when a detector that sees one point after the other would have rung, after 100 quiet ones")
	cmd.Flags().BoolVar(&how.exit, "exit-code", false, "exit 1 when there is a change")
	return cmd
}

func detectFiles(ctx context.Context, g *global, how scanning, files []string) error {
	if !(how.alpha > 0 && how.alpha <= 0.5) {
		return pitwall.Errorf(pitwall.Invalid, "detecting", "--alpha is %g; it is a probability above 0, at most 0.5", how.alpha)
	}
	all, err := readSeries(g, how, files)
	if err != nil {
		return err
	}
	out, err := newScanOutput(g, all)
	if err != nil {
		return err
	}
	changed := false
	if err := scanAll(ctx, how, all, func(s report.Scanned) error {
		changed = changed || len(s.Findings.Changes) > 0
		return out.add(s)
	}); err != nil {
		return err
	}
	if err := out.end(); err != nil {
		return err
	}
	if how.exit && changed {
		return exitError{exitNo}
	}
	return nil
}

// readSeries reads all files before anything is printed: a fault in the last is
// told at once.
func readSeries(g *global, how scanning, files []string) ([]report.Scanned, error) {
	var all []report.Scanned
	for _, name := range files {
		list, err := readSeriesFile(g, name)
		if err != nil {
			return nil, err
		}
		found := false
		for _, s := range list {
			if how.column != "" && s.Column != how.column {
				continue
			}
			if len(list) == 1 {
				s.Column = "" // the file says it all
			}
			if !found {
				leftOut(g, name, s.LeftOut)
			}
			found = true
			switch row := s.Unordered(); {
			case s.NewestFirst():
				fmt.Fprintf(g.env.Stderr, "warning: %s: its newest row is first, and rows are taken in the order of the file: what is said runs backwards in time. Sort it by time\n", name)
			case row >= 0:
				fmt.Fprintf(g.env.Stderr, "warning: %s: row %d is earlier than a row before it; rows are taken in the order of the file\n", name, row)
			}
			all = append(all, report.Scanned{File: s.File, Column: s.Column, Values: s.Value, At: s.At, Seconds: s.Seconds, Step: s.Step()})
		}
		if !found {
			return nil, pitwall.Errorf(pitwall.NotFound, "detecting", "%s has no column %q; it has %s", name, how.column, columnNames(list))
		}
	}
	return all, nil
}

// leftOut says which columns of a file are no series.
func leftOut(g *global, name string, columns []string) {
	for _, c := range columns {
		fmt.Fprintf(g.env.Stderr, "note: %s: column %q holds words and is left out\n", name, printable(c))
	}
}

func columnNames(list []seriesfile.Series) string {
	names := ""
	for i, s := range list {
		if i > 0 {
			names += ", "
		}
		names += s.Column
	}
	return names
}

func readSeriesFile(g *global, name string) ([]seriesfile.Series, error) {
	var in io.Reader = g.env.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, &pitwall.Error{Op: "reading series", Kind: pitwall.NotFound, Err: err, Hint: `give the path of a CSV file; "-" reads standard input`}
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return nil, &pitwall.Error{Op: "reading series", Kind: pitwall.Invalid, ID: name, Err: errors.New("it is a directory"), Hint: "name the files in it: " + filepath.Join(name, "*.csv")}
		}
		in = f
	}
	return seriesfile.Read(name, in)
}

// scanAll looks at series side by side and hands them on in their order.
func scanAll(ctx context.Context, how scanning, all []report.Scanned, each func(report.Scanned) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make([]chan struct{}, len(all))
	for i := range done {
		done[i] = make(chan struct{})
	}
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	go func() {
		for i := range all {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			go func() {
				all[i].Findings = detect.Scan(detect.ScanInput{Values: all[i].Values, Step: all[i].Step, Alpha: how.alpha, Online: how.online})
				close(done[i])
				<-slots
			}()
		}
	}()
	for i := range all {
		select {
		case <-done[i]:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := each(all[i]); err != nil {
			return err
		}
	}
	return nil
}

// scanOutput prints series as they come, in one of the outputs.
type scanOutput struct {
	g     *global
	only  bool // there is just one series
	views []report.ScanView
	pages []report.Scanned
	table *tabwriter.Writer
	found int
}

func newScanOutput(g *global, all []report.Scanned) (*scanOutput, error) {
	o := &scanOutput{g: g, only: len(all) == 1, views: []report.ScanView{}}
	if g.output == "table" {
		o.table = tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
		_, err := fmt.Fprintf(o.table, "SERIES\tROW\t%s\tWHAT\tIN WORDS\n", strings.ToUpper(report.ScanTime(all...)))
		return o, err
	}
	return o, nil
}

func (o *scanOutput) add(s report.Scanned) error {
	v := report.Scan(s)
	switch o.g.output {
	case "ndjson":
		enc := json.NewEncoder(o.g.env.Stdout)
		enc.SetEscapeHTML(false)
		return enc.Encode(v)
	case "json":
		o.views = append(o.views, v)
	case "html":
		o.pages = append(o.pages, s)
	default:
		return o.rows(v)
	}
	return nil
}

func (o *scanOutput) rows(v report.ScanView) error {
	name := v.File
	if v.Column != "" {
		name += " " + v.Column
	}
	name = printable(name)
	rows := v.Rows()
	o.found += len(rows)
	if len(rows) == 0 {
		_, err := fmt.Fprintf(o.table, "%s\t\t\t–\t%s\n", name, v.Text)
		return err
	}
	for _, r := range rows {
		if _, err := fmt.Fprintf(o.table, "%s\t%d\t%s\t%s\t%s\n", name, r.Row, orElse(printable(r.Time), "–"), r.What, r.Text); err != nil {
			return err
		}
	}
	return nil
}

// printable is a text from outside on one line of a table: without what would
// break it or steer the terminal.
func printable(s string) string {
	return oneLine(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s))
}

func (o *scanOutput) end() error {
	switch o.g.output {
	case "ndjson":
		return nil
	case "html":
		return report.WriteScan(o.g.env.Stdout, o.pages)
	case "json":
		if o.only {
			return printJSON(o.g.env.Stdout, o.views[0])
		}
		return printJSON(o.g.env.Stdout, o.views)
	}
	return flushThen(o.table, o.g.env.Stderr, "pitwall detect … -o html > changes.html draws them; -o json says why nothing was reported elsewhere")
}
