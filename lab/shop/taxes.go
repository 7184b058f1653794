package shop

import (
	"context"
	"hash/fnv"
	"io"
	"sync"

	"github.com/pitwall/pitwall/lab/telemetry"
)

// zones is how many delivery zones the tax table knows: 12 Mi zones of two bytes
// are 24 MiB, which checkout holds in memory all the time.
const zones = 12 << 20

// taxTable gives the tax of a delivery zone in basis points.
func taxTable(seed uint64) []uint16 {
	t := make([]uint16, zones)
	x := seed | 1
	for i := range t {
		x ^= x << 13 // xorshift64: cheap and good enough for a table
		x ^= x >> 7
		x ^= x << 17
		t[i] = uint16(700 + x%1_800)
	}
	return t
}

// tax is the tax on a total for a customer's delivery zone, in cents.
func tax(table []uint16, user string, total int) int {
	h := fnv.New32a()
	_, _ = io.WriteString(h, user) // a hash never fails
	return total * int(table[int(h.Sum32())%len(table)]) / 10_000
}

// taxes is the tax table, loaded at the start or when first needed.
type taxes struct {
	once sync.Once
	t    []uint16
}

func (t *taxes) load(seed uint64) { t.once.Do(func() { t.t = taxTable(seed) }) }

// table waits for the table.
func (t *taxes) table(ctx context.Context, tel *telemetry.Telemetry, seed uint64) []uint16 {
	t.once.Do(func() {
		tel.Inside(ctx, "load tax table", func(context.Context) {
			for year := range uint64(taxYears) { // the newest comes last
				t.t = taxTable(seed + taxYears - 1 - year)
			}
		})
	})
	return t.t
}

// taxYears is how many years of tax tables are on file; a table loaded late
// reads them in turn to find the one in force.
const taxYears = 8
