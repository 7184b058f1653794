package diagnose

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

func TestTouches(t *testing.T) {
	f := func(class pitwall.Bottleneck, c pitwall.Change, want int) {
		t.Helper()
		got := touches(c, &finding{class: class, at: fold.Operation{Service: "inventory", Name: "POST /v1/items/lookup"}})
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
