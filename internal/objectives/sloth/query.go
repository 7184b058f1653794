package sloth

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// queries checks the PromQL of an objective.
func (r *reading) queries(n *yaml.Node, o SLO) error {
	if o.ErrorRatio != "" || o.ErrorQuery == "" && o.TotalQuery == "" && o.GoodQuery == "" {
		ratio, err := r.query(n, "error_ratio_query", o.ErrorRatio)
		if err == nil && !ratio.Windowed() {
			r.Warn(lineOf(n, "error_ratio_query"), "error_ratio_query has no [{{.window}}], so every window shows the same")
		}
		return err
	}
	name, text := "error_query", o.ErrorQuery
	if o.GoodQuery != "" {
		name, text = "good", o.GoodQuery
	}
	part, err := r.query(n, name, text)
	if err != nil {
		return err
	}
	total, err := r.query(n, "total_query", o.TotalQuery)
	if err != nil {
		return err
	}
	return r.pair(n, name, part, total)
}

// pair compares the two halves of a ratio: they must look back over the same
// window and count in the same unit.
func (r *reading) pair(n *yaml.Node, name string, part, total promql.Expr) error {
	var scale string
	if a, b := promql.Scale(part), promql.Scale(total); a != b {
		scale = fmt.Sprintf("%s is scaled by %g and total_query by %g, so their ratio is no share of events", name, a, b)
	}
	partRange, totalRange := looksBack(part), looksBack(total)
	switch {
	case partRange != totalRange:
		msg := fmt.Sprintf("%s looks back %s and total_query %s", name, partRange, totalRange)
		if scale != "" {
			msg += "; " + scale
		}
		return r.Wrong(lineOf(n, "total_query"), "write [{{.window}}] in both", "%s", msg)
	case scale != "":
		r.Warn(lineOf(n, name), "%s", scale)
	case !part.Windowed():
		r.Warn(lineOf(n, name), "%s has no [{{.window}}], so every window shows the same", name)
	}
	return nil
}

// looksBack words the window of a query.
func looksBack(e promql.Expr) string {
	if e.Windowed() {
		return "each window"
	}
	for _, s := range promql.Selectors(e) {
		if s.Range > 0 {
			return "a fixed " + promql.Duration(s.Range)
		}
	}
	return "as its series do"
}

func (r *reading) query(n *yaml.Node, name, query string) (promql.Expr, error) {
	line := lineOf(n, name)
	if strings.TrimSpace(query) == "" {
		return promql.Expr{}, r.Wrong(line, "write PromQL with [{{.window}}]", "%s is missing", name)
	}
	e, err := promql.Parse(query)
	switch {
	case err != nil:
		return e, r.Wrong(line, pitwall.HintOf(err), "%s: %w", name, err)
	case e.Range():
		return e, r.Wrong(line, "wrap it: rate(x[{{.window}}])", "%s gives stretches of samples, not numbers", name)
	}
	return e, nil
}

// lineOf finds the line of a field below a node, in either spelling.
func lineOf(n *yaml.Node, name string) int {
	plain := func(s string) string { return strings.ReplaceAll(s, "_", "") }
	return strict.LineOf(n, func(key string) bool { return strings.EqualFold(plain(key), plain(name)) })
}
