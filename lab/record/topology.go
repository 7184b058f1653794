package record

import (
	"cmp"
	"maps"
	"slices"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// component is one entry of topology.json.
type component struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	Component string `json:"component"`
}

// call says who calls whom.
type call struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type topology struct {
	Services []component `json:"services"`
	Calls    []call      `json:"calls"`
}

// drawn reads who there is and who calls whom off the spans: whoever answers
// is a service; whoever is only called is a database if its callers say so,
// else something outside. hosts are those that only metrics know.
func drawn(all []span, hosts []string) topology {
	kinds := map[string]string{}
	owner := make(map[pcommon.SpanID]string, len(all))
	for _, s := range all {
		owner[s.id] = s.service
		kinds[s.service] = "service"
	}
	calls := map[call]bool{}
	for _, s := range all {
		if up, ok := owner[s.parent]; ok && up != s.service {
			calls[call{up, s.service}] = true
		}
		if s.kind != ptrace.SpanKindClient || s.peer == "" {
			continue
		}
		if kinds[s.peer] == "" || kinds[s.peer] == "external" {
			kinds[s.peer] = "external"
			if s.database {
				kinds[s.peer] = "database"
			}
		}
		if s.peer != s.service {
			calls[call{s.service, s.peer}] = true
		}
	}
	for _, h := range hosts {
		if kinds[h] == "" {
			kinds[h] = "node"
		}
	}
	t := topology{Services: []component{}, Calls: slices.SortedFunc(maps.Keys(calls), func(a, b call) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		t.Services = append(t.Services, component{name, kinds[name], name})
	}
	return t
}
