package promapi

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/pitwall/pitwall/internal/store/metrics"
)

// engine is one with a given bound on samples, otherwise as the store's.
func engine(maxSamples int) *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		MaxSamples: maxSamples, Timeout: 30 * time.Second, LookbackDelta: 5 * time.Minute,
		EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return (15 * time.Second).Milliseconds() },
		Parser:                   parser.NewParser(parser.Options{}),
	})
}

// TestAnswersAsPrometheus sends the query set to a real Prometheus server and
// to us, over the same data, and compares what comes back.
func TestAnswersAsPrometheus(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT COMPARED: -short")
	}
	dir := t.TempDir()
	fill(t, dir)
	small := sides{theirs: startPrometheus(t, copyDir(t, dir), "--query.max-samples="+strconv.Itoa(few))}
	big := sides{theirs: startPrometheus(t, copyDir(t, dir))}
	c := ourConfig(t, dir)
	big.ours = serveOurs(t, c)
	c.Engine = engine(few)
	small.ours = serveOurs(t, c)

	b := book{table: differences()}
	for _, e := range querySet() {
		b.compare(t, big, e)
	}
	for _, e := range greedy() {
		b.compare(t, small, e)
	}
	for e := range b.table {
		t.Errorf("%s is listed as different and was not asked", e)
	}
	if b.compared < 200 {
		t.Errorf("only %d requests were compared", b.compared)
	}
	sameBytes(t, big)
	summary := fmt.Sprintf("%d compared, %d equal, %d listed differences", b.compared, b.equal, b.listed)
	fmt.Fprintln(os.Stderr, summary)
	if !strings.Contains(page(t), summary) {
		t.Errorf("docs/reference/prometheus-api.md does not say: %s", summary)
	}
}

// sameBytes compares answers without arithmetic byte by byte, which tells of
// forms of numbers that read alike.
func sameBytes(t *testing.T, s sides) {
	t.Helper()
	at, span := unix(when()), []string{"start", unix(from()), "end", unix(until()), "step", "0.7"}
	for _, e := range []exchange{
		{path: "query", params: params("query", "odd_value", "time", at)},
		{path: "query", params: params("query", "odd_value[1m]", "time", at)},
		{path: "query", params: params("query", "rpc_duration_seconds", "time", at+".05")},
		{path: "query", params: params("query", `"a \"string\""`, "time", "0.001")},
		{path: "query", params: params("query", "vector(1)", "time", "-1.5")},
		{path: "query_range", params: params(append(span, "query", `{__name__=~"odd_value|up|rpc_.*"}`)...)},
		{path: "series", params: params("match[]", "up")},
		{path: "labels"}, {path: "rules"}, {path: "alerts"}, {path: "metadata"}, {path: "label/job/values"},
	} {
		theirs, ours := e.send(t, s.theirs), e.send(t, s.ours)
		if !bytes.Equal(theirs.raw, ours.raw) {
			t.Errorf("%s\n\ttheirs %.600s\n\tours   %.600s", e, theirs.raw, ours.raw)
		}
	}
}

// few is a bound on samples that a modest query breaks.
const few = 500

// book counts the comparisons. Listed differences are taken off the table as
// they are met.
type book struct {
	table                   map[string]difference
	compared, equal, listed int
}

func (b *book) compare(t *testing.T, s sides, e exchange) {
	t.Helper()
	theirs, ours := e.send(t, s.theirs), e.send(t, s.ours)
	if e.unordered {
		theirs.sort()
		ours.sort()
	}
	b.compared++
	why := differ(theirs, ours)
	d, known := b.table[e.String()]
	delete(b.table, e.String())
	switch {
	case why == "" && !known:
		b.equal++
	case why == "":
		t.Errorf("%s\n\tis equal now: take it off the list", e)
	case !known:
		t.Errorf("%s\n\t%s\n\ttheirs %d %.600s\n\tours   %d %.600s", e, why, theirs.status, theirs.raw, ours.status, ours.raw)
	default:
		b.listed++
		d.check(t, e, theirs, ours)
	}
}

// differ says where two replies differ, or nothing. The words of an error may.
func differ(theirs, ours reply) string {
	if theirs.status != ours.status {
		return fmt.Sprintf("status %d, theirs %d", ours.status, theirs.status)
	}
	if theirs.kind != ours.kind {
		return fmt.Sprintf("content type %q, theirs %q", ours.kind, theirs.kind)
	}
	if theirs.body["status"] == "error" && theirs.status != http.StatusOK {
		if text, _ := ours.body["error"].(string); text == "" {
			return "an error without a text"
		}
		theirs.body["error"], ours.body["error"] = "", ""
	}
	return unlike("", theirs.body, ours.body)
}

// unlike names the first place where two decoded JSON values differ by more
// than one part in a thousand million.
func unlike(at string, a, b any) string {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			break
		}
		for k := range b {
			if _, ok := a[k]; !ok {
				return fmt.Sprintf("%s.%s is ours alone: %v", at, k, b[k])
			}
		}
		for k, v := range a {
			if _, ok := b[k]; !ok {
				return fmt.Sprintf("%s.%s is theirs alone: %v", at, k, v)
			}
			if why := unlike(at+"."+k, v, b[k]); why != "" {
				return why
			}
		}
		return ""
	case []any:
		b, ok := b.([]any)
		if !ok {
			break
		}
		for i := range min(len(a), len(b)) {
			if why := unlike(fmt.Sprintf("%s[%d]", at, i), a[i], b[i]); why != "" {
				return why
			}
		}
		if len(a) != len(b) {
			return fmt.Sprintf("%s has %d elements, theirs %d", at, len(b), len(a))
		}
		return ""
	case string:
		if b, ok := b.(string); ok && (a == b || near(a, b)) {
			return ""
		}
	case float64:
		if b, ok := b.(float64); ok && a == b {
			return ""
		}
	default:
		if a == b {
			return ""
		}
	}
	return fmt.Sprintf("%s is %v, theirs %v", at, b, a)
}

// near compares two values written as strings.
func near(a, b string) bool {
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	if err != nil || err2 != nil {
		return false
	}
	return math.Abs(x-y) <= 1e-9*math.Max(math.Abs(x), math.Abs(y))
}

// difference is a place where the embedded Prometheus 3 and the server of
// version 2.42 are known to answer differently.
type difference struct {
	reason string
	// theirs and ours are the whole answers, as reply.short has them; or
	theirs, ours string
	// without names what is ours alone, and values what both have with different
	// values of one type; apart from them the answers are equal.
	without, values []string
}

func (d difference) check(t *testing.T, e exchange, theirs, ours reply) {
	t.Helper()
	if d.ours != "" {
		if theirs.short() != d.theirs || ours.short() != d.ours {
			t.Errorf("%s\n\tdiffers in another way than listed\n\ttheirs %s\n\tlisted %s\n\tours   %s\n\tlisted %s", e, theirs.short(), d.theirs, ours.short(), d.ours)
		}
		return
	}
	for _, path := range d.values {
		a, b := take(theirs.body, strings.Split(path, ".")), take(ours.body, strings.Split(path, "."))
		if a == nil || fmt.Sprintf("%T", a) != fmt.Sprintf("%T", b) {
			t.Errorf("%s: %s is a %T, theirs a %T", e, path, b, a)
		}
	}
	for _, path := range d.without {
		if take(ours.body, strings.Split(path, ".")) == nil {
			t.Errorf("%s: listed as having %s, and does not", e, path)
		}
	}
	if why := differ(theirs, ours); why != "" {
		t.Errorf("%s\n\tdiffers in more than %v: %s", e, d.without, why)
	}
}

// take removes what is at a path and gives it, or nil.
func take(m map[string]any, path []string) any {
	v := m[path[0]]
	if len(path) == 1 {
		delete(m, path[0])
		return v
	}
	inner, _ := v.(map[string]any)
	if inner == nil {
		return nil
	}
	return take(inner, path[1:])
}

// ourConfig opens our own store over a directory.
func ourConfig(t testing.TB, dir string) Config {
	t.Helper()
	s, err := metrics.Open(dir, metrics.Options{Now: until})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return Config{Queryable: s.Queryable(), Engine: s.Engine(), Head: s.HeadStats, Now: when}
}
