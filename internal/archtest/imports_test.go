package archtest

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// leaves are the pure rooms that everybody but lab may use.
func leaves(more ...string) []string {
	return append([]string{".", "internal/stats", "internal/stats/changes", "internal/stats/online", "internal/stats/anomaly",
		"internal/trace", "internal/prof", "internal/promql"}, more...)
}

// may lists, for each room, the rooms it may import. The longest matching key
// wins; a trailing slash means a whole wing; "." is the root vocabulary.
func may() map[string][]string {
	return map[string][]string{
		".":                             {},
		"cmd/pitwall":                   {"internal/cli"},
		"internal/stats":                {},
		"internal/stats/changes":        {"internal/stats"}, // one series: whether, where and how much it changed
		"internal/stats/online":         {"internal/stats"},
		"internal/stats/anomaly":        {"internal/stats"},
		"internal/stats/labelled":       {}, // only tests import it
		"internal/trace":                {".", "internal/stats"},
		"internal/prof":                 {".", "internal/stats"},
		"internal/promql":               {"."},
		"internal/strict":               {"."},
		"internal/mask":                 {"."}, // takes secrets out at the door
		"internal/junit":                {},
		"internal/slo":                  leaves("internal/strict"), // the rooms that read files people write
		"internal/policy":               leaves("internal/strict"),
		"internal/playbook":             leaves("internal/strict"),
		"internal/enforce":              leaves("internal/strict", "internal/junit"),
		"internal/config":               leaves("internal/strict"),
		"internal/diagnose":             leaves("internal/diagnose/fold", "internal/diagnose/excess", "internal/diagnose/blame"),
		"internal/diagnose/score":       {},                     // what a diagnosis is worth: it never meets one
		"internal/slo/replay":           leaves("internal/slo"), // what is made from a ledger
		"internal/slo/attribute":        leaves("internal/slo"),
		"internal/slo/month":            leaves("internal/slo"),
		"internal/slo/slotest":          leaves("internal/slo", "internal/strict", "internal/objectives", "internal/junit"),
		"internal/objectives":           leaves("internal/strict", "internal/slo", "internal/objectives/", "catalogue"), // objectives as code bring their tiers
		"internal/objectives/openslo":   leaves("internal/strict", "internal/slo"),
		"internal/objectives/sloth":     leaves("internal/strict", "internal/slo"),
		"internal/objectives/pyrra":     leaves("internal/strict", "internal/slo"),
		"internal/objectives/slogen":    leaves("internal/strict", "internal/slo"),
		"internal/objectives/promrules": leaves("internal/strict", "internal/slo"),
		"internal/alertlint":            leaves("internal/strict"),
		"internal/route":                leaves("internal/strict"), // the routing file
		"internal/notify":               leaves("internal/route"),
		"internal/":                     leaves(), // every stage
		"internal/source/":              leaves(),
		"internal/source/prometheus":    leaves("internal/source/remote"),
		"internal/source/jaeger":        leaves("internal/source/remote", "internal/source/otelrows", "internal/source/jaegerrows", "internal/otelspan"),
		"internal/source/tempo":         leaves("internal/source/remote", "internal/source/otelrows", "internal/otelspan"),
		"internal/source/casefile":      leaves("internal/source/otelrows", "internal/otelspan", "internal/logs"), // an incident that was recorded
		"internal/source/otelrows":      leaves("internal/otelspan"),
		"internal/source/jaegerrows":    leaves("internal/otelspan"),
		"internal/source/tracefile":     leaves("internal/source/otelrows", "internal/source/jaegerrows"),
		"internal/source/pyroscope":     leaves("internal/source/remote"),
		"internal/otelspan":             {"."},
		"internal/logs":                 {".", "internal/stats"},
		"internal/target/":              leaves(),
		"internal/notify/":              leaves("internal/notify/post"),
		"internal/notify/notifytest":    leaves(), // only tests import it
		"internal/store/":               leaves("internal/store/wal", "internal/store/spans/block", "internal/store/spans/rollup", "internal/logs"),
		"internal/load/":                leaves(),
		"internal/archtest":             {},
		"internal/monitor":              leaves("internal/baseline", "internal/detect"), // what is normal, and what is found against it
		"internal/engine": leaves("internal/monitor", "internal/slo", "internal/baseline", "internal/detect", "internal/diagnose", "internal/playbook",
			"internal/policy", "internal/canary", "internal/verify", "internal/enforce", "internal/plan", "internal/record", "internal/coverage", "internal/slo/", "internal/route", "internal/mask"),
		"internal/httpd": {".", "internal/report"},
		"internal/cli":   {".", "internal/", "lab/", "playbooks", "catalogue"}, // the only place the whole house is wired
		"playbooks":      {},                                                   // data with an embedding
		"catalogue":      {},
		"lab/":           {"lab/"}, // a world of its own: it must not know who watches it

		"scripts/lab":               {"lab", "lab/record", "internal/diagnose/score", "scripts/exam"},
		"scripts/cases":             {"internal/diagnose/score", "scripts/exam"},
		"scripts/exam":              {"internal/diagnose/score"},
		"scripts/ledger":            {".", "internal/slo", "internal/store/sqlite"},
		"internal/source/synthetic": leaves("internal/strict"),           // journeys are files that people write
		"internal/source/otlp":      leaves("internal/source/otlp/wire"), // the walk over a request's bytes
	}
}

func TestImports(t *testing.T) {
	for _, f := range tree(t) {
		if f.test {
			continue
		}
		for _, imp := range f.imports() {
			to, ours := strings.CutPrefix(imp+"/", module+"/")
			if !ours {
				continue
			}
			if to = path.Clean(to); !allowed(f.room, to) {
				t.Errorf("%s: %s may not import %s", f.name, f.room, to)
			}
		}
	}
}

func allowed(from, to string) bool {
	best := ""
	table := may()
	for key := range table {
		if matches(key, from) && len(key) > len(best) {
			best = key
		}
	}
	return best != "" && slices.ContainsFunc(table[best], func(key string) bool { return matches(key, to) })
}

// TestTheTableItself guards the guard.
func TestTheTableItself(t *testing.T) {
	f := func(want bool, from, to string) {
		t.Helper()
		if allowed(from, to) != want {
			t.Errorf("%s importing %s: want %v", from, to, want)
		}
	}
	f(true, "internal/canary", ".")
	f(true, "internal/canary", "internal/stats")
	f(false, "internal/canary", "internal/verify")
	f(false, "internal/canary", "internal/store/sqlite")
	f(false, "internal/store/sqlite", "internal/record")
	f(false, "internal/store/sqlite", "internal/store/spans")
	f(true, "internal/policy", "internal/strict")
	f(false, "internal/policy", "internal/playbook")
	f(false, "internal/canary", "internal/strict")
	f(true, "internal/diagnose", "internal/diagnose/fold")
	f(false, "internal/diagnose/fold", "internal/diagnose")
	f(false, "internal/engine", "internal/diagnose/fold")
	f(false, "internal/diagnose", "internal/diagnose/score")
	f(false, "internal/strict", "internal/stats")
	f(true, "internal/enforce", "internal/junit")
	f(false, "internal/canary", "internal/junit")
	f(false, "internal/stats", ".")
	f(false, ".", "internal/stats")
	f(false, "lab/shop", ".")
	f(true, "lab", "lab/shop")
	f(true, "lab/shop", "lab/mesh")
	f(true, "internal/cli", "lab")
	f(true, "internal/cli", "internal/target/git")
	f(false, "internal/engine", "internal/target/git")
	f(false, "internal/httpd", "internal/engine")
	f(true, "internal/notify/slack", "internal/notify/post")
	f(false, "internal/notify/slack", "internal/notify/notifytest")
	f(false, "somewhere/new", ".")
}

// modules says where each outside module may live, with the reason.
func modules() []struct {
	prefix string
	rooms  []string
	why    string
} {
	return []struct {
		prefix string
		rooms  []string
		why    string
	}{
		{"github.com/prometheus/client_golang/", []string{"internal/source/prometheus"}, "the client of the query API"},
		{"github.com/prometheus/common/", []string{"internal/source/prometheus", "internal/store/metrics", "internal/store/metrics/"}, "the words of the query API"},
		{"github.com/parquet-go/", []string{"internal/store/spans/block"}, "columns on disk belong to the span store"},
		{"github.com/klauspost/compress/", []string{"internal/source/otlp", "internal/store/metrics/", "internal/store/spans/block"}, "compression stays at the wire and on the disk"},
		{"github.com/golang/snappy", []string{"internal/store/metrics/"}, "remote write's compression stays at the wire"},
		{"github.com/prometheus/", []string{"internal/store/metrics", "internal/store/metrics/", "internal/promql"}, "its API moves at every minor version: one home for storage, one for the language"},
		{"go.opentelemetry.io/collector/", []string{"internal/source/otlp", "internal/store/metrics", "internal/source/otelrows", "internal/source/casefile", "internal/source/tempo", "internal/source/jaeger", "lab/record"}, "the wire format stays at the wire"},
		{"go.opentelemetry.io/", []string{"lab/"}, "only the shop is instrumented"},
		{"google.golang.org/grpc", []string{"internal/source/otlp", "lab/"}, "a heavy import belongs into a leaf"},
		{"google.golang.org/genproto/", []string{"internal/source/otlp"}, "retry hints of gRPC errors stay at the wire"},
		{"google.golang.org/protobuf/", []string{"internal/source/otlp", "internal/source/pyroscope", "lab/"}, "the wire format stays at the wire"},
		{"database/sql", []string{"internal/store/sqlite", "internal/store/postgres", "lab/"}, "SQL only in stores"},
		{"modernc.org/sqlite", []string{"internal/store/sqlite", "lab/"}, "SQL only in stores"},
		{"github.com/jackc/pgx/", []string{"internal/store/postgres", "lab/"}, "SQL only in stores"},
		{"github.com/pressly/goose/", []string{"internal/store/sqlite", "internal/store/postgres"}, "SQL only in stores"},
		{"cel.dev/", []string{"internal/policy"}, "rules are policy's language"},
		{"github.com/danielgtaylor/huma/", []string{"internal/httpd"}, "HTTP is httpd's"},
		{"github.com/go-chi/", []string{"internal/httpd"}, "HTTP is httpd's"},
		{"github.com/spf13/", []string{"internal/cli"}, "flags are cli's"},
		{"gopkg.in/yaml.v3", []string{"internal/strict", "internal/objectives", "internal/objectives/", "internal/slo/slotest", "internal/alertlint", "internal/route", "internal/slo", "internal/config", "internal/policy", "internal/playbook", "internal/enforce", "internal/cli"}, "YAML becomes root types at the door"},
		{"gonum.org/", []string{"internal/stats", "internal/prof"}, "numbers belong to the pure leaves"},
		{"github.com/google/pprof/", []string{"internal/prof", "internal/source/pprof", "internal/source/pyroscope", "lab/record"}, "profiles are prof's"},
		{"github.com/google/go-cmp", []string{"internal/store/storetest", "internal/notify/notifytest"}, "tests only"},
		{"github.com/rogpeppe/go-internal", nil, "tests only"},
	}
}

func TestModulesStayInTheirRooms(t *testing.T) {
	for _, f := range tree(t) {
		if f.test {
			continue
		}
	imports:
		for _, imp := range f.imports() {
			if strings.HasPrefix(imp, module) {
				continue
			}
			for _, m := range modules() {
				if !strings.HasPrefix(imp+"/", m.prefix) && imp != m.prefix {
					continue
				}
				if !slices.ContainsFunc(m.rooms, func(key string) bool { return matches(key, f.room) }) {
					t.Errorf("%s: %s may not import %s: %s", f.name, f.room, imp, m.why)
				}
				continue imports
			}
			if first, _, _ := strings.Cut(imp, "/"); strings.Contains(first, ".") {
				t.Errorf("%s imports %s: a new module needs a room in this table and a line in docs/dependencies.md", f.name, imp)
			}
		}
	}
}

// stages are the rooms that turn nouns into nouns and do nothing else.
func stages() []string {
	return []string{".", "internal/stats", "internal/trace", "internal/prof", "internal/promql", "internal/strict", "internal/junit", "internal/slo", "internal/baseline",
		"internal/detect", "internal/diagnose", "internal/diagnose/fold", "internal/playbook", "internal/policy", "internal/canary", "internal/verify",
		"internal/enforce", "internal/optimize", "internal/plan", "internal/record", "internal/report", "internal/coverage", "internal/mask",
		"internal/slo/replay", "internal/slo/attribute", "internal/slo/month", "internal/slo/slotest", "internal/alertlint", "internal/route",
		"internal/objectives", "internal/objectives/openslo", "internal/objectives/sloth", "internal/objectives/pyrra", "internal/objectives/slogen", "internal/objectives/promrules"}
}

// TestStagesTouchNothing: a stage does not log, open a socket or start a process.
func TestStagesTouchNothing(t *testing.T) {
	banned := []string{"net", "net/http", "os/exec", "os/signal", "log", "log/slog", "database/sql", "syscall", "math/rand", "testing"}
	for _, f := range tree(t) {
		if f.test || !slices.Contains(stages(), f.room) {
			continue
		}
		for _, imp := range f.imports() {
			if slices.Contains(banned, imp) {
				t.Errorf("%s: a stage may not import %s", f.name, imp)
			}
		}
	}
}
