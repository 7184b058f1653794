package policy_test

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/policy"
)

// A rule that asks a person on weekends, whatever else allows the change.
func Example() {
	p, err := policy.Load("policy.yaml", []byte(`
rules:
  - name: rollbacks
    when: fix.kind == "rollback"
    decide: allow
    reason: going back is safe
  - name: weekend
    when: now.getDayOfWeek("Europe/Berlin") in [0, 6]
    decide: ask
    reason: nobody watches on weekends
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r := policy.Request{Fix: pitwall.Fix{Kind: "rollback"}}
	for day := 6; day <= 7; day++ {
		d := p.Decide(r, time.Date(2026, 3, day, 12, 0, 0, 0, time.UTC))
		fmt.Println(d.Result, d.Rule)
	}
	// Output:
	// allow rollbacks
	// ask weekend
}
