package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/pitwall/pitwall"
)

// ContrastView is one attribute that slow requests and typical ones do not share
// alike.
type ContrastView struct {
	Key      string        `json:"key"`
	Of       string        `json:"of"` // whose spans carry it
	Sentence string        `json:"sentence"`
	Effect   string        `json:"effect"`   // "strong (0.72)"
	Explains string        `json:"explains"` // share of the excess
	Rows     []ContrastRow `json:"rows"`
	Maths    *Maths        `json:"maths,omitempty"`
}

// ContrastRow is one value: how many of the slow requests have it, and how many
// of the typical ones. Shares are in [0,1], of the values listed.
type ContrastRow struct {
	Value        string  `json:"value"`
	Slow         string  `json:"slow"` // "69 % (623)"
	Typical      string  `json:"typical"`
	SlowShare    float64 `json:"slow_share"`
	TypicalShare float64 `json:"typical_share"`
	Mean         string  `json:"mean"`
	More         bool    `json:"more"` // the slow ones have it more often
}

func contrasts(list []pitwall.AttributeContrast) []ContrastView {
	out := make([]ContrastView, 0, len(list))
	for _, c := range list {
		if len(c.Values) > 0 {
			out = append(out, contrast(c))
		}
	}
	return out
}

func contrast(c pitwall.AttributeContrast) ContrastView {
	var slow, typical int64
	for _, x := range c.Values {
		slow, typical = slow+max(0, x.Slow), typical+max(0, x.Typical)
	}
	v := ContrastView{Key: c.Key, Of: orWord(string(c.Service), "the operation in question"), Rows: []ContrastRow{},
		Effect: effectWord(c.Effect), Explains: Percent(float64(c.Explain)) + " of the excess",
		Maths: &Maths{Title: "How " + c.Key + " tells slow from typical", Formula: "effect = Cramér's V, bias-corrected, 0 to 1; q = share of such findings that chance would make", Lines: []Fact{
			{Label: "effect", Value: number(c.Effect)}, {Label: "q", Value: smallP(c.Q)}, {Label: "slow requests", Value: Count(slow)}, {Label: "typical requests", Value: Count(typical)},
			{Label: "explains", Value: Percent(float64(c.Explain)) + " of the excess"},
		}}}
	best, most := -1, 0.0
	for i, x := range c.Values {
		r := ContrastRow{Value: orWord(x.Value, "(not set)"), SlowShare: part(x.Slow, slow), TypicalShare: part(x.Typical, typical), Mean: meanText(x)}
		r.Slow = fmt.Sprintf("%s (%s)", whole(r.SlowShare), Count(x.Slow))
		r.Typical = fmt.Sprintf("%s (%s)", whole(r.TypicalShare), Count(x.Typical))
		r.More = r.SlowShare > r.TypicalShare
		if gap := r.SlowShare - r.TypicalShare; gap > most {
			best, most = i, gap
		}
		v.Rows = append(v.Rows, r)
	}
	if best < 0 {
		v.Sentence = "No value is more frequent among the slow requests."
		return v
	}
	r := v.Rows[best]
	v.Sentence = fmt.Sprintf("%s of slow requests have %s = %s, %s of typical ones.", whole(r.SlowShare), c.Key, r.Value, whole(r.TypicalShare))
	return v
}

func part(n, of int64) float64 {
	if of <= 0 {
		return 0
	}
	return clamp01(float64(n) / float64(of))
}

func meanText(x pitwall.ContrastValue) string {
	if x.Slow+x.Typical <= 0 {
		return noData
	}
	return Seconds(x.Mean)
}

// effectWord words Cramér's V of two groups (Cohen 1988: 0.1 small, 0.3 medium,
// 0.5 large).
func effectWord(v float64) string {
	word := "slight"
	switch {
	case math.IsNaN(v):
		return noData
	case v >= 0.5:
		word = "strong"
	case v >= 0.3:
		word = "clear"
	case v >= 0.1:
		word = "weak"
	}
	return fmt.Sprintf("%s (%.2f)", word, v)
}

func smallP(p float64) string {
	if p < 0.001 {
		return "<0.001"
	}
	return number(p)
}

// TracesView holds single requests side by side on one scale, and what differs
// between the first slow one and the first typical one.
type TracesView struct {
	Summary string        `json:"summary"`
	Scale   string        `json:"scale"` // the longest of them
	Traces  []RequestView `json:"traces"`
	Rows    []TracePlace  `json:"rows"`
}

// RequestView is one single request.
type RequestView struct {
	TraceID  string     `json:"trace_id"`
	Kind     string     `json:"kind"`  // slow, typical
	Title    string     `json:"title"` // "slow request, 1.42 s"
	Duration string     `json:"duration"`
	Spans    []CallView `json:"spans"`
	Left     string     `json:"left,omitempty"` // what is not shown
}

// CallView is one span, or several like siblings; From and To are shares of the
// scale. Critical is how long the request waited for its own work, Own the same
// as a share of the scale.
type CallView struct {
	Service   pitwall.ServiceName `json:"service"`
	Operation string              `json:"operation"`
	Depth     int                 `json:"depth"`
	From      float64             `json:"from"`
	To        float64             `json:"to"`
	Offset    string              `json:"offset"`
	Duration  string              `json:"duration"`
	Critical  string              `json:"critical"`
	Own       float64             `json:"own"`
	Repeats   string              `json:"repeats,omitempty"`
	Failed    bool                `json:"failed,omitempty"`
	Bytes     string              `json:"bytes,omitempty"`
}

// TracePlace is one operation in a typical and in a slow request: how long the
// request waited for its own work, how often it was called.
type TracePlace struct {
	Place   string `json:"place"`
	Typical string `json:"typical"`
	Slow    string `json:"slow"`
	Delta   string `json:"delta"`
	Calls   string `json:"calls"` // "1 → 23"
	Bytes   string `json:"bytes"`
	Tone    Tone   `json:"tone"`
}

func traces(list []pitwall.Exemplar) *TracesView {
	scale := 0.0
	for _, e := range list {
		if finite(e.Duration) {
			scale = math.Max(scale, e.Duration)
		}
	}
	if scale <= 0 {
		return nil
	}
	v := &TracesView{Scale: Seconds(scale), Traces: []RequestView{}, Rows: []TracePlace{}}
	var slow, typical *pitwall.Exemplar
	for i, e := range list {
		v.Traces = append(v.Traces, requestView(e, scale))
		switch {
		case e.Kind == "slow" && slow == nil:
			slow = &list[i]
		case e.Kind == "typical" && typical == nil:
			typical = &list[i]
		}
	}
	if slow == nil || typical == nil {
		v.Summary = "There is no request of the other kind to hold it against."
		return v
	}
	v.Rows, v.Summary = tracePlaces(*typical, *slow)
	return v
}

func requestView(e pitwall.Exemplar, scale float64) RequestView {
	v := RequestView{TraceID: e.TraceID, Kind: e.Kind, Duration: Seconds(e.Duration), Title: fmt.Sprintf("%s request, %s", orWord(e.Kind, "one"), Seconds(e.Duration)), Spans: []CallView{}}
	if e.Left > 0 {
		v.Left = plural(e.Left, "more span is not shown", "more spans are not shown") + "."
	}
	for _, s := range e.Spans {
		x := CallView{Service: s.Service, Operation: s.Operation, Depth: max(0, s.Depth), From: clamp01(s.Offset / scale), To: clamp01((s.Offset + s.Duration) / scale),
			Offset: Seconds(s.Offset), Duration: Seconds(s.Duration), Critical: Seconds(s.Critical), Own: clamp01(s.Critical / scale), Failed: s.Failed}
		if s.Repeats > 1 {
			x.Repeats = fmt.Sprintf("%d times", s.Repeats)
		}
		if s.Bytes >= 0 {
			x.Bytes = pitwall.Bytes(s.Bytes).String()
		}
		v.Spans = append(v.Spans, x)
	}
	return v
}

// tracePlaces adds two requests up by operation and puts what differs most first.
func tracePlaces(typical, slow pitwall.Exemplar) (rows []TracePlace, summary string) {
	type side struct {
		critical float64
		calls    int
		bytes    int64
	}
	type both [2]side // typical, slow
	sums, order := map[string]*both{}, []string{}
	for i, e := range []pitwall.Exemplar{typical, slow} {
		for _, s := range e.Spans {
			key := where(s.Service, s.Operation)
			if sums[key] == nil {
				sums[key] = &both{{bytes: -1}, {bytes: -1}}
				order = append(order, key)
			}
			x := &sums[key][i]
			x.critical, x.calls, x.bytes = x.critical+s.Critical, x.calls+max(1, s.Repeats), max(x.bytes, s.Bytes)
		}
	}
	delta := func(key string) float64 { return sums[key][1].critical - sums[key][0].critical }
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(math.Abs(delta(b)), math.Abs(delta(a))) })
	rows = []TracePlace{}
	bytes := func(n int64) string {
		if n < 0 {
			return "not known"
		}
		return pitwall.Bytes(n).String()
	}
	for _, key := range order {
		t, s := sums[key][0], sums[key][1]
		r := TracePlace{Place: key, Typical: Seconds(t.critical), Slow: Seconds(s.critical), Delta: signed(delta(key)), Calls: fmt.Sprintf("%d → %d", t.calls, s.calls), Tone: ToneNone}
		if t.bytes >= 0 || s.bytes >= 0 {
			r.Bytes = bytes(t.bytes) + " → " + bytes(s.bytes)
		}
		if delta(key) > 0.05*math.Abs(slow.Duration-typical.Duration) {
			r.Tone = ToneWarn
		}
		rows = append(rows, r)
	}
	summary = fmt.Sprintf("The slow request took %s, the typical one %s.", Seconds(slow.Duration), Seconds(typical.Duration))
	if len(order) > 0 && delta(order[0]) > 0 {
		summary += fmt.Sprintf(" It waited %s longer for %s.", Seconds(delta(order[0])), order[0])
	}
	return rows, summary
}
