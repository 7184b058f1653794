package diagnose

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

func TestShape(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := shape(in); got != want {
			t.Errorf("shape(%q) = %q, want %q", in, got, want)
		}
	}
	f("SELECT name FROM items WHERE id = 4711", "SELECT name FROM items WHERE id = ?")
	f("SELECT 'it''s' , x2 FROM t1\n\tWHERE a = 'b'", "SELECT ?? , x2 FROM t1 WHERE a = ?")
	f("INSERT INTO l VALUES (?, ?, ?), (?, ?, ?), (?, ?, ?)", "INSERT INTO l VALUES (?)")
	f("SELECT * FROM o WHERE id = $1", "SELECT * FROM o WHERE id = $1")
	f("", "")
	if shape("… WHERE id IN (1, 2, 3)") != shape("… WHERE id IN (9, 8)") {
		t.Error("the same query with other values must have one shape")
	}
}

func TestTouches(t *testing.T) {
	f := func(class pitwall.Bottleneck, c pitwall.Change, want int) {
		t.Helper()
		got := touches(c, &finding{class: class, at: operation{"inventory", "POST /v1/items/lookup"}})
		if got.strength != want {
			t.Errorf("%s touched by %+v with strength %d (%s), want %d", class, c, got.strength, got.text, want)
		}
	}
	hints := func(h ...string) pitwall.Change { return pitwall.Change{DiffHints: h} }
	f(pitwall.BottleneckPayload, hints("config: include_full_sku_details: false -> true"), touchStrong)
	f(pitwall.BottleneckPayload, hints("api: includeDetails"), touchStrong)
	f(pitwall.BottleneckPayload, hints("handlers/items.go: +18 -3"), touchOperation)
	f(pitwall.BottleneckPayload, hints("go.mod: +2 -2", "Dockerfile: +1 -1"), 0)
	f(pitwall.BottleneckPayload, pitwall.Change{Summary: "Serve complete item details"}, touchSummary)
	for _, s := range []string{"Bump base image", "Update licence headers", "Refactor request logging", "Rename internal package", "Upgrade linter settings"} {
		f(pitwall.BottleneckPayload, pitwall.Change{Summary: s}, 0)
	}
	f(pitwall.BottleneckPayload, pitwall.Change{Flags: map[string]string{"session_cache_ttl_seconds": "270"}}, 0)
	f(pitwall.BottleneckIODB, pitwall.Change{Kind: pitwall.ChangeMigration}, touchStrong)
	f(pitwall.BottleneckLock, hints("promo/registry.go: one sync.Mutex"), touchStrong)
}

func TestTokens(t *testing.T) {
	if diff := cmp.Diff([]string{"include", "full", "details", "http", "v"}, tokens("includeFull_details: HTTP/v2")); diff != "" {
		t.Error(diff)
	}
}

// TestCompareNull: blocks of the same distribution differ beyond noise in no
// more than one in a hundred comparisons (the level is 0.001), and a quarter
// more is seen in nearly all.
func TestCompareNull(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	draw := func(blocks int, level float64) series {
		s := newSeries(blocks)
		for b := range blocks {
			shared := math.Exp(0.05 * r.NormFloat64())
			for range 40 {
				s.add(b, level*shared*math.Exp(0.3*r.NormFloat64()))
			}
		}
		return s
	}
	const runs = 2000
	null, seen := 0, 0
	for range runs {
		null += one(compare(draw(16, 1), draw(8, 1)).beyond)
		seen += one(compare(draw(16, 1), draw(8, 1.25)).up(1.1))
	}
	if null > runs/100 || seen < runs*95/100 {
		t.Errorf("of %d: %d null comparisons beyond noise, %d of the real ones seen", runs, null, seen)
	}
}

func TestTooFewBlocksProveNothing(t *testing.T) {
	a, b := series{[]float64{1, 1}, []float64{1, 1}}, series{[]float64{9, 9}, []float64{1, 1}}
	if compare(a, b).beyond {
		t.Error("two blocks a side proved a shift")
	}
	if s := compare(newSeries(4), newSeries(4)); s.known || s.up(1) {
		t.Error("nothing observed counts as known")
	}
}
