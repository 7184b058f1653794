package diagnose

import (
	"strings"

	"github.com/pitwall/pitwall"
)

// operation is one thing a service does for others: a server span's name.
type operation struct {
	service pitwall.ServiceName
	name    string
}

func (o operation) String() string { return strings.TrimSpace(string(o.service) + " " + o.name) }

// call is one kind of outgoing call an operation makes.
type call struct {
	from      int // the calling operation
	to        int // the operation that answers, or leaf
	peer      string
	name      string // of the client span
	statement string // shape of the database statement
	db        bool
}

// leaf is the callee of a call that nobody answers with a span of its own: a
// database, or a service outside our sight.
const leaf = -1

// graph is the vocabulary both sides share: operations and calls by number.
type graph struct {
	ops   []operation
	calls []call
	opID  map[operation]int
	callN map[call]int
}

func newGraph() *graph {
	return &graph{opID: map[operation]int{}, callN: map[call]int{}}
}

func (g *graph) op(o operation) int {
	id, ok := g.opID[o]
	if !ok {
		id = len(g.ops)
		g.opID[o] = id
		g.ops = append(g.ops, o)
	}
	return id
}

func (g *graph) call(c call) int {
	id, ok := g.callN[c]
	if !ok {
		id = len(g.calls)
		g.callN[c] = id
		g.calls = append(g.calls, c)
	}
	return id
}

// callee is who a call goes to, as a person would say it.
func (g *graph) callee(c call) operation {
	if c.to != leaf {
		return g.ops[c.to]
	}
	if c.peer != "" {
		return operation{pitwall.ServiceName(c.peer), c.name}
	}
	return operation{g.ops[c.from].service, c.name}
}

// edge names a call: "checkout → inventory POST /v1/items/lookup".
func (g *graph) edge(c call) string {
	return string(g.ops[c.from].service) + " → " + g.callee(c).String()
}

// callsOf are the calls that an operation makes.
func (g *graph) callsOf(op int) []int { return g.filter(func(c call) bool { return c.from == op }) }

// callsTo are the calls that an operation answers.
func (g *graph) callsTo(op int) []int { return g.filter(func(c call) bool { return c.to == op }) }

func (g *graph) filter(keep func(call) bool) []int {
	var list []int
	for i, c := range g.calls {
		if keep(c) {
			list = append(list, i)
		}
	}
	return list
}

// shape is a statement with its values removed, so that the same query with
// other numbers is the same query: digits and quoted strings become "?", and a
// list of placeholders becomes one.
func shape(statement string) string {
	var b strings.Builder
	quoted, inWord, skipping := false, false, false
	for _, r := range statement {
		switch {
		case r == '\'':
			quoted = !quoted
			if quoted {
				b.WriteByte('?')
			}
			continue
		case quoted:
			continue
		case r >= '0' && r <= '9' && !inWord:
			if !skipping {
				b.WriteByte('?')
			}
			skipping = true
			continue
		case r == '\n' || r == '\t':
			r = ' '
		}
		skipping = false
		inWord = r == '_' || r == '$' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || inWord && r >= '0' && r <= '9'
		b.WriteRune(r)
	}
	s := b.String()
	for strings.Contains(s, "?, ?") {
		s = strings.ReplaceAll(s, "?, ?", "?")
	}
	for strings.Contains(s, "(?), (?)") {
		s = strings.ReplaceAll(s, "(?), (?)", "(?)")
	}
	return strings.Join(strings.Fields(s), " ")
}
