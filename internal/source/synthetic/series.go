package synthetic

import (
	"time"

	"github.com/pitwall/pitwall"
)

// seriesOf turns a run into samples at the moment it ended, under the names of
// the blackbox exporter. A step that was not reached has none: it neither
// succeeded nor failed.
func seriesOf(r Result) []pitwall.Series {
	at := r.At.Add(time.Duration(r.Took * float64(time.Second))).UnixMilli()
	var list []pitwall.Series
	add := func(name string, value float64, more ...string) {
		labels := map[string]string{"__name__": name, "journey": r.Journey, "service": string(r.Service)}
		for i := 0; i+1 < len(more); i += 2 {
			labels[more[i]] = more[i+1]
		}
		list = append(list, pitwall.Series{Labels: labels, T: []int64{at}, V: []float64{value}})
	}
	add("pitwall_journey_success", number(r.OK))
	add("pitwall_journey_duration_seconds", r.Took)
	for _, s := range r.Steps {
		add("probe_success", number(s.OK), "step", s.Name)
		add("probe_duration_seconds", s.Took, "step", s.Name)
		add("probe_http_status_code", float64(s.Status), "step", s.Name)
		for _, p := range []struct {
			name    string
			seconds float64
		}{
			{"resolve", s.Phases.Resolve}, {"connect", s.Phases.Connect}, {"tls", s.Phases.TLS},
			{"processing", s.Phases.Processing}, {"transfer", s.Phases.Transfer},
		} {
			add("probe_http_duration_seconds", p.seconds, "step", s.Name, "phase", p.name)
		}
		if !s.Certificate.IsZero() {
			add("probe_ssl_earliest_cert_expiry", float64(s.Certificate.Unix()), "step", s.Name)
		}
	}
	return list
}

func number(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}
