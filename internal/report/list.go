package report

import (
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// PlanRow is one line of the list of plans.
type PlanRow struct {
	ID        pitwall.PlanID      `json:"id"`
	Service   pitwall.ServiceName `json:"service"`
	SLO       pitwall.SLOName     `json:"slo"`
	What      string              `json:"what"`
	State     pitwall.State       `json:"state"`
	StateWord string              `json:"state_word"`
	Tone      Tone                `json:"tone"`
	Sentence  string              `json:"sentence"`
	Owner     string              `json:"owner"`
	Severity  int                 `json:"severity"`
	OpenedAt  time.Time           `json:"opened_at"`
	Updated   time.Time           `json:"updated_at"`
	Deadline  time.Time           `json:"deadline"`
	Due       string              `json:"due"`
	Overdue   bool                `json:"overdue"`
	Next      string              `json:"next"`
	Cause     string              `json:"cause"`
	Final     bool                `json:"final"`
	Rail      []string            `json:"rail"` // statuses of the phases, for the small rail
}

// List makes the rows of the plans page: those that need a person first, then
// the open ones, then the closed ones, each newest first. live may be nil.
func List(plans []pitwall.Plan, live func(pitwall.PlanID) pitwall.Live, slos []pitwall.SLO, o Options) []PlanRow {
	rows := make([]PlanRow, 0, len(plans))
	for _, p := range plans {
		m := maker{p: p, o: o, slo: findSLO(slos, p.SLO)}
		if live != nil {
			m.live = live(p.ID)
		}
		due, overdue := m.due()
		r := PlanRow{ID: p.ID, Service: p.Service, SLO: p.SLO, What: m.what(), State: p.State, StateWord: m.stateWord(),
			Tone: m.tone(), Sentence: m.sentence(), Owner: orWord(p.Opened.Owner, "nobody"), Severity: int(p.Opened.Severity),
			OpenedAt: p.OpenedAt, Updated: p.Updated, Deadline: p.Opened.Deadline, Due: due, Overdue: overdue,
			Next: strings.TrimPrefix(m.next(), "next: "), Cause: m.causeShort(), Final: p.State.Final()}
		for _, ph := range m.rail() {
			r.Rail = append(r.Rail, ph.Status)
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b PlanRow) int {
		if x, y := rank(a), rank(b); x != y {
			return x - y
		}
		return b.OpenedAt.Compare(a.OpenedAt)
	})
	return rows
}

func rank(r PlanRow) int {
	switch {
	case r.Final:
		return 2
	case r.Tone == ToneWait || r.Tone == ToneBad || r.Tone == ToneWarn:
		return 0
	}
	return 1
}

func findSLO(slos []pitwall.SLO, name pitwall.SLOName) pitwall.SLO {
	for _, s := range slos {
		if s.Name == name {
			return s
		}
	}
	return pitwall.SLO{}
}
