package prof

import (
	"math"
	"slices"
	"testing"

	"github.com/pitwall/pitwall"
)

func TestTree(t *testing.T) {
	window := func(stacks map[string]int64) []pitwall.ProfileWindow {
		return []pitwall.ProfileWindow{{Service: "shop", Type: pitwall.ProfileCPU, Requests: 100, Data: cpuProfile(t, stacks)}}
	}
	d := mustCompare(t,
		window(map[string]int64{"main.main;main.list": 600, "main.main;main.walk;main.walk;main.leaf": 300, "main.main;main.old": 99, "main.main;main.rare": 1}),
		window(map[string]int64{"main.main;main.list": 600, "main.main;main.walk;main.walk;main.walk;main.leaf": 900, "main.gc": 500}))
	want := []pitwall.FlameNode{ // per request: 10 ms a sample, 100 requests
		{Name: Whole, Depth: 0, Before: 0.1, After: 0.2},
		{Name: "main.main", Depth: 1, Before: 0.1, After: 0.15},
		{Name: "main.list", Depth: 2, Before: 0.06, After: 0.06},
		{Name: "main.walk", Depth: 2, Before: 0.03, After: 0.09},
		{Name: "main.leaf", Depth: 3, Before: 0.03, After: 0.09},
		{Name: "main.old", Depth: 2, Before: 0.0099, After: 0},
		{Name: "main.gc", Depth: 1, Before: 0, After: 0.05},
	}
	same := func(a, b pitwall.FlameNode) bool {
		return a.Name == b.Name && a.Depth == b.Depth && math.Abs(a.Before-b.Before) < 1e-9 && math.Abs(a.After-b.After) < 1e-9
	}
	if !slices.EqualFunc(d.Tree, want, same) {
		t.Errorf("tree %+v\nwant %+v", d.Tree, want)
	}
}

// TestTreeOfLargeProfiles: at most 400 nodes, parents before their children and
// never cheaper than all of these together.
func TestTreeOfLargeProfiles(t *testing.T) {
	ws := large(t, 4)
	nodes := mustCompare(t, ws[:2], ws[2:]).Tree
	if len(nodes) < 50 || len(nodes) > mostNodes {
		t.Fatalf("%d nodes", len(nodes))
	}
	left := map[int]float64{} // of the latest node at each depth
	for i, n := range nodes {
		if i > 0 && (n.Depth < 1 || n.Depth > nodes[i-1].Depth+1) {
			t.Fatalf("node %d at depth %d after depth %d", i, n.Depth, nodes[i-1].Depth)
		}
		left[n.Depth] = n.After
		if n.Depth > 0 {
			if left[n.Depth-1] -= n.After; left[n.Depth-1] < -1e-9 {
				t.Fatalf("node %d: children cost more than their parent", i)
			}
		}
	}
}
