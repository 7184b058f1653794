package httpd

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
)

// LogFilter is what the questions about logs have in common.
type LogFilter struct {
	PeriodQuery
	Service  pitwall.ServiceName `query:"service"`
	Version  pitwall.Version     `query:"version"`
	Severity string              `query:"severity" enum:"trace,debug,info,warn,error,fatal" doc:"the lowest that is given"`
	Trace    string              `query:"trace" doc:"32 hex digits"`
	Contains string              `query:"contains" maxLength:"500"`
	Pattern  string              `query:"pattern" maxLength:"64"`
	Limit    int                 `query:"limit" minimum:"1" maximum:"10000" default:"200"`
}

func (f LogFilter) query(now time.Time) (q pitwall.LogQuery, err error) {
	if q.Period, err = f.period(now); err != nil {
		return q, err
	}
	q.Service, q.Version, q.Contains, q.Pattern, q.Limit = f.Service, f.Version, f.Contains, f.Pattern, f.Limit
	q.MinSeverity = map[string]pitwall.LogSeverity{"trace": pitwall.SeverityTrace, "debug": pitwall.SeverityDebug, "info": pitwall.SeverityInfo,
		"warn": pitwall.SeverityWarn, "error": pitwall.SeverityError, "fatal": pitwall.SeverityFatal}[f.Severity]
	if f.Trace == "" {
		return q, nil
	}
	if n, err := hex.Decode(q.Trace[:], []byte(f.Trace)[:min(len(f.Trace), 32)]); err != nil || n != 16 || len(f.Trace) != 32 {
		return q, pitwall.Errorf(pitwall.Invalid, "reading trace", "%q is not 32 hex digits", f.Trace)
	}
	return q, nil
}

func (s *server) logs(ctx context.Context, in *LogFilter) (*body[logList], error) {
	if s.Signals.Logs == nil {
		return nil, absent("reading logs", "")
	}
	q, err := in.query(s.Now())
	if err != nil {
		return nil, fail(err)
	}
	records, err := s.Signals.Logs.Logs(ctx, q)
	if err != nil {
		return nil, fail(err)
	}
	list := logList{"pitwall.logs/1", q.Period, []LogRow{}}
	for _, r := range records {
		row := LogRow{LogRecord: r}
		if r.Trace != (pitwall.TraceID{}) {
			row.TraceID = hex.EncodeToString(r.Trace[:])
		}
		if r.Span != 0 {
			row.SpanID = fmt.Sprintf("%016x", r.Span)
		}
		list.Records = append(list.Records, row)
	}
	return ok(list, nil)
}

func (s *server) logPatterns(ctx context.Context, in *LogFilter) (*body[patternList], error) {
	if s.Signals.Logs == nil {
		return nil, absent("reading log patterns", "")
	}
	q, err := in.query(s.Now())
	if err != nil {
		return nil, fail(err)
	}
	patterns, err := s.Signals.Logs.LogPatterns(ctx, q)
	if patterns == nil {
		patterns = []pitwall.LogPattern{}
	}
	return ok(patternList{"pitwall.log-patterns/1", q.Period, patterns}, err)
}

func (s *server) logContrast(ctx context.Context, in *struct {
	LogFilter
	At time.Time `query:"at" required:"true" doc:"RFC 3339; what came after it is held against what came before it"`
}) (*body[contrastList], error) {
	if s.Signals.Logs == nil || s.Signals.LogContrast == nil {
		return nil, absent("contrasting logs", "")
	}
	q, err := in.query(s.Now())
	if err != nil {
		return nil, fail(err)
	}
	if !q.Period.From.Before(in.At) || !in.At.Before(q.Period.To) {
		return nil, fail(pitwall.Errorf(pitwall.Invalid, "contrasting logs", "at %s lies outside the period from %s to %s",
			in.At.Format(time.RFC3339), q.Period.From.Format(time.RFC3339), q.Period.To.Format(time.RFC3339)))
	}
	sides := [2]pitwall.Period{{From: q.Period.From, To: in.At}, {From: in.At, To: q.Period.To}}
	changes, err := s.Signals.LogContrast(ctx, q, sides[0], sides[1])
	return ok(contrastList{"pitwall.log-contrast/1", sides[0], sides[1], changes}, err)
}
