package shop

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// authorise asks the acquirer, if there is one. A strict ledger books one
// charge at a time, so that its entries are in the acquirer's order.
func (p *payment) authorise(ctx context.Context, sign string, total float64) error {
	if p.acquirer == nil {
		return nil
	}
	if p.flags.get("ledger") == "strict" {
		p.ledger.Lock()
		defer p.ledger.Unlock()
	}
	_, err := p.acquirer.post(ctx, "http://acquirer/authorisations", map[string]any{"signature": sign, "total_cents": total})
	return err
}

// extra adds to an answer what newer versions tell.
func (p *payment) extra(in map[string]any, lines []any, out map[string]any) {
	if p.flags.get("report") == "full" {
		out["report"] = riskReport(lines)
	}
	if p.flags.get("discounts") == "itemised" {
		out["discounts"] = itemised(lines)
	}
	if p.flags.get("replay_guard") == "memory" {
		p.seen.keep(in)
	}
}

// vectorRisk compares every line with every other in a space of word pairs and
// gives the mean distance.
func vectorRisk(lines []any) float64 {
	sum, n := 0.0, 0.0
	for _, a := range lines {
		for _, b := range lines {
			sum += distanceOf(features(a), features(b))
			n++
		}
	}
	return sum / n / 100
}

// features are the pairs of words of all texts of a line.
func features(l any) map[string]float64 {
	f := map[string]float64{}
	var words []string
	collect(l, &words)
	for i := range words {
		for j := i + 1; j < len(words) && j < i+featureReach; j++ {
			f[words[i]+" "+words[j]]++
		}
	}
	return f
}

// featureReach is how far apart the two words of a pair may be.
const featureReach = 14

// collect gathers the words of a decoded value; maps in no order, as they are
// counted only.
func collect(v any, into *[]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			*into = append(*into, k)
			collect(x, into)
		}
	case []any:
		for _, x := range v {
			collect(x, into)
		}
	case string:
		*into = append(*into, strings.Fields(v)...)
	}
}

func distanceOf(a, b map[string]float64) float64 {
	d := 0.0
	for k, x := range a {
		d += (x - b[k]) * (x - b[k])
	}
	return d
}

// riskReport is everything the risk engine considered, for the back office.
func riskReport(lines []any) []map[string]any {
	var out []map[string]any
	for i, l := range lines {
		for rule := range 8 {
			out = append(out, map[string]any{
				"rule": fmt.Sprintf("RULE-%03d", rule), "line": i, "evidence": l, "outcome": "pass",
			})
		}
	}
	return out
}

// itemised lists the discount of each line by the second tag of its good's
// shipping class.
func itemised(lines []any) []string {
	var out []string
	for _, l := range lines {
		line, _ := l.(map[string]any)
		var class *string
		if size, _ := line["size_mm"].([]any); len(size) > 0 {
			if mm, _ := size[0].(float64); mm > 38 { // a letter has no class
				c := fmt.Sprint(line["tax_class"])
				class = &c
			}
		}
		out = append(out, *class)
	}
	return out
}

// outside sends http://{name}/path to a fixed address beyond the shop.
type outside struct {
	base string
	next http.RoundTripper
}

// RoundTrip rewrites the address and takes the shop's trace off: what is
// outside does not know it.
func (o outside) RoundTrip(r *http.Request) (*http.Response, error) {
	u, err := url.Parse(o.base + r.URL.Path)
	if err != nil {
		return nil, fmt.Errorf("calling %s: %w", r.URL.Host, err)
	}
	out := r.Clone(r.Context())
	out.URL, out.Host = u, u.Host
	out.Header.Del("Traceparent")
	out.Header.Del("Tracestate")
	return o.next.RoundTrip(out)
}
