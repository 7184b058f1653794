package coverage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

const propagate = "pass the W3C header traceparent on with every call: OTEL_PROPAGATORS=tracecontext,baggage on both sides"

// lack is what a service without a signal costs, and how to send it.
type lack struct{ means, remedy, link string }

func lackOf(kind pitwall.SignalKind, s pitwall.ServiceName) lack {
	switch kind {
	case pitwall.SignalTraces:
		return lack{"its requests are not counted, and a slow one cannot be followed",
			fmt.Sprintf("OTEL_SERVICE_NAME=%s OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318", s), "#traces"}
	case pitwall.SignalMetrics:
		return lack{"a full pool, queue or heap cannot be named",
			"OTEL_METRICS_EXPORTER=otlp in its environment, or add its address to metrics.scrape in pitwall.yaml", "#metrics"}
	case pitwall.SignalLogs:
		return lack{"what an error says cannot be read beside its request",
			"OTEL_LOGS_EXPORTER=otlp in its environment", "#logs"}
	case pitwall.SignalProfiles:
		return lack{"a slow function cannot be named",
			"add its pprof address to the file of profiles.file_sd in pitwall.yaml", "#profiles"}
	}
	return lack{"its last release was seen only in its telemetry: what it changed is not known",
		fmt.Sprintf("announce deploys from the pipeline: pitwall change add --service %s --version VERSION", s), "#changes"}
}

// signals tells of what services do not send, in one line when several lack the
// same.
func signals(in Input, services []pitwall.ServiceCoverage) (all []pitwall.BlindSpot) {
	if len(services) == 0 && !in.Unknown[pitwall.SignalTraces] {
		return []pitwall.BlindSpot{{Signal: pitwall.SignalTraces, What: "no telemetry of any service", Stops: pitwall.StopsJudging,
			Means:  "nothing can be judged, and nothing found",
			Remedy: "send traces here: OTEL_SERVICE_NAME=SERVICE OTEL_EXPORTER_OTLP_ENDPOINT=http://HOST:4318", Link: guide + "#traces"}}
	}
	for _, kind := range Signals() {
		if kind == pitwall.SignalChanges && !in.Announced {
			continue // told once, of all
		}
		var lacking []pitwall.ServiceName
		for _, c := range services {
			if !slices.Contains(c.Missing, kind) {
				continue
			}
			if at := in.Last[Pair{c.Service, kind}]; !at.IsZero() && kind != pitwall.SignalChanges {
				s := missing(in, kind, c.Service)
				s.What = fmt.Sprintf("the %s of %s stopped: last seen %s", kind, c.Service, at.UTC().Format("15:04:05 MST"))
				all = append(all, s)
				continue
			}
			lacking = append(lacking, c.Service)
		}
		all = append(all, grouped(in, kind, lacking, len(services))...)
	}
	return all
}

func grouped(in Input, kind pitwall.SignalKind, lacking []pitwall.ServiceName, of int) (all []pitwall.BlindSpot) {
	slices.Sort(lacking)
	if len(lacking) < together {
		for _, s := range lacking {
			all = append(all, missing(in, kind, s))
		}
		return all
	}
	one := missing(in, kind, lacking[0])
	for _, s := range lacking[1:] { // as bad as the worst of them
		if missing(in, kind, s).Stops == pitwall.StopsJudging {
			one.Stops = pitwall.StopsJudging
		}
	}
	names := strings.Join(words(lacking[:min(len(lacking), 5)]), ", ")
	if len(lacking) > 5 {
		names += fmt.Sprintf(" and %d more", len(lacking)-5)
	}
	one.What = fmt.Sprintf("no %s of %d of %d services: %s", kind, len(lacking), of, names)
	one.Service, one.Remedy = "", strings.ReplaceAll(one.Remedy, string(lacking[0]), "SERVICE")
	if len(lacking) == of {
		one.What = fmt.Sprintf("no %s of any service", kind)
	}
	return []pitwall.BlindSpot{one}
}

func words(names []pitwall.ServiceName) (out []string) {
	for _, n := range names {
		out = append(out, string(n))
	}
	return out
}

func missing(in Input, kind pitwall.SignalKind, s pitwall.ServiceName) pitwall.BlindSpot {
	l := lackOf(kind, s)
	b := pitwall.BlindSpot{Service: s, Signal: kind, What: fmt.Sprintf("no %s of %s", kind, s), Means: l.means, Remedy: l.remedy, Link: guide + l.link, Stops: stops(kind)}
	if kind == pitwall.SignalTraces && !slices.ContainsFunc(in.SLOs, func(o pitwall.SLO) bool { return o.SLI.Service == s }) {
		b.Stops = pitwall.StopsDiagnosis // nothing of it is judged
	}
	return b
}

// traces tells of services whose spans come, but do not say enough.
func traces(in Input, services []pitwall.ServiceCoverage) (all []pitwall.BlindSpot) {
	for _, c := range services {
		if !slices.Contains(c.Has, pitwall.SignalTraces) {
			continue
		}
		if len(c.Versions) == 0 {
			all = append(all, pitwall.BlindSpot{Service: c.Service, Signal: pitwall.SignalTraces, Stops: pitwall.StopsDiagnosis,
				What:   fmt.Sprintf("%s does not say its version", c.Service),
				Means:  "a release cannot be seen, blamed, or compared with the one before it in a canary",
				Remedy: "OTEL_RESOURCE_ATTRIBUTES=service.version=VERSION in its environment", Link: guide + "#traces"})
		}
		if c.Context.Calls >= enough && c.Context.High < tooFewJoined {
			all = append(all, contextSpot(c))
		}
	}
	return all
}

func contextSpot(c pitwall.ServiceCoverage) pitwall.BlindSpot {
	s := pitwall.BlindSpot{Service: c.Service, Signal: pitwall.SignalTraces, Stops: pitwall.StopsDiagnosis, Link: guide + "#context",
		What:   fmt.Sprintf("traces break at %s: only %s of its calls are joined to their callers", c.Service, c.Context.Share),
		Means:  "a slow request cannot be followed through it",
		Remedy: propagate}
	if c.Context.Orphans > c.Context.Broken {
		s.Remedy = "their callers' spans are missing: instrument the callers, and sample by whole traces or not at all (OTEL_TRACES_SAMPLER=parentbased_always_on)"
	}
	return s
}

// acting tells of what could not be changed or left behind.
func acting(in Input) (all []pitwall.BlindSpot) {
	if !in.Target {
		all = append(all, pitwall.BlindSpot{What: "no target", Stops: pitwall.StopsActing, Means: "a cause can be named, but no fix can be tried",
			Remedy: "target.url and target.services in pitwall.yaml; see docs/howto/write-a-controller.md", Link: guide + "#acting"})
	}
	told := map[pitwall.ServiceName]bool{}
	for _, o := range in.SLOs {
		if s := o.SLI.Service; in.Target && !in.Controls[s] && !told[s] {
			told[s] = true
			all = append(all, pitwall.BlindSpot{Service: s, Stops: pitwall.StopsActing, What: fmt.Sprintf("the target may not change %s", s),
				Means: "an objective of it can burn, and no fix in it can be tried", Remedy: fmt.Sprintf("add %s to target.services in pitwall.yaml", s), Link: guide + "#acting"})
		}
	}
	for _, h := range in.Targets {
		if !h.Up {
			all = append(all, pitwall.BlindSpot{Service: h.Service, Stops: pitwall.StopsActing, What: h.Name + " does not answer",
				Means: "a plan that needs it waits, and is held in the end", Remedy: "see what it says: " + h.Message, Link: guide + "#acting"})
		}
	}
	if !in.Enforces {
		all = append(all, pitwall.BlindSpot{What: "no repository", Stops: pitwall.StopsActing, Means: "no gate, alert or runbook is left behind: the same thing can come back",
			Remedy: "enforce.repository in pitwall.yaml, a git work tree", Link: guide + "#acting"})
	}
	return all
}

// elsewhere tells of what is seen from outside the services.
func elsewhere(in Input) (all []pitwall.BlindSpot) {
	if !in.Announced && !in.Unknown[pitwall.SignalChanges] {
		all = append(all, pitwall.BlindSpot{Signal: pitwall.SignalChanges, Stops: pitwall.StopsDiagnosis, What: "no change is announced",
			Means:  "flags, configuration, and what a deploy changed cannot be named as causes; only new versions are seen",
			Remedy: "point a webhook of GitHub, Argo CD or Flagger here, or end the pipeline with pitwall change add", Link: guide + "#changes"})
	}
	for _, one := range []struct {
		kind               pitwall.SignalKind
		what, means, guide string
	}{
		{pitwall.SignalUsers, "no measurements of real users", "whether users' browsers or the servers are slow cannot be told", "add the script /api/v1/rum.js to the pages; see docs/howto/real-users.md"},
		{pitwall.SignalSynthetics, "no synthetic journey", "whether users get through cannot be told while there are none", "synthetics: [journeys/*.yaml] in pitwall.yaml; see docs/howto/synthetic-journeys.md"},
	} {
		seen := in.Unknown[one.kind] || slices.ContainsFunc(in.Sources, func(h pitwall.SourceHealth) bool {
			return (h.Signal == one.kind || one.kind == pitwall.SignalUsers && h.Name == "rum") && !h.LastSeen.IsZero()
		})
		if !seen {
			all = append(all, pitwall.BlindSpot{Signal: one.kind, What: one.what, Means: one.means, Remedy: one.guide, Link: guide + "#" + string(one.kind)})
		}
	}
	return all
}
