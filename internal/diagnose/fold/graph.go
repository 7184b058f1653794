package fold

import (
	"strings"

	"github.com/pitwall/pitwall"
)

// Operation is one thing a service does for others: a server span's name.
type Operation struct {
	Service pitwall.ServiceName
	Name    string
}

// String is the operation as a person would say it.
func (o Operation) String() string { return strings.TrimSpace(string(o.Service) + " " + o.Name) }

// Call is one kind of outgoing call an operation makes.
type Call struct {
	From      int // the calling operation
	To        int // the operation that answers, or leaf
	Peer      string
	Name      string // of the client span
	Statement string // shape of the database statement
	DB        bool
}

// Leaf is the callee of a call that nobody answers with a span of its own: a
// database, or a service outside our sight.
const Leaf = -1

// Graph is the vocabulary both sides share: operations and calls by number.
type Graph struct {
	Ops   []Operation
	Calls []Call
	OpID  map[Operation]int
	callN map[Call]int
}

// NewGraph makes an empty one.
func NewGraph() *Graph {
	return &Graph{OpID: map[Operation]int{}, callN: map[Call]int{}}
}

func (g *Graph) op(o Operation) int {
	id, ok := g.OpID[o]
	if !ok {
		id = len(g.Ops)
		g.OpID[o] = id
		g.Ops = append(g.Ops, o)
	}
	return id
}

func (g *Graph) call(c Call) int {
	id, ok := g.callN[c]
	if !ok {
		id = len(g.Calls)
		g.callN[c] = id
		g.Calls = append(g.Calls, c)
	}
	return id
}

// Callee is who a call goes to, as a person would say it.
func (g *Graph) Callee(c Call) Operation {
	if c.To != Leaf {
		return g.Ops[c.To]
	}
	if c.Peer != "" {
		return Operation{pitwall.ServiceName(c.Peer), c.Name}
	}
	return Operation{g.Ops[c.From].Service, c.Name}
}

// Edge names a call: "checkout → inventory POST /v1/items/lookup".
func (g *Graph) Edge(c Call) string {
	return string(g.Ops[c.From].Service) + " → " + g.Callee(c).String()
}

// CallsOf are the calls that an operation makes.
func (g *Graph) CallsOf(op int) []int { return g.filter(func(c Call) bool { return c.From == op }) }

// CallsTo are the calls that an operation answers.
func (g *Graph) CallsTo(op int) []int { return g.filter(func(c Call) bool { return c.To == op }) }

func (g *Graph) filter(keep func(Call) bool) []int {
	var list []int
	for i, c := range g.Calls {
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
