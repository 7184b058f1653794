package profiles

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

const readOp = "reading profile windows"

// find gives the entries of a query, oldest first.
func (s *Store) find(q pitwall.ProfileQuery) ([]entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.index == nil {
		return nil, pitwall.Errorf(pitwall.Unavailable, readOp, "the profile store is closed")
	}
	var found []entry
	for _, e := range s.entries {
		if e.matches(q) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b entry) int { return cmp.Compare(a.From, b.From) })
	return found, nil
}

// Profiles gives the windows that lie inside the query's period, oldest first.
// Empty fields of the query match anything, a zero period all times. Of more
// than MaxWindows windows, or 256 MiB, a part is given that is spread evenly.
func (s *Store) Profiles(ctx context.Context, q pitwall.ProfileQuery) ([]pitwall.ProfileWindow, error) {
	found, err := s.find(q)
	if err != nil {
		return nil, err
	}
	kept := thin(found, s.o.MaxWindows, maxAnswer)
	out := make([]pitwall.ProfileWindow, 0, len(kept))
	for _, e := range kept {
		data, err := s.read(ctx, e)
		if err != nil {
			return nil, err
		}
		if data == nil {
			continue
		}
		w := e.window(data)
		if w.Requests == 0 && s.o.Requests != nil {
			w.Requests = s.o.Requests.Requests(w.Service, w.Version, w.Period) / instances(found, e)
		}
		out = append(out, w)
	}
	return out, nil
}

// read gives a window's data; nil when it was pruned meanwhile, or is damaged.
func (s *Store) read(ctx context.Context, e entry) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, &pitwall.Error{Op: readOp, Kind: pitwall.Unavailable, Err: err}
	}
	data, err := os.ReadFile(filepath.Join(s.dir, e.File))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &pitwall.Error{Op: readOp, Kind: pitwall.Internal, ID: e.File, Err: err}
	}
	if e.Sum != "" && e.sum(data) != e.Sum {
		s.mu.Lock()
		s.health.Message = fmt.Sprintf("%s is damaged and left out: its checksum is wrong", e.File)
		s.mu.Unlock()
		return nil, nil
	}
	return data, nil
}

// thin keeps so many entries and bytes at most, spread evenly over the time of
// each type, version and instance: picking every nth by time alone could pick
// one of two instances that take turns. The order is kept.
func thin(found []entry, limit int, bytes int64) []entry {
	total := int64(0)
	for _, e := range found {
		total += e.Bytes
	}
	if total > bytes {
		limit = min(limit, max(1, int(int64(len(found))*bytes/total)))
	}
	if len(found) <= limit {
		return found
	}
	grouped := slices.Clone(found)
	slices.SortStableFunc(grouped, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Instance, b.Instance))
	})
	kept, room := make([]entry, 0, limit), bytes
	for i := range limit {
		e := grouped[i*len(grouped)/limit]
		if e.Bytes > room { // a few windows much larger than the others
			continue
		}
		room -= e.Bytes
		kept = append(kept, e)
	}
	slices.SortStableFunc(kept, func(a, b entry) int { return cmp.Compare(a.From, b.From) })
	return kept
}

// longest is the longest window, in milliseconds, that is looked for as one of
// several at a time.
const longest = 3600_000

// instances counts those of the same service, version and type whose windows
// hold the middle of e's. The load is taken to be spread evenly over them.
func instances(found []entry, e entry) int64 {
	middle := e.From + (e.To-e.From)/2
	names := map[string]bool{e.Instance: true}
	first, _ := slices.BinarySearchFunc(found, middle-longest, func(o entry, from int64) int { return cmp.Compare(o.From, from) })
	for _, o := range found[first:] {
		if o.From > middle { // oldest first
			break
		}
		if o.To > middle && o.Service == e.Service && o.Version == e.Version && o.Type == e.Type {
			names[o.Instance] = true
		}
	}
	return int64(len(names))
}

// Merged is many windows as one profile.
type Merged struct {
	Data      []byte // gzipped pprof; nil when there was no window
	Type      pitwall.ProfileType
	Period    pitwall.Period // from the first window's beginning to the last one's end
	Windows   int
	Instances int
	// Requests served in the windows that have a count; Counted of them have.
	Requests int64
	Counted  int
}

// Merged adds up all windows of a query, which must name service and type. What
// is held at one moment (heap, goroutines) is not added up over time: the result
// is the mean of each instance's windows, added up over instances. Memory holds
// a handful of profiles at a time, however many there are. No window at all is
// not an error: Windows is 0.
func (s *Store) Merged(ctx context.Context, q pitwall.ProfileQuery) (Merged, error) {
	if q.Service == "" || q.Type == "" {
		e := pitwall.Errorf(pitwall.Invalid, "merging profile windows", "the query needs a service and a type")
		e.Hint = fmt.Sprintf("types are %v", pitwall.ProfileTypes())
		return Merged{}, e
	}
	found, err := s.find(q)
	if err != nil {
		return Merged{}, err
	}
	m := Merged{Type: q.Type}
	if !prof.Momentary(q.Type) {
		m.Data, err = s.sum(ctx, found, &m)
	} else {
		m.Data, err = s.mean(ctx, found, &m)
	}
	if err != nil {
		return Merged{}, fmt.Errorf("merging profile windows of %s: %w", q.Service, err)
	}
	m.Instances = len(byInstance(found))
	return m, nil
}

// sum merges windows and counts them in m.
func (s *Store) sum(ctx context.Context, found []entry, m *Merged) ([]byte, error) {
	data, _, err := prof.MergeData(m.Type, s.each(ctx, found, func(w pitwall.ProfileWindow, all []entry, e entry) {
		if m.Windows == 0 || w.Period.From.Before(m.Period.From) {
			m.Period.From = w.Period.From
		}
		if w.Period.To.After(m.Period.To) {
			m.Period.To = w.Period.To
		}
		m.Windows++
		if w.Requests == 0 && s.o.Requests != nil {
			w.Requests = s.o.Requests.Requests(w.Service, w.Version, w.Period) / instances(all, e)
		}
		if w.Requests > 0 {
			m.Requests += w.Requests
			m.Counted++
		}
	}))
	return data, err
}

// each reads the windows one after the other, tells count of each and yields
// its data.
func (s *Store) each(ctx context.Context, found []entry, count func(pitwall.ProfileWindow, []entry, entry)) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, e := range found {
			data, err := s.read(ctx, e)
			if data == nil && err == nil {
				continue
			}
			if err == nil {
				count(e.window(data), found, e)
			}
			if !yield(data, err) {
				return
			}
		}
	}
}

// mean merges the windows of each instance, divides by their number, and adds
// the instances up.
func (s *Store) mean(ctx context.Context, found []entry, m *Merged) ([]byte, error) {
	groups := byInstance(found)
	data, _, err := prof.MergeData(m.Type, func(yield func([]byte, error) bool) {
		for _, name := range slices.Sorted(maps.Keys(groups)) {
			before := m.Windows
			one, err := s.sum(ctx, groups[name], m)
			if err == nil && one == nil {
				continue
			}
			if err == nil {
				one, err = prof.Scale(one, 1/float64(m.Windows-before))
			}
			if !yield(one, err) {
				return
			}
		}
	})
	return data, err
}

func byInstance(found []entry) map[string][]entry {
	groups := map[string][]entry{}
	for _, e := range found {
		groups[e.Instance] = append(groups[e.Instance], e)
	}
	return groups
}
