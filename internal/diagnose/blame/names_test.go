package blame

import (
	"maps"
	"slices"
	"testing"

	"github.com/pitwall/pitwall"
)

// TestNames: the functions that a diff writes are those of the lines that went
// or came, and those that the lines stand in.
func TestNames(t *testing.T) {
	for about, c := range map[string]struct {
		diff string
		want []string
	}{
		"called, with types, comments left out": {
			"--- a/x.go\n+++ b/x.go\n@@ -1 +1,2 @@\n context(line)\n-\told := sum(a)\n+\tnew_one := deviceScore(token) + 2\n+\t// handle(x) the list\n+\tkeep[string](v)\n+\n",
			[]string{"deviceScore", "keep", "sum"},
		},
		"only moved": {
			"--- a/x.go\n+++ b/x.go\n@@ -1,3 +1,3 @@\n-\tfirst(a)\n \tsecond(b)\n+\tfirst(a)\n", nil,
		},
		"the header of the hunk": {
			"--- a/x.go\n+++ b/x.go\n@@ -40,3 +40,3 @@ func (c *Charge) sign(ctx context.Context, body []byte, rounds int, salt str\n \tsum := 0\n-\trounds := 1\n+\trounds := 400\n", []string{"sign"},
		},
		"declared above, below another": {
			"--- a/x.go\n+++ b/x.go\n@@ -40,5 +40,5 @@ func before() {\n }\n \n func (m Map[K]) sign(key K) {\n-\trounds := 1\n+\trounds := 400\n", []string{"sign"},
		},
		"between functions": {
			"--- a/x.go\n+++ b/x.go\n@@ -40,5 +40,5 @@ func before() {\n }\n \n var x = wide(1)\n-\t, 1\n+\t, 2\n", nil,
		},
		"Python": {
			"--- a/pay.py\n+++ b/pay.py\n@@ -4,3 +4,3 @@ import hashlib\n def sign(body):\n-    rounds = 1\n+    rounds = 400\n", []string{"sign"},
		},
		"two hunks": {
			"--- a/x.go\n+++ b/x.go\n@@ -4,3 +4,3 @@ func a() {\n-\tx := 1\n+\tx := 2\n@@ -14,3 +14,3 @@ func b() {\n \ty := 1\n@@ -24,3 +24,3 @@ func c() {\n-\tz := 1\n+\tz := 2\n", []string{"a", "c"},
		},
		"headers that name nothing": {
			"--- a/x.go\n+++ b/x.go\n@@ -4,3 +4,3 @@\n func a() {\n-\tx := 1\n+\tx := 2\n@@ -14,3 +14,3 @@\n-\ty := 1\n+\ty := 2\n", []string{"a"},
		},
		"another file": {
			"--- a/x.go\n+++ b/x.go\n@@ -4,3 +4,3 @@ func a() {\n-\tx := 1\n+\tx := 2\n--- a/y.go\n+++ b/y.go\n-\ty := 1\n+\ty := 2\n", []string{"a"},
		},
		"none": {"", nil},
	} {
		if got := slices.Sorted(maps.Keys(Read(pitwall.Change{ID: "c", Diff: c.diff}).Names)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", about, got, c.want)
		}
	}
}
