package trace

import (
	"cmp"
	"slices"
	"sort"

	"github.com/pitwall/pitwall"
)

// CRISP is what CRISP (Zhang et al., "CRISP: Critical Path Analysis of
// Large-Scale Microservice Architectures", USENIX ATC 2022) says of one
// request. It is here so that its users find their figures again; Pitwall
// itself reckons with CriticalPath, which sums to the request. Times are
// nanoseconds.
type CRISP struct {
	Path []CRISPSpan // the spans on the path, parents before children
	// Work is the sum of the durations of all spans, as if a caller worked while
	// it waits; WorkSaved is the part of it in spans that failed.
	Work, WorkSaved int64
	// PathSaved is how much shorter the request would be if spans that failed
	// took no time and what ran after them moved up.
	PathSaved int64
}

// CRISPSpan is a span on CRISP's path.
type CRISPSpan struct {
	Span int // row of the batch
	// Exclusive is its duration less that of its children on the path, at
	// least 0. Children may overlap a little and still all be on the path, so
	// the sum may differ from the request's duration.
	Exclusive int64
}

// The tolerances of CRISP, as shares.
const (
	crispOverlap = 0.01 // of the parent's duration: siblings that overlap by less ran one after the other
	crispLonger  = 1.01 // a server's duration over its client's, at which it is still its answer
)

// CriticalPathCRISP finds CRISP's critical path of the request under root.
// It differs from CriticalPath in this: spans are clipped to their parents
// beforehand, save a server beneath a client, of which only the duration is
// capped; one that begins before its parent and ends after it is dropped with
// all beneath; and a sibling that overlaps the next by less than one percent of
// the parent still precedes it, at its full length.
func CriticalPathCRISP(b *pitwall.SpanBatch, f *Forest, root int) CRISP {
	c := &crisp{b: b, host: lookups(b, "host.name"), status: lookups(b, "http.status_code", "http.response.status_code"), grpc: lookups(b, "grpc.status")}
	c.sanitise(f, root)
	var out CRISP
	for i := range c.nodes {
		n := &c.nodes[i]
		out.Work += n.took
		if n.failed {
			out.WorkSaved += n.took
		}
		if n.onPath {
			out.Path = append(out.Path, CRISPSpan{Span: n.row, Exclusive: c.follow(n)})
		}
	}
	for i := len(c.nodes) - 1; i >= 0; i-- { // children before parents
		c.nodes[i].saved = c.savedBy(&c.nodes[i])
	}
	out.PathSaved = c.nodes[0].saved
	return out
}

// crisp holds one request as CRISP sees it.
type crisp struct {
	b                  *pitwall.SpanBatch
	host, status, grpc []uint32
	nodes              []crispNode // breadth first: the children of one node lie side by side
}

type crispNode struct {
	row            int
	from, to, took int64 // took may be less than to-from: a capped server
	first, last    int   // its children are nodes[first:last]
	parent         int   // -1: the root
	only           bool  // its parent called nothing else
	failed, onPath bool
	saved          int64
}

// sanitise copies the tree under root, clipped.
func (c *crisp) sanitise(f *Forest, root int) {
	c.nodes = append(c.nodes, crispNode{
		row: root, from: c.b.Start[root], to: c.b.Start[root] + c.b.Duration[root], took: c.b.Duration[root],
		parent: none, failed: c.failed(root), onPath: true,
	})
	for i := 0; i < len(c.nodes); i++ {
		c.nodes[i].first = len(c.nodes)
		children := f.Children(c.nodes[i].row)
		for _, row := range children {
			n := crispNode{row: int(row), from: c.b.Start[row], to: c.b.Start[row] + c.b.Duration[row], took: c.b.Duration[row],
				parent: i, only: len(children) == 1, failed: c.failed(int(row))}
			if c.fit(&n) {
				c.nodes = append(c.nodes, n)
			}
		}
		c.nodes[i].last = len(c.nodes)
	}
}

// fit clips a node to its parent; false: it is to be dropped.
func (c *crisp) fit(n *crispNode) bool {
	p := &c.nodes[n.parent]
	switch {
	case c.answers(n, p):
		n.took = min(n.took, p.took)
	case n.from >= p.from && n.to <= p.to:
	case n.from < p.from && n.to <= p.to && n.to > p.from:
		n.took -= p.from - n.from
		n.from = p.from
	case n.from >= p.from && n.to > p.to && n.from < p.to:
		n.took -= n.to - p.to
		n.to = p.to
	default:
		return false
	}
	return true
}

// answers says whether n is the remote side of the call p, whose clock may
// differ.
func (c *crisp) answers(n, p *crispNode) bool {
	if !n.only || float64(n.took) > crispLonger*float64(p.took) {
		return false
	}
	kind := c.b.Kind
	if kind[n.row] == pitwall.SpanServer {
		if kind[p.row] == pitwall.SpanClient {
			return true
		}
		if kind[p.row] != pitwall.SpanServer && p.parent != none && kind[c.nodes[p.parent].row] == pitwall.SpanServer {
			return true
		}
	}
	here, there := attribute(c.b, p.row, c.host), attribute(c.b, n.row, c.host)
	return here != "" && there != "" && here != there
}

// failed follows CRISP: any status from 400 up is a failure, the client's
// fault too.
func (c *crisp) failed(row int) bool {
	status := attribute(c.b, row, c.status)
	grpc := attribute(c.b, row, c.grpc)
	return c.b.Failed[row] || len(status) == 3 && status >= "400" || grpc != "" && grpc != "OK"
}

// follow marks the children of n that are on the path and gives n's exclusive
// time.
func (c *crisp) follow(n *crispNode) int64 {
	own := n.took
	o := c.orderOf(n)
	later := none
	for at := len(o.byEnd) - 1; at >= 0; at-- {
		i := o.byEnd[at]
		if later != none && !o.before(&c.nodes[i], &c.nodes[later]) {
			continue
		}
		c.nodes[i].onPath = true
		own -= c.nodes[i].took
		later = i
	}
	return max(0, own)
}

// order is the children of one node in time.
type order struct {
	span         int64 // duration of the parent
	byEnd        []int // nodes
	starts, ends []int64
}

func (c *crisp) orderOf(n *crispNode) order {
	o := order{span: n.took}
	for i := n.first; i < n.last; i++ {
		o.byEnd = append(o.byEnd, i)
		o.starts, o.ends = append(o.starts, c.nodes[i].from), append(o.ends, c.nodes[i].to)
	}
	slices.SortFunc(o.byEnd, func(x, y int) int {
		return cmp.Or(cmp.Compare(c.nodes[x].to, c.nodes[y].to), cmp.Compare(c.nodes[x].row, c.nodes[y].row))
	})
	slices.Sort(o.starts)
	slices.Sort(o.ends)
	return o
}

// before says that x precedes y: it ends before y begins, or they overlap by
// less than the tolerance and nothing else happens meanwhile.
func (o *order) before(x, y *crispNode) bool {
	if x.to < y.from {
		return true
	}
	if x.to >= y.to || x.from >= y.from || o.span <= 0 || float64(x.to-y.from)/float64(o.span) >= crispOverlap {
		return false
	}
	return within(o.starts, y.from, x.to)+within(o.ends, y.from, x.to) == 2
}

// within counts the sorted times in [from, to].
func within(times []int64, from, to int64) int {
	return sort.Search(len(times), func(i int) bool { return times[i] > to }) - sort.Search(len(times), func(i int) bool { return times[i] >= from })
}

// lookups are the dictionary numbers of those keys that the batch knows.
func lookups(b *pitwall.SpanBatch, keys ...string) []uint32 {
	var list []uint32
	for _, k := range keys {
		if id, ok := b.Lookup(k); ok {
			list = append(list, id)
		}
	}
	return list
}

// attribute is the text of the first attribute of a span that has one of the
// keys; "": it has none.
func attribute(b *pitwall.SpanBatch, row int, keys []uint32) string {
	if len(keys) == 0 {
		return ""
	}
	from, to := attributes(b, row)
	for j := from; j < to; j++ {
		if slices.Contains(keys, b.AttrKey[j]) {
			return b.Strings[b.AttrValue[j]]
		}
	}
	return ""
}

// attributes is where a span's own lie in AttrKey and AttrValue.
func attributes(b *pitwall.SpanBatch, row int) (from, to uint32) {
	if row > 0 {
		from = b.AttrEnd[row-1]
	}
	return from, b.AttrEnd[row]
}
