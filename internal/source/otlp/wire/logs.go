package wire

import (
	"math"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// logs is what a log request becomes while it is walked.
type logs struct {
	records []pitwall.LogRecord
	ends    []int // of each record in attrs
	attrs   []pitwall.Attr
	arrival int64 // unix nanoseconds
}

// Logs reads an ExportLogsServiceRequest that arrived at the given time, which
// is the time of records that have none. Records that say nothing, or at no
// sound time, are left out and counted.
func (w *Walker) Logs(body []byte, arrival time.Time) (*pitwall.LogBatch, Rejected, error) {
	w.begin(w.strings)
	w.logs = &logs{arrival: arrival.UnixNano()}
	f := w.logRequest(body)
	out, left := w.logs, w.leftOut("log record")
	clear(w.strings)
	w.logs = nil
	if f != nil {
		return nil, Rejected{}, f
	}
	begin := 0
	for i, end := range out.ends {
		if begin < end {
			out.records[i].Attrs = out.attrs[begin:end:end]
		}
		begin = end
	}
	return &pitwall.LogBatch{Records: out.records}, left, nil
}

func (w *Walker) logRequest(b []byte) *Fault {
	for pos := 0; pos < len(b); {
		next, f := w.group(b, pos, resourceLogs)
		if f != nil {
			return f
		}
		pos = next
	}
	return nil
}

// line is what a record says beside its attributes.
type line struct {
	at, observed uint64
	severity     int32
	level        [2]int // severity_text
	event        [2]int
	body         value
	trace        pitwall.TraceID
	span         uint64
}

// record reads a LogRecord and adds it to the batch.
func (w *Walker) record(b []byte, pos int) *Fault {
	var l line
	mark := len(w.logs.attrs)
	for _, p := range w.resource.kept {
		w.logs.attrs = append(w.logs.attrs, pitwall.Attr{Key: w.strings[p.key], Value: w.strings[p.value]})
	}
	own := len(w.logs.attrs)
	for begin := pos; pos < len(b); {
		next, f := w.recordField(b, begin, pos, &l)
		if f != nil {
			return f
		}
		pos = next
	}
	if len(w.logs.records) == maxRecords {
		return &Fault{Offset: pos, Err: ErrRecords}
	}
	if w.keepRecord(b, &l, own) {
		w.logs.ends = append(w.logs.ends, len(w.logs.attrs))
		return nil
	}
	w.logs.attrs = w.logs.attrs[:mark]
	return nil
}

func (w *Walker) recordField(b []byte, begin, pos int, l *line) (next int, f *Fault) {
	tag, next := tagAt(b, pos)
	from, to := 0, 0
	switch tag {
	case 5<<3 | typeLen:
		if from, to = chunk(b, next); to < 0 {
			return 0, fault(pos, to).in("body")
		}
		if f := w.value(b[:to], from, &l.body); f != nil {
			return 0, f.in("body")
		}
		return to, nil
	case 6<<3 | typeLen:
		if from, to = chunk(b, next); to < 0 {
			return 0, fault(pos, to).within("attributes", b, begin, pos)
		}
		var kv attribute
		if f := w.attribute(b[:to], from, &kv); f != nil {
			return 0, f.within("attributes", b, begin, pos)
		}
		w.logs.attrs = append(w.logs.attrs, pitwall.Attr{
			Key: w.strings[w.number(b[kv.from:kv.to], maxName)], Value: w.strings[w.numberOfValue(b, &kv.value, maxValue)]})
		return to, nil
	}
	end, f := w.check.field(kindLogRecord, b, begin, pos)
	if f != nil {
		return 0, f
	}
	l.set(b, tag, next)
	return end, nil
}

// set takes one checked field; pos is behind its tag.
func (l *line) set(b []byte, tag uint64, pos int) {
	switch tag {
	case 1<<3 | typeI64:
		l.at, _ = fixed(b, pos)
	case 2<<3 | typeVarint:
		v, _ := varint(b, pos)
		l.severity = int32(v)
	case 3<<3 | typeLen:
		l.level[0], l.level[1] = chunk(b, pos)
	case 9<<3 | typeLen:
		l.trace = pitwall.TraceID{}
		from, to := chunk(b, pos)
		copy(l.trace[:], b[from:to])
	case 10<<3 | typeLen:
		l.span, _ = spanID(b, pos)
	case 11<<3 | typeI64:
		l.observed, _ = fixed(b, pos)
	case 12<<3 | typeLen:
		l.event[0], l.event[1] = chunk(b, pos)
	}
}

// keepRecord adds a record whose own attributes begin at own; false: it was
// left out.
func (w *Walker) keepRecord(b []byte, l *line, own int) bool {
	out := w.logs
	w.scratch = appendText(w.scratch[:0], b, &l.body)
	event := clip(string(b[l.event[0]:l.event[1]]), maxValue)
	if event != "" {
		out.attrs = append(out.attrs, pitwall.Attr{Key: "event.name", Value: event})
	}
	at, sound := l.when(out.arrival)
	why := ""
	switch {
	case !sound:
		why = "no sound time"
	case len(w.scratch) == 0 && len(out.attrs) == own:
		why = "it says nothing"
	}
	if why != "" {
		w.reject(w.scratch, why)
		return false
	}
	out.records = append(out.records, pitwall.LogRecord{
		At: time.Unix(0, at), Service: pitwall.ServiceName(w.strings[w.resource.service]), Version: pitwall.Version(w.strings[w.resource.version]),
		Severity: severity(l.severity, b[l.level[0]:l.level[1]]), Text: clip(string(w.scratch), maxLogText), Trace: l.trace, Span: l.span,
	})
	return true
}

// when is the time of the event, else that at which it was observed, else its
// arrival.
func (l *line) when(arrival int64) (at int64, sound bool) {
	for _, t := range []uint64{l.at, l.observed} {
		switch {
		case t > math.MaxInt64:
			return 0, false
		case t > 0:
			return int64(t), true
		}
	}
	return arrival, true
}

// severity is the number, or what the text says where there is none.
func severity(number int32, text []byte) pitwall.LogSeverity {
	if number > 0 && number <= 24 {
		return pitwall.LogSeverity(number)
	}
	if len(text) > 16 {
		return 0
	}
	switch strings.ToLower(string(text)) {
	case "trace", "finest":
		return pitwall.SeverityTrace
	case "debug", "fine", "verbose":
		return pitwall.SeverityDebug
	case "info", "information", "informational", "notice":
		return pitwall.SeverityInfo
	case "warn", "warning":
		return pitwall.SeverityWarn
	case "error", "err", "severe":
		return pitwall.SeverityError
	case "fatal", "critical", "crit", "alert", "emerg", "emergency", "panic":
		return pitwall.SeverityFatal
	}
	return 0
}
