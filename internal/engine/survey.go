package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/coverage"
)

// out adds to the questions of a source that never came back, and counts them.
func (s *seeing) out(name string, more int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hung == nil {
		s.hung = map[string]int{}
	}
	s.hung[name] += more
	return s.hung[name]
}

// trouble makes a blind spot of a source that does not answer.
func (s *survey) trouble(a source, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed[a.name] {
		return
	}
	s.failed[a.name], s.said = true, err.Error()
	if a.signal != "" {
		s.in.Unknown[a.signal] = true
	}
	stops := pitwall.StopsDiagnosis
	if a.signal == pitwall.SignalTraces {
		stops = pitwall.StopsJudging
	}
	s.in.Trouble = append(s.in.Trouble, pitwall.BlindSpot{Signal: a.signal, Stops: stops, What: a.name + " does not answer",
		Means: "what it holds is neither seen nor missed: " + err.Error(), Remedy: "see whether it runs and can be reached from here", Link: "docs/howto/see-what-pitwall-sees.md#sources"})
}

func (s *survey) saw(kind pitwall.SignalKind, names ...pitwall.ServiceName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if name != "" {
			s.in.Seen[kind][name] = true
		}
	}
}

// settled is the period moved back to where traces are complete.
func (s *survey) settled() pitwall.Period {
	return pitwall.Period{From: s.in.Period.From.Add(-s.in.Settle), To: s.in.Period.To.Add(-s.in.Settle)}
}

// traces reads a sample, and the totals where a store adds them up.
func (s *survey) traces(ctx context.Context) {
	if s.c.Spans == nil {
		return
	}
	a := source{"the trace store", pitwall.SignalTraces}
	b, _ := inTime(ctx, s, a, func(ctx context.Context) (*pitwall.SpanBatch, error) {
		return s.c.Spans.Spans(ctx, pitwall.SpanQuery{Period: s.settled(), WholeTraces: true, Limit: sampledTraces})
	})
	totals := coverage.Totals(b)
	if s.c.Operations != nil {
		if t, ok := inTime(ctx, s, a, func(ctx context.Context) ([]pitwall.OperationTotals, error) {
			return s.c.Operations.Operations(ctx, pitwall.OperationQuery{Period: s.in.Period})
		}); ok && len(t) > 0 {
			totals = t
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in.Traces, s.in.Totals = b, totals
}

func (s *survey) logs(ctx context.Context) {
	if s.c.Logs == nil {
		return
	}
	patterns, _ := inTime(ctx, s, source{"the log store", pitwall.SignalLogs}, func(ctx context.Context) ([]pitwall.LogPattern, error) {
		return s.c.Logs.LogPatterns(ctx, pitwall.LogQuery{Period: s.in.Period})
	})
	for _, p := range patterns {
		s.saw(pitwall.SignalLogs, p.Service)
	}
}

// metrics finds services by what names them cheaply: the target_info that every
// OpenTelemetry resource has.
func (s *survey) metrics(ctx context.Context) {
	found, _ := s.query(ctx, "group by (service_name) (target_info)")
	for _, one := range found {
		s.saw(pitwall.SignalMetrics, pitwall.ServiceName(one.Labels["service_name"]))
	}
}

func (s *survey) query(ctx context.Context, promql string) ([]pitwall.Series, bool) {
	if s.c.Metrics == nil {
		return nil, true
	}
	return inTime(ctx, s, source{"the metrics store", pitwall.SignalMetrics}, func(ctx context.Context) ([]pitwall.Series, error) {
		return s.c.Metrics.Query(ctx, promql, s.in.At)
	})
}

func (s *survey) changes(ctx context.Context) []pitwall.Change {
	if s.c.Changes == nil {
		return nil
	}
	list, _ := inTime(ctx, s, source{"the change log", pitwall.SignalChanges}, func(ctx context.Context) ([]pitwall.Change, error) {
		return s.c.Changes.Changes(ctx, pitwall.Period{From: s.in.At.Add(-changesFor), To: s.in.At})
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range list {
		switch {
		case c.SeenBy == pitwall.SeenByTelemetry:
			s.in.Guessed[c.Service] = s.in.Guessed[c.Service] || c.PreviousVersion != "" // the first sight of a service is no release
		default:
			s.in.Seen[pitwall.SignalChanges][c.Service] = true
			s.in.Announced = s.in.Announced || c.SeenBy == pitwall.SeenByWebhook
		}
	}
	return list
}

// stores asks what keeping the signals takes.
func (s *survey) stores(ctx context.Context) {
	if ask := s.c.Cardinality; ask != nil {
		c, _ := inTime(ctx, s, source{name: "the count of series"}, ask)
		s.mu.Lock()
		s.in.Cardinality = c
		s.mu.Unlock()
	}
	if ask := s.c.Volumes; ask != nil {
		v, _ := inTime(ctx, s, source{name: "the size of the stores"}, func(ctx context.Context) ([]pitwall.SignalVolume, error) { return ask(ctx), nil })
		s.mu.Lock()
		s.in.Volumes = v
		s.mu.Unlock()
	}
}

func (s *survey) answers(t pitwall.TargetHealth) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in.Targets = append(s.in.Targets, t)
}

// repository asks for a file that is not there: the answer that it is not shows
// a repository that can be read.
func (s *survey) repository(ctx context.Context) {
	if s.c.Repository == nil {
		return
	}
	err := s.within(ctx, "the repository", func(ctx context.Context) error {
		_, err := s.c.Repository.Read(ctx, ".pitwall-doctor")
		if pitwall.KindOf(err) == pitwall.NotFound {
			return nil
		}
		return err
	})
	s.answers(health("repository", "", err))
}

// target asks for the state of a service that may be changed. One that the
// target does not know or refuses to speak of may not be, unless the
// configuration says that it may.
func (s *survey) target(ctx context.Context, name pitwall.ServiceName) {
	err := s.within(ctx, "controller "+string(name), func(ctx context.Context) error {
		_, err := s.c.Target.Observe(ctx, name)
		return err
	})
	unknown := pitwall.KindOf(err) == pitwall.Denied || pitwall.KindOf(err) == pitwall.NotFound
	if unknown && !slices.Contains(s.c.Controls, name) {
		return
	}
	s.mu.Lock()
	s.in.Controls[name] = true
	s.mu.Unlock()
	s.answers(health("controller "+string(name), name, err))
}

func health(name string, service pitwall.ServiceName, err error) pitwall.TargetHealth {
	h := pitwall.TargetHealth{Name: name, Service: service, Up: err == nil}
	if err != nil {
		h.Message = err.Error()
	}
	return h
}

// within asks something whose trouble is told with it, not as a source's.
func (s *survey) within(ctx context.Context, name string, ask func(context.Context) error) error {
	quiet := &survey{Engine: s.Engine, failed: map[string]bool{}, in: coverage.Input{Unknown: map[pitwall.SignalKind]bool{}}}
	said, ok := inTime(ctx, quiet, source{name: name}, func(ctx context.Context) (error, error) { return ask(ctx), nil })
	if !ok {
		return errors.New(quiet.said)
	}
	return said
}

// controlled are the services whose target is looked at.
func (s *survey) controlled() []pitwall.ServiceName {
	if s.c.Target == nil {
		return nil
	}
	if len(s.c.Controls) > 0 {
		return s.c.Controls
	}
	names := map[pitwall.ServiceName]bool{}
	for _, o := range s.c.SLOs {
		names[o.SLI.Service] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// services are those that anything is known of by now.
func (s *survey) services() []pitwall.ServiceName {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[pitwall.ServiceName]bool{}
	for _, t := range s.in.Totals {
		names[t.Service] = true
	}
	for _, kind := range []pitwall.SignalKind{pitwall.SignalMetrics, pitwall.SignalLogs} {
		maps.Copy(names, s.in.Seen[kind])
	}
	list := slices.Sorted(maps.Keys(names))
	return list[:min(len(list), mostServices)]
}

func (s *survey) seen(kind pitwall.SignalKind, name pitwall.ServiceName) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in.Seen[kind][name]
}

// service looks for the signals of one service that no list showed.
func (s *survey) service(ctx context.Context, name pitwall.ServiceName) {
	if !s.seen(pitwall.SignalMetrics, name) {
		q := string(name)
		found, _ := s.query(ctx, fmt.Sprintf(`count({service_name=%q}) or count({job=%q})`, q, q))
		if len(found) > 0 {
			s.saw(pitwall.SignalMetrics, name)
		}
	}
	if s.c.Logs != nil && !s.seen(pitwall.SignalLogs, name) {
		found, _ := inTime(ctx, s, source{"the log store", pitwall.SignalLogs}, func(ctx context.Context) ([]pitwall.LogRecord, error) {
			return s.c.Logs.Logs(ctx, pitwall.LogQuery{Period: s.in.Period, Service: name, Limit: 1})
		})
		if len(found) > 0 {
			s.saw(pitwall.SignalLogs, name)
		}
	}
	s.profiles(ctx, name)
}

// profiles reads the last minutes only: windows carry their whole content.
func (s *survey) profiles(ctx context.Context, name pitwall.ServiceName) {
	if slices.ContainsFunc(s.in.Sources, func(h pitwall.SourceHealth) bool {
		return h.Up && strings.HasPrefix(h.Name+" ", "pprof "+string(name)+" ")
	}) {
		s.saw(pitwall.SignalProfiles, name)
		return
	}
	if s.c.Profiles == nil {
		return
	}
	for _, kind := range []pitwall.ProfileType{pitwall.ProfileCPU, pitwall.ProfileAlloc, pitwall.ProfileHeap} {
		found, ok := inTime(ctx, s, source{"the profile store", pitwall.SignalProfiles}, func(ctx context.Context) ([]pitwall.ProfileWindow, error) {
			return s.c.Profiles.Profiles(ctx, pitwall.ProfileQuery{Period: pitwall.Period{From: s.in.At.Add(-5 * time.Minute), To: s.in.At}, Service: name, Type: kind})
		})
		if !ok || len(found) > 0 {
			if len(found) > 0 {
				s.saw(pitwall.SignalProfiles, name)
			}
			return
		}
	}
}
