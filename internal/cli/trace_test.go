package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// cartTraces is two requests in Jaeger's JSON, times in microseconds: 100 ms
// with a price of 60 ms beside a stock of 40 ms, and 50 ms without calls; and a
// span whose parent was lost.
const cartTraces = `{"data":[
 {"traceID":"1","spans":[
  {"traceID":"1","spanID":"a","operationName":"GET /cart","startTime":1000000,"duration":100000,"processID":"p"},
  {"traceID":"1","spanID":"b","operationName":"price","startTime":1020000,"duration":60000,"processID":"q","references":[{"refType":"CHILD_OF","traceID":"1","spanID":"a"}],"tags":[{"key":"error","type":"bool","value":true}]},
  {"traceID":"1","spanID":"c","operationName":"stock","startTime":1020000,"duration":40000,"processID":"q","references":[{"refType":"CHILD_OF","traceID":"1","spanID":"a"}]},
  {"traceID":"1","spanID":"d","operationName":"late","startTime":1300000,"duration":1000,"processID":"q","references":[{"refType":"CHILD_OF","traceID":"1","spanID":"99"}]}],
  "processes":{"p":{"serviceName":"shop"},"q":{"serviceName":"goods"}}},
 {"traceID":"2","spans":[{"traceID":"2","spanID":"a","operationName":"GET /cart","startTime":5000000,"duration":50000,"processID":"p"}],"processes":{"p":{"serviceName":"shop"}}}]}`

func cartFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cart.json")
	if err := os.WriteFile(file, []byte(cartTraces), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func pathsOf(t *testing.T, args ...string) pathView {
	t.Helper()
	s := run(t, append([]string{"trace", "critical-path", "-o", "json"}, args...)...)
	var v pathView
	if err := json.Unmarshal([]byte(s.out), &v); s.code != 0 || err != nil {
		t.Fatalf("%d %v\n%s%s", s.code, err, s.out, s.errout)
	}
	return v
}

func TestCriticalPathOfAFile(t *testing.T) {
	v := pathsOf(t, cartFile(t))
	want := []pathOperation{
		{Service: "shop", Operation: "GET /cart", Critical: 0.09, Share: 0.6, Sections: 3, Requests: 2},
		{Service: "goods", Operation: "price", Critical: 0.06, Share: 0.4, Sections: 1, Requests: 1},
	}
	if d := gocmp.Diff(want, v.Operations); d != "" || v.Requests != 2 || v.Total != 0.15 {
		t.Errorf("%d requests, %g s (-want +got):\n%s", v.Requests, v.Total, d)
	}
	if len(v.Slowest) != 2 || v.Slowest[0].Duration != 0.1 || v.Slowest[0].TraceID != "00000000000000000000000000000001" {
		t.Fatalf("%+v", v.Slowest)
	}
	sections := []pathSection{
		{SpanID: "000000000000000a", Service: "shop", Operation: "GET /cart", Duration: 0.02},
		{SpanID: "000000000000000b", Service: "goods", Operation: "price", From: 0.02, Duration: 0.06},
		{SpanID: "000000000000000a", Service: "shop", Operation: "GET /cart", From: 0.08, Duration: 0.02},
	}
	if d := gocmp.Diff(sections, v.Slowest[0].Sections); d != "" {
		t.Errorf("sections (-want +got):\n%s", d)
	}
	run(t, "trace", "critical-path", cartFile(t)).wants(t, 0, "WAITED FOR", "90 ms", "60 %", "2 requests", "SLOWEST", "warning: spans whose parent is not there", "next: ")
	if v := pathsOf(t, cartFile(t), "--slowest", "0"); len(v.Slowest) != 0 || v.Slowest == nil {
		t.Errorf("%+v", v.Slowest)
	}
}

// TestCriticalPathNamesALoop: four queries one after the other, and one call
// tried again; two in a row are no loop.
func TestCriticalPathNamesALoop(t *testing.T) {
	var spans []string
	call := func(id int, name, tags string) {
		spans = append(spans, fmt.Sprintf(`{"traceID":"1","spanID":"b%d","operationName":"%s","startTime":%d,"duration":1000,"processID":"p",
			"references":[{"refType":"CHILD_OF","traceID":"1","spanID":"a"}],"tags":[{"key":"span.kind","type":"string","value":"client"}%s]}`, id, name, 1000000+2000*id, tags))
	}
	for i := range 4 {
		call(i, "query", fmt.Sprintf(`,{"key":"db.statement","type":"string","value":"SELECT price FROM items WHERE id = %d"}`, i%2))
	}
	call(4, "pay", `,{"key":"error","type":"bool","value":true}`)
	call(5, "pay", "")
	call(6, "mail", "")
	call(7, "mail", "")
	file := filepath.Join(t.TempDir(), "loop.json")
	text := fmt.Sprintf(`{"data":[{"traceID":"1","spans":[{"traceID":"1","spanID":"a","operationName":"GET /cart","startTime":1000000,"duration":100000,"processID":"p",
		"tags":[{"key":"span.kind","type":"string","value":"server"}]},%s],"processes":{"p":{"serviceName":"shop"}}}]}`, strings.Join(spans, ","))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []pathRepeat{
		{Service: "shop", Operation: "GET /cart", Call: "SELECT price FROM items WHERE id = ?", Calls: 4, Median: 4, P95: 4, Same: 0.5},
		{Service: "shop", Operation: "GET /cart", Call: "pay", Calls: 2, Median: 2, P95: 2, Retries: 1, Retrying: 0.002},
	}
	if d := gocmp.Diff(want, pathsOf(t, file).Repeated); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	run(t, "trace", "critical-path", file).wants(t, 0, "REPEATED BY", "SELECT price FROM items WHERE id = ?", "4 (p95 4)", "50 %")
}

func TestCriticalPathFromAnOperation(t *testing.T) {
	v := pathsOf(t, cartFile(t), "--root", "price")
	if v.Requests != 1 || len(v.Operations) != 1 || v.Operations[0].Critical != 0.06 || v.Operations[0].Share != 1 {
		t.Errorf("%+v", v)
	}
	run(t, "trace", "critical-path", cartFile(t), "--root", "pay").wants(t, 2, `no span has the operation "pay"`, "GET /cart")
}

func TestCriticalPathCompat(t *testing.T) {
	v := pathsOf(t, cartFile(t), "--compat", "crisp")
	if f := v.Failures; f == nil || f.Work != 0.25 || f.WorkSaved != 0.06 || f.PathSaved != 0.02 || v.Slowest[0].Failures == nil {
		t.Errorf("%+v", v)
	}
	run(t, "trace", "critical-path", cartFile(t), "--compat", "crisp").wants(t, 0, "without failures", "20 ms less")
	run(t, "trace", "critical-path", cartFile(t), "--compat", "other").wants(t, 2, "there is only crisp")
}

// TestCriticalPathCompatOnCRISPsTraces: its own test traces, read from its own
// files, give its own figures.
func TestCriticalPathCompatOnCRISPsTraces(t *testing.T) {
	folder := filepath.Join(cmp.Or(os.Getenv("PITWALL_BENCH"), "../../../shared/bench"), "traces/crisp/test_cases")
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("SKIPPED, NOT PASSED: %s is not there; set PITWALL_BENCH to the folder of the benchmark data", folder)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	more, err2 := filepath.Glob(filepath.Join(folder, "*", "*.json"))
	if files = append(files, more...); err != nil || err2 != nil || len(files) != 33 {
		t.Fatalf("%d files, %v %v", len(files), err, err2)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var said struct{ Testing json.RawMessage }
		var want struct {
			OpTimeExclusive                           map[string]int64
			TotalWork, TimeSavedOnWork, TimeSavedOnCP int64
		}
		var plain []map[string]int64
		if err := json.Unmarshal(raw, &said); err != nil {
			t.Fatal(err)
		}
		if json.Unmarshal(said.Testing, &plain) == nil {
			want.OpTimeExclusive = plain[0]
		} else if err := json.Unmarshal(said.Testing, &want); err != nil {
			t.Fatal(err)
		}
		v := pathsOf(t, file, "--compat", "crisp")
		micro := func(seconds float64) int64 { return int64(math.Round(seconds * 1e6)) }
		got := map[string]int64{}
		for _, o := range v.Operations {
			got[fmt.Sprintf("[%s] %s", o.Service, o.Operation)] = micro(o.Critical)
		}
		if d := gocmp.Diff(want.OpTimeExclusive, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", file, d)
		}
		if f := v.Failures; want.TotalWork > 0 && (micro(f.Work) != want.TotalWork || micro(f.WorkSaved) != want.TimeSavedOnWork || micro(f.PathSaved) != want.TimeSavedOnCP) {
			t.Errorf("%s: %+v, want %+v", file, *f, want)
		}
	}
}

func TestCriticalPathReadsStandardInputAndRefuses(t *testing.T) {
	var out, errout bytes.Buffer
	code := Run(t.Context(), Env{Args: []string{"trace", "critical-path", "-"}, Stdin: strings.NewReader(cartTraces), Stdout: &out, Stderr: &errout, Getenv: func(string) string { return "" }})
	if code != 0 || !strings.Contains(out.String(), "GET /cart") {
		t.Errorf("%d %s%s", code, out.String(), errout.String())
	}
	empty := filepath.Join(t.TempDir(), "empty.json")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "trace", "critical-path").wants(t, 2, "pitwall trace critical-path --help")
	run(t, "trace", "critical-path", empty).wants(t, 2, "empty.json", "it holds no spans", "try: ")
	run(t, "trace", "critical-path", filepath.Join(t.TempDir(), "none.json")).wants(t, 2, "none.json")
	run(t, "trace", "critical-path", t.TempDir()).wants(t, 2, "it is a directory")
	run(t, "trace", "critical-path", cartFile(t), "--slowest", "-1").wants(t, 2, "--slowest")
}
