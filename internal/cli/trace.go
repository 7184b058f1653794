package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/source/tracefile"
)

// pathing is how critical paths are looked for.
type pathing struct {
	compat  string
	root    string
	slowest int
}

func criticalPathCommand(g *global) *cobra.Command {
	var how pathing
	cmd := &cobra.Command{
		Use: "critical-path FILE…", Short: "What requests waited for, from a file of traces", Args: cobra.MinimumNArgs(1),
		Long: `Says which spans a request waited for, and how long for each. Calls that ran side by side count
once: only the one that ended last held the request up. So the times of all rows add up to the
duration of the requests, and making a row faster makes the requests faster, by no more than what
the row says.

A file holds traces as Jaeger's page saves them (Trace JSON), or OTLP as JSON (resourceSpans), one
request or one a line, as the OpenTelemetry Collector's file exporter writes them; gzip is fine.
"-" reads standard input. Of each trace the request is its first span, or with --root every span
of that name.

The table sums over all requests, lists the slowest, and the calls that one run of an operation
makes three times and more in a row (a query in a loop) or again after a failure; -o json gives for
the slowest every section of the path: which span, from when to when.

--compat crisp reckons as Uber's CRISP does: calls that overlap by less than one percent ran one
after the other, times need not add up to the request, and it says what would be saved if no span
failed.`,
		Example: `  pitwall trace critical-path trace.json
  pitwall trace critical-path traces.jsonl.gz --root 'GET /cart' -o json
  curl -s 'http://jaeger:16686/api/traces?service=cart&limit=100' | pitwall trace critical-path -`,
		RunE: func(c *cobra.Command, args []string) error { return criticalPath(c.Context(), g, how, args) },
	}
	f := cmd.Flags()
	f.StringVar(&how.compat, "compat", "", `"crisp": reckon as Uber's CRISP does`)
	f.StringVar(&how.root, "root", "", "requests are the spans of this operation, instead of each trace's first")
	f.IntVar(&how.slowest, "slowest", 5, "how many of the slowest requests to tell one by one")
	return cmd
}

// pathView is the answer as JSON. Times are seconds.
type pathView struct {
	Compat     string          `json:"compat,omitempty"`
	Requests   int             `json:"requests"`
	Total      float64         `json:"total_s"` // of all requests
	Operations []pathOperation `json:"operations"`
	Failures   *pathFailures   `json:"failures,omitempty"` // crisp only
	Slowest    []pathRequest   `json:"slowest"`
	Repeated   []pathRepeat    `json:"repeated"` // calls made in a row or again, all traces of the files
}

// pathRepeat is a call that one run of an operation makes several times.
type pathRepeat struct {
	Service   pitwall.ServiceName `json:"service"`
	Operation string              `json:"operation"`
	Call      string              `json:"call"` // its statement, or else its name
	Callee    pitwall.ServiceName `json:"callee,omitempty"`
	Calls     int                 `json:"calls"`
	Median    float64             `json:"in_a_row"`     // of one run, median
	P95       float64             `json:"in_a_row_p95"` // likewise
	Same      pitwall.Ratio       `json:"same"`         // of the calls: asked before, word for word
	Retries   int                 `json:"retries"`      // calls made again after one that failed
	Retrying  float64             `json:"retrying_s"`   // what those that failed and the waits after them took
}

type pathOperation struct {
	Service   pitwall.ServiceName `json:"service"`
	Operation string              `json:"operation"`
	Critical  float64             `json:"critical_s"`
	Share     pitwall.Ratio       `json:"share"` // of the total
	Sections  int                 `json:"sections"`
	Requests  int                 `json:"requests"` // that waited for it
}

// pathFailures is what CRISP says of failed spans.
type pathFailures struct {
	Work      float64 `json:"work_s"` // all spans
	WorkSaved float64 `json:"work_saved_s"`
	PathSaved float64 `json:"path_saved_s"`
}

type pathRequest struct {
	TraceID    string              `json:"trace_id"`
	Service    pitwall.ServiceName `json:"service"`
	Operation  string              `json:"operation"`
	Start      time.Time           `json:"start"`
	Duration   float64             `json:"duration_s"`
	Operations []pathOperation     `json:"operations"`
	Sections   []pathSection       `json:"sections,omitempty"`
	Failures   *pathFailures       `json:"failures,omitempty"`
}

type pathSection struct {
	SpanID    string              `json:"span_id"`
	Service   pitwall.ServiceName `json:"service"`
	Operation string              `json:"operation"`
	From      float64             `json:"from_s"` // after the request's start
	Duration  float64             `json:"duration_s"`
}

func criticalPath(ctx context.Context, g *global, how pathing, files []string) error {
	if how.compat != "" && how.compat != "crisp" {
		return pitwall.Errorf(pitwall.Invalid, "finding critical paths", "--compat is %q; there is only crisp", how.compat)
	}
	if how.slowest < 0 {
		return pitwall.Errorf(pitwall.Invalid, "finding critical paths", "--slowest is %d; it is a number of requests, 0 or more", how.slowest)
	}
	b := &pitwall.SpanBatch{}
	for _, name := range files {
		if err := readTraceFile(ctx, g, b, name); err != nil {
			return err
		}
	}
	p := newPaths(b, how)
	p.warn(g.env.Stderr)
	roots, err := p.roots()
	if err != nil {
		return err
	}
	v := p.view(roots)
	if g.output == "json" {
		return printJSON(g.env.Stdout, v)
	}
	return v.print(g)
}

// whileWanted ends a file when its reader is interrupted: one may be large, or
// never end.
type whileWanted struct {
	ctx context.Context
	in  io.Reader
}

func (w whileWanted) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.in.Read(p)
}

func readTraceFile(ctx context.Context, g *global, b *pitwall.SpanBatch, name string) error {
	var in io.Reader = g.env.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return &pitwall.Error{Op: "reading traces", Kind: pitwall.NotFound, Err: err, Hint: `give the path of a file with traces; "-" reads standard input`}
		}
		defer f.Close()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return &pitwall.Error{Op: "reading traces", Kind: pitwall.Invalid, ID: name, Err: errors.New("it is a directory"), Hint: "name the files in it: " + filepath.Join(name, "*.json")}
		}
		in = f
	}
	said, err := tracefile.Read(b, name, whileWanted{ctx, in})
	if err != nil {
		return err
	}
	if said.Unfit > 0 {
		fmt.Fprintf(g.env.Stderr, "warning: %s: %d spans are left out, the last for: %s\n", name, said.Unfit, said.Why)
	}
	return nil
}
