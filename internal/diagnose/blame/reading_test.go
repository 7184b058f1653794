package blame

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

func diff(lines ...string) string { return strings.Join(lines, "\n") }

func TestRead(t *testing.T) {
	f := func(want string, c pitwall.Change) {
		t.Helper()
		r := Read(c)
		var got []string
		for _, touch := range r.Touches {
			got = append(got, touch.String())
		}
		if r.Harmless != "" {
			got = append(got, "harmless: "+r.Harmless)
		}
		if d := cmp.Diff(want, strings.Join(got, "\n")); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
	of := func(file string, lines ...string) pitwall.Change {
		return pitwall.Change{Files: []string{file}, Diff: "@@ " + file + " @@\n" + diff(lines...)}
	}
	f("lowers connection pool: defaultMaxConns 50 → 10 (pkg/db/pool.go)", of("pkg/db/pool.go", "-const defaultMaxConns = 50", "+const defaultMaxConns = 10"))
	f("lowers cpu limit: cpu 2 → 500m (k8s/a.yaml)", of("k8s/a.yaml", " limits:", `-  cpu: "2"`, "+  cpu: 500m"))
	f("lowers memory limit: Xmx 4g → 512m (app.env)", of("app.env", `-JAVA_OPTS="-Xmx4g"`, `+JAVA_OPTS="-Xmx512m"`))
	f("raises log volume: level info → debug (log.yaml)", of("log.yaml", " logging:", "-  level: info", "+  level: debug"))
	f("lowers timeout: callTimeout 800 * time.Millisecond → 80 * time.Millisecond (rpc.go)",
		of("rpc.go", "-const callTimeout = 800 * time.Millisecond", "+const callTimeout = 80 * time.Millisecond"))
	f("removes guard: if resp.Card == nil { (pay.go)", of("pay.go", "-\tif resp.Card == nil {", `-		return ""`, "-\t}", "-\treturn resp.Card.Status", "+\treturn resp.Card.Status"))
	f("removes initialisation: registerHandlers(mux); (boot.ts)", of("boot.ts", "-  registerHandlers(mux);", " await mux.start();"))
	f("removes release of a resource: defer rows.Close() (db.go)", of("db.go", "-\tdefer rows.Close()"))
	f("removes index: DROP INDEX a_b; (m.sql)", of("m.sql", "+DROP INDEX a_b;"))
	f("alters library: spring 2.7.1 → 3.0.0 (build.gradle)", of("build.gradle", `-  implementation "org.spring:spring:2.7.1"`, `+  implementation "org.spring:spring:3.0.0"`))
	f("adds call in a loop: get(p.vendor) (v.py)", of("v.py", "+for p in products:", "+    get(p.vendor)"))
	f("harmless: it changes only docs/a.md, which is not part of what runs", of("docs/a.md", "+timeout: 5s"))
	f("harmless: its diff changes nothing but form: blanks, comments, names or where lines stand",
		of("a.go", "-func size() int {return 1}", "+func size() int { return 1 }"))
	f("harmless: its diff changes nothing but form: blanks, comments, names or where lines stand",
		of("a.go", "-\tc := r.Context()", "-\treturn fetch(c, q)", "+\tctx := r.Context()", "+\treturn fetch(ctx, q)"))
	// A check that moved into a helper still checks the same.
	f("", of("geo.go", "-\tif r.Lat < -90 || r.Lat > 90 {", "-\t\treturn errRange(r.Lat)", "+\tif err := check(r.Lat, -90, 90); err != nil {"))
}

func TestCauses(t *testing.T) {
	f := func(want Force, touch Touch, class pitwall.Bottleneck) {
		t.Helper()
		if got := touch.Causes(class); got != want {
			t.Errorf("%s %s causes %s: %d, want %d", touch.Way, touch.Kind, class, got, want)
		}
	}
	f(Typical, Touch{Kind: Pool, Way: Lowers, Factor: 0.2}, pitwall.BottleneckPool)
	f(Cannot, Touch{Kind: Pool, Way: Raises, Factor: 2}, pitwall.BottleneckPool)
	f(Can, Touch{Kind: Pool, Way: Lowers, Factor: 0.9}, pitwall.BottleneckPool) // slight
	f(Cannot, Touch{Kind: Index, Way: Removes}, pitwall.BottleneckCertificate)
	for _, e := range effects {
		for _, c := range slices.Concat(e.typical, e.can) {
			if !slices.Contains(pitwall.Bottlenecks(), c) {
				t.Errorf("%s %s causes %q, which is no class", e.way, e.kind, c)
			}
		}
	}
}

func TestSigns(t *testing.T) {
	metric := func(want pitwall.Bottleneck, name string, rose bool) {
		t.Helper()
		var got pitwall.Bottleneck
		if s := MetricSigns(name, rose); len(s) > 0 {
			got = s[0].Class
		}
		if got != want {
			t.Errorf("%s (rose: %v) speaks of %q, want %q", name, rose, got, want)
		}
	}
	metric(pitwall.BottleneckPool, "db.client.connection.pending_requests", true)
	metric(pitwall.BottleneckPool, "hikaricp_pool_pending", true)
	metric(pitwall.BottleneckCache, "redis_evicted_keys_total", true)
	metric(pitwall.BottleneckCache, "cache_hit_ratio", false)
	metric("", "cache_hit_ratio", true)
	metric(pitwall.BottleneckCertificate, "probe_ssl_cert_expiry_days", false)
	metric(pitwall.BottleneckCapacity, "node_filesystem_avail_bytes", false)
	metric(pitwall.BottleneckTraffic, "requests", true)

	text := func(want pitwall.Bottleneck, line string) {
		t.Helper()
		list := TextSigns(line)
		if len(list) == 0 || !slices.ContainsFunc(list, func(s Sign) bool { return s.Class == want && s.Weight == Mechanism }) {
			t.Errorf("%q speaks of %v, want %s", line, list, want)
		}
	}
	text(pitwall.BottleneckDNS, "dial tcp: lookup db.internal: no such host")
	text(pitwall.BottleneckPool, "remaining connection slots are reserved for superusers")
	text(pitwall.BottleneckAllocation, "fatal: Out of memory: Killed process 12 (java)")
	text(pitwall.BottleneckLock, "Deadlock found when trying to get lock; try restarting transaction")
	text(pitwall.BottleneckException, "AttributeError: 'NoneType' object has no attribute 'id'")
	text(pitwall.BottleneckCapacity, "write failed: No space left on device")
	if got := TextSigns("user logged in"); got != nil {
		t.Errorf("a line of no trouble speaks of %v", got)
	}
}

func TestRarity(t *testing.T) {
	r := NewRarity([]string{"resize thumbnails", "resize avatars", "colour of buttons"})
	words, weight := r.Shared("thumbnails fail to resize", "resize thumbnails")
	if d := cmp.Diff([]string{"resiz", "thumbnail"}, words); d != "" {
		t.Error(d)
	}
	if _, common := r.Shared("resize", "resize"); !(common < weight/2) {
		t.Errorf("a common word weighs %.2f of %.2f", common, weight)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("@@ a.yaml @@\n-max: 5\n+max: 7\n", "title", "a.yaml")
	f.Add("--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n-if a == nil {\n+\x00\xff", "", "")
	f.Add("+\n-\n @@ @@ @@\n+[\n+(", "x → y", "go.mod")
	f.Fuzz(func(t *testing.T, text, title, file string) {
		c := pitwall.Change{Diff: text, Summary: title, Files: []string{file}, Config: map[string]string{title: text}, DiffHints: []string{title}}
		first := Read(c)
		for _, touch := range first.Touches {
			_ = touch.String()
			for _, class := range pitwall.Bottlenecks() {
				if n := touch.Causes(class); n < Cannot || n > Typical {
					t.Fatalf("%v causes %s by %d", touch, class, n)
				}
			}
		}
		if d := cmp.Diff(first, Read(c)); d != "" {
			t.Fatalf("read twice: %s", d)
		}
		TextSigns(text)
		MetricSigns(title, true)
	})
}

// A diff as large as is read, of lines that all look alike.
func BenchmarkReadLarge(b *testing.B) {
	var text strings.Builder
	for i := range mostLines / 2 {
		text.WriteString("-  if pool.max(" + strings.Repeat("x", i%7) + ") == nil { return cache.get(a) }\n+  retry: " + strings.Repeat("1", i%5) + "\n")
	}
	c := pitwall.Change{Diff: text.String(), Files: []string{"a.yaml"}}
	b.ReportAllocs()
	for b.Loop() {
		Read(c)
	}
}
