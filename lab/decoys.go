package lab

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// innocent are changes that touch suspicious things and change nothing that
// counts, by service. Their settings are read by nobody or make no difference.
func innocent() []patch {
	return []patch{
		{service: "payment", title: "Move HMAC helpers to the shared crypto package", files: []string{"crypto/sign.go", "crypto/sign_test.go"},
			hints: []string{"crypto/sign.go: +64 -61"}, diff: "--- a/crypto/sign.go\n+++ b/crypto/sign.go\n@@ -1,4 +1,4 @@\n-package payment\n+package crypto\n \n // Sign stretches the charge's signature.\n"},
		{service: "payment", title: "Keep acquirer connections a little longer", config: []setting{{"acquirer_idle_seconds", "60", "90"}},
			files: []string{"config/acquirer.yaml"}},
		{service: "payment", title: "Return a clear error for an empty refund", files: []string{"refund/refund.go"}, hints: []string{"refund/refund.go: +6 -1"},
			diff: "--- a/refund/refund.go\n+++ b/refund/refund.go\n@@ -40,3 +40,6 @@\n+\tif r == nil {\n+\t\treturn errNoRefund\n+\t}\n"},
		{service: "auth", title: "Guard the metrics map with an RWMutex", files: []string{"metrics/metrics.go"}, hints: []string{"metrics/metrics.go: +4 -4"},
			diff: "--- a/metrics/metrics.go\n+++ b/metrics/metrics.go\n@@ -12,3 +12,3 @@\n-\tmu sync.Mutex\n+\tmu sync.RWMutex\n"},
		{service: "auth", title: "Log the reason of a refused token", files: []string{"validate.go"}, hints: []string{"validate.go: +2 -1"}},
		{service: "auth", title: "Cache the public keys of partners for an hour", config: []setting{{"partner_key_ttl_seconds", "600", "3600"}},
			files: []string{"keys/cache.go"}, hints: []string{"keys/cache.go: +9 -2"}},
		{service: "inventory", title: "Read the assortment's file with a buffer", files: []string{"catalogue/load.go"}, hints: []string{"catalogue/load.go: +3 -2"},
			diff: "--- a/catalogue/load.go\n+++ b/catalogue/load.go\n@@ -20,3 +20,4 @@\n-\tdec := json.NewDecoder(f)\n+\tdec := json.NewDecoder(bufio.NewReader(f))\n"},
		{service: "inventory", title: "Batch the nightly price import", files: []string{"cmd/import/main.go"}, hints: []string{"cmd/import/main.go: +41 -17"}},
		{service: "inventory", title: "Add a column for the supplier's packaging code", files: []string{"migrations/0031_packaging.sql"}, hints: []string{"migrations/0031_packaging.sql: +1"},
			diff: "--- /dev/null\n+++ b/migrations/0031_packaging.sql\n@@ -0,0 +1 @@\n+ALTER TABLE suppliers ADD COLUMN packaging TEXT;\n"},
		{service: "orders", title: "Add an index for the monthly report", files: []string{"migrations/0017_report.sql"}, hints: []string{"migrations/0017_report.sql: +1"},
			diff: "--- /dev/null\n+++ b/migrations/0017_report.sql\n@@ -0,0 +1 @@\n+CREATE INDEX report_month ON report (month);\n"},
		{service: "orders", title: "Try the nightly archive three times", config: []setting{{"archive_retries", "2", "3"}}, files: []string{"config/archive.yaml"}},
		{service: "orders", title: "Name the transaction in error messages", files: []string{"store.go"}, hints: []string{"store.go: +5 -5"}},
		{service: "checkout", title: "Pool the receipt's buffers", files: []string{"receipt/render.go"}, hints: []string{"receipt/render.go: +8 -3"},
			diff: "--- a/receipt/render.go\n+++ b/receipt/render.go\n@@ -30,2 +30,4 @@\n-\tvar b bytes.Buffer\n+\tb := buffers.Get().(*bytes.Buffer)\n+\tdefer buffers.Put(b)\n"},
		{service: "checkout", title: "Give the warm-up a longer deadline", config: []setting{{"warmup_timeout_ms", "2000", "5000"}}, files: []string{"config/warmup.yaml"}},
		{service: "checkout", title: "Upgrade the template package", files: []string{"go.mod", "go.sum"}, hints: []string{"go.mod: +1 -1", "go.sum: +2 -2"}},
	}
}

// flips are flags that change next to nothing.
func flips() []flagFlip {
	return []flagFlip{
		{"edge", "access_log_sample", "0.02"}, {"edge", "access_log_sample", "0.05"}, {"auth", "session_audit_sample", "0.1"},
		{"inventory", "show_packaging", "true"}, {"payment", "charge_notes", "false"}, {"checkout", "receipt_theme", "winter"},
		{"orders", "archive_compress", "true"},
	}
}

// decoys are the innocent changes around a fault: before it three deploys, one
// of them on the same service where it has any, and a flag; after it a deploy
// elsewhere and a flag. Nothing after it restarts the service at fault, which
// would undo the effect for a moment.
func decoys(r *rand.Rand, culprit string) []step {
	all := innocent()
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var same, other []patch
	for _, p := range all {
		if p.service == culprit {
			same = append(same, p)
		} else {
			other = append(other, p)
		}
	}
	if len(same) == 0 {
		same = other[3:]
	}
	before := []patch{other[0], same[0], other[1]}
	if r.IntN(2) == 0 { // never last: caches are warm again before the fault
		before[0], before[1] = before[1], before[0]
	}
	var out []step
	for i, p := range before {
		out = append(out, decoy(p, i, around(r, time.Duration(22+9*i)*time.Second)))
	}
	f := flips()
	r.Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
	out = append(out, step{at: around(r, 50*time.Second), flag: &f[0]}, step{at: around(r, 75*time.Second), flag: &f[1]})
	return append(out, decoy(other[2], 3, around(r, 68*time.Second)))
}

// decoy deploys a patch under a version of its own that runs the same code.
func decoy(p patch, n int, at time.Duration) step {
	p.version = fmt.Sprintf("%s.%d", firstVersions()[p.service], n+1)
	return step{at: at, deploy: p.deploy(0)}
}

// burst is a busy day of innocent deploys: one of each service but the edge and
// three more, half a dozen seconds apart.
func burst(r *rand.Rand) []step {
	all := innocent()
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var out []step
	for i, p := range all[:min(9, len(all))] {
		out = append(out, decoy(p, i, around(r, time.Duration(50+6*i)*time.Second)))
	}
	f := flips()
	return append(out, step{at: around(r, 70*time.Second), flag: &f[r.IntN(len(f))]})
}
