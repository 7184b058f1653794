package report

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// ChangeView is one change of the time in question, judged.
type ChangeView struct {
	ID       pitwall.ChangeID    `json:"id"`
	Line     string              `json:"line"` // "deploy of inventory v40 → v41: …"
	Kind     pitwall.ChangeKind  `json:"kind"`
	Service  pitwall.ServiceName `json:"service"`
	At       time.Time           `json:"at"`
	Distance string              `json:"distance"` // "4 m 4 s before it began"
	Lead     float64             `json:"lead_s"`   // before the onset; negative: after it
	Blamed   bool                `json:"blamed"`
	Tone     Tone                `json:"tone"`
	Word     string              `json:"word"` // "the cause", "not the cause"
	Why      string              `json:"why"`
	How      string              `json:"how"` // how it was seen
	Hints    []string            `json:"hints"`
	Link     string              `json:"link,omitempty"`
}

// changesJudged lists the changes, those that are blamed first, then by their
// distance from the onset. A record that kept only what a hypothesis blames
// still shows that.
func changesJudged(d pitwall.Diagnosis) []ChangeView {
	list := d.Changes
	if len(list) == 0 {
		for _, h := range d.Hypotheses {
			if h.Change == nil || slices.ContainsFunc(list, func(c pitwall.ChangeJudged) bool { return c.Change.ID == h.Change.ID }) {
				continue
			}
			j := pitwall.ChangeJudged{Change: *h.Change, Blamed: h.Rank <= 1, Why: "it is what the hypothesis blames: " + h.Claim}
			if !d.Regression.Onset.At.IsZero() {
				j.Lead = d.Regression.Onset.At.Sub(h.Change.At).Seconds()
			}
			list = append(list, j)
		}
	}
	out := make([]ChangeView, 0, len(list))
	for _, c := range list {
		v := ChangeView{ID: c.Change.ID, Line: upperFirst(changeLine(c.Change)), Kind: c.Change.Kind, Service: c.Change.Service, At: c.Change.At,
			Distance: distance(c, d.Regression.Onset), Lead: c.Lead, Blamed: c.Blamed, Tone: ToneNone, Word: "not the cause",
			Why: sentenceEnd(upperFirst(c.Why)), How: orWord(seenByText(c.Change.SeenBy), "how it was seen is not recorded"), Hints: hints(c.Change), Link: webLink(c.Change.Link)}
		if c.Blamed {
			v.Tone, v.Word = ToneBad, "the cause"
			if d.Verdict != pitwall.DiagnosisConfirmed {
				v.Word = "likely the cause"
			}
		}
		out = append(out, v)
	}
	slices.SortStableFunc(out, func(a, b ChangeView) int {
		if a.Blamed != b.Blamed {
			if a.Blamed {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(math.Abs(a.Lead), math.Abs(b.Lead)), a.At.Compare(b.At), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// distance is a change's distance from the onset in words. The onset is an
// interval: of a change inside it nobody can say which was first.
func distance(c pitwall.ChangeJudged, o pitwall.Onset) string {
	if o.At.IsZero() {
		return "the onset is not known"
	}
	span := Span(time.Duration(math.Abs(c.Lead) * float64(time.Second)))
	at, text := c.Change.At, "when it began"
	switch {
	case c.Lead > 0:
		text = span + " before it began"
	case c.Lead < 0:
		text = span + " after it began"
	}
	if !at.IsZero() && o.Earliest.Before(o.Latest) && !at.Before(o.Earliest) && !at.After(o.Latest) {
		text += ", within the onset's uncertainty"
	}
	return text
}

// mostHints is how much of a change is quoted; its link has the rest.
const mostHints = 6

func hints(c pitwall.Change) []string {
	out := append([]string{}, c.DiffHints...)
	if len(out) == 0 {
		out = append(out, c.Files...)
	}
	if len(out) > mostHints {
		out = append(out[:mostHints:mostHints], plural(len(out)-mostHints, "more", "more"))
	}
	return out
}

// webLink keeps links that a browser may follow; what else was announced as one
// is no link.
func webLink(s string) string {
	if len(s) > 8 && (s[:8] == "https://" || s[:7] == "http://") {
		return s
	}
	return ""
}

// commitID is a whole commit id, of which people read the first seven characters.
var commitID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

func shortVersion(v pitwall.Version) string {
	if commitID.MatchString(string(v)) {
		return string(v[:7])
	}
	return string(v)
}
