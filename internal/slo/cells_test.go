package slo

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pitwall/pitwall"
)

func TestCellsPackAndUnpack(t *testing.T) {
	f := func(what string, c cells, most int) {
		t.Helper()
		data := c.pack()
		got, err := unpack(data)
		if err != nil || *got != c {
			t.Errorf("%s reads back as %v, %v", what, got, err)
		}
		if len(data) > most {
			t.Errorf("%s takes %d bytes, at most %d", what, len(data), most)
		}
	}
	f("nothing", cells{}, 3)
	f("a first step", cells{0: {Good: 1}}, 5)
	f("a last step", cells{63: {Bad: 1}}, 5)
	full, greatest := cells{}, cells{}
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range full {
		full[i] = pitwall.Counts{Good: 6000 + rng.Uint64N(2000), Bad: rng.Uint64N(100)}
		greatest[i] = pitwall.Counts{Good: math.MaxUint64, Bad: math.MaxUint64}
	}
	f("a busy hour", full, 3*chunkSteps)
	f("the greatest counts", greatest, 20*chunkSteps)
}

func FuzzUnpack(f *testing.F) {
	f.Add((&cells{}).pack())
	f.Add((&cells{5: {Good: 300, Bad: 2}}).pack())
	f.Add([]byte{0, 0, 65})
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := unpack(data)
		if err != nil {
			return
		}
		again, err := unpack(c.pack())
		if err != nil || *again != *c {
			t.Fatalf("%x: read, written and read again differs: %v", data, err)
		}
		if bytes.Equal(data, nil) {
			t.Fatal("nothing is no chunk")
		}
	})
}
