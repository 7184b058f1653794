package route_test

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/route"
)

func Example() {
	routes, err := route.Parse("routes.yaml", []byte(`
receivers:
  - {name: pager, pagerduty: {routing_key_file: secrets/pagerduty}}
routes:
  - {match: {action: page}, to: [pager], wait: 30s}
  - {to: []}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r := route.Router{Routes: routes}
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	alarms := []pitwall.Alarm{{ID: "a1", SLO: "checkout-latency", Service: "checkout", Action: pitwall.ActionPage, Since: now,
		State: pitwall.TierState{Tier: pitwall.BurnTier{Name: "page-fast"}}}}
	var state route.State
	for range 3 {
		d := r.Decide(now, alarms, nil, state)
		for _, v := range d.Deliveries {
			fmt.Println(now.Format(time.TimeOnly), v.Receiver, v.Message.Title)
		}
		state, now = d.State, now.Add(15*time.Second)
	}
	// Output: 10:00:30 pager [page] checkout-latency: page-fast
}
