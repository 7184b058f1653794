package prof

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/pitwall/pitwall"
)

// Profile is what one or several pprof profiles of one type say: call stacks
// with what they cost.
type Profile struct {
	Type pitwall.ProfileType
	// Quantum is the cost one observation stands for: seconds of CPU between two
	// samples, bytes between two sampled allocations, the mean wait of a
	// contention, one goroutine. Value over Quantum is a number of observations.
	Quantum float64
	Stacks  []Stack
}

// Stack is a distinct call stack with its cost: seconds of CPU or of waiting,
// bytes allocated or held, or goroutines.
type Stack struct {
	Frames []string // function names, leaf first, inlined ones expanded
	Value  float64
}

// Total is the cost of all stacks.
func (p *Profile) Total() float64 {
	total := 0.0
	for _, s := range p.Stacks {
		total += s.Value
	}
	return total
}

// Delta subtracts an earlier profile from a later one of the same process, both
// counting since its start, as heap, mutex and block profiles do. Only the
// counts since start are kept (never what is in use). A count that went back
// means the process started anew: that is a Conflict, and the later profile is
// the new beginning.
func Delta(earlier, later []byte, t pitwall.ProfileType) ([]byte, error) {
	const op = "subtracting profiles"
	before, err := decode(earlier)
	if err != nil {
		return nil, err
	}
	after, err := decode(later)
	if err != nil {
		return nil, err
	}
	for _, p := range []*profile.Profile{before, after} {
		if err := keepCumulative(p, t); err != nil {
			return nil, err
		}
	}
	before.Scale(-1)
	diff, err := profile.Merge([]*profile.Profile{after, before})
	if err != nil {
		return nil, invalid(err)
	}
	for _, s := range diff.Sample {
		for _, v := range s.Value {
			if v < 0 {
				return nil, pitwall.Errorf(pitwall.Conflict, op, "counts went back: the process has restarted")
			}
		}
	}
	diff.TimeNanos = before.TimeNanos
	diff.DurationNanos = after.TimeNanos - before.TimeNanos
	var buf bytes.Buffer
	if err := diff.Write(&buf); err != nil {
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Internal, Err: err}
	}
	return buf.Bytes(), nil
}

// keepCumulative drops the sample types that do not count since the start.
func keepCumulative(p *profile.Profile, t pitwall.ProfileType) error {
	if !Cumulative(t) {
		return invalid(fmt.Errorf("%s profiles do not count since the start, so they have no difference", t))
	}
	var keep []int
	for i, st := range p.SampleType {
		if !strings.HasPrefix(st.Type, "inuse") {
			keep = append(keep, i)
		}
	}
	types := make([]*profile.ValueType, len(keep))
	for n, i := range keep {
		types[n] = p.SampleType[i]
	}
	p.SampleType = types
	p.DefaultSampleType = ""
	for _, s := range p.Sample {
		values := make([]int64, len(keep))
		for n, i := range keep {
			values[n] = s.Value[i]
		}
		s.Value = values
	}
	return nil
}

func decode(data []byte) (*profile.Profile, error) {
	data, err := inflate(data)
	if err != nil {
		return nil, err
	}
	if err := weigh(data); err != nil {
		return nil, invalid(err)
	}
	p, err := profile.ParseUncompressed(data)
	if err != nil {
		return nil, invalid(err)
	}
	if err := p.CheckValid(); err != nil {
		return nil, invalid(err)
	}
	return p, nil
}

func invalid(err error) error {
	return &pitwall.Error{Op: "reading pprof profile", Kind: pitwall.Invalid, Err: err,
		Hint: "try it with: go tool pprof -top FILE"}
}

func sampleTypes(p *profile.Profile) string {
	names := make([]string, len(p.SampleType))
	for i, st := range p.SampleType {
		names[i] = st.Type
	}
	return strings.Join(names, ", ")
}
