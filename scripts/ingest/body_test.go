package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestBodiesAreWhatTheTableSays: 380 bytes to a span, every id patched.
func TestBodiesAreWhatTheTableSays(t *testing.T) {
	b := makeBody(rand.New(rand.NewPCG(1, 1)), time.Now().UnixNano())
	if each := len(b.data) / spansPerBody; each < 375 || each > 390 {
		t.Errorf("%d bytes to a span", each)
	}
	b.patch(1)
	seen := map[string]int{}
	for _, at := range b.ids {
		seen[string(b.data[at:at+16])]++
	}
	if len(seen) != spansPerBody/spansPerTrace {
		t.Errorf("%d traces", len(seen))
	}
}
