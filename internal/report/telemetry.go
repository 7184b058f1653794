package report

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
)

// TelemetryView is what Pitwall sees and what it does not, in words: "pitwall
// doctor" and the Settings page.
type TelemetryView struct {
	Sentence    string        `json:"sentence"` // "12 of 14 services are fully seen. 2 blind spots stop a diagnosis."
	Tone        Tone          `json:"tone"`
	Period      string        `json:"period"` // "the last 15 m"
	Blind       []BlindRow    `json:"blind"`  // the worst first
	Sources     []SourceRow   `json:"sources"`
	Services    []CoverageRow `json:"services"` // the least seen first
	Context     string        `json:"context"`
	Drifts      []DriftRow    `json:"drifts"`
	Volumes     []VolumeRow   `json:"volumes"`
	Cardinality []Fact        `json:"cardinality"`
	Targets     []TargetRow   `json:"targets"`
}

// BlindRow is one thing that cannot be seen or changed.
type BlindRow struct {
	Tone   Tone   `json:"tone"`
	Stops  string `json:"stops"` // "judging", "diagnosis", "fixing", "–"
	What   string `json:"what"`
	Means  string `json:"means"`
	Remedy string `json:"remedy"`
	Link   string `json:"link,omitempty"`
}

// SourceRow is a source with its signal and how late it is.
type SourceRow struct {
	SourceView
	Signal     string `json:"signal"`
	Lag        string `json:"lag"`
	Duplicates string `json:"duplicates"`
}

// CoverageRow is what one service sends.
type CoverageRow struct {
	Service  pitwall.ServiceName `json:"service"`
	Tone     Tone                `json:"tone"`
	Versions string              `json:"versions"`
	Requests string              `json:"requests"`
	Has      string              `json:"has"`
	Missing  string              `json:"missing"`
	Context  string              `json:"context"` // "99.1 % of 6,012 calls joined"
}

// DriftRow is telemetry that a release took away.
type DriftRow struct {
	Service pitwall.ServiceName `json:"service"`
	Release string              `json:"release"` // "v41 → v42"
	What    string              `json:"what"`
	Change  string              `json:"change"` // "0.7 → 0 for each request"
	Means   string              `json:"means"`
}

// VolumeRow is how much of a signal there is.
type VolumeRow struct {
	Signal    string `json:"signal"`
	Rate      string `json:"rate"`
	Size      string `json:"size"` // "1.2 MB of 10 GB"
	PerDay    string `json:"per_day"`
	Retention string `json:"retention"`
	Cost      string `json:"cost"` // of a day of retention
}

// TargetRow is something that Pitwall can change.
type TargetRow struct {
	Name    string `json:"name"`
	Tone    Tone   `json:"tone"`
	State   string `json:"state"`
	Message string `json:"message,omitempty"`
}

// Telemetry words what is seen.
func Telemetry(t pitwall.Telemetry, o Options) TelemetryView {
	v := TelemetryView{
		Period: "the last " + Span(t.Period.Duration()), Context: joinedCalls(t.Context), Sources: Sources(t.Sources, o),
		Blind: []BlindRow{}, Services: []CoverageRow{}, Drifts: []DriftRow{}, Volumes: []VolumeRow{}, Cardinality: []Fact{}, Targets: []TargetRow{},
	}
	for _, b := range t.Blind {
		v.Blind = append(v.Blind, blindRow(b))
	}
	whole := 0
	for _, s := range t.Services {
		row := coverageRow(s)
		if row.Tone == ToneOK {
			whole++
		}
		v.Services = append(v.Services, row)
	}
	for _, d := range t.Drifts {
		v.Drifts = append(v.Drifts, DriftRow{Service: d.Service, Release: fmt.Sprintf("%s → %s", d.From, d.To), What: driftWord(d), Change: driftChange(d), Means: d.Means})
	}
	for _, s := range t.Signals {
		v.Volumes = append(v.Volumes, volumeRow(s, o))
	}
	if c := t.Cardinality; c != nil {
		v.Cardinality = append(v.Cardinality, Fact{Label: "series", Value: Count(c.Series)})
		for _, m := range c.Metrics {
			v.Cardinality = append(v.Cardinality, Fact{Label: "metric " + m.Name, Value: plural(int(m.Count), "series", "series")})
		}
		for _, l := range c.Labels {
			v.Cardinality = append(v.Cardinality, Fact{Label: "label " + l.Name, Value: plural(int(l.Count), "value", "values")})
		}
	}
	for _, h := range t.Targets {
		row := TargetRow{Name: h.Name, Tone: ToneOK, State: "answers", Message: h.Message}
		if !h.Up {
			row.Tone, row.State = ToneBad, "does not answer"
		}
		v.Targets = append(v.Targets, row)
	}
	v.Sentence, v.Tone = telemetrySentence(t, whole)
	return v
}

// Sources words the health of every source.
func Sources(health []pitwall.SourceHealth, o Options) []SourceRow {
	rows := make([]SourceRow, 0, len(health))
	for _, h := range health {
		row := SourceRow{SourceView: sourceView(h, o.Now), Signal: orDash(string(h.Signal)), Lag: "–", Duplicates: Count(int64(h.Duplicates))}
		if h.Lag > 0 {
			row.Lag = Seconds(h.Lag)
		}
		rows = append(rows, row)
	}
	return rows
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func telemetrySentence(t pitwall.Telemetry, whole int) (string, Tone) {
	count := map[pitwall.Stops]int{}
	for _, b := range t.Blind {
		count[b.Stops]++
	}
	seen := "No service is seen yet"
	if n := len(t.Services); n > 0 {
		seen = fmt.Sprintf("%d of %s fully seen", whole, plural(n, "service is", "services are"))
	}
	var stops []string
	tone := ToneOK
	for _, s := range []struct {
		stops pitwall.Stops
		what  string
		tone  Tone
	}{{pitwall.StopsActing, "a fix", ToneWarn}, {pitwall.StopsDiagnosis, "a diagnosis", ToneWarn}, {pitwall.StopsJudging, "the judging of objectives", ToneBad}} {
		if n := count[s.stops]; n > 0 {
			stops = append([]string{plural(n, "blind spot stops ", "blind spots stop ") + s.what}, stops...)
			tone = s.tone
		}
	}
	if len(stops) == 0 {
		return seen + ". Nothing is known to stand in the way.", tone
	}
	return seen + ". " + strings.Join(stops, ", ") + ".", tone
}

func blindRow(b pitwall.BlindSpot) BlindRow {
	row := BlindRow{Tone: ToneWarn, Stops: string(b.Stops), What: b.What, Means: b.Means, Remedy: b.Remedy, Link: b.Link}
	switch b.Stops {
	case pitwall.StopsJudging:
		row.Tone = ToneBad
	case pitwall.StopsActing:
		row.Stops = "fixing"
	case "":
		row.Tone, row.Stops = ToneNone, "–"
	}
	return row
}

func coverageRow(s pitwall.ServiceCoverage) CoverageRow {
	row := CoverageRow{Service: s.Service, Tone: ToneOK, Versions: "none said", Requests: Count(s.Requests), Has: kindsOf(s.Has), Missing: kindsOf(s.Missing), Context: joinedCalls(s.Context)}
	if len(s.Versions) > 0 {
		names := make([]string, len(s.Versions))
		for i, v := range s.Versions {
			names[i] = string(v)
		}
		row.Versions = strings.Join(names, ", ")
	}
	if len(s.Missing) > 0 || len(s.Versions) == 0 || s.Context.Calls > 0 && s.Context.High < 0.9 {
		row.Tone = ToneWarn
	}
	return row
}

func kindsOf(kinds []pitwall.SignalKind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return orDash(strings.Join(names, ", "))
}

func joinedCalls(c pitwall.ContextCoverage) string {
	if c.Calls == 0 {
		return "no whole trace with a call yet"
	}
	return fmt.Sprintf("%s of %s joined (95 %%: %s … %s)", Percent(float64(c.Share)), plural(int(c.Calls), "call", "calls"), Percent(float64(c.Low)), Percent(float64(c.High)))
}

func driftWord(d pitwall.Drift) string {
	switch d.Kind {
	case "operation-gone", "attribute-gone", "metric-gone":
		return d.What + " is gone"
	case "context-lost":
		return "trace context of " + d.What + " is lost"
	case "fewer-spans":
		return "fewer spans of " + d.What
	case "more-spans":
		return "more spans of " + d.What
	}
	return d.What
}

func driftChange(d pitwall.Drift) string {
	switch d.Kind {
	case "attribute-gone", "context-lost", "metric-gone":
		return Percent(d.Before) + " → " + Percent(d.After)
	}
	return number(d.Before) + " → " + number(d.After) + " for each request"
}

func volumeRow(s pitwall.SignalVolume, o Options) VolumeRow {
	row := VolumeRow{Signal: string(s.Signal), Rate: strings.TrimSpace(number(s.PerSecond) + " " + s.Unit + "/s"), Size: diskText(s.Bytes), PerDay: "not known", Retention: "–", Cost: "–"}
	if s.Unit == "" {
		row.Rate = number(s.PerSecond) + "/s"
	}
	if s.Budget > 0 {
		row.Size += " of " + diskText(s.Budget)
	}
	if s.BytesDay > 0 {
		row.PerDay = diskText(int64(s.BytesDay))
	}
	if s.Retention > 0 {
		row.Retention = Span(s.Retention)
		if !s.Since.IsZero() {
			row.Retention += ", kept for " + Span(max(0, o.Now.Sub(s.Since)))
		}
	}
	if s.CostPerDay > 0 {
		row.Cost = strings.TrimSpace(number(s.CostPerDay) + " " + s.Currency)
	}
	return row
}

// diskText is a size on the disk in the units of the configuration: 10 GiB.
func diskText(n int64) string {
	v, unit := float64(n), "B"
	for _, u := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if v < 1024 {
			break
		}
		v, unit = v/1024, u
	}
	if v >= 10 || unit == "B" {
		return fmt.Sprintf("%.0f %s", v, unit)
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " " + unit
}
