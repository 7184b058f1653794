package fold

import (
	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/trace"
)

// place gives every span beneath a headline span its operation or call and
// reads the numbers it carries. It keeps its own stack, for a broken trace may
// be deeper than ours.
func (f *folder) place(head int) {
	block := int32(f.block(f.b.Start[head]))
	todo := []int{head}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		f.under[i] = block
		f.owner[i] = f.ownerOf(i, head)
		f.seen(i)
		if f.b.Kind[i] == pitwall.SpanClient {
			f.readCall(i)
		} else if f.owner[i] >= 0 && f.serves(i, head) {
			f.readOp(i)
		}
		for _, c := range f.f.Children(i) {
			todo = append(todo, int(c))
		}
	}
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
	name := f.b.Strings[f.b.Operation[i]]
	return int32(f.g.op(Operation{pitwall.ServiceName(f.b.Strings[f.b.Service[i]]), name}))
}

func (f *folder) seen(i int) {
	if f.b.Version[i] == 0 {
		return
	}
	name := pitwall.ServiceName(f.b.Strings[f.b.Service[i]])
	if f.Versions[name] == nil {
		f.Versions[name] = map[pitwall.Version]int{}
	}
	f.Versions[name][pitwall.Version(f.b.Strings[f.b.Version[i]])]++
}

// readOp takes in one server span.
func (f *folder) readOp(i int) {
	block, o := int(f.under[i]), f.Op(int(f.owner[i]))
	o.Total.Add(block, seconds(f.b.Duration[i]))
	o.Failed.Add(block, share(f.b.Failed[i]))
	own, calls := f.belongings(i)
	o.Self.Add(block, own)
	o.Children.Add(block, float64(calls))
	req, resp := f.b.ReqBytes[i], f.b.RespBytes[i]
	if p := f.f.Parent[i]; p >= 0 && f.b.Kind[p] == pitwall.SpanClient {
		req, resp = known(req, f.b.ReqBytes[p]), known(resp, f.b.RespBytes[p])
	}
	takeBytes(&o.Req, o.ReqLen, block, Sample{f.b.Start[i], float64(req)})
	takeBytes(&o.Resp, o.RespLen, block, Sample{f.b.Start[i], float64(resp)})
}

// belongings are the own time of a server span, with that of the internal
// spans it contains, and the calls made from all of them.
func (f *folder) belongings(i int) (own float64, calls int) {
	own = seconds(f.self[i])
	todo := []int32{int32(i)}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, c := range f.f.Children(int(at)) {
			switch f.b.Kind[c] {
			case pitwall.SpanClient, pitwall.SpanProducer:
				calls++
			case pitwall.SpanInternal, pitwall.SpanUnspecified:
				own += seconds(f.self[c])
				todo = append(todo, c)
			}
		}
	}
	return own, calls
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
	c.Took.Add(block, seconds(f.b.Duration[i]))
	c.Failed.Add(block, share(f.b.Failed[i]))
	req, resp := f.b.ReqBytes[i], f.b.RespBytes[i]
	if server >= 0 {
		c.Way.Add(block, seconds(f.b.Duration[i]-f.b.Duration[server]))
		req, resp = known(req, f.b.ReqBytes[server]), known(resp, f.b.RespBytes[server])
	}
	takeBytes(&c.Req, c.ReqLen, block, Sample{f.b.Start[i], float64(req)})
	takeBytes(&c.Resp, c.RespLen, block, Sample{f.b.Start[i], float64(resp)})
}

func (f *folder) callID(i, server int) int {
	c := Call{From: int(f.owner[i]), To: Leaf, Peer: f.b.Strings[f.b.Peer[i]], Name: f.b.Strings[f.b.Operation[i]]}
	if server >= 0 {
		c.To = int(f.g.op(Operation{
			pitwall.ServiceName(f.b.Strings[f.b.Service[server]]), f.b.Strings[f.b.Operation[server]],
		}))
		c.Peer = f.b.Strings[f.b.Service[server]]
		return f.g.call(c)
	}
	if st := f.b.Statement[i]; st != 0 {
		text, ok := f.shapes[st]
		if !ok {
			text = shape(f.b.Strings[st])
			f.shapes[st] = text
		}
		c.Statement, c.DB = text, true
	}
	c.DB = c.DB || f.database(i)
	return f.g.call(c)
}

func (f *folder) database(i int) bool {
	from := uint32(0)
	if i > 0 {
		from = f.b.AttrEnd[i-1]
	}
	for _, key := range f.b.AttrKey[from:f.b.AttrEnd[i]] {
		if f.dbKeys[key] {
			return true
		}
	}
	return false
}

// walk splits the headline request exactly over the places it waited in.
func (f *folder) walk(head int) {
	block := f.block(f.b.Start[head])
	for _, s := range trace.CriticalPath(f.b, f.f, head) {
		took := seconds(s.Duration())
		f.carry(s.Span, head, block, took)
		if id := f.callOf[s.Span]; id >= 0 {
			if f.g.Calls[id].To == Leaf && !f.b.Failed[s.Span] && f.answered(int(id)) {
				f.Lost[block] += took
				continue
			}
			f.Call(int(id)).Gap[block] += took
			continue
		}
		f.Op(int(f.owner[s.Span])).Path[block] += took
	}
}

// answered says whether the same call is known with an answering span: then a
// call without one lost it on the way to us, and nobody can say where its time went.
func (f *folder) answered(id int) bool {
	c := f.g.Calls[id]
	if c.DB {
		return false
	}
	for _, other := range f.g.Calls {
		if other.From == c.From && other.To != Leaf && other.Name == c.Name && (c.Peer == "" || other.Peer == c.Peer) {
			return true
		}
	}
	return false
}

// carry adds time on the path to every call it passed through.
func (f *folder) carry(i, head, block int, took float64) {
	for at := int32(i); at >= 0; at = f.f.Parent[at] {
		if id := f.callOf[at]; id >= 0 {
			f.Call(int(id)).Whole[block] += took
		}
		if int(at) == head {
			return
		}
	}
}

// blame follows a failed request down to where the failure began.
func (f *folder) blame(head int) {
	block, at := f.block(f.b.Start[head]), head
	for {
		next := -1
		for _, c := range f.f.Children(at) {
			if f.b.Failed[c] {
				next = int(c)
			}
		}
		if next < 0 {
			break
		}
		at = next
	}
	if id := f.callOf[at]; id >= 0 {
		f.Call(int(id)).Origin[block]++
		return
	}
	f.Op(int(f.owner[at])).Origin[block]++
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
