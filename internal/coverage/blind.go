package coverage

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	guide = "docs/howto/see-what-pitwall-sees.md"
	// tooFewJoined is the share of joined calls that a service surely stays below
	// before its traces are said to be broken.
	tooFewJoined = 0.9
	// together is how many services must lack the same for one line to say it.
	together = 3
)

// Blind lists what cannot be seen or changed: first what keeps objectives from
// being judged, then what keeps a cause from being found, then what keeps it
// from being mended, then what only narrows the view.
func Blind(in Input, services []pitwall.ServiceCoverage) []pitwall.BlindSpot {
	var all []pitwall.BlindSpot
	all = append(all, in.Trouble...)
	all = append(all, sources(in)...)
	all = append(all, objectives(in)...)
	all = append(all, signals(in, services)...)
	all = append(all, traces(in, services)...)
	for _, d := range in.Drifts {
		all = append(all, drifted(in, d))
	}
	all = append(all, acting(in)...)
	all = append(all, elsewhere(in)...)
	rank := func(s pitwall.Stops) int {
		order := []pitwall.Stops{pitwall.StopsJudging, pitwall.StopsDiagnosis, pitwall.StopsActing, ""}
		return slices.Index(order, s)
	}
	slices.SortStableFunc(all, func(x, y pitwall.BlindSpot) int { return cmp.Compare(rank(x.Stops), rank(y.Stops)) })
	return all
}

// stops says what a signal is needed for.
func stops(kind pitwall.SignalKind) pitwall.Stops {
	switch kind {
	case pitwall.SignalTraces, pitwall.SignalState:
		return pitwall.StopsJudging
	case pitwall.SignalMetrics, pitwall.SignalLogs, pitwall.SignalProfiles, pitwall.SignalChanges:
		return pitwall.StopsDiagnosis
	}
	return ""
}

// sources tells of those that are down, silent or late. One that never sent
// anything is no fault: what is missing without it is told by service.
func sources(in Input) (all []pitwall.BlindSpot) {
	unsteady := map[string]bool{}
	for _, u := range in.Unsteady {
		unsteady[u.Source.Name] = true
		all = append(all, unsteadySpot(in, u))
	}
	for _, h := range in.Sources {
		settled := h.Signal == pitwall.SignalTraces && in.Settle > 0 && h.Lag > in.Settle.Seconds()
		switch {
		case unsteady[h.Name]:
		case !h.Up && (!h.LastSeen.IsZero() || h.Message != ""):
			all = append(all, pitwall.BlindSpot{Signal: h.Signal, What: h.Name + " is down", Stops: stops(h.Signal),
				Means:  unseen(h),
				Remedy: "see what it says: " + cmp.Or(h.Message, "nothing; last seen "+h.LastSeen.UTC().Format(time.RFC3339)), Link: guide + "#sources"})
		case settled:
			all = append(all, pitwall.BlindSpot{Signal: h.Signal, What: fmt.Sprintf("%s arrives %s late", h.Name, short(seconds(h.Lag))), Stops: pitwall.StopsJudging,
				Means:  fmt.Sprintf("what is judged %s after it happened is judged without it", short(in.Settle)),
				Remedy: fmt.Sprintf("engine.settle: %s in pitwall.yaml, or let the sender export more often (OTEL_BSP_SCHEDULE_DELAY)", short(seconds(2*h.Lag).Round(time.Second))), Link: guide + "#sources"})
		}
	}
	return all
}

func unseen(h pitwall.SourceHealth) string {
	return "what cannot be seen without it: " + cmp.Or(h.Blind, string(cmp.Or(h.Signal, "what it sends")))
}

func unsteadySpot(in Input, u Unsteady) pitwall.BlindSpot {
	s := pitwall.BlindSpot{Signal: u.Source.Signal, Stops: stops(u.Source.Signal), Means: unseen(u.Source), Link: guide + "#sources"}
	if !u.Since.IsZero() {
		s.What = fmt.Sprintf("%s is silent since %s; it usually sends every %s", u.Source.Name, u.Since.UTC().Format(time.RFC3339), short(u.Usual))
		s.Remedy = "look whether its sender runs and still has this address; if the traffic ended, all is well"
		return s
	}
	s.What = fmt.Sprintf("%s arrives %s late; it usually takes %s", u.Source.Name, short(u.Now), short(u.Usual))
	if in.Settle > 0 && u.Now <= in.Settle {
		s.Stops = ""
	}
	s.Remedy = "look for a queue that fills up between the service and Pitwall, such as in a Collector, or a clock that drifts"
	return s
}

// short prints a duration with one digit of its unit at most.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		d = d.Round(time.Second)
	case d >= time.Second:
		d = d.Round(100 * time.Millisecond)
	default:
		d = d.Round(time.Millisecond)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// objectives tells of those that nothing was ever counted for.
func objectives(in Input) (all []pitwall.BlindSpot) {
	if len(in.SLOs) == 0 {
		return []pitwall.BlindSpot{{What: "no objective", Stops: pitwall.StopsJudging, Means: "nothing is watched, so no plan ever opens",
			Remedy: "write one and name its file: slos: [slos/*.yaml] in pitwall.yaml", Link: guide + "#objectives"}}
	}
	if in.Unknown[pitwall.SignalTraces] {
		return nil
	}
	for _, s := range in.SLOs {
		if in.Judged[s.Name] {
			continue
		}
		if s.SLI.Composite != nil {
			continue // its members are told of
		}
		if s.SLI.Query != nil {
			all = append(all, pitwall.BlindSpot{Service: s.Service, Signal: pitwall.SignalMetrics, Stops: pitwall.StopsJudging,
				What:   fmt.Sprintf("objective %s was never counted", s.Name),
				Means:  "it cannot burn: its queries gave nothing yet",
				Remedy: fmt.Sprintf("pitwall slo view %s shows its query; ask the metrics store for it, and see its scrape targets", s.Name), Link: guide + "#objectives"})
			continue
		}
		all = append(all, pitwall.BlindSpot{Service: s.SLI.Service, Signal: pitwall.SignalTraces, Stops: pitwall.StopsJudging,
			What:   fmt.Sprintf("objective %s never had a span", s.Name),
			Means:  fmt.Sprintf("it cannot burn: no request of %q of %s was seen", s.SLI.Operation, s.SLI.Service),
			Remedy: instead(in, s), Link: guide + "#objectives"})
	}
	return all
}

// instead names the operations, or failing that the services, most like those
// of an objective.
func instead(in Input, s pitwall.SLO) string {
	var operations, services []string
	for _, t := range in.Totals {
		if !serves(t.Kind) {
			continue
		}
		services = append(services, string(t.Service))
		if t.Service == s.SLI.Service {
			operations = append(operations, t.Operation)
		}
	}
	if slices.Contains(operations, s.SLI.Operation) { // seen, but not counted: by a store elsewhere
		return fmt.Sprintf("its spans are only in the store that is read elsewhere: objectives are counted from spans that pass through Pitwall; send those of %s here too", s.SLI.Service)
	}
	file := cmp.Or(s.Source, "its file")
	if near := nearest(s.SLI.Operation, operations, 3); len(near) > 0 {
		return fmt.Sprintf("%s serves %s: correct the operation in %s, or wait for the first request", s.SLI.Service, strings.Join(quoted(near), ", "), file)
	}
	if near := nearest(string(s.SLI.Service), services, 3); len(near) > 0 {
		return fmt.Sprintf("nothing of %s comes in; %s: correct the service in %s, or send its traces here (OTEL_SERVICE_NAME=%s)", s.SLI.Service, "there are "+strings.Join(near, ", "), file, s.SLI.Service)
	}
	return fmt.Sprintf("no trace comes in at all: OTEL_SERVICE_NAME=%s OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318", s.SLI.Service)
}

func quoted(names []string) (out []string) {
	for _, n := range names {
		out = append(out, fmt.Sprintf("%q", n))
	}
	return out
}

// drifted is a blind spot when what is gone was needed.
func drifted(in Input, d pitwall.Drift) pitwall.BlindSpot {
	s := pitwall.BlindSpot{Service: d.Service, Signal: pitwall.SignalTraces, Stops: pitwall.StopsDiagnosis, Means: d.Means, Link: guide + "#drift",
		What:   fmt.Sprintf("%s of %s is gone since %s", d.What, d.Service, d.To),
		Remedy: fmt.Sprintf("look what %s changed in the instrumentation of %s: a library, an agent, a renamed route", d.To, d.Service)}
	switch d.Kind {
	case OperationGone:
		if slices.ContainsFunc(in.SLOs, func(o pitwall.SLO) bool { return o.SLI.Service == d.Service && o.SLI.Operation == d.What }) {
			s.Stops = pitwall.StopsJudging
		}
	case ContextLost:
		s.What = fmt.Sprintf("%s lost their trace context with %s %s", d.What, d.Service, d.To)
		s.Remedy = propagate
	case MetricGone:
		s.Signal = pitwall.SignalMetrics
	case FewerSpans, MoreSpans:
		s.Stops = ""
		s.What = fmt.Sprintf("%s of %s leaves %.3g spans a request since %s; it left %.3g", d.What, d.Service, d.After, d.To, d.Before)
	}
	return s
}
