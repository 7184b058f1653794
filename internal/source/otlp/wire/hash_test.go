package wire

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/pitwall/pitwall"
)

// TestDeliveryNeverChanges: the numbers lie in logs that later versions read.
func TestDeliveryNeverChanges(t *testing.T) {
	long := make([]byte, 1000)
	for i := range long {
		long[i] = byte(i * 7)
	}
	for _, c := range []struct {
		body   []byte
		signal pitwall.SignalKind
		want   uint64
	}{
		{nil, pitwall.SignalTraces, 0x42137afed14194bf},
		{nil, pitwall.SignalLogs, 0xa419d0961d139b74},
		{[]byte("a"), pitwall.SignalTraces, 0xf144026e8cd4f849},
		{long[:32], pitwall.SignalTraces, 0xe08b9afe9b0c49f4},
		{long, pitwall.SignalTraces, 0x6eecc73541097f47},
	} {
		if got := Delivery(c.body, c.signal); got != c.want {
			t.Errorf("%d bytes of %s: %#x, want %#x", len(c.body), c.signal, got, c.want)
		}
	}
}

// TestDeliveryTellsBodiesApart: bodies that differ in a bit or in their length
// differ in about half the bits of their number.
func TestDeliveryTellsBodiesApart(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	seen := map[uint64]bool{}
	total, trials := 0, 0
	for n := range 300 {
		body := make([]byte, n)
		for i := range body {
			body[i] = byte(r.Uint32())
		}
		h := Delivery(body, pitwall.SignalTraces)
		seen[h] = true
		seen[Delivery(body, pitwall.SignalLogs)] = true
		seen[Delivery(append(bytes.Clone(body), 0), pitwall.SignalTraces)] = true
		for bit := range 8 * n {
			body[bit/8] ^= 1 << (bit % 8)
			other := Delivery(body, pitwall.SignalTraces)
			body[bit/8] ^= 1 << (bit % 8)
			seen[other] = true
			differ := bits.OnesCount64(h ^ other)
			if differ < 8 || differ > 56 {
				t.Fatalf("%d bytes, bit %d: %d bits differ", n, bit, differ)
			}
			total += differ
			trials++
		}
	}
	if mean := float64(total) / float64(trials); mean < 31.9 || mean > 32.1 {
		t.Errorf("%.3f bits differ on average, want 32", mean)
	}
	if want := 3*300 + trials; len(seen) != want {
		t.Errorf("%d different numbers of %d bodies", len(seen), want)
	}
}
