package monitor

import (
	"time"

	"github.com/pitwall/pitwall/internal/detect"
)

// over ends findings of which no look hears any more: the lead's level had gone
// before it changed anew, or while nobody listened, or it is normal by now.
func (m *Monitor) over() {
	for i := range m.screen.Found {
		f := &m.screen.Found[i]
		t := m.track(f.Lead)
		switch {
		case t == nil || !f.Gone.IsZero():
		case f.Onset.At.Before(t.over):
			f.Gone = t.over
		case m.silent(f.Members):
			f.Gone = m.through
		}
	}
	for _, op := range m.ops {
		for _, t := range op.series {
			t.over = time.Time{}
		}
	}
}

// silent says whether all members that are followed are quiet; one of them may
// have brought a finding back.
func (m *Monitor) silent(members []detect.Member) bool {
	for _, member := range members {
		if t := m.track(member.Series); t != nil && !t.quiet() {
			return false
		}
	}
	return true
}
