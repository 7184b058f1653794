package pyroscope

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall"
)

// Labels says in which labels, the first that is there, a window's fields come.
type Labels struct {
	Service  []string // none: service_name
	Version  []string // none: service_version, service.version, version
	Instance []string // none: service_instance_id, pod, instance, hostname, host
}

func (l Labels) withDefaults() Labels {
	if len(l.Service) == 0 {
		l.Service = []string{"service_name"}
	}
	if len(l.Version) == 0 {
		l.Version = []string{"service_version", "service.version", "version"}
	}
	if len(l.Instance) == 0 {
		l.Instance = []string{"service_instance_id", "pod", "instance", "hostname", "host"}
	}
	return l
}

// maxLabels bounds the labels of a profile; senders have a dozen.
const maxLabels = 128

// parseName reads an application's name with its labels: app{k=v,k2="v2"}.
func parseName(text string) (app string, labels map[string]string, err error) {
	app, rest, braced := strings.Cut(text, "{")
	app, labels = strings.TrimSpace(app), map[string]string{}
	if !braced {
		return app, labels, nil
	}
	rest, closed := strings.CutSuffix(strings.TrimSpace(rest), "}")
	if !closed {
		return "", nil, fmt.Errorf("name %.100q does not end in }", text)
	}
	for pair := range strings.SplitSeq(rest, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		k, v, ok := strings.Cut(pair, "=")
		if k = strings.TrimSpace(k); !ok || k == "" {
			return "", nil, fmt.Errorf("label %.100q is not name=value", pair)
		}
		if labels[k] = strings.Trim(strings.TrimSpace(v), `"`); len(labels) > maxLabels {
			return "", nil, fmt.Errorf("more than %d labels", maxLabels)
		}
	}
	return app, labels, nil
}

func first(labels map[string]string, names []string) string {
	for _, n := range names {
		if labels[n] != "" {
			return labels[n]
		}
	}
	return ""
}

// kinds (read-only) tell the type from what Pyroscope calls a profile: the label
// __name__, or the last part of an application's name of old.
var kinds = map[string]pitwall.ProfileType{
	"process_cpu": pitwall.ProfileCPU, "cpu": pitwall.ProfileCPU, "itimer": pitwall.ProfileCPU,
	"alloc_space": pitwall.ProfileAlloc, "inuse_space": pitwall.ProfileHeap,
	"mutex": pitwall.ProfileMutex, "godeltaprof_mutex": pitwall.ProfileMutex,
	"block": pitwall.ProfileBlock, "godeltaprof_block": pitwall.ProfileBlock,
	"goroutine": pitwall.ProfileGoroutine, "goroutines": pitwall.ProfileGoroutine,
}
