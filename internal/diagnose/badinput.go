package diagnose

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
	"github.com/pitwall/pitwall/internal/stats"
	"github.com/pitwall/pitwall/internal/trace"
)

// contrasts compares the bad requests of the window with the typical ones.
func (x *inquiry) contrasts() []pitwall.AttributeContrast {
	bad, good := x.groups()
	return trace.Contrasts(bad, good)
}

// groups parts the window's requests: failed ones from the others where
// failures are accounted for, slow ones from typical ones otherwise. Slow is
// what hardly any request of the baseline took.
func (x *inquiry) groups() (bad, good trace.Group) {
	all := trace.Group{Batch: x.head.Batch, Forest: x.head.Forest, Requests: x.head.Heads}
	if !x.errors {
		return all.Split(int64(x.slowLine() * 1e9))
	}
	bad, good = trace.Group{Batch: all.Batch, Forest: all.Forest}, trace.Group{Batch: all.Batch, Forest: all.Forest}
	for _, r := range all.Requests {
		if all.Batch.Failed[r] {
			bad.Requests = append(bad.Requests, r)
		} else {
			good.Requests = append(good.Requests, r)
		}
	}
	return bad, good
}

// slowLine is the duration beyond which a request is slow, in seconds: what one
// in twenty took in the baseline. Where nearly all are slower now, their own
// median parts them, so that there are two groups to compare.
func (x *inquiry) slowLine() float64 {
	line := fold.Quantile(x.base.Duration, 0.95)
	now := make([]float64, len(x.head.Duration))
	for i, s := range x.head.Duration {
		now[i] = s.V
	}
	slices.Sort(now)
	const fewest = 0.1 // of the requests, in the smaller group
	if len(now) > 0 && stats.Quantile(now, fewest) > line {
		return stats.Quantile(now, 0.5)
	}
	return line
}

// asInput says whether an attribute is something that callers send. Who served
// a request, with which version, on which host, and what came of it, is not.
func asInput(key string) bool {
	for _, ours := range []string{
		"service.", "host.", "k8s.", "process.", "cloud.", "container.", "telemetry.", "deployment.", "os.", "faas.", "thread.",
		"server.", "network.", "net.", "error", "exception.", "otel.", "status", "db.", "rpc.", "messaging.", "peer.",
		"http.response.", "http.status_code", "http.route", "http.request.resend_count",
	} {
		if strings.HasPrefix(key, ours) {
			return false
		}
	}
	return true
}

// badInput asks whether the trouble is confined to requests of a kind that
// callers began to send, or send more of, while all others do as well as before.
func badInput(x *inquiry) result {
	if len(x.told) == 0 {
		return clear("bad and good requests carry the same attributes alike")
	}
	var list []*finding
	for _, c := range x.told {
		if !asInput(c.Key) {
			continue
		}
		if f := x.fed(c); f != nil {
			list = append(list, f)
			break // the most telling attribute; others describe the same requests
		}
	}
	return hits(list, fmt.Sprintf("bad and good requests differ in %s; first %s, which does not single out requests that callers began to send",
		things(len(x.told), "attribute"), x.told[0].Key))
}

// fed is the finding against a kind of request, or nil: all other requests must
// do about as well as in the baseline, and this kind must come more often than
// it did, have done as badly then, or be refused as wrong now. A kind that did
// well before and breaks something now was broken by something of ours.
func (x *inquiry) fed(c pitwall.AttributeContrast) *finding {
	was, is := carried(x.base, c), carried(x.head, c)
	telling := x.telling(c, was, is)
	if telling == nil {
		return nil
	}
	base, head := x.part(x.base, was, telling), x.part(x.head, is, telling)
	normal := ratio(base.with.bad+base.without.bad, base.with.n+base.without.n)
	n := head.with.n + head.without.n
	if head.with.n < fewCarriers || head.without.n < fewRequests {
		return nil
	}
	whole := (head.with.bad+head.without.bad)/n - normal
	others := max(0, head.without.bad-head.without.n*normal) / n
	often := fold.Shift{
		Before: ratio(base.with.n, base.with.n+base.without.n), After: head.with.n / n,
		N0: int64(base.with.n + base.without.n), N1: int64(n), Beyond: true, Noise: fold.MinNoise, Known: true,
	}
	more := often.After > 1.5*often.Before
	same := base.with.n >= fewCarriers && base.with.mean() > colder*normal
	if whole <= 0 || whole-others < causeShare*whole || !more && !same && !x.refused() {
		return nil
	}
	return x.inputFinding(c, whole-others, often)
}

// refused says that most failures begin with somebody's answer that what he is
// asked is wrong: he does as he always did.
func (x *inquiry) refused() bool {
	n := sumOf(x.head.Failed.Num)
	return x.errors && n > 0 && x.head.Refused >= causeShare*n
}

// fewCarriers is how many requests of a kind can be spoken of.
const fewCarriers = 10

func (x *inquiry) inputFinding(c pitwall.AttributeContrast, explained float64, often fold.Shift) *finding {
	h := x.q.headline()
	f := &finding{check: checkInput, class: pitwall.BottleneckBadInput, at: h, shift: often, external: true, failures: x.errors, explained: explained}
	f.covers = map[int]bool{}
	for i := range x.places {
		f.covers[i] = true
	}
	whose := c.Key
	if c.Service != "" {
		whose = fmt.Sprintf("%s of %s", c.Key, c.Service)
	}
	f.claim = fmt.Sprintf("the trouble is confined to requests with unusual %s (first %q): %s of requests, were %s", whose, firstValue(c.Values),
		percent(often.After), percent(often.Before))
	f.evidence = append(f.evidence, evidence(f, f.claim, often, pitwall.UnitRatio, "attribute contrast of "+c.Key))
	f.signal = own("duration of "+h.String()+", mean", h, "duration", x.latency, pitwall.UnitSeconds)
	if x.errors {
		f.signal = own("failed share of "+h.String(), h, "errors", x.failed, pitwall.UnitRatio)
	}
	f.disproof = "If such requests stop coming and it stays as bad"
	return f
}

func firstValue(values []pitwall.ContrastValue) string {
	if len(values) == 0 {
		return ""
	}
	return values[0].Value
}

// carried is what each headline request of a side has for an attribute; "" for
// none. What a service writes on its own calls is nothing that it was sent.
func carried(side *fold.Side, c pitwall.AttributeContrast) []string {
	values := make([]string, len(side.Heads))
	b := side.Batch
	key, _ := b.Lookup(c.Key)
	service, there := b.Lookup(string(c.Service))
	of := func(i int) string {
		if c.Key == "http.request.body.size" && b.ReqBytes[i] >= 0 {
			return strconv.FormatInt(b.ReqBytes[i], 10)
		}
		from := uint32(0)
		if i > 0 {
			from = b.AttrEnd[i-1]
		}
		for at := from; at < b.AttrEnd[i] && key != 0; at++ {
			if b.AttrKey[at] == key {
				return b.Strings[b.AttrValue[at]]
			}
		}
		return ""
	}
	for n, head := range side.Heads {
		if c.Service == "" {
			values[n] = of(int(head))
			continue
		}
		todo := []int32{head}
		for len(todo) > 0 && values[n] == "" && there {
			i := todo[len(todo)-1]
			todo = append(todo[:len(todo)-1], side.Forest.Children(int(i))...)
			if b.Service[i] == service && b.Kind[i] != pitwall.SpanClient && b.Kind[i] != pitwall.SpanProducer {
				values[n] = of(int(i))
			}
		}
	}
	return values
}

// telling says which values of an attribute mark the bad requests: of numbers
// those greater than nearly all of the baseline, of words those that the
// contrast found among bad requests more often than among good ones. nil: none,
// or the baseline does not know the attribute, which makes it news of ours and
// not of the callers.
func (x *inquiry) telling(c pitwall.AttributeContrast, was, is []string) func(string) bool {
	known := numbersOf(was)
	if !slices.ContainsFunc(was, func(v string) bool { return v != "" }) {
		return nil
	}
	if now := numbersOf(is); len(known) > 0 && len(now) > 0 {
		slices.Sort(known)
		most := stats.Quantile(known, 0.99)
		return func(v string) bool { n, err := strconv.ParseFloat(v, 64); return err == nil && n > most }
	}
	var slow, all int64
	for _, v := range c.Values {
		slow, all = slow+v.Slow, all+v.Slow+v.Typical
	}
	over := map[string]bool{}
	for _, v := range c.Values {
		if v.Value != "" && v.Slow*all > (v.Slow+v.Typical)*slow {
			over[v.Value] = true
		}
	}
	if len(over) == 0 {
		return nil
	}
	return func(v string) bool { return over[v] }
}

// numbersOf are the values as numbers; none when one of them is no number.
func numbersOf(values []string) []float64 {
	var list []float64
	for _, v := range values {
		if v == "" {
			continue
		}
		n, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return nil
		}
		list = append(list, n)
	}
	return list
}

// partition is how two kinds of requests do: seconds, or failures.
type partition struct{ with, without kindOf }

type kindOf struct{ n, bad float64 }

func (k kindOf) mean() float64 { return ratio(k.bad, k.n) }

func (x *inquiry) part(side *fold.Side, values []string, telling func(string) bool) partition {
	var p partition
	for n, head := range side.Heads {
		k := &p.without
		if telling(values[n]) {
			k = &p.with
		}
		k.n++
		switch {
		case !x.errors:
			k.bad += float64(side.Batch.Duration[head]) / 1e9
		case side.Batch.Failed[head]:
			k.bad++
		}
	}
	return p
}

// exemplars are requests to look at: a slow one from the middle and a bad one,
// and a typical one of the good time.
func (x *inquiry) exemplars() []pitwall.Exemplar {
	bad, _ := x.groups()
	good := trace.Group{Batch: x.base.Batch, Forest: x.base.Forest, Requests: x.base.Heads}
	return slices.Concat(
		trace.Exemplars(bad, trace.Wanted{Kind: "slow", At: []float64{0.5, 0.99}}),
		trace.Exemplars(good, trace.Wanted{Kind: "typical", At: []float64{0.5}}))
}
