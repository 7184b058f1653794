package casefile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/logs"
	"github.com/pitwall/pitwall/internal/otelspan"
	"github.com/pitwall/pitwall/internal/source/otelrows"
)

// mostSpans of a case; each takes some 300 bytes.
const mostSpans = 4 << 20

// Spans answers as a span store would: whole traces when the query wants them.
func (c *Case) Spans(ctx context.Context, q pitwall.SpanQuery) (*pitwall.SpanBatch, error) {
	if c.read == nil { // both periods are asked for
		b, err := c.allSpans(ctx)
		if err != nil {
			return nil, err
		}
		c.read = b
	}
	return otelspan.Answer([]*pitwall.SpanBatch{c.read}, q), nil
}

func (c *Case) allSpans(ctx context.Context) (*pitwall.SpanBatch, error) {
	names, err := c.files(c.spans, "spans.jsonl")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, c.absent("spans")
	}
	b := &pitwall.SpanBatch{}
	return b, c.requests(ctx, names, func(line []byte) error {
		if b.Len() > mostSpans {
			return fmt.Errorf("there are more than %d spans", mostSpans)
		}
		td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(line)
		if err != nil {
			return errNotOTLP
		}
		otelrows.Add(b, td)
		return nil
	})
}

// errNotOTLP says no more: the decoder's own words quote what it read, which may
// be anything, and an error is shown to whoever asked.
var errNotOTLP = errors.New("this is no OTLP as JSON, one request a line")

// requests gives each line of the files that the decoder may be given.
func (c *Case) requests(ctx context.Context, names []string, each func([]byte) error) error {
	return c.each(ctx, names, func(_ string, in io.Reader) error {
		return lines(in, func(line []byte) error {
			if err := sound(line); err != nil {
				return err
			}
			return each(line)
		})
	})
}

// A system that writes its lines by format strings has some thousand patterns:
// mostPatterns are counted, and of those that are there, the comparison is of the
// most frequent, as a log store answers. longestLine is what is read of one line.
const (
	mostPatterns     = 50_000
	comparedPatterns = 1000
	longestLine      = 4 << 10
)

// LogMoves gives the patterns that were clustered when the case was recorded,
// and beside them those of the lines themselves.
func (c *Case) LogMoves(ctx context.Context, baseline, window pitwall.Period) ([]pitwall.LogMove, error) {
	list, known, err := c.patterns()
	if err != nil {
		return nil, err
	}
	names, err := c.files(c.logs, "logs.jsonl")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 && !known {
		return nil, c.absent("logs")
	}
	count := counting{scale: window.Duration().Seconds() / baseline.Duration().Seconds(), baseline: baseline, window: window,
		moves: map[patternKey]*pitwall.LogMove{}}
	err = c.requests(ctx, names, func(line []byte) error {
		ld, err := (&plog.JSONUnmarshaler{}).UnmarshalLogs(line)
		if err != nil {
			return errNotOTLP
		}
		count.add(ld)
		if len(count.moves) > mostPatterns {
			return fmt.Errorf("its lines have more than %d patterns", mostPatterns)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return count.beside(list), nil
}

// patterns reads log_patterns.json, whose counts are those of the whole system.
func (c *Case) patterns() ([]pitwall.LogMove, bool, error) {
	var in []struct {
		Signature string  `json:"signature"`
		Service   string  `json:"service"`
		Count     float64 `json:"count"`
		Delta     string  `json:"delta_vs_baseline"`
		Sentiment string  `json:"sentiment"`
	}
	found, err := c.object("log_patterns.json", &in)
	if err != nil || !found {
		return nil, false, err
	}
	list := make([]pitwall.LogMove, 0, len(in))
	for _, p := range in {
		m := pitwall.LogMove{Service: pitwall.ServiceName(p.Service), Template: p.Signature, Before: -1, After: p.Count,
			Example: p.Signature, Bad: p.Sentiment == "negative"}
		if d, err := strconv.ParseFloat(strings.TrimPrefix(p.Delta, "+"), 64); err == nil {
			m.Before = max(0, p.Count-d)
		}
		list = append(list, m)
	}
	return list, true, nil
}

type patternKey struct{ service, template string }

// counting adds log lines up by pattern.
type counting struct {
	scale            float64 // length of the window over that of the baseline
	baseline, window pitwall.Period
	moves            map[patternKey]*pitwall.LogMove
	order            []patternKey
}

func (n *counting) add(ld plog.Logs) {
	for _, rl := range ld.ResourceLogs().All() {
		service := ""
		if v, ok := rl.Resource().Attributes().Get("service.name"); ok {
			service = v.AsString()
		}
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				n.line(service, r)
			}
		}
	}
}

func (n *counting) line(service string, r plog.LogRecord) {
	at := r.Timestamp().AsTime()
	if r.Timestamp() == 0 {
		at = r.ObservedTimestamp().AsTime()
	}
	text := r.Body().AsString()
	text = strings.ToValidUTF8(text[:min(len(text), longestLine)], "")
	key := patternKey{service, logs.Template(text)}
	m := n.moves[key]
	if m == nil {
		m = &pitwall.LogMove{Service: pitwall.ServiceName(service), Template: key.template, Example: text}
		n.moves[key] = m
		n.order = append(n.order, key)
	}
	if s := pitwall.LogSeverity(r.SeverityNumber()); s > m.Severity {
		m.Severity, m.Example = s, text
	}
	m.Bad = m.Bad || m.Severity >= pitwall.SeverityWarn
	n.count(m, at)
}

func (n *counting) count(m *pitwall.LogMove, at time.Time) {
	switch {
	case n.window.Contains(at):
		m.After++
	case n.baseline.Contains(at):
		m.Before += n.scale
	}
}

// beside adds what was counted to what was clustered already, in the order in
// which it first came.
func (n *counting) beside(list []pitwall.LogMove) []pitwall.LogMove {
	at, counted := map[patternKey]int{}, []patternKey{}
	for i, key := range n.order {
		if m := n.moves[key]; m.After > 0 || m.Before > 0 {
			at[key], counted = i, append(counted, key)
		}
	}
	if len(counted) > comparedPatterns {
		often := func(k patternKey) float64 { return max(n.moves[k].Before, n.moves[k].After) }
		slices.SortStableFunc(counted, func(a, b patternKey) int { return cmp.Compare(often(b), often(a)) })
		counted = counted[:comparedPatterns]
		slices.SortFunc(counted, func(a, b patternKey) int { return cmp.Compare(at[a], at[b]) })
	}
	for _, key := range counted {
		list = append(list, *n.moves[key])
	}
	return list
}
