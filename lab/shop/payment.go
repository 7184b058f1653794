package shop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/pitwall/pitwall/lab/mesh"
)

// signRounds stretches the charge's signature, as card schemes ask for.
const signRounds = 600

// payment charges carts. Where the shop has a card acquirer, each charge is
// authorised there.
type payment struct {
	flags    *flagSet
	acquirer *peer // nil: charges are authorised here
	url      string
	ledger   sync.Mutex
	seen     trail
}

func newPayment(d deps) (service, error) {
	p := &payment{flags: d.flags, url: d.flags.get("acquirer_url")}
	if p.url != "" {
		var err error
		p.acquirer, err = newPeer(d, "acquirer", func(next http.RoundTripper) http.RoundTripper { return outside{p.url, next} })
		if err != nil {
			return service{}, err
		}
	}
	return service{routes: []route{{"POST /charge", p.charge}}, close: func() error { return nil }}, nil
}

// charge checks the cart for risk and signs the charge. It reads the cart into
// maps because its lines come in whatever shape checkout has them.
func (p *payment) charge(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	if err != nil {
		mesh.Fail(w, http.StatusBadRequest, "reading charge: "+err.Error())
		return
	}
	var in map[string]any
	if err := json.Unmarshal(raw, &in); err != nil {
		mesh.Fail(w, http.StatusBadRequest, "reading charge: "+err.Error())
		return
	}
	lines, _ := in["lines"].([]any)
	total, ok := in["total_cents"].(float64)
	if !ok || len(lines) == 0 {
		mesh.Fail(w, http.StatusUnprocessableEntity, "a charge needs total_cents and at least one line")
		return
	}
	rounds := int(p.flags.number("sign_rounds", signRounds))
	sign := stretch([]byte(fmt.Sprintf("%v/%.0f", in["user"], total)), rounds)
	out := map[string]any{"charge_id": "ch_" + sign[:24], "status": "authorised", "risk": p.risk(lines)}
	p.extra(in, lines, out)
	if err := p.authorise(r.Context(), sign, total); err != nil {
		mesh.Fail(w, http.StatusBadGateway, "authorising: "+err.Error())
		return
	}
	reply(w, out)
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

// stretch is an iterated HMAC.
func stretch(msg []byte, rounds int) string {
	m := hmac.New(sha256.New, []byte("shop-signing-key"))
	sum, room := msg, make([]byte, 0, sha256.Size)
	for range rounds {
		m.Reset()
		_, _ = m.Write(sum) // a hash never fails
		sum = m.Sum(room)
	}
	return hex.EncodeToString(sum)
}
