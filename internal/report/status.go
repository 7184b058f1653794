package report

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// StatusView is the first thing a person on call reads.
type StatusView struct {
	Sentence string       `json:"sentence"` // "Nothing burns. Last check 3 s ago, 2 SLOs, 0 blind."
	Calm     bool         `json:"calm"`
	Tone     Tone         `json:"tone"`
	At       time.Time    `json:"at"`
	Checked  time.Time    `json:"checked"` // newest evaluation of any objective
	SLOs     int          `json:"slos"`
	Burning  int          `json:"burning"`
	Blind    int          `json:"blind"` // objectives without data and sources that are down
	Open     int          `json:"open"`
	Waiting  int          `json:"waiting"` // open plans that need a person
	Closed   int          `json:"closed"`
	Sources  []SourceView `json:"sources"`
}

// SourceView is what one source says of itself, with what is not seen without it.
type SourceView struct {
	Name     string `json:"name"`
	Tone     Tone   `json:"tone"`
	State    string `json:"state"` // "seen 2 s ago", "down since …"
	Accepted string `json:"accepted"`
	Rejected string `json:"rejected"`
	Message  string `json:"message,omitempty"`
	Blind    string `json:"blind,omitempty"`
}

// Status words how everything stands.
func Status(rows []PlanRow, slos []SLORow, budgets []pitwall.ErrorBudget, health []pitwall.SourceHealth, o Options) StatusView {
	v := StatusView{At: o.Now, SLOs: len(slos), Sources: []SourceView{}, Tone: ToneOK}
	for _, b := range budgets {
		if b.At.After(v.Checked) {
			v.Checked = b.At
		}
	}
	for _, s := range slos {
		switch s.Tone {
		case ToneNoData:
			v.Blind++
		case ToneBad, ToneWarn:
			v.Burning++
		}
	}
	for _, r := range rows {
		switch {
		case r.Final:
			v.Closed++
		case r.Tone == ToneWait || r.Tone == ToneBad || r.Tone == ToneWarn:
			v.Open++
			v.Waiting++
		default:
			v.Open++
		}
	}
	for _, h := range health {
		s := sourceView(h, o.Now)
		if s.Tone == ToneBad {
			v.Blind++
		}
		v.Sources = append(v.Sources, s)
	}
	v.word()
	return v
}

// word makes the sentence; the calm one is the calm state of the product.
func (v *StatusView) word() {
	check := "No objective was checked yet"
	if !v.Checked.IsZero() {
		check = "Last check just now"
		if age := v.At.Sub(v.Checked); age >= time.Second {
			check = "Last check " + about(age) + " ago"
		}
	}
	tail := fmt.Sprintf("%s, %s, %d blind.", check, plural(v.SLOs, "SLO", "SLOs"), v.Blind)
	burning := plural(v.Burning, "objective spends its budget too fast. ", "objectives spend their budget too fast. ")
	if v.Burning == 0 {
		burning = ""
	}
	switch {
	case v.SLOs == 0:
		v.Sentence, v.Tone = "No SLO is configured, so nothing is watched.", ToneNoData
	case v.Waiting > 0:
		v.Sentence, v.Tone = plural(v.Waiting, "plan needs a person. ", "plans need a person. ")+burning+tail, ToneWait
	case v.Open > 0:
		v.Sentence, v.Tone = plural(v.Open, "plan is in flight. ", "plans are in flight. ")+burning+tail, ToneActive
	case v.Burning > 0:
		v.Sentence, v.Tone = burning+tail, ToneWarn
	case v.Checked.IsZero():
		v.Sentence, v.Tone = tail, ToneNoData
	default:
		v.Calm, v.Sentence = true, "Nothing burns. "+tail
		if v.Blind > 0 {
			v.Tone = ToneNoData
		}
	}
}

func sourceView(h pitwall.SourceHealth, now time.Time) SourceView {
	s := SourceView{Name: h.Name, Tone: ToneOK, Accepted: Count(int64(h.Accepted)), Rejected: Count(int64(h.Rejected)), Message: h.Message, Blind: h.Blind}
	ago := "never seen"
	if !h.LastSeen.IsZero() {
		ago = "seen " + about(now.Sub(h.LastSeen)) + " ago"
	}
	s.State = ago
	switch {
	case h.LastSeen.IsZero() && h.Message == "":
		s.Tone = ToneNoData // nobody sends it, which is not the same as broken
	case !h.Up:
		s.Tone, s.State = ToneBad, "down, "+ago
	}
	return s
}
