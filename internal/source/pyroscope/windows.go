package pyroscope

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

const (
	// momentLength is the window of a profile of one moment that comes without one.
	momentLength = 10 * time.Second
	maxAhead     = 10 * time.Minute // clocks differ
	maxLength    = 24 * time.Hour
)

// profile is a pprof profile with what its sender says of it.
type profile struct {
	labels map[string]string
	// kind is the type as the sender calls it; "": the profile itself tells.
	kind   pitwall.ProfileType
	period pitwall.Period // zero: as the profile says
	// names says what sample types are called in Go; see prof.Keep.
	names map[string]string
	data  []byte
	// earlier is the profile before, to be subtracted from what counts since the
	// start; nil: none was sent.
	earlier []byte
	// sinceStart says that counts have to be subtracted from the last ones of the
	// same series, which the receiver keeps.
	sinceStart bool
}

func invalid(format string, args ...any) *pitwall.Error {
	return pitwall.Errorf(pitwall.Invalid, "taking a profile", format, args...)
}

// windows makes one window of each type a profile has.
func (r *Receiver) windows(p profile) ([]pitwall.ProfileWindow, error) {
	w := pitwall.ProfileWindow{
		Service:  pitwall.ServiceName(first(p.labels, r.c.Labels.Service)),
		Version:  pitwall.Version(first(p.labels, r.c.Labels.Version)),
		Instance: first(p.labels, r.c.Labels.Instance),
	}
	if w.Service == "" {
		e := invalid("no label tells the service")
		e.Hint = "set " + strings.Join(r.c.Labels.Service, " or ")
		return nil, e
	}
	what, err := prof.Describe(p.data)
	if err != nil {
		return nil, err
	}
	types, err := typesOf(p, what)
	if err != nil {
		return nil, err
	}
	var out []pitwall.ProfileWindow
	for _, t := range types {
		w.Type = t
		if w.Data, err = prof.Keep(p.data, t, p.names); err != nil {
			return nil, err
		}
		one, err := r.window(w, p, what)
		if err != nil {
			return nil, err
		}
		if one.Data != nil {
			out = append(out, one)
		}
	}
	return out, nil
}

// window fills in the period, and subtracts what came before. Without data:
// there is nothing to subtract from yet.
func (r *Receiver) window(w pitwall.ProfileWindow, p profile, what prof.Description) (pitwall.ProfileWindow, error) {
	now := r.c.Now()
	w.Period = p.period
	switch {
	case !w.Period.IsZero():
	case what.At.IsZero():
		return w, invalid("neither the sender nor the profile says when it was taken")
	case what.Length > 0:
		w.Period = pitwall.Period{From: what.At, To: what.At.Add(what.Length)}
	default:
		w.Period = pitwall.Period{From: what.At.Add(-momentLength), To: what.At}
	}
	switch {
	case !w.Period.From.Before(w.Period.To):
		return w, invalid("its period ends (%v) no later than it begins (%v)", w.Period.To, w.Period.From)
	case w.Period.Duration() > maxLength:
		return w, invalid("a period of %v; %v is the longest", w.Period.Duration(), maxLength)
	case w.Period.To.After(now.Add(maxAhead)):
		return w, invalid("its period ends at %v, in the future; check the clocks", w.Period.To.UTC())
	case !prof.Cumulative(w.Type):
		return w, nil
	}
	var err error
	switch {
	case p.earlier != nil:
		before, kerr := prof.Keep(p.earlier, w.Type, p.names)
		if kerr != nil {
			return w, kerr
		}
		w.Data, err = prof.Delta(before, w.Data, w.Type)
	case p.sinceStart && (what.Length == 0 || !p.period.IsZero()):
		w, err = r.series.subtract(w)
	}
	if pitwall.KindOf(err) == pitwall.Conflict { // the process has restarted
		w.Data, err = nil, nil
	}
	return w, err
}

// typesOf says as which types a profile is kept.
func typesOf(p profile, what prof.Description) ([]pitwall.ProfileType, error) {
	counts := make([]string, len(what.Counts))
	for i, c := range what.Counts {
		counts[i] = c
		if name, ok := p.names[c]; ok {
			counts[i] = name
		}
	}
	var types []pitwall.ProfileType
	for _, t := range pitwall.ProfileTypes() {
		if slices.Contains(counts, prof.Measure(t)) {
			types = append(types, t)
		}
	}
	alike := func(t pitwall.ProfileType) bool { return t == pitwall.ProfileMutex || t == pitwall.ProfileBlock }
	switch {
	case slices.Contains(types, p.kind) && p.kind != pitwall.ProfileAlloc && p.kind != pitwall.ProfileHeap:
		return []pitwall.ProfileType{p.kind}, nil
	case slices.ContainsFunc(types, alike):
		e := invalid("it counts %v: mutex and block profiles look alike", what.Counts)
		e.Hint = "say which with the label __name__, or with display names in sample_type_config"
		return nil, e
	case len(types) == 0:
		e := invalid("it counts %v, which is none of the types Pitwall keeps", what.Counts)
		e.Hint = fmt.Sprintf("types are %v", pitwall.ProfileTypes())
		return nil, e
	}
	return types, nil
}

// series keeps the last profile of each series that counts since the start.
type series struct {
	mu    sync.Mutex // guards all below
	last  map[string]*held
	bytes int
	turn  uint64
}

type held struct {
	at   time.Time
	data []byte
	turn uint64 // when it was last used
}

// maxHeld bounds the bytes of the last profiles; the one longest unused goes
// first, and its series begins anew.
const maxHeld = 64 << 20

// subtract gives what was added since the last profile of the window's series,
// over the time since then. A window without data is the first.
func (s *series) subtract(w pitwall.ProfileWindow) (pitwall.ProfileWindow, error) {
	key := fmt.Sprintf("%q %q %q %q", w.Service, w.Version, w.Instance, w.Type)
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.last[key]
	if before != nil && !before.at.Before(w.Period.To) {
		w.Data = nil // out of order, or again: what it counts is in a later one
		return w, nil
	}
	s.hold(key, &held{at: w.Period.To, data: w.Data})
	if before == nil {
		w.Data = nil
		return w, nil
	}
	w.Period.From = before.at
	if w.Period.Duration() > maxLength {
		w.Data = nil
		return w, nil
	}
	var err error
	w.Data, err = prof.Delta(before.data, w.Data, w.Type)
	return w, err
}

func (s *series) hold(key string, h *held) {
	if old := s.last[key]; old != nil {
		s.bytes -= len(old.data)
	}
	s.turn++
	h.turn = s.turn
	s.last[key] = h
	s.bytes += len(h.data)
	for s.bytes > maxHeld && len(s.last) > 1 {
		oldest := ""
		for k, v := range s.last {
			if oldest == "" || v.turn < s.last[oldest].turn {
				oldest = k
			}
		}
		s.bytes -= len(s.last[oldest].data)
		delete(s.last, oldest)
	}
}
