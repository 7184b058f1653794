package prof

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// maxProfile bounds an uncompressed profile, so that a few kilobytes of gzip
// cannot fill the memory. Real ones have at most some megabytes.
const maxProfile = 64 << 20

// measures (read-only) tell which sample type of pprof holds a type's cost.
var measures = map[pitwall.ProfileType]string{
	pitwall.ProfileCPU:   "cpu",
	pitwall.ProfileAlloc: "alloc_space",
	pitwall.ProfileMutex: "delay",
	pitwall.ProfileBlock: "delay",
	// Held at one moment.
	pitwall.ProfileHeap:      "inuse_space",
	pitwall.ProfileGoroutine: "goroutine",
}

// units (read-only) scale pprof's units to seconds, bytes and counts.
var units = map[string]float64{
	"nanoseconds": 1e-9, "microseconds": 1e-6, "milliseconds": 1e-3, "seconds": 1, "bytes": 1, "count": 1,
}

// Parse reads one pprof profile, gzipped or not. What is no pprof, or has
// nothing of the type asked for, is Invalid.
func Parse(data []byte, t pitwall.ProfileType) (*Profile, error) {
	r, err := read(data, t, false)
	if err != nil {
		return nil, err
	}
	p := &Profile{Type: t, Quantum: r.quantum}
	at := map[string]int{}
	var frames []int32
	var key []byte
	for i := range r.samples {
		frames = r.frames(frames[:0], i)
		key = keyOf(key[:0], frames)
		n, ok := at[string(key)]
		if !ok {
			n = len(p.Stacks)
			at[string(key)] = n
			p.Stacks = append(p.Stacks, Stack{Frames: r.named(frames)})
		}
		p.Stacks[n].Value += r.cost(i)
	}
	return p, nil
}

// reading is a profile read as one type: how much each sample costs is known.
type reading struct {
	*flat
	index   int     // of the sample type that holds the cost
	scale   float64 // its unit in seconds, bytes or counts
	quantum float64
}

// read reads a profile as one type; count asks how often rather than how much.
func read(data []byte, t pitwall.ProfileType, count bool) (r reading, err error) {
	plain, err := inflate(data)
	if err != nil {
		return r, err
	}
	if err := weigh(plain); err != nil {
		return r, invalid(err)
	}
	if r.flat, err = scan(plain); err != nil {
		return r, invalid(err)
	}
	r.index = slices.IndexFunc(r.types, func(m measure) bool { return m.name == measures[t] })
	if r.index < 0 {
		return r, invalid(fmt.Errorf("it has %s, not what a %s profile counts (%s)", measureNames(r.types), t, measures[t]))
	}
	var ok bool
	if r.scale, ok = units[r.types[r.index].unit]; !ok {
		return r, invalid(fmt.Errorf("unit %q of %s is not known", r.types[r.index].unit, measures[t]))
	}
	r.quantum = r.between()
	if count {
		return r.counted(t)
	}
	return r, nil
}

func measureNames(list []measure) string {
	names := make([]string, len(list))
	for i, m := range list {
		names[i] = m.name
	}
	return strings.Join(names, ", ")
}

// cost is what one sample costs: seconds, bytes or counts.
func (r reading) cost(sample int) float64 { return r.value(sample, r.index) * r.scale }

// between is the sampling period where the profile states one in the unit of
// its cost, and otherwise the mean cost of an event; 0 where there was none.
func (r reading) between() float64 {
	if r.period.unit == r.types[r.index].unit && r.every > 0 {
		return float64(r.every) * r.scale
	}
	var events, total float64
	for i := range r.samples {
		if r.index > 0 {
			events += r.value(i, 0) // by custom the count comes first
		}
		total += r.cost(i)
	}
	switch {
	case events > 0:
		return total / events
	case r.index == 0:
		return r.scale // counts are their own observations
	}
	return 0
}

// counted turns to the sample type that says how often. It is observed as often
// as the cost is: a sampled allocation stands for many objects.
func (r reading) counted(t pitwall.ProfileType) (reading, error) {
	name := shapes[t].measures[0].name
	index := slices.IndexFunc(r.types, func(m measure) bool { return m.name == name })
	if index < 0 {
		return r, invalid(fmt.Errorf("it has %s, not how often (%s)", measureNames(r.types), name))
	}
	var cost, count float64
	for i := range r.samples {
		cost += r.cost(i)
		count += r.value(i, index)
	}
	if cost > 0 {
		r.quantum *= count / cost
	}
	r.index, r.scale = index, 1
	return r, nil
}

// keyOf writes a stack as the key of a map.
func keyOf(to []byte, frames []int32) []byte {
	for _, f := range frames {
		to = append(to, byte(f), byte(f>>8), byte(f>>16), byte(f>>24))
	}
	return to
}

func (f *flat) named(frames []int32) []string {
	out := make([]string, len(frames))
	for i, n := range frames {
		out[i] = f.functions[n]
	}
	return out
}

// inflate unpacks a profile if it is packed.
func inflate(data []byte) ([]byte, error) {
	if len(data) >= 2 && data[0] == 0x1f && data[1] == 0x8b {
		zr, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, invalid(fmt.Errorf("opening gzip: %w", err))
		}
		// The last four bytes say how long it will be, if they can be believed.
		hint := binary.LittleEndian.Uint32(data[max(0, len(data)-4):])
		var plain bytes.Buffer
		plain.Grow(int(min(hint, uint32(32*len(data)))) + bytes.MinRead)
		if _, err = plain.ReadFrom(io.LimitReader(zr, maxProfile+1)); err != nil {
			return nil, invalid(fmt.Errorf("reading gzip: %w", err))
		}
		data = plain.Bytes()
	}
	if len(data) > maxProfile {
		return nil, invalid(fmt.Errorf("it is larger than %s", pitwall.Bytes(maxProfile)))
	}
	return data, nil
}

// plainName takes type arguments out of a name: all instances of a generic
// function are one function here.
func plainName(name string) string {
	if !strings.Contains(name, "[") {
		return name
	}
	var b strings.Builder
	depth := 0
	for _, r := range name {
		switch {
		case r == '[':
			depth++
		case r == ']' && depth > 0:
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	if b.Len() == 0 {
		return name
	}
	return b.String()
}
