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
		s := d.State()
		if _, err := json.Marshal(s); err != nil {
			t.Fatalf("state %+v: %v", s, err)
		}
		if _, err := online.Restore(s); err != nil {
			t.Fatalf("its own state %+v: %v", s, err)
		}
		if _, err := online.RestoreCounts(c.State()); err != nil {
			t.Fatalf("its own state %+v: %v", c.State(), err)
		}
	})
}

// Any bytes as a state: refused, or a detector that does not panic.
func FuzzRestore(f *testing.F) {
	d, c := online.New(online.Options{}), online.NewCounts(online.Options{})
	for i := range 130 {
		for _, s := range []any{d.State(), c.State()} {
			if text, err := json.Marshal(s); err == nil && i%40 == 0 {
				f.Add(text)
			}
		}
		d.Observe(float64(i * 7 % 11))
		c.ObserveCount(int64(i%3), 10)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s online.State
		if json.Unmarshal(text, &s) == nil {
			if d, err := online.Restore(s); err == nil {
				for i := range 300 {
					d.Observe(float64(i%5) * 100)
				}
			}
		}
		var counts online.CountState
		if json.Unmarshal(text, &counts) == nil {
			if c, err := online.RestoreCounts(counts); err == nil {
				for range 300 {
					c.ObserveCount(3, 5)
				}
			}
		}
	})
}
