package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// Scanned is one series of a file and what was found in it.
type Scanned struct {
	File     string
	Column   string // empty: the file has just one series
	Values   []float64
	At       []string // as the file spells the time of each row; nil: it has none
	Seconds  []float64
	Step     float64 // usual seconds between rows; 0: unknown
	Findings pitwall.SeriesFindings
}

// ScanView is what pitwall detect says of one series.
type ScanView struct {
	File   string  `json:"file"`
	Column string  `json:"column,omitempty"`
	Points int     `json:"points"` // rows
	Known  int     `json:"known"`  // rows that hold a value
	Step   float64 `json:"step_s,omitempty"`
	Season int     `json:"season,omitempty"` // rows; 0: none was found
	// Learning is how many rows pass before anything can be an anomaly.
	Learning int `json:"learning"`

	Changes     []ScanChange         `json:"changes"`
	Suspects    []ScanChange         `json:"suspect"`
	Anomalies   []ScanAnomaly        `json:"anomalies"`
	NotReported []pitwall.Unreported `json:"not_reported"`
	Alarms      []ScanAlarm          `json:"alarms,omitempty"` // with --online
	Text        string               `json:"text"`
}

// ScanChange is a change with its time and a sentence.
type ScanChange struct {
	pitwall.ChangePoint
	Time  json.RawMessage `json:"time"`        // as in the file: a number or a text; null: it has none
	At    time.Time       `json:"at,omitzero"` // the same in UTC, where it is a time
	Needs int             `json:"needs,omitempty"`
	Text  string          `json:"text"`
}

// ScanAlarm is when a detector that sees one point after the other rang.
type ScanAlarm struct {
	pitwall.PointAlarm
	Time json.RawMessage `json:"time"` // of the row at which it rang
	At   time.Time       `json:"at,omitzero"`
	Text string          `json:"text"`
}

// ScanAnomaly is an anomaly with its times and a sentence.
type ScanAnomaly struct {
	pitwall.Anomaly
	StartTime json.RawMessage `json:"start_time"`
	EndTime   json.RawMessage `json:"end_time"`
	At        time.Time       `json:"at,omitzero"`
	Text      string          `json:"text"`
}

// Scan words the findings of one series.
func Scan(in Scanned) ScanView {
	f := in.Findings
	v := ScanView{File: in.File, Column: in.Column, Points: len(in.Values), Known: f.Known, Step: in.Step, Season: f.Season, Learning: f.Learning,
		Changes: []ScanChange{}, Suspects: []ScanChange{}, Anomalies: []ScanAnomaly{}, NotReported: append([]pitwall.Unreported{}, f.Unreported...)}
	for _, c := range f.Changes {
		v.Changes = append(v.Changes, ScanChange{ChangePoint: c, Time: in.at(c.Index), At: in.instant(c.Index), Text: scanned(c)})
	}
	for _, s := range f.Suspects {
		text := fmt.Sprintf("perhaps %s; %s will tell", scanned(s.ChangePoint), plural(s.Needs, "more point", "more points"))
		v.Suspects = append(v.Suspects, ScanChange{ChangePoint: s.ChangePoint, Time: in.at(s.Index), At: in.instant(s.Index), Needs: s.Needs, Text: text})
	}
	for _, a := range f.Anomalies {
		v.Anomalies = append(v.Anomalies, ScanAnomaly{Anomaly: a, StartTime: in.at(a.Start), EndTime: in.at(a.End), At: in.instant(a.Start), Text: in.anomalyText(a)})
	}
	for _, a := range f.Alarms {
		v.Alarms = append(v.Alarms, ScanAlarm{PointAlarm: a, Time: in.at(a.Index), At: in.instant(a.Index),
			Text: fmt.Sprintf("rang: from %s to %s since row %d (%d to %d), p %s", number(a.Before), number(a.After), a.Onset, a.Interval[0], a.Interval[1], probability(a.P))})
	}
	v.Text = v.summary()
	return v
}

// at is the time of a row as JSON.
func (s Scanned) at(row int) json.RawMessage {
	if row < 0 || row >= len(s.At) {
		return json.RawMessage("null")
	}
	text := s.At[row]
	if json.Valid([]byte(text)) {
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return json.RawMessage(text)
		}
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return json.RawMessage("null")
	}
	return quoted
}

// instant is the time of a row; zero where the file only counts.
func (s Scanned) instant(row int) time.Time {
	if row < 0 || row >= len(s.Seconds) || !finite(s.Seconds[row]) {
		return time.Time{}
	}
	return time.UnixMilli(int64(s.Seconds[row] * 1000)).UTC()
}

// ScanTime heads the times of series: "time (UTC)", or "name" where a file names
// its rows by something else, such as a commit.
func ScanTime(all ...Scanned) string {
	timed, named := false, false
	for _, s := range all {
		timed = timed || s.Seconds != nil
		named = named || s.Seconds == nil && s.At != nil
	}
	switch {
	case timed && named:
		return "time (UTC) or name"
	case named:
		return "name"
	}
	return "time (UTC)"
}

// when is the time of a row for people.
func when(at time.Time, raw json.RawMessage) string {
	if !at.IsZero() {
		return at.Format("2006-01-02 15:04:05")
	}
	return plain(raw)
}

func (v ScanView) summary() string {
	late := ""
	if v.Known > 0 && v.Points <= v.Learning {
		late = fmt.Sprintf(" (too few for anomalies: %d are learnt from)", v.Learning)
	}
	return v.found() + late
}

func (v ScanView) found() string {
	switch {
	case v.Known == 0:
		return "no data"
	case len(v.Changes)+len(v.Anomalies)+len(v.Suspects) == 0:
		return fmt.Sprintf("no change and no anomaly in %s", plural(v.Known, "point", "points"))
	}
	return fmt.Sprintf("%s, %s and %s in %s", plural(len(v.Changes), "change", "changes"), plural(len(v.Suspects), "suspect", "suspects"),
		plural(len(v.Anomalies), "anomaly", "anomalies"), plural(v.Known, "point", "points"))
}

// scanned says a change: "step up of 12 % (9.8 to 14.1 %), between rows 94 and 97, p 0.001".
func scanned(c pitwall.ChangePoint) string {
	direction := ""
	switch {
	case c.After > c.Before:
		direction = " up"
	case c.After < c.Before:
		direction = " down"
	}
	size := fmt.Sprintf(" from %s to %s", fine(c.Before), fine(c.After))
	if c.Effect != nil {
		size = " of " + Change(*c.Effect)
		if i := c.EffectInterval; i != nil {
			size += fmt.Sprintf(" (%s to %s)", Change(i[0]), Change(i[1]))
		}
	}
	where := fmt.Sprintf("at row %d", c.Index)
	if c.Kind == pitwall.ShapeRamp {
		where = fmt.Sprintf("by its end, from row %d", c.Index)
	}
	if c.Interval[0] < c.Interval[1] {
		where += fmt.Sprintf(" (%d to %d)", c.Interval[0], c.Interval[1])
	}
	if c.P >= 1 {
		return fmt.Sprintf("%s%s%s %s", c.Kind, direction, size, where) // it speaks for nothing yet
	}
	return fmt.Sprintf("%s%s%s %s, p %s", c.Kind, direction, size, where, probability(c.P))
}

func (s Scanned) anomalyText(a pitwall.Anomaly) string {
	side, value := "below", math.NaN()
	if a.Up {
		side = "above"
	}
	if a.Peak >= 0 && a.Peak < len(s.Values) {
		value = s.Values[a.Peak]
	}
	rows := fmt.Sprintf("rows %d to %d", a.Start, a.End)
	if a.Start == a.End {
		rows = fmt.Sprintf("row %d", a.Start)
	}
	if a.Frozen {
		return rows + " do not move, which this series never did for so long"
	}
	said := fmt.Sprintf("%s at row %d", fine(value), a.Peak)
	if a.Over > 1 {
		said = fmt.Sprintf("the mean of %d points up to row %d (%s)", a.Over, a.Peak, fine(s.mean(a.Peak-a.Over+1, a.Peak)))
	}
	return fmt.Sprintf("%s %s what was expected: %s, expected %s (%s to %s)", rows, side, said, fine(a.Expected), fine(a.Low), fine(a.High))
}

// mean is that of the values of rows, both inclusive.
func (s Scanned) mean(from, to int) float64 {
	sum, n := 0.0, 0.0
	for _, v := range s.Values[max(0, from):min(len(s.Values), to+1)] {
		if finite(v) {
			sum, n = sum+v, n+1
		}
	}
	return sum / n
}

// probability prints a p-value with one digit that counts.
func probability(p float64) string {
	if p < 1e-6 {
		return "< 0.000001"
	}
	return strconv.FormatFloat(p, 'f', int(math.Ceil(-math.Log10(p))), 64)
}

// fine prints a value of a series, of which small ones count too: 0.000205.
func fine(v float64) string {
	if a := math.Abs(v); a > 0 && a < 0.01 {
		return strings.Replace(strconv.FormatFloat(v, 'g', 3, 64), "-", minus, 1)
	}
	return number(v)
}

// coarse is fine with thousands, millions … as letters: 500 M, for an axis.
func coarse(v float64) string {
	a := math.Abs(v)
	if a < 1e5 {
		return fine(v)
	}
	for _, letter := range []string{"k", "M", "G", "T"} {
		if v, a = v/1000, a/1000; a < 1000 {
			return number(v) + " " + letter
		}
	}
	return strings.Replace(strconv.FormatFloat(v*1e12, 'g', 3, 64), "-", minus, 1)
}

// Rows are the lines of a table: what, where, in the order of rows.
func (v ScanView) Rows() []ScanRow {
	var rows []ScanRow
	for _, c := range v.Changes {
		rows = append(rows, ScanRow{c.Index, when(c.At, c.Time), "change", c.Text})
	}
	for _, s := range v.Suspects {
		rows = append(rows, ScanRow{s.Index, when(s.At, s.Time), "suspect", s.Text})
	}
	for _, a := range v.Anomalies {
		rows = append(rows, ScanRow{a.Start, when(a.At, a.StartTime), "anomaly", a.Text})
	}
	for _, a := range v.Alarms {
		rows = append(rows, ScanRow{a.Index, when(a.At, a.Time), "alarm", a.Text})
	}
	slices.SortStableFunc(rows, func(x, y ScanRow) int { return cmp.Compare(x.Row, y.Row) })
	return rows
}

// ScanRow is one line of a table of findings.
type ScanRow struct {
	Row              int
	Time, What, Text string
}

func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}
