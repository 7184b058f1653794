package diagnose

import (
	"fmt"
	"math"

	"github.com/pitwall/pitwall"
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
	shift shift
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
	for op := range x.g.ops {
		if f := x.maker(op); f != nil {
			list = append(list, f)
		}
	}
	return hits(list, "no body on the path grew: "+x.sizesNow())
}

func (x *inquiry) sizesKnown() bool {
	for op := range x.g.ops {
		if x.response(op).known || x.request(op).known {
			return true
		}
	}
	return false
}

func (x *inquiry) sizesNow() string {
	loudest, name := shift{}, ""
	for op, o := range x.g.ops {
		if s := x.response(op); s.known && s.after > loudest.after {
			loudest, name = s, o.String()
		}
	}
	if name == "" {
		return "responses are not sized"
	}
	return fmt.Sprintf("the largest response is %s's, %s → %s per call", name, size(loudest.before), size(loudest.after))
}

func fatter(s shift, factor float64) bool { return s.up(factor) && s.after-s.before >= fewBytes }

// takes are the bodies an operation receives, gives those it sends.
func (x *inquiry) takes(op int) []body {
	list := []body{{x.request(op), leaf, false}}
	for _, id := range x.g.callsOf(op) {
		list = append(list, body{x.callResponse(id), id, true})
	}
	return list
}

func (x *inquiry) gives(op int) []body {
	list := []body{{x.response(op), leaf, true}}
	for _, id := range x.g.callsOf(op) {
		list = append(list, body{x.callRequest(id), id, false})
	}
	return list
}

// maker is the finding against an operation that began to send more, or nil.
func (x *inquiry) maker(op int) *finding {
	var out body
	for _, b := range x.gives(op) {
		if fatter(b.shift, bytesBlamed) && b.shift.factor() > out.shift.factor() {
			out = b
		}
	}
	if !fatter(out.shift, bytesBlamed) {
		return x.fatCaller(op)
	}
	for _, in := range x.takes(op) {
		// Passing on at least half (in logarithms) of what came in is not making.
		if fatter(in.shift, bytesGrew) && math.Log(in.shift.factor()) > 0.5*math.Log(out.shift.factor()) {
			return nil
		}
	}
	f := x.payloadFinding(op, out)
	f.covers, f.explained = x.flood(op, out.shift.factor())
	x.tellFlood(f)
	return f
}

// fatCaller blames the world outside when the headline itself is sent more.
func (x *inquiry) fatCaller(op int) *finding {
	in := x.request(op)
	if len(x.g.callsTo(op)) > 0 || !fatter(in, bytesBlamed) {
		return nil
	}
	f := x.payloadFinding(op, body{shift: in, call: leaf})
	f.external = true
	f.claim = fmt.Sprintf("callers send larger requests to %s: %s", x.g.ops[op], movedPer(in, size, " per request"))
	f.covers, f.explained = x.flood(op, in.factor())
	x.tellFlood(f)
	return f
}

func (x *inquiry) payloadFinding(op int, out body) *finding {
	o := x.g.ops[op]
	f := &finding{check: checkPayload, class: pitwall.BottleneckPayload, at: o, shift: out.shift}
	target, what, field := o, "response of "+o.String(), "response_bytes"
	metric := "http_server_response_body_size_bytes_bucket"
	if !out.reply {
		what, field, metric = "request to "+o.String(), "request_bytes", "http_server_request_body_size_bytes_bucket"
		if out.call != leaf {
			target = x.g.callee(x.g.calls[out.call])
			what = fmt.Sprintf("request of %s to %s", o.service, target)
		}
	}
	f.claim = fmt.Sprintf("%s grew %s", what, movedPer(out.shift, size, " per call"))
	f.signal = own("body of the "+what+", median", target, field, out.shift, pitwall.UnitBytes)
	f.evidence = append(f.evidence, evidence(f, f.claim, out.shift, pitwall.UnitBytes,
		fmt.Sprintf(`histogram_quantile(0.5, sum by (le) (rate(%s{service_name="%s"}[30s])))`, metric, target.service)))
	f.disproof = fmt.Sprintf("If %s goes back and the %s stays above %s", o.service, what, size(out.shift.before*1.5))
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
			if next != leaf && !ops[next] {
				ops[next] = true
				todo = append(todo, next)
			}
		}
		for _, id := range x.g.callsTo(at) {
			if fatter(x.callResponse(id), bytesGrew) || fatter(x.response(at), bytesGrew) {
				visit(id, x.g.calls[id].from)
			}
		}
		for _, id := range x.g.callsOf(at) {
			if fatter(x.callRequest(id), bytesGrew) {
				visit(id, x.g.calls[id].to)
			}
		}
	}
	covers = map[int]bool{}
	for i, p := range x.places {
		if p.part == partSelf && ops[p.id] || p.part != partSelf && calls[p.id] {
			covers[i] = true
			explained += max(0, min(p.delta(), likeFactor*(factor-1)*max(p.shift.before, 0.001)))
		}
	}
	return covers, explained
}

// tellFlood adds what was seen where the bytes went.
func (x *inquiry) tellFlood(f *finding) {
	services := map[pitwall.ServiceName]bool{}
	for i, p := range x.places {
		if f.covers[i] && p.part == partSelf {
			services[x.g.ops[p.id].service] = true
		}
		if !f.covers[i] || p.delta() < 0.02*x.increase() || !p.shift.beyond {
			continue
		}
		f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("%s grew with the bytes: %s per request (%s)",
			x.name(p), arrow(p.shift, duration), times(p.shift.factor())), p.shift, pitwall.UnitSeconds, ""))
	}
	for id, c := range x.g.calls {
		if s := x.callRequest(id); fatter(s, bytesGrew) && x.g.ops[c.from] != f.at {
			f.evidence = append(f.evidence, evidence(f, fmt.Sprintf("passed on: request %s grew %s per call",
				x.g.edge(c), arrow(s, size)), s, pitwall.UnitBytes, ""))
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
