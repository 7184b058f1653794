package tempo

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// expression is the part of TraceQL the client says, read by the rules of the
// documents: a field compared with text matches text only.
type expression struct {
	op          string // "and", "or", "all", or a comparison
	left, right *expression
	field       string
	value       string // a literal as it was written
}

var token = regexp.MustCompile(`^\s*("(?:[^"\\]|\\.)*"|&&|\|\||>=|!=|[{}()=]|-?[0-9][0-9.]*(?:ns)?|\.?[A-Za-z_][A-Za-z0-9_./-]*)`)

type parser struct {
	tokens []string
	err    error
}

func parse(q string) (*expression, error) {
	p := &parser{}
	for rest := q; strings.TrimSpace(rest) != ""; {
		m := token.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("parse error near %q", rest)
		}
		p.tokens = append(p.tokens, m[1])
		rest = rest[len(m[0]):]
	}
	p.want("{")
	e := &expression{op: "all"}
	if p.peek() != "}" {
		e = p.or()
	}
	p.want("}")
	if p.err == nil && len(p.tokens) > 0 {
		p.err = fmt.Errorf("parse error at %q", p.tokens[0])
	}
	return e, p.err
}

func (p *parser) peek() string {
	if len(p.tokens) == 0 {
		return ""
	}
	return p.tokens[0]
}

func (p *parser) next() string {
	t := p.peek()
	if len(p.tokens) > 0 {
		p.tokens = p.tokens[1:]
	}
	return t
}

func (p *parser) want(t string) {
	if got := p.next(); got != t && p.err == nil {
		p.err = fmt.Errorf("parse error: %q, want %q", got, t)
	}
}

func (p *parser) or() *expression {
	e := p.and()
	for p.peek() == "||" {
		p.next()
		e = &expression{op: "or", left: e, right: p.and()}
	}
	return e
}

func (p *parser) and() *expression {
	e := p.one()
	for p.peek() == "&&" {
		p.next()
		e = &expression{op: "and", left: e, right: p.one()}
	}
	return e
}

func (p *parser) one() *expression {
	if p.peek() == "(" {
		p.next()
		e := p.or()
		p.want(")")
		return e
	}
	e := &expression{field: p.next(), op: p.next(), value: p.next()}
	if e.op != "=" && e.op != ">=" && e.op != "!=" && p.err == nil {
		p.err = fmt.Errorf("parse error: operator %q", e.op)
	}
	return e
}

func (e *expression) matches(s spanIn) bool {
	switch e.op {
	case "all":
		return true
	case "and":
		return e.left.matches(s) && e.right.matches(s)
	case "or":
		return e.left.matches(s) || e.right.matches(s)
	}
	switch e.field {
	case "name":
		return strconv.Quote(s.span.Name()) == e.value
	case "status":
		return e.value == "error" && s.span.Status().Code() == ptrace.StatusCodeError
	case "kind":
		return e.value == "server" && s.span.Kind() == ptrace.SpanKindServer
	case "duration":
		n, _ := strconv.ParseInt(strings.TrimSuffix(e.value, "ns"), 10, 64)
		return int64(s.span.EndTimestamp()-s.span.StartTimestamp()) >= n
	}
	for _, scope := range []struct {
		prefix string
		in     pcommon.Map
	}{{"resource.", s.resource}, {"span.", s.span.Attributes()}, {".", s.resource}, {".", s.span.Attributes()}} {
		key, ok := strings.CutPrefix(e.field, scope.prefix)
		if v, has := scope.in.Get(key); ok && has && e.compare(v) {
			return true
		}
	}
	return false
}

func (e *expression) compare(v pcommon.Value) bool {
	switch {
	case e.op == "!=":
		return e.value == "nil"
	case strings.HasPrefix(e.value, `"`):
		return v.Type() == pcommon.ValueTypeStr && strconv.Quote(v.Str()) == e.value
	case v.Type() == pcommon.ValueTypeInt:
		n, err := strconv.ParseFloat(e.value, 64)
		return err == nil && (e.op == "=" && float64(v.Int()) == n || e.op == ">=" && float64(v.Int()) >= n)
	}
	return v.Type() != pcommon.ValueTypeStr && v.AsString() == e.value
}
