package fold

import (
	"slices"
	"strconv"

	"github.com/pitwall/pitwall"
)

// place gives every span beneath a headline span its operation or call and
// reads the numbers it carries. It keeps its own stack, for a broken trace may
// be deeper than ours.
func (f *folder) place(head int) {
	block := int32(f.block(f.b.Start[head]))
	f.tree = f.tree[:0]
	todo := append(f.todo[:0], int32(head))
	for len(todo) > 0 {
		i := int(todo[len(todo)-1])
		todo = todo[:len(todo)-1]
		f.tree = append(f.tree, int32(i))
		f.under[i] = block
		f.owner[i] = f.ownerOf(i, head)
		f.seen(i)
		if f.b.Kind[i] == pitwall.SpanClient {
			f.readCall(i)
		} else if f.owner[i] >= 0 && f.serves(i, head) {
			f.readOp(i)
		}
		todo = append(todo, f.f.Children(i)...)
	}
	f.todo = todo
}

// serves says whether a span opens an operation of its own. Internal spans
// belong to the operation around them.
func (f *folder) serves(i, head int) bool {
	return i == head || f.b.Kind[i] == pitwall.SpanServer || f.b.Kind[i] == pitwall.SpanConsumer
}

func (f *folder) ownerOf(i, head int) int32 {
	p := f.f.Parent[i]
	if !f.serves(i, head) && p >= 0 && f.owner[p] >= 0 && f.b.Service[p] == f.b.Service[i] {
		return f.owner[p]
	}
	return f.opOf(i)
}

// readOp takes in one server span.
func (f *folder) readOp(i int) {
	block, o := int(f.under[i]), f.Op(int(f.owner[i]))
	o.Total.Add(block, seconds(f.b.Duration[i]))
	f.runs(i)
	o.Failed.Add(block, share(f.b.Failed[i]))
	m := f.belongings(i)
	o.Self.Add(block, m.own)
	o.Children.Add(block, float64(m.calls))
	o.Threw.Add(block, share(f.b.Failed[i] && !m.broken))
	if m.calls > 0 {
		o.Lead.Add(block, seconds(m.first-f.b.Start[i]))
	}
	req, resp := f.b.ReqBytes[i], f.b.RespBytes[i]
	if p := f.f.Parent[i]; p >= 0 && f.b.Kind[p] == pitwall.SpanClient {
		req, resp = known(req, f.b.ReqBytes[p]), known(resp, f.b.RespBytes[p])
	}
	takeBytes(&o.Req, o.ReqLen, block, Sample{f.b.Start[i], float64(req)})
	takeBytes(&o.Resp, o.RespLen, block, Sample{f.b.Start[i], float64(resp)})
}

// runs notes since when the instance behind a span has been seen.
func (f *folder) runs(i int) {
	if f.runner == 0 {
		return
	}
	id := f.attribute(i, f.runner)
	if id == 0 {
		return
	}
	key := [2]uint32{f.b.Service[i], id}
	if at, ok := f.began[key]; !ok || f.b.Start[i] < at {
		f.began[key] = f.b.Start[i]
	}
}

// belonging is what a server span has with the internal spans it contains.
type belonging struct {
	own    float64 // own time, seconds
	calls  int
	first  int64 // start of the first call, unix nanoseconds
	broken bool  // a call failed
}

func (f *folder) belongings(i int) belonging {
	m := belonging{own: seconds(f.self[i])}
	todo := append(f.inner[:0], int32(i))
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, c := range f.f.Children(int(at)) {
			switch f.b.Kind[c] {
			case pitwall.SpanClient, pitwall.SpanProducer:
				if m.calls++; m.calls == 1 || f.b.Start[c] < m.first {
					m.first = f.b.Start[c]
				}
				m.broken = m.broken || f.b.Failed[c]
			case pitwall.SpanInternal, pitwall.SpanUnspecified:
				m.own += seconds(f.self[c])
				todo = append(todo, c)
			}
		}
	}
	f.inner = todo
	return m
}

// readCall takes in one client span.
func (f *folder) readCall(i int) {
	server := -1
	for _, c := range f.f.Children(i) {
		if f.b.Kind[c] == pitwall.SpanServer {
			server = int(c)
		}
	}
	id := f.callID(i, server)
	f.callOf[i] = int32(id)
	block, c := int(f.under[i]), f.Call(id)
	c.N[block]++
	took := Sample{f.b.Start[i], seconds(f.b.Duration[i])}
	c.Took.Add(block, took.V)
	c.Failed.Add(block, share(f.b.Failed[i]))
	if f.b.Failed[i] {
		c.Broke = append(c.Broke, took)
	} else {
		c.Passed = append(c.Passed, took)
	}
	c.Cut.Add(block, share(f.cut(i, server)))
	again := f.tries(i)
	c.Again.Add(block, share(again > 0))
	c.Tries = max(c.Tries, again)
	req, resp := f.b.ReqBytes[i], f.b.RespBytes[i]
	if server >= 0 {
		c.Way.Add(block, seconds(f.b.Duration[i]-f.b.Duration[server]))
		req, resp = known(req, f.b.ReqBytes[server]), known(resp, f.b.RespBytes[server])
	}
	takeBytes(&c.Req, c.ReqLen, block, Sample{f.b.Start[i], float64(req)})
	takeBytes(&c.Resp, c.RespLen, block, Sample{f.b.Start[i], float64(resp)})
}

// cut says whether the caller gave a call up: it failed, and whoever answers
// was at work for longer than the caller waited, or sent an answer that the
// caller does not have. Durations are compared and not times, for clocks of two
// machines differ.
func (f *folder) cut(i, server int) bool {
	if server < 0 || !f.b.Failed[i] {
		return false
	}
	return f.b.Duration[server] > f.b.Duration[i] || f.status(server) && !f.status(i)
}

// status says whether a span knows the status of the answer.
func (f *folder) status(i int) bool {
	return slices.ContainsFunc(f.replied, func(key uint32) bool { return f.attribute(i, key) != 0 })
}

// tries is how often a request was sent before.
func (f *folder) tries(i int) int {
	if f.resend == 0 {
		return 0
	}
	n, err := strconv.Atoi(f.b.Strings[f.attribute(i, f.resend)])
	if err != nil {
		return 0
	}
	return n
}

// attribute is the dictionary number of a span's value of a key; 0: it has none.
func (f *folder) attribute(i int, key uint32) uint32 {
	from := uint32(0)
	if i > 0 {
		from = f.b.AttrEnd[i-1]
	}
	for at := from; at < f.b.AttrEnd[i]; at++ {
		if f.b.AttrKey[at] == key {
			return f.b.AttrValue[at]
		}
	}
	return 0
}

// walk splits the headline request exactly over the places it waited in.
func (f *folder) walk(head int) {
	block := f.block(f.b.Start[head])
	for _, s := range f.walker.CriticalPath(head) {
		f.waited[s.Span] += s.Duration()
		took := seconds(s.Duration())
		if id := f.callOf[s.Span]; id >= 0 {
			if f.g.Calls[id].To == Leaf && !f.b.Failed[s.Span] && f.g.answered(int(id)) {
				f.Lost[block] += took
				continue
			}
			f.Call(int(id)).Gap[block] += took
			continue
		}
		f.Op(int(f.owner[s.Span])).Path[block] += took
	}
	f.carry(block)
}

// carry adds the time on the path to every call it passed through: what was
// waited for beneath a span is added up from the leaves to the headline span.
func (f *folder) carry(block int) {
	for n := len(f.tree) - 1; n >= 0; n-- { // children before parents
		i := f.tree[n]
		took := f.waited[i]
		if took == 0 {
			continue
		}
		if id := f.callOf[i]; id >= 0 {
			f.Call(int(id)).Whole[block] += seconds(took)
		}
		if n > 0 {
			f.waited[f.f.Parent[i]] += took
		}
	}
}

// blame follows a failed request down to where the failure began. Beneath a
// call that the caller gave up nothing counts: what is cut off fails as well.
func (f *folder) blame(head int) {
	block, at := f.block(f.b.Start[head]), head
	for {
		next := -1
		for _, c := range f.f.Children(at) {
			switch {
			case f.b.Failed[c]:
				next = int(c)
			case next >= 0 && f.b.Operation[c] == f.b.Operation[next] && f.b.Peer[c] == f.b.Peer[next]:
				next = -1 // tried again, with success
			}
		}
		if next < 0 || f.b.Kind[at] == pitwall.SpanClient && f.cut(at, next) {
			break
		}
		at = next
	}
	if id := f.callOf[at]; id >= 0 {
		f.Call(int(id)).Origin[block]++
		if f.refused(at) {
			f.Refused++
		}
		return
	}
	o := f.Op(int(f.owner[at]))
	o.Origin[block]++
	for _, key := range f.why {
		if v := f.attribute(at, key); v != 0 {
			o.Why[f.b.Strings[v]]++
			return
		}
	}
}

// refused says whether the answer to a call was that what is asked is wrong: a
// status of 4xx, but for those about who asks, how often and how long.
func (f *folder) refused(i int) bool {
	for _, key := range f.replied {
		if id := f.attribute(i, key); id != 0 {
			code := f.b.Strings[id]
			return len(code) == 3 && code[0] == '4' && !slices.Contains([]string{"401", "403", "407", "408", "429", "499"}, code)
		}
	}
	return false
}

func takeBytes(all *[]Sample, per Series, block int, s Sample) {
	if s.V < 0 {
		return
	}
	*all = append(*all, s)
	per.Add(block, s.V)
}

// known is the first size that was recorded, or -1.
func known(sizes ...int64) int64 {
	for _, n := range sizes {
		if n >= 0 {
			return n
		}
	}
	return -1
}

func seconds(ns int64) float64 { return float64(ns) / 1e9 }
