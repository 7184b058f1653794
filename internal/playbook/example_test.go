package playbook_test

import (
	"fmt"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/playbook"
	"github.com/pitwall/pitwall/playbooks"
)

// A deploy made a payload grow; the playbook for it becomes a fix.
func Example() {
	books, err := playbook.Load(playbooks.FS)
	if err != nil {
		fmt.Println(err)
		return
	}
	cause := pitwall.Hypothesis{Class: pitwall.BottleneckPayload, Change: &pitwall.Change{
		Kind: pitwall.ChangeDeploy, Service: "inventory", Version: "v41", PreviousVersion: "v40"}}
	fix, err := playbook.Render(playbook.Match(books, cause)[0], playbook.RenderInput{
		Hypothesis: cause,
		SLO:        pitwall.SLO{Name: "checkout-latency"},
		Current: pitwall.TargetState{Service: "inventory",
			Weights: map[pitwall.Version]int{"v40": 0, "v41": 100}, Ready: map[pitwall.Version]bool{"v40": true}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(fix.Title)
	for _, step := range fix.Steps {
		fmt.Println(step.ID, step.Weights)
	}
	// Output:
	// Roll inventory back from v41 to v40
	// canary-10 map[v40:10 v41:90]
	// canary-50 map[v40:50 v41:50]
	// all map[v40:100 v41:0]
}
