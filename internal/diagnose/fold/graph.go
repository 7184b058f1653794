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
	heard map[heard]bool
}

// heard is a call by which operation, under which name, to whom, that somebody
// answers with a span of its own; an empty peer stands for any.
type heard struct {
	from       int
	name, peer string
}

// NewGraph makes an empty one.
func NewGraph() *Graph {
	return &Graph{OpID: map[Operation]int{}, callN: map[Call]int{}, heard: map[heard]bool{}}
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
		if c.To != Leaf {
			g.heard[heard{c.From, c.Name, c.Peer}], g.heard[heard{c.From, c.Name, ""}] = true, true
		}
	}
	return id
}

// answered says whether the same call is known with an answering span: then a
// call without one lost it on the way to us, and nobody can say where its time went.
func (g *Graph) answered(id int) bool {
	c := g.Calls[id]
	return !c.DB && g.heard[heard{c.From, c.Name, c.Peer}]
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
