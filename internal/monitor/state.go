package monitor

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
	"github.com/pitwall/pitwall/internal/stats/online"
)

// stateVersion is that of the stored form.
const stateVersion = 1

// state is what must survive a restart: what is normal, and what was found and
// accepted. The points themselves are read again from the totals.
type state struct {
	Version   int                        `json:"version"`
	Through   time.Time                  `json:"through"`
	Screen    detect.Screen              `json:"screen"`
	Said      map[string]pitwall.Finding `json:"said"` // by id, as it was found
	Baselines []frozen                   `json:"baselines"`
}

// frozen is the baseline of one series; without one it still learns.
type frozen struct {
	Series   pitwall.SeriesName    `json:"series"`
	Quantity *online.Baseline      `json:"quantity,omitempty"`
	Share    *online.CountBaseline `json:"share,omitempty"`
	Requests float64               `json:"requests,omitempty"` // of a minute, behind Quantity
	From     time.Time             `json:"from,omitzero"`      // what was before is not normal
	First    time.Time             `json:"first,omitzero"`     // when its operation was met
}

// MarshalJSON writes what Restore reads.
func (m *Monitor) MarshalJSON() ([]byte, error) {
	s := state{Version: stateVersion, Through: m.through, Screen: m.screen, Said: m.said, Baselines: []frozen{}}
	for _, k := range m.order() {
		for _, t := range m.ops[k].series {
			f := t.frozen()
			f.First = m.ops[k].first
			s.Baselines = append(s.Baselines, f)
		}
	}
	return json.Marshal(s)
}

// Restore gives a new monitor what an earlier one wrote. It says up to when
// that one had seen; zero when there is nothing to restore. Give it then the
// minutes before, so that what rang rings again.
func (m *Monitor) Restore(data []byte) (through time.Time, err error) {
	if len(data) == 0 {
		return time.Time{}, nil
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return time.Time{}, &pitwall.Error{Op: "restoring the monitor", Kind: pitwall.Invalid, Err: err, Hint: "it learns anew what is normal"}
	}
	if s.Version != stateVersion {
		return time.Time{}, &pitwall.Error{Op: "restoring the monitor", Kind: pitwall.Invalid,
			Err: fmt.Errorf("its state has version %d, known is %d", s.Version, stateVersion), Hint: "it learns anew what is normal"}
	}
	s.Screen.Limits = m.screen.Limits // as configured now
	if s.Screen.Version == m.screen.Version {
		m.screen = s.Screen
	}
	maps.Copy(m.said, s.Said)
	for _, b := range s.Baselines {
		m.kept[b.Series] = b
	}
	return s.Through, nil
}

func (t *track) frozen() frozen {
	f := frozen{Series: t.id, From: t.from}
	if t.shares != nil {
		if b, ok := t.shares.Baseline(); ok {
			f.Share = &b
		}
		return f
	}
	if b, ok := t.quantities.Baseline(); ok {
		f.Quantity = &b
		if t.learnt.points > 0 {
			f.Requests = t.learnt.requests / float64(t.learnt.points)
		}
	}
	return f
}

// learning says whether there is no baseline yet.
func (t *track) learning() bool {
	if t.shares != nil {
		return t.shares.Phase() == online.Learning
	}
	return t.quantities.Phase() == online.Learning
}

// thaw goes on with the baseline of an earlier life; one that is no baseline is
// learnt anew.
func (t *track) thaw(f frozen) {
	t.from = f.From
	switch {
	case t.shares != nil && f.Share != nil:
		_ = t.shares.Rebaseline(*f.Share)
	case t.quantities != nil && f.Quantity != nil:
		if t.quantities.Rebaseline(*f.Quantity) == nil && f.Requests > 0 {
			t.learnt = behind{1, f.Requests}
		}
	}
}
