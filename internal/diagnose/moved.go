package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/blame"
	"github.com/pitwall/pitwall/internal/diagnose/excess"
)

// scene is everything besides requests and profiles that speaks of the trouble:
// series that moved, lines that were written, errors and the alert's own words,
// with what class each speaks of and who calls whom.
type scene struct {
	moves  []excess.Move
	signs  []sign
	known  []pitwall.ServiceName
	calls  map[pitwall.Call]bool
	rarity blame.Rarity // of words among the changes
	reads  map[pitwall.ChangeID]blame.Reading

	errorsRead float64 // share of the failed spans of the window whose words were read
}

// source says where a sign was seen.
type source string

// The sources of signs.
const (
	fromMetric source = "metric"
	fromLog    source = "log"
	fromError  source = "error"
	fromAlert  source = "alert"
)

// sign is one class that something observed speaks of, at a service.
type sign struct {
	blame.Sign
	service pitwall.ServiceName
	from    source
	claim   string
	move    *excess.Move // of a metric
	lines   float64      // of a log
	text    string       // of a log, an error, the alert
}

// look gathers the scene, once.
func (x *inquiry) look() *scene {
	if x.scene != nil {
		return x.scene
	}
	s := &scene{calls: map[pitwall.Call]bool{}, reads: map[pitwall.ChangeID]blame.Reading{}}
	x.scene = s
	list := x.answers[idMeasured].Measured
	if x.noSpans == "" { // requests know better where it began, but not of what no request shows
		list = slices.DeleteFunc(slices.Clone(list), unseen)
	}
	s.moves = excess.Moves(list, x.q.Baseline, x.q.Window)
	x.readMoves()
	x.readLines()
	x.readErrors()
	x.readAlarm()
	s.known = x.knownServices()
	x.readCalls()
	x.readChanges()
	return s
}

// unseen says that a series tells nothing that requests do not show: all but
// certificates and the resolution of names.
func unseen(m pitwall.Measured) bool {
	return !slices.ContainsFunc([]bool{true, false}, func(rose bool) bool {
		return slices.ContainsFunc(blame.MetricSigns(m.Metric, rose), func(s blame.Sign) bool {
			return s.Class == pitwall.BottleneckCertificate || s.Class == pitwall.BottleneckDNS
		})
	})
}

// readMoves turns moved series into signs.
func (x *inquiry) readMoves() {
	for i := range x.scene.moves {
		m := &x.scene.moves[i]
		rose := m.Up || m.Kind == excess.Appeared && m.After > 0
		list := blame.MetricSigns(m.Metric, rose)
		if m.Kind == excess.Gone {
			list = []blame.Sign{{Class: pitwall.BottleneckErrors, Weight: blame.Symptom, Word: m.Metric}}
		}
		for _, b := range list {
			x.scene.signs = append(x.scene.signs, sign{Sign: b, service: m.Service, from: fromMetric, claim: wordMove(*m), move: m})
		}
	}
}

// wordMove tells a move with its numbers: "db_pool_wait_seconds p99 of
// inventory 0.004 → 9.8 since 13:44:00".
func wordMove(m excess.Move) string {
	name, value := seriesName(m), amountOf(m)
	switch m.Kind {
	case excess.Gone:
		return fmt.Sprintf("%s of %s is not measured any more since %s", name, m.Service, clock(m.Onset.At))
	case excess.Appeared:
		return fmt.Sprintf("%s of %s, never measured before, is %s since %s", name, m.Service, value(m.After), clock(m.Onset.At))
	case excess.Ramp:
		way := "climbs"
		if !m.Up {
			way = "falls"
		}
		return fmt.Sprintf("%s of %s %s %s → %s since %s", name, m.Service, way, value(m.Before), value(m.Last), clock(m.Onset.At))
	}
	return fmt.Sprintf("%s of %s %s → %s since %s", name, m.Service, value(m.Before), value(m.After), clock(m.Onset.At))
}

// seriesName is a metric with its statistic, where that says more.
func seriesName(m excess.Move) string {
	if m.Stat == "" || m.Stat == "value" || m.Stat == "ratio" {
		return m.Metric
	}
	return m.Metric + " " + m.Stat
}

// unitOf is the unit that the name of a metric ends with; empty: it does not say.
func unitOf(m excess.Move) pitwall.Unit {
	switch {
	case strings.HasSuffix(m.Metric, "_seconds"):
		return pitwall.UnitSeconds
	case strings.HasSuffix(m.Metric, "_bytes"):
		return pitwall.UnitBytes
	case strings.HasSuffix(m.Metric, "_ratio"):
		return pitwall.UnitRatio
	}
	return ""
}

// amountOf words the values of a series; a rate is a plain number, whatever of.
func amountOf(m excess.Move) func(float64) string {
	switch u := unitOf(m); {
	case m.Stat == "rate":
	case u == pitwall.UnitSeconds:
		return duration
	case u == pitwall.UnitBytes:
		return size
	case u == pitwall.UnitRatio:
		return percent
	}
	return amount
}

// amount words a number whose unit is in its name.
func amount(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1e5:
		return fmt.Sprintf("%.3g", v)
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	default:
		return fmt.Sprintf("%.3g", v)
	}
}

// Before a log line is a sign it must be new, or come twice as often.
const moreLines = 2

// cameMore says that a pattern is new or comes more often than before.
func cameMore(m pitwall.LogMove) bool {
	return m.After >= 1 && m.After > moreLines*max(0, m.Before)
}

func (x *inquiry) readLines() {
	for _, m := range x.answers[idLogs].Logs {
		if !m.Bad || !cameMore(m) {
			continue
		}
		text := m.Template
		if m.Example != "" {
			text = m.Example
		}
		was := "never before"
		if m.Before > 0.5 {
			was = fmt.Sprintf("%.0f before", m.Before)
		}
		claim := fmt.Sprintf("%s wrote %.0f lines, %s: %q", m.Service, m.After, was, cut(m.Template))
		for _, b := range blame.TextSigns(m.Template + " " + text) {
			x.scene.signs = append(x.scene.signs, sign{Sign: b, service: m.Service, from: fromLog, claim: claim, lines: m.After, text: text})
		}
	}
}

// cut shortens a line to what a sentence can hold.
func cut(s string) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) > 120 {
		return string(r[:119]) + "…"
	}
	return string(r)
}

// mostErrors is how many failing spans are read for their words.
const mostErrors = 500

func (x *inquiry) readErrors() {
	b := x.answers[idSpans+windowSide].Spans
	if b == nil {
		return
	}
	type said struct {
		service pitwall.ServiceName
		text    string
	}
	times, read, all := map[said]int{}, 0, 0
	var order []said
	for i := range b.Len() {
		if !b.Failed[i] || !x.q.Window.Contains(pitwallTime(b.Start[i])) {
			continue
		}
		if all++; all > mostErrors {
			continue
		}
		read++
		r := b.Row(i)
		for _, a := range r.Attrs {
			if !telltale(a.Key) || a.Value == "" {
				continue
			}
			k := said{r.Service, a.Value}
			if times[k]++; times[k] == 1 {
				order = append(order, k)
			}
		}
	}
	x.scene.errorsRead = ratio(float64(read), float64(all))
	for _, k := range order {
		claim := fmt.Sprintf("%s failed with %q (%s)", k.service, cut(k.text), things(times[k], "request"))
		for _, s := range blame.TextSigns(k.text) {
			x.scene.signs = append(x.scene.signs, sign{Sign: s, service: k.service, from: fromError, claim: claim, lines: float64(times[k]), text: k.text})
		}
	}
}

// telltale says that an attribute holds the words of an error.
func telltale(key string) bool {
	return slices.Contains([]string{
		"error.message", "exception.message", "exception.type", "error.type", "otel.status_description", "status.message", "error", "db.error",
		"grpc.error_message", "exception.stacktrace",
	}, key)
}

func (x *inquiry) readAlarm() {
	a := x.q.Alarm
	text := strings.Join([]string{a.Summary, a.Detail, a.Monitor}, " ")
	claim := fmt.Sprintf("the alert says %q", cut(cmp.Or(a.Summary, a.Detail, a.Monitor)))
	add := func(list []blame.Sign) {
		for _, b := range list {
			x.scene.signs = append(x.scene.signs, sign{Sign: b, service: x.q.headline().Service, from: fromAlert, claim: claim, text: text})
		}
	}
	if a.Metric != "" {
		add(blame.MetricSigns(a.Metric, a.Observed >= a.Threshold))
	}
	add(blame.TextSigns(text))
}

func (x *inquiry) readChanges() {
	all, _ := x.changes()
	var texts []string
	for _, c := range all {
		r := blame.Read(c)
		x.scene.reads[c.ID] = r
		texts = append(texts, r.Text)
	}
	x.scene.rarity = blame.NewRarity(texts)
}
