package promql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/pitwall/pitwall"
)

// birth is a counter whose first sample ever known lies in the stretch.
type birth struct {
	source, series int
	at             int64
	counts         bool // from zero: its target was watched before and goes on
}

// target is who exposes a series: what is scraped, or the process that pushes.
func target(of map[string]string) string {
	job, instance := of["job"], of["instance"]
	if job == "" && instance == "" {
		job, instance = of["service_name"], of["service_instance_id"]
	}
	return job + "\x00" + instance
}

// judge decides which births count from zero: another series of the same target
// has a sample in the look-back before and goes on after. A target that was not
// watched, or whose series were all replaced at once (its labels were changed),
// may have counted long before it was seen.
func (l *Look) judge() {
	if len(l.born) == 0 {
		return
	}
	type place struct{ source, series int }
	byTarget := map[string][]place{}
	for i, list := range l.answers {
		if l.m.plan.Sources[i].Reading != Increase {
			continue
		}
		for j, s := range list {
			t := target(s.Labels)
			byTarget[t] = append(byTarget[t], place{i, j})
		}
	}
	type moment struct {
		target string
		at     int64
	}
	known := map[moment]bool{}
	for i := range l.born {
		b := &l.born[i]
		when := moment{target(l.answers[b.source][b.series].Labels), b.at}
		counts, judged := known[when]
		if !judged {
			counts = slices.ContainsFunc(byTarget[when.target], func(p place) bool { return l.watched(p.source, p.series, b.at) })
			known[when] = counts
		}
		b.counts = counts
	}
}

// watched says whether a series has a sample in the look-back before an instant
// and one at or after it.
func (l *Look) watched(source, series int, at int64) bool {
	s := l.answers[source][series]
	if len(s.T) == 0 || s.T[len(s.T)-1] < at {
		return false
	}
	if before, known := l.known[l.keys[source][series]]; known && before.t >= at-l.m.lookback && before.t < at {
		return true
	}
	first, ok := firstAfter(s, at-l.m.lookback-1)
	return ok && first < at
}

// Earlier asks for the past of the series that seem to be born: PromQL to be
// evaluated at the beginning of the stretch, looking far back. Answers go to
// Recall. It is empty nearly always.
func (l *Look) Earlier(far time.Duration) []string {
	var queries, parts []string
	flush := func() {
		if len(parts) > 0 {
			queries = append(queries, strings.Join(parts, " or "))
		}
		parts = nil
	}
	source, name := -1, ""
	for _, b := range l.born {
		s, of := l.m.plan.Sources[b.source], l.answers[b.source][b.series].Labels
		if !b.counts {
			continue
		}
		// "or" tells no two series apart that differ in their name only.
		if b.source != source || of[labels.MetricName] != name || len(parts) == bornPerQuery {
			flush()
		}
		source, name = b.source, of[labels.MetricName]
		past := "last_over_time({" + exactly(s.inside, of) + "}[" + Duration(far) + "])"
		if s.wrap != "" {
			past = "(" + fmt.Sprintf(s.wrap, past) + ")"
		}
		parts = append(parts, past)
	}
	flush()
	return queries
}

// exactly adds the labels of one series to a selector's matchers.
func exactly(inside string, of map[string]string) string {
	words := []string{inside}
	for k, v := range of {
		words = append(words, (&labels.Matcher{Type: labels.MatchEqual, Name: k, Value: v}).String())
	}
	slices.Sort(words[1:])
	if inside == "" {
		words = words[1:]
	}
	return strings.Join(words, ",")
}

// Recall takes the answers to Earlier: those series go on from where they were.
func (l *Look) Recall(series []pitwall.Series) {
	old := map[uint64]float64{}
	for _, s := range series {
		if len(s.V) == 0 || !usable(s.V[0]) {
			continue
		}
		for i := range l.answers {
			old[l.m.key(i, s.Labels)] = s.V[0]
		}
	}
	for i := range l.born {
		b := &l.born[i]
		key := l.keys[b.source][b.series]
		if v, ok := old[key]; ok {
			b.counts = false
			l.last[key] = mark{0, v}
		}
	}
}
