package coverage

import (
	"math"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// The columns of a batch that a person knows as attributes.
const (
	attrPeer      = "server.address"
	attrStatement = "db.query.text"
	attrReqBytes  = "http.request.body.size"
	attrRespBytes = "http.response.body.size"
	// mostKeys bounds the attributes that are followed at one operation.
	mostKeys = 200
)

// sample is what the traces of one version show, one observation for each trace
// and operation: the spans of one trace are no independent witnesses.
type sample struct {
	g       *geometry
	mine    []bool // spans of the service and version
	spans   map[string][]float64
	attrs   map[place]*carries
	bunches map[place]*moments
}

// carries counts in how many traces an operation's first span had each attribute.
type carries struct {
	n    float64
	keys map[string]float64
}

type moments struct{ sum, squares float64 }

func newSample(s pitwall.ServiceName, v pitwall.Version, b *pitwall.SpanBatch) *sample {
	m := &sample{g: newGeometry(b), mine: make([]bool, b.Len()), spans: map[string][]float64{}, attrs: map[place]*carries{}, bunches: map[place]*moments{}}
	for i := range b.Len() {
		m.mine[i] = m.g.in[i] && b.Strings[b.Service[i]] == string(s) && b.Strings[b.Version[i]] == string(v)
	}
	size := m.sizes()
	for t := range m.g.f.Traces() {
		m.read(t, size)
	}
	return m
}

// sizes gives, for each server span of the service, how many spans of it the
// request left behind, itself included.
func (m *sample) sizes() []float64 {
	n := make([]float64, len(m.mine))
	for i, mine := range m.mine {
		if !mine {
			continue
		}
		top := i
		for !serves(m.g.b.Kind[top]) {
			p := m.g.f.Parent[top]
			if p == none || !m.mine[p] {
				break
			}
			top = int(p)
		}
		n[top]++
	}
	return n
}

func (m *sample) place(i int) place {
	b := m.g.b
	return place{b.Strings[b.Operation[i]], b.Kind[i], b.Strings[b.Peer[i]]}
}

func (m *sample) read(t int, size []float64) {
	count := map[place]float64{}
	for _, i := range m.g.f.Spans(t) {
		if !m.mine[i] {
			continue
		}
		p := m.place(int(i))
		if count[p]++; count[p] > 1 {
			continue
		}
		m.carry(int(i), p)
		if serves(p.kind) {
			m.spans[p.name] = append(m.spans[p.name], size[i])
		}
	}
	for p, n := range count {
		b := m.bunches[p]
		if b == nil {
			b = &moments{}
			m.bunches[p] = b
		}
		b.sum += n
		b.squares += n * n
	}
}

// bunch is how many spans of an operation come together: the mean square over
// the mean of its counts by trace, at least 1.
func (m *sample) bunch(p place) float64 {
	if b := m.bunches[p]; b != nil {
		return max(1, b.squares/b.sum)
	}
	return 1
}

func (m *sample) carry(i int, p place) {
	p.peer = "" // an attribute that names the peer must not make a place of its own
	c := m.attrs[p]
	if c == nil {
		c = &carries{keys: map[string]float64{}}
		m.attrs[p] = c
	}
	c.n++
	b, seen := m.g.b, map[string]bool{}
	note := func(key string, has bool) {
		if _, known := c.keys[key]; !has || seen[key] || !known && len(c.keys) >= mostKeys {
			return
		}
		seen[key] = true
		c.keys[key]++
	}
	note(attrPeer, b.Peer[i] != 0 && b.Strings[b.Peer[i]] != "")
	note(attrStatement, b.Statement[i] != 0 && b.Strings[b.Statement[i]] != "")
	note(attrReqBytes, b.ReqBytes[i] >= 0)
	note(attrRespBytes, b.RespBytes[i] >= 0)
	from := uint32(0)
	if i > 0 {
		from = b.AttrEnd[i-1]
	}
	for j := from; j < b.AttrEnd[i]; j++ {
		note(b.Strings[b.AttrKey[j]], true)
	}
}

// attributes finds those that most spans of an operation had and hardly one has.
func (c comparison) attributes() (all []tested) {
	if c.before.sample == nil || c.after.sample == nil {
		return nil
	}
	for p, was := range c.before.sample.attrs {
		is := c.after.sample.attrs[p]
		if was.n < enough || is == nil || is.n < enough {
			continue
		}
		for key, k1 := range was.keys {
			if k1/was.n < carried {
				continue
			}
			k2 := is.keys[key]
			all = append(all, tested{
				Drift: pitwall.Drift{Kind: AttributeGone, What: key + " of " + p.words(), Before: k1 / was.n, After: k2 / is.n, N: int64(is.n)},
				p:     fell(k1, was.n, k2, is.n), big: k2/is.n < goneBelow,
			})
		}
	}
	return all
}

// spans finds operations whose requests leave half as many spans behind, or
// twice as many.
func (c comparison) spans() (all []tested) {
	if c.before.sample == nil || c.after.sample == nil {
		return nil
	}
	for name, was := range c.before.sample.spans {
		is := c.after.sample.spans[name]
		if len(was) < enough || len(is) < enough {
			continue
		}
		t := tested{
			Drift: pitwall.Drift{Kind: FewerSpans, What: name, Before: stats.Mean(was), After: stats.Mean(is), N: int64(len(is))},
			p:     stats.Welch(logs(was), logs(is)).P,
		}
		if t.After > t.Before {
			t.Kind = MoreSpans
		}
		t.big = t.After >= 2*t.Before || t.After <= t.Before/2
		all = append(all, t)
	}
	return all
}

func logs(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.Log(v)
	}
	return out
}

// context finds lost trace context on both sides of the service: of the calls it
// takes, and of the calls it makes.
func (c comparison) context() (all []tested) {
	if c.before.sample == nil || c.after.sample == nil {
		return nil
	}
	called := c.before.sample.g.called.or(c.after.sample.g.called)
	was, is := c.before.sample.taken(called), c.after.sample.taken(called)
	all = append(all, lost("calls of "+string(c.Service), was, is)...)
	made := c.after.sample.made()
	for peer, was := range c.before.sample.made() {
		if float64(was.Hits) >= carried*float64(was.Trials) { // only peers that are seen themselves
			all = append(all, lost("calls to "+peer, was, made[peer])...)
		}
	}
	return all
}

func lost(what string, was, is stats.Share) []tested {
	if was.Trials < enough || is.Trials < enough {
		return nil
	}
	before, after := float64(was.Hits)/float64(was.Trials), float64(is.Hits)/float64(is.Trials)
	return []tested{{
		Drift: pitwall.Drift{Kind: ContextLost, What: what, Before: before, After: after, N: is.Trials},
		p:     fell(float64(was.Hits), float64(was.Trials), float64(is.Hits), float64(is.Trials)),
		big:   before-after >= lostPoints,
	}}
}

// taken counts the traces in which the service was called, and those of them in
// which all of its calls are joined.
func (m *sample) taken(called calls) (s stats.Share) {
	for t := range m.g.f.Traces() {
		calls, bad := 0, 0
		for _, i := range m.g.f.Spans(t) {
			if !m.mine[i] || m.g.b.Kind[i] != pitwall.SpanServer {
				continue
			}
			switch m.g.mark(int(i), called) {
			case noCall:
			case joined:
				calls++
			default:
				calls++
				bad++
			}
		}
		if calls > 0 {
			s.Trials++
			if bad == 0 {
				s.Hits++
			}
		}
	}
	return s
}

// made counts, for each peer, the traces in which the service called it without
// an error, and those of them in which the peer's own span is there.
func (m *sample) made() map[string]stats.Share {
	list := map[string]stats.Share{}
	b := m.g.b
	for t := range m.g.f.Traces() {
		answered := map[string]bool{}
		for _, i := range m.g.f.Spans(t) {
			if peer := b.Strings[b.Peer[i]]; m.mine[i] && b.Kind[i] == pitwall.SpanClient && !b.Failed[i] && peer != "" {
				before, known := answered[peer]
				answered[peer] = (before || !known) && m.answered(int(i))
			}
		}
		for peer, ok := range answered {
			s := list[peer]
			s.Trials++
			if ok {
				s.Hits++
			}
			list[peer] = s
		}
	}
	return list
}

// answered says whether another service's span hangs below a client span.
func (m *sample) answered(i int) bool {
	return slices.ContainsFunc(m.g.f.Children(i), func(c int32) bool { return m.g.b.Service[c] != m.g.b.Service[i] })
}
