package promql

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pitwall/pitwall"
	"github.com/prometheus/prometheus/promql/parser"
)

// Bounds on one query. Parsing takes time that grows with the square of what is
// nested, and walks over a query recurse.
const (
	maxQuery   = 64 << 10
	maxTokens  = 8000
	maxNesting = 500
)

// Expr is a PromQL expression whose syntax is right. The zero Expr is none.
type Expr struct {
	text     string
	node     parser.Expr
	windowed bool
}

// Text is the query as it was written.
func (e Expr) Text() string { return e.text }

// Windowed says whether the query leaves its window open: [{{.window}}].
func (e Expr) Windowed() bool { return e.windowed }

// IsZero says whether nothing was parsed.
func (e Expr) IsZero() bool { return e.node == nil }

// String is the query in Prometheus' own spacing, without comments; an open
// window is filled in with [5m].
func (e Expr) String() string {
	if e.node == nil {
		return ""
	}
	return e.node.String()
}

// Scalar says whether the expression yields one number instead of series.
func (e Expr) Scalar() bool { return e.node != nil && e.node.Type() == parser.ValueTypeScalar }

// Range says whether the expression yields stretches of samples, such as x[5m],
// which only a function can use.
func (e Expr) Range() bool { return e.node != nil && e.node.Type() == parser.ValueTypeMatrix }

// SyntaxError is where and why a query could not be read.
type SyntaxError struct {
	Line, Column int // both from 1; columns are characters
	Text         string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Text)
}

// Parse reads a query. [{{.window}}], as in Sloth's files, is read as a window.
// Its error is a pitwall.Error around a SyntaxError.
func Parse(query string) (Expr, error) {
	switch {
	case strings.TrimSpace(query) == "":
		return Expr{}, wrong(query, 0, "the query is empty")
	case len(query) > maxQuery:
		return Expr{}, wrong(query, 0, fmt.Sprintf("%d bytes are longer than the %d allowed", len(query), maxQuery))
	}
	text, windowed := sameLength(query)
	if tooMany(text) {
		return Expr{}, wrong(query, 0, fmt.Sprintf("it has more than %d words and signs", maxTokens))
	}
	node, err := parser.NewParser(parser.Options{}).ParseExpr(text)
	if err != nil {
		return Expr{}, explain(query, err)
	}
	if deep(node) {
		return Expr{}, wrong(query, 0, fmt.Sprintf("it is nested deeper than %d", maxNesting))
	}
	return Expr{text: query, node: node, windowed: windowed}, nil
}

// tooMany counts words and signs before the parser does work that grows with
// their square.
func tooMany(query string) bool {
	lex := parser.Lex(query)
	for range maxTokens {
		var item parser.Item
		lex.NextItem(&item)
		if item.Typ == parser.EOF || item.Typ == parser.ERROR {
			return false
		}
	}
	return true
}

// deep walks without recursion.
func deep(root parser.Node) bool {
	type place struct {
		node  parser.Node
		depth int
	}
	stack := []place{{root, 1}}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if p.depth > maxNesting {
			return true
		}
		for child := range parser.ChildrenIter(p.node) {
			stack = append(stack, place{child, p.depth + 1})
		}
	}
	return false
}

// explain turns the parser's first error into ours.
func explain(query string, err error) error {
	var list parser.ParseErrors
	if errors.As(err, &list) && len(list) > 0 {
		return wrong(query, int(list[0].PositionRange.Start), list[0].Err.Error())
	}
	var one *parser.ParseErr
	if errors.As(err, &one) {
		return wrong(query, int(one.PositionRange.Start), one.Err.Error())
	}
	return wrong(query, 0, err.Error())
}

// Wrong is an error at a byte of a query, for those who understand its syntax
// and refuse its meaning.
func Wrong(query string, at int, hint, text string) error {
	line, column := place(query, at)
	return &pitwall.Error{Op: "reading PromQL", Kind: pitwall.Invalid, Hint: hint, Err: &SyntaxError{Line: line, Column: column, Text: text}}
}

func wrong(query string, at int, text string) error { return Wrong(query, at, hint(query, text), text) }

// place is the line and column of a byte, both from 1.
func place(query string, at int) (line, column int) {
	before := query[:max(0, min(at, len(query)))]
	last := strings.LastIndexByte(before, '\n') + 1
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[last:])
}

// hint says what to try next, for the mistakes that people make most.
func hint(query, text string) string {
	switch {
	case strings.Contains(query, "{{"):
		return "of templates only [{{.window}}] is read; fill in the others"
	case strings.TrimSpace(query) == "":
		return "write a PromQL expression such as sum(rate(http_requests_total[5m]))"
	case strings.Contains(text, "expected type range vector"):
		return "rate and increase need a window: rate(x[5m])"
	case strings.Contains(text, "expected type instant vector"):
		return "wrap the window in a function: rate(x[5m])"
	case strings.Contains(text, "unknown function"):
		return "see the list of functions in Prometheus' documentation; MetricsQL and other dialects are not read"
	case strings.Contains(text, "unclosed"), strings.Contains(text, "unexpected end of input"):
		return "a bracket or a quote is left open"
	}
	return "try it in Prometheus' expression browser"
}
