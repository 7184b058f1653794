package diagnose

import (
	"fmt"
	"math"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

const (
	bytesGrew   = 1.3 // by this factor at least a body counts as grown
	bytesBlamed = 1.5 // by this factor the maker of a body is blamed
	fewBytes    = 256 // growth in bytes that no link and no parser notices
	// likeFactor is how much more than the bytes the time on them may have
	// grown; beyond that something else is at work in that place.
	likeFactor = 3
)

// body is one direction of one operation's traffic.
type body struct {
	shift fold.Shift
	call  int  // the call it is on; leaf: the operation's own request or response
	reply bool // a response rather than a request
}

// payload asks whether bodies grew, who began it, and how much of the increase
// lies where those bytes are carried and handled. The maker is the operation
// that sends more although what it is sent stayed the same; all who pass it on
// are effects.
func payload(x *inquiry) result {
	if !x.sizesKnown() {
		return skipped("no span carries body sizes: record http.request.body.size and http.response.body.size")
	}
	var list []*finding
	for op := range x.g.Ops {
		if f := x.maker(op); f != nil {
			list = append(list, f)
		}
	}
	return hits(list, "no body on the path grew: "+x.sizesNow())
}

func (x *inquiry) sizesKnown() bool {
	for op := range x.g.Ops {
		if x.response(op).Known || x.request(op).Known {
			return true
		}
	}
	return false
}

func (x *inquiry) sizesNow() string {
	loudest, name := fold.Shift{}, ""
	for op, o := range x.g.Ops {
		if s := x.response(op); s.Known && s.After > loudest.After {
			loudest, name = s, o.String()
		}
	}
	if name == "" {
		return "responses are not sized"
	}
	return fmt.Sprintf("the largest response is %s's, %s → %s per call", name, size(loudest.Before), size(loudest.After))
}

func fatter(s fold.Shift, factor float64) bool { return s.Up(factor) && s.After-s.Before >= fewBytes }

// takes are the bodies an operation receives, gives those it sends.
func (x *inquiry) takes(op int) []body {
	list := []body{{x.request(op), fold.Leaf, false}}
	for _, id := range x.g.CallsOf(op) {
		list = append(list, body{x.callResponse(id), id, true})
	}
	return list
}

func (x *inquiry) gives(op int) []body {
	list := []body{{x.response(op), fold.Leaf, true}}
	for _, id := range x.g.CallsOf(op) {
		list = append(list, body{x.callRequest(id), id, false})
	}
	return list
}

// maker is the finding against an operation that began to send more, or nil.
func (x *inquiry) maker(op int) *finding {
	var out body
	for _, b := range x.gives(op) {
		if fatter(b.shift, bytesBlamed) && b.shift.Factor() > out.shift.Factor() {
			out = b
		}
	}
	if !fatter(out.shift, bytesBlamed) {
		return x.fatCaller(op)
	}
	for _, in := range x.takes(op) {
		// Passing on at least half (in logarithms) of what came in is not making.
		if fatter(in.shift, bytesGrew) && math.Log(in.shift.Factor()) > 0.5*math.Log(out.shift.Factor()) {
			return nil
		}
	}
	f := x.payloadFinding(op, out)
	f.covers, f.explained = x.flood(op, out.shift.Factor())
	x.tellFlood(f)
	return f
}

// fatCaller blames the world outside when the headline itself is sent more.
func (x *inquiry) fatCaller(op int) *finding {
	in := x.request(op)
	if len(x.g.CallsTo(op)) > 0 || !fatter(in, bytesBlamed) {
		return nil
	}
	f := x.payloadFinding(op, body{shift: in, call: fold.Leaf})
	f.external = true
	f.claim = fmt.Sprintf("callers send larger requests to %s: %s", x.g.Ops[op], movedPer(in, size, " per request"))
	f.covers, f.explained = x.flood(op, in.Factor())
	x.tellFlood(f)
	return f
}

func (x *inquiry) payloadFinding(op int, out body) *finding {
	o := x.g.Ops[op]
	f := &finding{check: checkPayload, class: pitwall.BottleneckPayload, at: o, shift: out.shift}
	target, what, field := o, "response of "+o.String(), "response_bytes"
	metric := "http_server_response_body_size_bytes_bucket"
	if !out.reply {
		what, field, metric = "request to "+o.String(), "request_bytes", "http_server_request_body_size_bytes_bucket"
		if out.call != fold.Leaf {
			target = x.g.Callee(x.g.Calls[out.call])
			what = fmt.Sprintf("request of %s to %s", o.Service, target)
		}
	}
	f.claim = fmt.Sprintf("%s grew %s", what, movedPer(out.shift, size, " per call"))
	f.signal = own("body of the "+what+", median", target, field, out.shift, pitwall.UnitBytes)
	f.evidence = append(f.evidence, evidence(f, f.claim, out.shift, pitwall.UnitBytes,
		fmt.Sprintf(`histogram_quantile(0.5, sum by (le) (rate(%s{service_name=%q}[30s])))`, metric, target.Service)))
	f.disproof = fmt.Sprintf("If %s goes back and the %s stays above %s", o.Service, what, size(out.shift.Before*1.5))
	return f
}

// flood follows the grown bytes from their maker through everyone who carries
// or handles them and sums what those places added, in each no more than the
// bytes can account for.
func (x *inquiry) flood(op int, factor float64) (covers map[int]bool, explained float64) {
	ops, calls := map[int]bool{op: true}, map[int]bool{}
	for todo := []int{op}; len(todo) > 0; todo = todo[1:] {
		at := todo[0]
		visit := func(call, next int) {
			calls[call] = true
			if next != fold.Leaf && !ops[next] {
				ops[next] = true
				todo = append(todo, next)
			}
		}
		for _, id := range x.g.CallsTo(at) {
			if fatter(x.callResponse(id), bytesGrew) || fatter(x.response(at), bytesGrew) {
				visit(id, x.g.Calls[id].From)
			}
		}
		for _, id := range x.g.CallsOf(at) {
			if fatter(x.callRequest(id), bytesGrew) {
				visit(id, x.g.Calls[id].To)
			}
		}
	}
	covers = map[int]bool{}
	for i, p := range x.places {
		if p.part == partSelf && ops[p.id] || p.part != partSelf && calls[p.id] {
			covers[i] = true
			explained += max(0, min(p.delta(), likeFactor*(factor-1)*max(p.shift.Before, 0.001)))
		}
	}
	return covers, explained
}

// tellFlood adds what was seen where the bytes went.
func (x *inquiry) tellFlood(f *finding) {
	services := map[pitwall.ServiceName]bool{}
	for i, p := range x.places {
		if f.covers[i] && p.part == partSelf {
			services[x.g.Ops[p.id].Service] = true
		}
		if !f.covers[i] || p.delta() < 0.02*x.increase() || !p.shift.Beyond {
			continue
		}
		f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("%s grew with the bytes: %s per request (%s)",
			x.name(p), arrow(p.shift, duration), times(p.shift.Factor())), p.shift, pitwall.UnitSeconds, ""))
	}
	for id, c := range x.g.Calls {
		if s := x.callRequest(id); fatter(s, bytesGrew) && x.g.Ops[c.From] != f.at {
			f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("passed on: request %s grew %s per call",
				x.g.Edge(c), arrow(s, size)), s, pitwall.UnitBytes, ""))
		}
	}
	for _, s := range x.onPath() {
		d, missing := x.profile(s, pitwall.ProfileCPU)
		if missing != "" || !services[s] {
			continue
		}
		for _, row := range d.Families {
			if handlesBytes(row.Name) && grew(row) {
				f.evidence = append(f.evidence, familyEvidence(s, row, d.Unit))
			}
		}
	}
}
