package promapi

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// What the engine does not bound by itself: the time of parsing, the stack of a
// walk over a query, and the length of the labels a query makes.

func tooLong(n int) error {
	return fmt.Errorf("%d bytes are longer than the %d allowed", n, maxQuery)
}

// maxTokens bounds the words and signs of a query. Parsing takes time that
// grows with their square where they are nested: 64 KiB of minus signs take
// seconds, this many a twentieth of one.
const maxTokens = 8000

// maxNesting bounds how deep a query may be nested. The engine walks over a
// query by recursion, and the stack of a very deep one would end the process.
const maxNesting = 1000

// expression parses the parameter query and checks its bounds.
func (a *API) expression(form url.Values) (parser.Expr, *failure) {
	q := form.Get("query")
	if len(q) > maxQuery {
		return nil, wrong("query", tooLong(len(q)))
	}
	if n := tokens(q); n > maxTokens {
		return nil, wrong("query", fmt.Errorf("it has more than %d words and signs", maxTokens))
	}
	e, err := a.parser.ParseExpr(q)
	if err != nil {
		return nil, wrong("query", err)
	}
	if err := check(e); err != nil {
		return nil, wrong("query", err)
	}
	return e, nil
}

// tokens counts the words and signs of a query, and stops counting when there
// are too many.
func tokens(q string) int {
	n, lex := 0, parser.Lex(q)
	for n <= maxTokens {
		var item parser.Item
		lex.NextItem(&item)
		if item.Typ == parser.EOF || item.Typ == parser.ERROR {
			break
		}
		n++
	}
	return n
}

// maxGrowth bounds how many times longer than the labels it reads the labels
// that a query makes may be, and maxText the text it may put into each. Calls of
// label_replace in one another, each doubling what it got, would fill the memory
// with one short query.
const (
	maxGrowth = 64
	maxText   = 1 << 10
)

// check walks over an expression and says which bound it breaks.
func check(root parser.Expr) error {
	type place struct {
		node          parser.Node
		depth, growth int
	}
	stack := []place{{root, 1, 1}}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if call, ok := p.node.(*parser.Call); ok {
			times, text := growth(call)
			if p.growth *= times; p.growth > maxGrowth || text > maxText {
				return fmt.Errorf("%s makes labels too long: more than %d times what it reads, or %d bytes of text", call.Func.Name, maxGrowth, maxText)
			}
		}
		if p.depth > maxNesting {
			return fmt.Errorf("it is nested deeper than %d", maxNesting)
		}
		for child := range parser.ChildrenIter(p.node) {
			stack = append(stack, place{child, p.depth + 1, p.growth})
		}
	}
	return nil
}

// growth is how many times a call may repeat what it reads in one label, and
// the text it adds.
func growth(c *parser.Call) (times, text int) {
	if len(c.Args) < 3 {
		return 1, 0
	}
	switch c.Func.Name {
	case "label_replace": // (v, into, replacement, from, regex)
		replacement := literal(c.Args[2])
		return max(1, strings.Count(replacement, "$")), len(replacement)
	case "label_join": // (v, into, separator, from...)
		from := len(c.Args) - 3
		return max(1, from), from * len(literal(c.Args[2]))
	}
	return 1, 0
}

func literal(e parser.Expr) string {
	for {
		switch v := e.(type) {
		case *parser.ParenExpr:
			e = v.Expr
		case *parser.StringLiteral:
			return v.Val
		default:
			return ""
		}
	}
}
