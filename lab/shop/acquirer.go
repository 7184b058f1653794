package shop

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
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
