package diagnose

import (
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// TestMergeHops: several ways alike are one finding that tells of the loudest;
// one that carries nearly all stands for itself.
func TestMergeHops(t *testing.T) {
	way := func(to string, explained, after float64) *finding {
		s := fold.Shift{Before: 0.002, After: after, Noise: fold.MinNoise, Known: true, Beyond: true}
		return &finding{
			check: checkNetwork, at: fold.Operation{Service: pitwall.ServiceName(to)}, claim: "way to " + to, explained: explained, shift: s,
			signal: pitwall.OwnSignal{Service: "checkout", Name: to}, covers: map[int]bool{len(to): true},
		}
	}
	one := mergeHops(nil, []*finding{way("auth", 0.01, 0.004), way("payment", 0.2, 0.3), way("tax", 0.01, 0.004)})
	if len(one) != 3 || one[1].at.Service != "payment" || len(one[1].covers) != 1 || one[1].explained != 0.2 {
		t.Errorf("one way carries nearly all and became one of %d: %+v", len(one), one)
	}
	all := mergeHops(nil, []*finding{way("auth", 0.1, 0.2), way("payment", 0.12, 0.3), way("tax", 0.1, 0.2)})
	if len(all) != 1 {
		t.Fatalf("%d findings of three ways alike", len(all))
	}
	if f := all[0]; f.at.Service != "checkout" || len(f.covers) != 3 || f.signal.Name != "payment" || !strings.HasSuffix(f.claim, "loudest: way to payment") {
		t.Errorf("three ways alike: %+v", f)
	}
}

// TestColdStartsEmptyCaches: a cache that is empty because instances are new is
// no cause of its own.
func TestColdStartsEmptyCaches(t *testing.T) {
	at := fold.Operation{Service: "checkout"}
	covers := map[int]bool{1: true}
	cold := &finding{class: pitwall.BottleneckColdStart, at: at, share: 0.9, covers: covers}
	empty := &finding{class: pitwall.BottleneckCache, at: at, share: 0.95, covers: covers}
	for _, list := range [][]*finding{{cold, empty}, {empty, cold}} {
		cold.effectOf, empty.effectOf = nil, nil
		markEffects(list)
		if cold.effectOf != nil || empty.effectOf != cold {
			t.Errorf("cold is an effect: %v; the empty cache is one: %v", cold.effectOf != nil, empty.effectOf == cold)
		}
	}
	cold.share, empty.effectOf = 0.2, nil
	markEffects([]*finding{cold, empty})
	if empty.effectOf != nil {
		t.Error("starts that explain a fifth excuse a cache that explains nearly all")
	}
}
