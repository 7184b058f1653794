package online_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"

	"github.com/pitwall/pitwall/internal/stats/online"
)

// Any numbers in any order: no panic, and every alarm is one that JSON carries
// and whose rows make sense.
func FuzzObserve(f *testing.F) {
	add := func(repeat int, values ...float64) {
		var raw []byte
		for range repeat {
			for _, v := range values {
				raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(v))
			}
		}
		f.Add(raw)
	}
	add(1)
	add(100, 0)
	add(60, math.NaN(), 1, math.Inf(1), 2)
	add(50, 1e308, -1e308, 5e-324, 1e150, -1e150)
	add(50, 1, 2, 1e-320)
	f.Fuzz(func(t *testing.T, raw []byte) {
		d := online.New(online.Options{Warmup: 20, ARL: 100, MinEffect: 0.01})
		c := online.NewCounts(online.Options{Warmup: 20, ARL: 100})
		row := 0
		for ; len(raw) >= 8; raw = raw[8:] {
			bits := binary.LittleEndian.Uint64(raw)
			a, ok := d.Observe(math.Float64frombits(bits))
			b, counted := c.ObserveCount(int64(bits>>32), int64(int32(bits)))
			for _, alarm := range []struct {
				online.Alarm
				rang bool
			}{{a, ok}, {b, counted}} {
				if !alarm.rang {
					continue
				}
				if alarm.Index != row || alarm.Earliest > alarm.Onset || alarm.Onset > alarm.Latest || alarm.Latest > row {
					t.Fatalf("row %d: %+v", row, alarm)
				}
				if _, err := json.Marshal(alarm.Alarm); err != nil {
					t.Fatalf("alarm %+v: %v", alarm, err)
				}
			}
			row++
		}
	})
}
