package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// LogStore takes in log records and answers questions about them.
type LogStore interface {
	pitwall.LogSink
	pitwall.LogReader
}

// RunLogs checks the contract of the log ports; open gives a new, empty store
// each time.
func RunLogs(t *testing.T, open func(t *testing.T) LogStore) {
	for name, f := range map[string]func(*testing.T, LogStore){
		"Records":          logRecords,
		"Questions":        logQuestions,
		"Limits":           logLimits,
		"Patterns":         logPatterns,
		"PatternsAgree":    logPatternsAgree,
		"Deliveries":       logDeliveries,
		"Empty":            logEmpty,
		"CancelledContext": logCancelled,
	} {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
}

// line is a record of checkout at a second.
func line(second int, severity pitwall.LogSeverity, text string) pitwall.LogRecord {
	return pitwall.LogRecord{At: at(second), Service: "checkout", Version: "v41", Severity: severity, Text: text}
}

func appendLogs(t *testing.T, s LogStore, records ...pitwall.LogRecord) {
	t.Helper()
	must(t, s.AppendLogs(t.Context(), &pitwall.LogBatch{Records: records}))
}

func askLogs(t *testing.T, s LogStore, q pitwall.LogQuery) []pitwall.LogRecord {
	t.Helper()
	got, err := s.Logs(t.Context(), q)
	must(t, err)
	return got
}

func askPatterns(t *testing.T, s LogStore, q pitwall.LogQuery) []pitwall.LogPattern {
	t.Helper()
	got, err := s.LogPatterns(t.Context(), q)
	must(t, err)
	return got
}

// logRecords: what went in comes out whole, newest first, and of one moment the
// last to arrive first.
func logRecords(t *testing.T, s LogStore) {
	full := line(2, pitwall.SeverityError, "order 17 failed:\n\tat \"shop\" é\x00")
	full.Trace, full.Span = pitwall.TraceID{1, 15: 2}, 1<<63+5
	full.Attrs = []pitwall.Attr{{Key: "k", Value: "v"}, {Key: "", Value: ""}, {Key: "k", Value: strings.Repeat("long", 1000)}}
	bare := pitwall.LogRecord{At: at(1)}
	twin := line(2, 0, "same moment, later arrival")
	old := line(-7*24*3600, pitwall.SeverityInfo, "a wrong clock keeps its own time")
	appendLogs(t, s, full, bare)
	appendLogs(t, s, twin, old)
	equal(t, []pitwall.LogRecord{twin, full, bare, old}, askLogs(t, s, pitwall.LogQuery{}))
}

func logQuestions(t *testing.T, s LogStore) {
	info, warn, fault := line(1, pitwall.SeverityInfo, "Started on port 80"), line(2, pitwall.SeverityWarn, "slow"), line(3, pitwall.SeverityError, "refused by ÄRGER 7")
	fault.Trace = pitwall.TraceID{7: 1}
	other := line(4, pitwall.SeverityFatal, "out of memory")
	other.Service, other.Version = "inventory", "v9"
	silent := line(5, 0, "no severity was given")
	appendLogs(t, s, other, info, silent, warn, fault)
	f := func(q pitwall.LogQuery, want ...pitwall.LogRecord) {
		t.Helper()
		equal(t, want, askLogs(t, s, q))
		n := int64(0)
		for _, p := range askPatterns(t, s, q) {
			n += p.Count
		}
		equal(t, int64(len(want)), n)
	}
	f(pitwall.LogQuery{}, silent, other, fault, warn, info)
	f(pitwall.LogQuery{Period: pitwall.Period{From: at(2), To: at(4)}}, fault, warn) // the end is not in it
	f(pitwall.LogQuery{Period: pitwall.Period{From: at(4)}}, silent, other)
	f(pitwall.LogQuery{Period: pitwall.Period{To: at(2)}}, info)
	f(pitwall.LogQuery{Service: "checkout"}, silent, fault, warn, info)
	f(pitwall.LogQuery{Version: "v9"}, other)
	f(pitwall.LogQuery{Service: "checkout", Version: "v9"})
	f(pitwall.LogQuery{MinSeverity: pitwall.SeverityWarn}, other, fault, warn)
	f(pitwall.LogQuery{Trace: pitwall.TraceID{7: 1}}, fault)
	f(pitwall.LogQuery{Trace: pitwall.TraceID{7: 2}})
	f(pitwall.LogQuery{Trace: pitwall.TraceID{7: 1}, Service: "inventory"})
	f(pitwall.LogQuery{Contains: "STARTED ON"}, info)
	f(pitwall.LogQuery{Contains: "ärger"}, fault)
	f(pitwall.LogQuery{Contains: "nothing"})
	f(pitwall.LogQuery{Pattern: "no such pattern"})
}

func logLimits(t *testing.T, s LogStore) {
	var records []pitwall.LogRecord
	for i := range 1500 {
		records = append(records, line(i, pitwall.SeverityInfo, fmt.Sprint("line ", i)))
	}
	appendLogs(t, s, records...)
	got := askLogs(t, s, pitwall.LogQuery{Limit: 3})
	slices.Reverse(got)
	equal(t, records[1497:], got)
	equal(t, 1500, len(askLogs(t, s, pitwall.LogQuery{Limit: 2000})))
	equal(t, 1500, len(askLogs(t, s, pitwall.LogQuery{Limit: 1 << 40})))
	if n := len(askLogs(t, s, pitwall.LogQuery{})); n == 0 || n > 1500 {
		t.Errorf("%d records without a limit", n)
	}
}

// logPatterns: texts that differ in what varies are one pattern; service,
// version and severity keep them apart.
func logPatterns(t *testing.T, s LogStore) {
	second := line(2, pitwall.SeverityError, "refused by 10.0.0.2 after 7 ms")
	newer := line(3, pitwall.SeverityError, "refused by 10.0.0.3 after 8 ms")
	newer.Version = "v42"
	appendLogs(t, s, line(1, pitwall.SeverityError, "refused by 10.0.0.1 after 30 ms"), second, newer,
		line(4, pitwall.SeverityWarn, "refused by 10.0.0.1 after 30 ms"), line(5, pitwall.SeverityInfo, "something else"))
	all := askPatterns(t, s, pitwall.LogQuery{})
	equal(t, 4, len(all))
	most := all[0]
	if most.Count != 2 || most.Service != "checkout" || most.Version != "v41" || most.Severity != pitwall.SeverityError ||
		!most.First.Equal(at(1)) || !most.Last.Equal(at(2)) || most.ID == "" || most.Template == "" || !strings.HasPrefix(most.Example, "refused by 10.0.0.") {
		t.Errorf("the most frequent pattern: %+v", most)
	}
	same := askPatterns(t, s, pitwall.LogQuery{Pattern: most.ID})
	equal(t, 3, len(same))
	for _, p := range same {
		equal(t, most.Template, p.Template)
	}
	equal(t, []pitwall.LogRecord{newer, second}, askLogs(t, s, pitwall.LogQuery{Pattern: most.ID, MinSeverity: pitwall.SeverityError, Limit: 2}))
	first := askPatterns(t, s, pitwall.LogQuery{Limit: 1})
	equal(t, 1, len(first))
	first[0].Example = most.Example // any of its texts will do, and a store may move them between two questions
	equal(t, all[:1], first)
	// The period is exact, not to the minute.
	if got := askPatterns(t, s, pitwall.LogQuery{Period: pitwall.Period{From: at(2), To: at(3)}}); len(got) != 1 || got[0].Count != 1 || !got[0].First.Equal(at(2)) {
		t.Errorf("one second has %+v", got)
	}
}

// logPatternsAgree: counts of patterns are those of their records, in whatever
// period and however the store keeps them.
func logPatternsAgree(t *testing.T, s LogStore) {
	const rows = 900
	for from := 0; from < rows; from += 90 {
		var records []pitwall.LogRecord
		for i := from; i < from+90; i++ {
			r := line(i*7%1000-500, pitwall.LogSeverity(9+i%3*4), fmt.Sprintf("%s took %d ms", []string{"read", "write", "commit", "lock"}[i%4], i))
			r.Service = pitwall.ServiceName([]string{"checkout", "inventory", "auth"}[i%3])
			r.Trace[0] = byte(i % 50)
			records = append(records, r)
		}
		appendLogs(t, s, records...)
	}
	for _, q := range []pitwall.LogQuery{
		{}, {Period: pitwall.Period{From: at(-100), To: at(133)}}, {Period: pitwall.Period{From: at(60), To: at(120)}, Service: "auth"},
		{Period: pitwall.Period{From: at(-31)}, MinSeverity: pitwall.SeverityWarn}, {Contains: "COMMIT"}, {Trace: pitwall.TraceID{7}},
		{Period: pitwall.Period{From: at(10), To: at(30)}},
	} {
		q.Limit = rows
		records := askLogs(t, s, q)
		if len(records) == 0 || !slices.IsSortedFunc(records, func(x, y pitwall.LogRecord) int { return cmp.Compare(y.At.UnixNano(), x.At.UnixNano()) }) {
			t.Errorf("%+v: %d records, or not newest first", q, len(records))
		}
		total := int64(0)
		for _, p := range askPatterns(t, s, q) {
			of := q
			of.Pattern, of.Service, of.Version = p.ID, p.Service, p.Version
			n := int64(0)
			first, last := time.Time{}, time.Time{}
			for _, r := range askLogs(t, s, of) {
				if r.Severity != p.Severity {
					continue
				}
				if n++; last.IsZero() {
					last = r.At
				}
				first = r.At
			}
			if n != p.Count || !first.Equal(p.First) || !last.Equal(p.Last) {
				t.Errorf("%+v\npattern %+v\nhas %d records from %v to %v", q, p, n, first, last)
			}
			total += p.Count
		}
		equal(t, int64(len(records)), total)
	}
}

// logDeliveries: a delivery that comes again is stored once.
func logDeliveries(t *testing.T, s LogStore) {
	send := func(delivery uint64, text string) {
		t.Helper()
		must(t, s.AppendLogs(t.Context(), &pitwall.LogBatch{Delivery: delivery, Records: []pitwall.LogRecord{line(1, 0, text)}}))
	}
	send(7, "a")
	send(8, "b")
	send(7, "a")
	send(0, "unknown")
	send(0, "unknown")
	equal(t, 4, len(askLogs(t, s, pitwall.LogQuery{})))
}

func logEmpty(t *testing.T, s LogStore) {
	equal(t, 0, len(askLogs(t, s, pitwall.LogQuery{})))
	equal(t, 0, len(askPatterns(t, s, pitwall.LogQuery{})))
	must(t, s.AppendLogs(t.Context(), &pitwall.LogBatch{Delivery: 1}))
	equal(t, 0, len(askLogs(t, s, pitwall.LogQuery{})))
}

func logCancelled(t *testing.T, s LogStore) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.AppendLogs(gone, &pitwall.LogBatch{Records: []pitwall.LogRecord{line(1, 0, "x")}}); err == nil {
		t.Error("stored for a caller that had gone")
	}
	equal(t, 0, len(askLogs(t, s, pitwall.LogQuery{})))
}
