package logs

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTemplate(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := Template(text); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	// Numbers, durations, sizes, times.
	f("connection to 10.0.3.17:5432 refused after 30 ms", "connection to <*> refused after <*> ms")
	f("took 1.5s", "took <*>")
	f("took 2h30m0.5s, limit -12 of +7", "took <*>, limit <*> of <*>")
	f("read 1,234,567 bytes (98.5%)", "read <*> bytes (<*>%)")
	f("2026-03-01T12:00:00.123Z start", "<*> start")
	f("2026-03-01 12:00:00,123 ERROR [main] boom", "<*> ERROR [main] boom")
	f("retry 3/5", "retry <*>/<*>")
	f("ids [1, 2, 3] gone", "ids [<*>] gone")
	f("ids [7] gone", "ids [<*>] gone")
	f("value 1.5e-05 NaN", "value <*> NaN")
	// Ids.
	f("order 3f2504e0-4f89-11d3-9a0c-0305e82c3301 paid", "order <*> paid")
	f("order deadbeef-cafe-face-beef-deadbeefcafe paid", "order <*> paid")
	f("span=4bf92f3577b34da6 parent deadbeefcafe", "span=<*> parent <*>")
	f("pod checkout-7d9f8b6c5-x2x4z evicted", "pod checkout-<*> evicted")
	f("pod checkout-7d9f8b6c5-xkcdz evicted", "pod checkout-<*> evicted")
	f("worker-17 and worker17 in eu-west-1a", "worker-<*> and worker<*> in eu-west-<*>")
	f("retry-3-failed", "retry-<*>-failed")
	f("java.util.HashMap@4f3d12a0 leaked", "java.util.HashMap@<*> leaked")
	f("from fe80::1 and ::1 and 00:1b:44:11:3a:b7", "from <*> and <*> and <*>")
	f("0x7ffee4b2 0XFF", "<*>")
	// Addresses, paths, URLs.
	f("mail to ada.lovelace@example.com.", "mail to <*>.")
	f("GET /api/v1/users/42/orders/ab12cd34ef?page=2&q=shoes HTTP/1.1", "GET /api/v1/users/<*>/orders/<*>?<*> HTTP/<*>")
	f("dial http://checkout:8080/cart: refused", "dial http://checkout:<*>/cart: refused")
	f("postgres://app:secret@db-1:5432/shop down", "postgres://<*>/shop down")
	// What tells one trouble from another stays.
	f("upstream answered with status 503", "upstream answered with status 503")
	f("upstream answered with status 1234567", "upstream answered with status <*>")
	f("exit code 137, signal: 9, then 12", "exit code 137, signal: 9, then <*>")
	f("http.status_code=404 path=/x", "http.status_code=404 path=<*>")
	f("x509: certificate signed by unknown authority", "x509: certificate signed by unknown authority")
	f("don't stop 'til 5", "don't stop 'til <*>")
	// Quotes and keys.
	f(`open "/etc/a.conf": no such file or directory`, `open "<*>": no such file or directory`)
	f(`level=error msg="dial tcp 10.0.0.1:80: refused" user=ada cached=true`, `level=error msg="dial tcp <*>: refused" user=<*> cached=<*>`)
	f(`{"level":"error","msg":"timeout after 30ms","user":"ada","n": 7,"tags":["a","b"],"status":503}`,
		`{"level":"error","msg":"timeout after <*>","user":"<*>","n":<*>,"tags":["<*>"],"status":503}`)
	f(`{"level":"error","msg":"refused","user":"bob","n":null,"tags":["c"],"status":503}`,
		`{"level":"error","msg":"refused","user":"<*>","n":<*>,"tags":["<*>"],"status":503}`)
	f(`unclosed "quote`, `unclosed "quote`)
	// Lines, colours, space.
	f("  a\t\tb  \n second line 5", "a b")
	f("Traceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: 'sku-9'\n", "Traceback (most recent call last): … KeyError: '<*>'")
	f("\x1b[31merror\x1b[0m in 5ms", "error in <*>")
	f("日本語 5 件", "日本語 <*> 件")
	f("", "")
	f(" \n ", "")
}

func TestTemplatesAreBounded(t *testing.T) {
	for _, text := range []string{strings.Repeat("word ", 10_000), strings.Repeat("é", 10_000), strings.Repeat(`"'`, 5000), strings.Repeat("7 ", 1e5)} {
		got := Template(text)
		if len(got) > maxTemplate+maxText+10 || !utf8.ValidString(got) {
			t.Errorf("a template of %d bytes, valid %v", len(got), utf8.ValidString(got))
		}
	}
	if got := Template(strings.Repeat("word ", 1000)); !strings.HasSuffix(got, " word…") || len(got) > maxTemplate+10 {
		t.Errorf("a long text ends as %q", got[len(got)-20:])
	}
}

// vary fills the slots of a format with what programs put there.
func vary(format string, r *rand.Rand) string {
	hex := func(n int) string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())[:n] }
	for strings.Contains(format, "{") {
		from, to := strings.IndexByte(format, '{'), strings.IndexByte(format, '}')
		value := ""
		switch format[from+1 : to] {
		case "n":
			value = fmt.Sprint(r.IntN(1_000_000))
		case "d":
			value = []string{fmt.Sprintf("%dms", r.IntN(900)), fmt.Sprintf("%.3fs", r.Float64()*9), fmt.Sprintf("%dµs", r.IntN(900))}[r.IntN(3)]
		case "ip":
			value = fmt.Sprintf("%d.%d.%d.%d:%d", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), 1+r.IntN(65000))
		case "uuid":
			h := hex(32)
			value = h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
		case "hex":
			value = hex(32)
		case "pod":
			const safe = "bcdfghjklmnpqrstvwxz2456789"
			value = "-" + "7" + hex(8) + "-"
			for range 5 {
				value += string(safe[r.IntN(len(safe))])
			}
		case "q":
			value = `"` + []string{"ada", "bob smith", "x y z", ""}[r.IntN(4)] + `"`
		case "mail":
			value = fmt.Sprintf("user.%c%d@mail%d.example.org", 'a'+rune(r.IntN(26)), r.IntN(99), r.IntN(9))
		}
		format = format[:from] + value + format[to+1:]
	}
	return format
}

func formats() []string {
	return []string{
		"connection to {ip} refused after {d}", "request {uuid} finished in {d}", "user {mail} logged in from {ip}",
		"cache miss for key {hex}", "pod checkout{pod} evicted: memory {n} of {n}", "slow query took {d}: {n} rows",
		"retrying call {n} of {n} to inventory", "GET /api/v1/carts/{n}/items/{uuid} took {d}", "payment declined for {q}",
		"queue depth is {n}, limit {n}", "panic: index out of range [{n}] with length {n}", "trace {hex} dropped",
		"status 500 from {ip}", "status 503 from {ip}", "level=warn msg={q} took={d} user={mail}", "deadlock detected on row {n}",
	}
}

// TestOneFormatIsOnePattern: whatever fills the slots, and in whatever order,
// there are as many patterns as there are formats.
func TestOneFormatIsOnePattern(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, format := range formats() {
		seen := map[string]string{}
		for range 300 {
			text := vary(format, r)
			seen[Template(text)] = text
		}
		if strings.HasPrefix(format, "level=") { // msg keeps its words
			if len(seen) > 4 {
				t.Errorf("%s has %d patterns: %v", format, len(seen), seen)
			}
			continue
		}
		if len(seen) != 1 {
			t.Errorf("%s has %d patterns: %v", format, len(seen), seen)
		}
	}
	all := map[string]bool{}
	for _, format := range formats() {
		all[Template(vary(format, r))] = true
	}
	if len(all) != len(formats()) {
		t.Errorf("%d formats have %d patterns", len(formats()), len(all))
	}
}

func TestIDs(t *testing.T) {
	if got := FormatID(Sum([]byte("took <*>"))); got != "5fde9c2edf955df2" {
		t.Errorf("an id that people have saved is now %s", got)
	}
	for _, sum := range []uint64{0, 1, 1 << 63, 1<<64 - 1} {
		if got, ok := ParseID(FormatID(sum)); !ok || got != sum {
			t.Errorf("%d came back as %d, %v", sum, got, ok)
		}
	}
	for _, id := range []string{"", "1", "00000000000000zz", "+000000000000001", "FFFFFFFFFFFFFFFF", "00000000000000001"} {
		if _, ok := ParseID(id); ok {
			t.Errorf("%q is taken for an id", id)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{`{"a":"b","msg":"c \"d\" 5"}`, "a@b.c/d?e", "\x1b[", "x:\ny", `'"` + "`", "status=503"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Template(text)
		if len(got) > maxTemplate+2*maxText+16 {
			t.Fatalf("a template of %d bytes from a text of %d", len(got), len(text))
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Fatalf("%q became %q, which is not UTF-8", text, got)
		}
		if again := string(AppendTemplate([]byte("<*> "), text)); again != "<*> "+got {
			t.Fatalf("the template depends on what was there before: %q, %q", got, again)
		}
	})
}

func BenchmarkTemplate(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var lines []string
	bytes := 0
	for i := range 1000 {
		line := vary(formats()[i%len(formats())], r)
		if i%4 == 0 {
			line = fmt.Sprintf(`{"level":"info","ts":%d,"msg":%q,"user":"u%d","elapsed_ms":%d}`, i, line, i, i)
		}
		lines = append(lines, line)
		bytes += len(line)
	}
	var buf []byte
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendTemplate(buf[:0], lines[n%len(lines)])
		n++
	}
	b.ReportMetric(float64(bytes)/float64(len(lines)), "B/line")
}
