package metrics

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
)

// unknownService is OpenTelemetry's own name for a sender without one.
const unknownService = "unknown_service"

// identify gives every resource a service name and an instance, so that two
// senders never write into one series.
func identify(md pmetric.Metrics) {
	for _, rm := range md.ResourceMetrics().All() {
		attrs := rm.Resource().Attributes()
		if text(attrs, "service.name") == "" {
			attrs.PutStr("service.name", unknownService)
		}
		if text(attrs, "service.instance.id") != "" {
			continue
		}
		if id := instanceOf(attrs); id != "" {
			attrs.PutStr("service.instance.id", id)
		}
	}
}

func instanceOf(attrs pcommon.Map) string {
	if pod := text(attrs, "k8s.pod.name"); pod != "" {
		return pod
	}
	host, pid := text(attrs, "host.name"), text(attrs, "process.pid")
	if host == "" || pid == "" {
		return host + pid
	}
	return host + ":" + pid
}

func text(attrs pcommon.Map, key string) string {
	v, ok := attrs.Get(key)
	if !ok {
		return ""
	}
	return v.AsString()
}
