package plan_test

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/plan"
)

// What happens to a plan is checked against the table, recorded as one event,
// and folded in; what the table does not hold cannot happen.
func Example() {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	opened, _ := plan.Next(pitwall.Plan{ID: "PIP-1"}, plan.Happening{Type: pitwall.EventOpened, Actor: "pitwall", At: at, Data: pitwall.OpenedData{}})
	opened.Seq = 1 // the record numbers it
	p, _ := plan.Fold([]pitwall.Event{opened})
	fmt.Println(p.ID, "is", p.State)

	_, err := plan.Next(p, plan.Happening{Type: pitwall.EventClosed, Actor: "kim", At: at})
	fmt.Println(err)
	// Output:
	// PIP-1 is opened
	// moving plan: PIP-1: plan.closed is not possible in state "opened"
}
