package prof

import (
	"bytes"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/google/pprof/profile"

	"github.com/pitwall/pitwall"
)

// measure is one sample type: what is counted, in which unit.
type measure struct{ name, unit string }

// shape is what a profile of a type holds when it is ours: a count, the cost
// (goroutines are their own count), and what lies between two samples.
type shape struct {
	measures []measure
	period   measure
}

// shapes (read-only) follow Go's own profiles.
var shapes = map[pitwall.ProfileType]shape{
	pitwall.ProfileCPU:       {[]measure{{"samples", "count"}, {"cpu", "nanoseconds"}}, measure{"cpu", "nanoseconds"}},
	pitwall.ProfileAlloc:     {[]measure{{"alloc_objects", "count"}, {"alloc_space", "bytes"}}, measure{"space", "bytes"}},
	pitwall.ProfileHeap:      {[]measure{{"inuse_objects", "count"}, {"inuse_space", "bytes"}}, measure{"space", "bytes"}},
	pitwall.ProfileMutex:     {[]measure{{"contentions", "count"}, {"delay", "nanoseconds"}}, measure{"contentions", "count"}},
	pitwall.ProfileBlock:     {[]measure{{"contentions", "count"}, {"delay", "nanoseconds"}}, measure{"contentions", "count"}},
	pitwall.ProfileGoroutine: {[]measure{{"goroutine", "count"}}, measure{"goroutine", "count"}},
}

// Cumulative says whether profiles of a type count since the process started,
// so that two must be subtracted.
func Cumulative(t pitwall.ProfileType) bool {
	return t == pitwall.ProfileAlloc || t == pitwall.ProfileMutex || t == pitwall.ProfileBlock
}

// Momentary says whether profiles of a type tell what is held at one moment.
func Momentary(t pitwall.ProfileType) bool {
	return t == pitwall.ProfileHeap || t == pitwall.ProfileGoroutine
}

// Description is what a pprof file says of itself.
type Description struct {
	// Types it can be read as, in the order of pitwall.ProfileTypes. Go's mutex
	// and block profiles look alike: both are listed.
	Types   []pitwall.ProfileType
	Samples int
	At      time.Time     // zero: not told; the beginning where Length is told
	Length  time.Duration // 0: not told
	Counts  []string      // the sample types as they are called in it
}

// Describe reads a pprof file, gzipped or not, and says what it is. What is no
// pprof is Invalid.
func Describe(data []byte) (Description, error) {
	raw, err := decode(data)
	if err != nil {
		return Description{}, err
	}
	d := Description{Samples: len(raw.Sample), Length: max(0, time.Duration(raw.DurationNanos))}
	if raw.TimeNanos > 0 {
		d.At = time.Unix(0, raw.TimeNanos).UTC()
	}
	for _, st := range raw.SampleType {
		d.Counts = append(d.Counts, st.Type)
	}
	for _, t := range pitwall.ProfileTypes() {
		if slices.Contains(d.Counts, measures[t]) {
			d.Types = append(d.Types, t)
		}
	}
	return d, nil
}

// Keep gives a profile with nothing but what its type counts, gzipped, in the
// units of Go's own profiles, so that profiles of all origins can be merged.
// Names says what sample types of other runtimes are called in Go, such as
// "alloc-size": "alloc_space"; nil when they are Go's.
func Keep(data []byte, t pitwall.ProfileType, names map[string]string) ([]byte, error) {
	raw, err := decode(data)
	if err != nil {
		return nil, err
	}
	for _, st := range raw.SampleType {
		if name, ok := names[st.Type]; ok {
			st.Type = name
		}
	}
	if err := canonical(raw, t); err != nil {
		return nil, err
	}
	return encode(raw)
}

// canonical brings a profile into its type's shape.
func canonical(p *profile.Profile, t pitwall.ProfileType) error {
	want, ok := shapes[t]
	if !ok {
		return invalid(fmt.Errorf("%q is no profile type; there are %v", t, pitwall.ProfileTypes()))
	}
	from, scale := make([]int, len(want.measures)), make([]float64, len(want.measures))
	types := make([]*profile.ValueType, len(want.measures))
	for i, m := range want.measures {
		types[i] = &profile.ValueType{Type: m.name, Unit: m.unit}
		from[i] = slices.IndexFunc(p.SampleType, func(st *profile.ValueType) bool { return st.Type == m.name })
		if from[i] < 0 {
			continue // a count may be missing; the cost may not
		}
		ratio := units[p.SampleType[from[i]].Unit] / units[m.unit]
		if ratio == 0 {
			return invalid(fmt.Errorf("unit %q of %s is not known", p.SampleType[from[i]].Unit, m.name))
		}
		scale[i] = ratio
	}
	if from[len(from)-1] < 0 {
		return invalid(fmt.Errorf("it has %s, not what a %s profile counts (%s)", sampleTypes(p), t, measures[t]))
	}
	for _, s := range p.Sample {
		values := make([]int64, len(from))
		for i, f := range from {
			switch {
			case f < 0:
			case scale[i] == 1:
				values[i] = s.Value[f]
			default:
				values[i] = int64(math.Round(float64(s.Value[f]) * scale[i]))
			}
		}
		s.Value = values
	}
	p.SampleType, p.DefaultSampleType = types, ""
	if p.PeriodType == nil || p.PeriodType.Type != want.period.name || p.PeriodType.Unit != want.period.unit {
		p.PeriodType, p.Period = &profile.ValueType{Type: want.period.name, Unit: want.period.unit}, 0
	}
	return nil
}

// batch is how many profiles are held in memory while many are merged.
const batch = 16

// MergeData adds pprof profiles of one type up, a few at a time: however many
// there are, memory holds the sum and a handful. n is how many there were; with
// none, data is nil.
func MergeData(t pitwall.ProfileType, profiles iter.Seq2[[]byte, error]) (data []byte, n int, err error) {
	var held []*profile.Profile
	for one, err := range profiles {
		if err != nil {
			return nil, n, err
		}
		p, err := decode(one)
		if err != nil {
			return nil, n, err
		}
		if err := canonical(p, t); err != nil {
			return nil, n, err
		}
		held = append(held, p)
		n++
		if len(held) == batch {
			if held, err = mergeHeld(held); err != nil {
				return nil, n, err
			}
		}
	}
	if n == 0 {
		return nil, 0, nil
	}
	if held, err = mergeHeld(held); err != nil {
		return nil, n, err
	}
	data, err = encode(held[0])
	return data, n, err
}

func mergeHeld(held []*profile.Profile) ([]*profile.Profile, error) {
	sum, err := profile.Merge(held)
	if err != nil {
		return nil, invalid(err)
	}
	return append(held[:0:0], sum), nil
}

// Scale multiplies all counts of a profile.
func Scale(data []byte, by float64) ([]byte, error) {
	p, err := decode(data)
	if err != nil {
		return nil, err
	}
	p.Scale(by)
	return encode(p)
}

// Encode writes a profile as gzipped pprof: functions by name only.
func Encode(p *Profile, period pitwall.Period) ([]byte, error) {
	want, ok := shapes[p.Type]
	if !ok {
		return nil, invalid(fmt.Errorf("%q is no profile type; there are %v", p.Type, pitwall.ProfileTypes()))
	}
	out := &profile.Profile{
		TimeNanos: period.From.UnixNano(), DurationNanos: int64(period.Duration()),
		PeriodType: &profile.ValueType{Type: want.period.name, Unit: want.period.unit},
	}
	cost := want.measures[len(want.measures)-1]
	for _, m := range want.measures {
		out.SampleType = append(out.SampleType, &profile.ValueType{Type: m.name, Unit: m.unit})
	}
	if want.period.unit == cost.unit {
		out.Period = int64(math.Round(p.Quantum / units[cost.unit]))
	}
	places := map[string]*profile.Location{}
	for _, s := range p.Stacks {
		sample := &profile.Sample{Value: make([]int64, len(want.measures))}
		if p.Quantum > 0 {
			sample.Value[0] = int64(math.Round(s.Value / p.Quantum))
		}
		sample.Value[len(want.measures)-1] = int64(math.Round(s.Value / units[cost.unit]))
		for _, name := range s.Frames {
			if places[name] == nil {
				f := &profile.Function{ID: uint64(len(out.Function) + 1), Name: name, SystemName: name}
				out.Function = append(out.Function, f)
				places[name] = &profile.Location{ID: f.ID, Line: []profile.Line{{Function: f}}}
				out.Location = append(out.Location, places[name])
			}
			sample.Location = append(sample.Location, places[name])
		}
		out.Sample = append(out.Sample, sample)
	}
	return encode(out)
}

func encode(p *profile.Profile) ([]byte, error) {
	var buf bytes.Buffer
	if err := p.Write(&buf); err != nil {
		return nil, &pitwall.Error{Op: "writing pprof profile", Kind: pitwall.Internal, Err: err}
	}
	return buf.Bytes(), nil
}

// Measure is the sample type that holds a type's cost, such as "alloc_space".
func Measure(t pitwall.ProfileType) string { return measures[t] }

// Join makes one profile of a type from several that each hold one of its sample
// types, as servers give them that keep each apart.
func Join(t pitwall.ProfileType, parts [][]byte) ([]byte, error) {
	var all []*profile.Profile
	for _, part := range parts {
		p, err := decode(part)
		if err != nil {
			return nil, err
		}
		// Each becomes whole, with nothing of what it does not hold.
		p.SampleType = slices.Clone(p.SampleType)
		for _, m := range shapes[t].measures {
			if slices.ContainsFunc(p.SampleType, func(st *profile.ValueType) bool { return st.Type == m.name }) {
				continue
			}
			p.SampleType = append(p.SampleType, &profile.ValueType{Type: m.name, Unit: m.unit})
			for _, s := range p.Sample {
				s.Value = append(s.Value, 0)
			}
		}
		if err := canonical(p, t); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, invalid(fmt.Errorf("no profiles to join"))
	}
	sum, err := mergeHeld(all)
	if err != nil {
		return nil, err
	}
	return encode(sum[0])
}
