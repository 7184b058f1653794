package coverage

import (
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
	"github.com/pitwall/pitwall/internal/trace"
)

const (
	confidence = 0.95
	none       = -1 // no span, where a row is expected
)

// Contexts is how well the calls of a sample hang together.
type Contexts struct {
	All      pitwall.ContextCoverage
	Services map[pitwall.ServiceName]pitwall.ContextCoverage
}

// Context counts the calls of a sample of whole traces, each at the service that
// was called. A server span without a parent counts only when others call that
// operation: a service that users reach is not broken, and neither is a health
// check. Spans that came twice count once.
func Context(b *pitwall.SpanBatch) Contexts {
	c := Contexts{Services: map[pitwall.ServiceName]pitwall.ContextCoverage{}}
	if b == nil {
		return c
	}
	g := newGeometry(b)
	for i := range b.Len() {
		mark := g.mark(i, g.called)
		if mark == noCall {
			continue
		}
		name := pitwall.ServiceName(b.Strings[b.Service[i]])
		one := c.Services[name]
		mark.count(&one)
		mark.count(&c.All)
		c.Services[name] = one
	}
	share(&c.All)
	for name, one := range c.Services {
		share(&one)
		c.Services[name] = one
	}
	return c
}

func share(c *pitwall.ContextCoverage) {
	if c.Calls == 0 {
		return
	}
	low, high := stats.Wilson(c.Joined, c.Calls, confidence)
	c.Share, c.Low, c.High = pitwall.Ratio(float64(c.Joined)/float64(c.Calls)), pitwall.Ratio(low), pitwall.Ratio(high)
}

// call is how one span hangs in its trace.
type call uint8

const (
	noCall call = iota
	joined
	orphan
	broken
)

func (m call) count(c *pitwall.ContextCoverage) {
	c.Calls++
	switch m {
	case joined:
		c.Joined++
	case orphan:
		c.Orphans++
	case broken:
		c.Broken++
	}
}

// geometry is a batch with its trees and who is called in it.
type geometry struct {
	b      *pitwall.SpanBatch
	f      *trace.Forest
	in     []bool // in a tree: not a duplicate
	called calls
}

// calls are the operations that other services call. A service whose context is
// lost altogether has none that shows it; then the names that callers gave their
// peers speak for the whole service.
type calls struct {
	operations map[operation]bool
	services   map[pitwall.ServiceName]bool
}

type operation struct {
	service pitwall.ServiceName
	name    string
}

func (c calls) has(o operation) bool { return c.operations[o] || c.services[o.service] }

// or is what either saw called.
func (c calls) or(d calls) calls {
	both := calls{map[operation]bool{}, map[pitwall.ServiceName]bool{}}
	for _, one := range []calls{c, d} {
		for o := range one.operations {
			both.operations[o] = true
		}
		for s := range one.services {
			both.services[s] = true
		}
	}
	return both
}

func newGeometry(b *pitwall.SpanBatch) *geometry {
	g := &geometry{b: b, f: trace.Build(b), in: make([]bool, b.Len())}
	for t := range g.f.Traces() {
		for _, i := range g.f.Spans(t) {
			g.in[i] = true
		}
	}
	g.called = g.whoIsCalled()
	return g
}

func (g *geometry) operation(i int) operation {
	return operation{pitwall.ServiceName(g.b.Strings[g.b.Service[i]]), g.b.Strings[g.b.Operation[i]]}
}

func (g *geometry) whoIsCalled() calls {
	c := calls{map[operation]bool{}, map[pitwall.ServiceName]bool{}}
	reached, known := map[pitwall.ServiceName]bool{}, map[pitwall.ServiceName]bool{}
	for i, kind := range g.b.Kind {
		if kind != pitwall.SpanServer || !g.in[i] {
			continue
		}
		o := g.operation(i)
		known[o.service] = true
		if p := g.f.Parent[i]; p != none && g.b.Service[p] != g.b.Service[i] {
			c.operations[o], reached[o.service] = true, true
		}
	}
	for i, kind := range g.b.Kind {
		if kind != pitwall.SpanClient || !g.in[i] || len(g.f.Children(i)) > 0 {
			continue
		}
		peer := serviceOf(g.b.Strings[g.b.Peer[i]])
		if known[peer] && !reached[peer] && peer != pitwall.ServiceName(g.b.Strings[g.b.Service[i]]) {
			c.services[peer] = true
		}
	}
	return c
}

// serviceOf reads the service out of a peer: "inventory" of "inventory",
// "inventory:8080" and "inventory.shop.svc".
func serviceOf(peer string) pitwall.ServiceName {
	if i := strings.IndexAny(peer, ".:"); i > 0 {
		peer = peer[:i]
	}
	return pitwall.ServiceName(peer)
}

// mark says how span i hangs in its trace.
func (g *geometry) mark(i int, called calls) call {
	switch {
	case !g.in[i]:
		return noCall
	case g.f.Parent[i] != none:
		return joined
	case g.b.ParentID[i] != 0:
		return orphan
	case g.b.Kind[i] == pitwall.SpanServer && called.has(g.operation(i)):
		return broken
	}
	return noCall
}
