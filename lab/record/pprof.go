package record

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// kinds (read-only) are the profiles a case has, and where Go serves them.
var kinds = []struct {
	name, path string
	cumulative bool // counts since the start of the process
}{
	{"cpu", "/debug/pprof/profile", false},
	{"alloc", "/debug/pprof/allocs", true},
	{"mutex", "/debug/pprof/mutex", true},
	{"block", "/debug/pprof/block", true},
}

// shot is one profile of one window of one instance.
type shot struct {
	service, version, kind string
	from, to               time.Time
	prof                   *profile.Profile
	requests               int64
}

// errRestarted says that the process between two snapshots was not the same.
var errRestarted = errors.New("counts went back: the process has restarted")

// parse reads a profile and leaves what a diagnosis reads: call stacks by
// function, without files, lines, addresses, labels and memory maps.
func parse(raw []byte) (*profile.Profile, error) {
	p, err := profile.ParseData(raw)
	if err != nil {
		return nil, fmt.Errorf("reading profile: %w", err)
	}
	return slim(p)
}

// slim leaves functions and adds equal stacks up.
func slim(p *profile.Profile) (*profile.Profile, error) {
	for _, s := range p.Sample {
		s.Label, s.NumLabel, s.NumUnit = nil, nil, nil
	}
	p.Comments = nil
	if err := p.Aggregate(true, true, false, false, false, false); err != nil {
		return nil, fmt.Errorf("aggregating profile: %w", err)
	}
	for _, l := range p.Location {
		l.Mapping = nil
	}
	p.Mapping = nil
	return profile.Merge([]*profile.Profile{p})
}

// difference is what a profile that counts since the start gained between two
// snapshots. Only counts are kept, never what is held at the moment.
func difference(before, after *profile.Profile) (*profile.Profile, error) {
	a, b := counts(after), counts(before)
	b.Scale(-1)
	d, err := profile.Merge([]*profile.Profile{a, b})
	if err != nil {
		return nil, fmt.Errorf("subtracting profiles: %w", err)
	}
	for _, s := range d.Sample {
		for _, v := range s.Value {
			if v < 0 {
				return nil, errRestarted
			}
		}
	}
	d.TimeNanos, d.DurationNanos = before.TimeNanos, after.TimeNanos-before.TimeNanos
	return d, nil
}

// counts is a copy without the values of what is in use at the moment.
func counts(p *profile.Profile) *profile.Profile {
	p = p.Copy()
	var keep []int
	var types []*profile.ValueType
	for i, t := range p.SampleType {
		if !strings.HasPrefix(t.Type, "inuse") {
			keep, types = append(keep, i), append(types, t)
		}
	}
	p.SampleType, p.DefaultSampleType = types, ""
	for _, s := range p.Sample {
		v := make([]int64, len(keep))
		for n, i := range keep {
			v[n] = s.Value[i]
		}
		s.Value = v
	}
	return p
}

// pack writes a profile gzipped. One without samples loses its time, so that
// all empty ones are the same file.
func pack(p *profile.Profile) ([]byte, error) {
	if len(p.Sample) == 0 {
		p = p.Copy()
		p.TimeNanos, p.DurationNanos = 0, 0
	}
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("writing profile: %w", err)
	}
	if err := errors.Join(p.WriteUncompressed(z), z.Close()); err != nil {
		return nil, fmt.Errorf("writing profile: %w", err)
	}
	return buf.Bytes(), nil
}
