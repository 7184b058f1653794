package slo_test

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// A month is lived through in two hours: windows shrink, factors stay.
func Example() {
	tiers, err := slo.Preset("", 28*24*time.Hour)
	if err != nil {
		fmt.Println(err)
		return
	}
	latency := slo.Scale(pitwall.SLO{Name: "checkout-latency", Service: "checkout", Target: 0.995, Window: 28 * 24 * time.Hour, Tiers: tiers,
		SLI: pitwall.SLI{Kind: pitwall.SLILatency, Service: "checkout", Operation: "POST /checkout", Threshold: 500 * time.Millisecond}}, 360)
	ledger := slo.NewLedger([]pitwall.SLO{latency}, time.Second)

	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var spans pitwall.SpanBatch
	for i := range 300 {
		took := 120 * time.Millisecond
		if i%4 == 0 {
			took = 1400 * time.Millisecond
		}
		spans.Add(pitwall.SpanRow{Service: "checkout", Operation: "POST /checkout", Kind: pitwall.SpanServer,
			Start: now.Add(-took - time.Duration(i+1)*10*time.Millisecond), Duration: took})
	}
	ledger.Feed(&spans)

	burn, firing := ledger.Burning(latency, now)
	fmt.Println(firing, burn.State.Tier.Name, burn.State.Tier.Action)
	fmt.Println(burn.State.Expr)
	fmt.Println(ledger.Budget(latency, now).Spent)
	// Output:
	// true fast page
	// burn rate > 26.88 over 3s and over 1s: 50 (75 of 300 bad) and 50 (25 of 100 bad)
	// 5000 %
}
