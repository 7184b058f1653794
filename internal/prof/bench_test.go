package prof

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// nameOf reads the name of a measured window: factor and requests.
var nameOf = regexp.MustCompile(`^w(\d+)_f(\d\.\d)_.*_req(\d+)\.pb\.gz$`)

// load reads measured windows of dir by their factor ("1.0", "1.3", "2.0").
func load(t *testing.T, dir string) map[string][]pitwall.ProfileWindow {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "w*.pb.gz"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]pitwall.ProfileWindow{}
	for _, p := range paths {
		m := nameOf.FindStringSubmatch(filepath.Base(p))
		if m == nil {
			t.Fatalf("%s is not named like a window", p)
		}
		data, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		n, _ := strconv.Atoi(m[1])
		requests, _ := strconv.ParseInt(m[3], 10, 64)
		from := time.Unix(int64(n), 0)
		out[m[2]] = append(out[m[2]], pitwall.ProfileWindow{
			Service: "shop", Type: pitwall.ProfileCPU, Requests: requests, Data: data,
			Period: pitwall.Period{From: from, To: from.Add(time.Second)},
		})
	}
	return out
}

// benchmark is the whole measured set, or a loud skip.
func benchmark(t *testing.T) map[string][]pitwall.ProfileWindow {
	t.Helper()
	root := os.Getenv("PITWALL_BENCH")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "bench")
	}
	dir := filepath.Join(root, "profiles")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED: no profiles at %s; set PITWALL_BENCH to the benchmark data", dir)
	}
	return load(t, dir)
}

func mustCompare(t *testing.T, base, head []pitwall.ProfileWindow) Comparison {
	t.Helper()
	d, err := Diff(base, head, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func mustDiff(t *testing.T, base, head []pitwall.ProfileWindow) pitwall.FlameDiff {
	t.Helper()
	return mustCompare(t, base, head).FlameDiff
}

func named(rows []pitwall.FrameDelta) (names []string) {
	for _, r := range rows {
		if r.Significant {
			names = append(names, r.Name)
		}
	}
	return names
}

// split deals windows into two hands.
func split(rng *rand.Rand, ws []pitwall.ProfileWindow, n int) (a, b []pitwall.ProfileWindow) {
	for i, j := range rng.Perm(len(ws)) {
		if i < n {
			a = append(a, ws[j])
		} else {
			b = append(b, ws[j])
		}
	}
	return a, b
}

// TestCommittedDoubled needs no benchmark data: six windows a side.
func TestCommittedDoubled(t *testing.T) {
	set := load(t, "testdata")
	d := mustDiff(t, set["1.0"], set["2.0"])
	if got := named(d.Frames); len(got) == 0 || got[0] != "main.stepRe" || d.Frames[0].Name != got[0] {
		t.Errorf("named %v, want main.stepRe first; rows %+v", got, d.Frames[:3])
	}
	if got := named(d.Families); !slices.Equal(got, []string{"regexp"}) {
		t.Errorf("families named %v, want regexp alone", got)
	}
	if d.Unit != pitwall.UnitCPUPerReq || d.Type != pitwall.ProfileCPU || d.Service != "shop" {
		t.Errorf("labelled %v %v %v", d.Unit, d.Type, d.Service)
	}
}

// TestCommittedTooLittle takes half of those windows away: the culprit still
// moved most, but chance could do that, and Diff must say so and how many more
// windows would tell. Two windows a side are no test at all.
func TestCommittedTooLittle(t *testing.T) {
	set := load(t, "testdata")
	d := mustCompare(t, set["1.0"][:3], set["2.0"][:3])
	if got := append(named(d.Frames), named(d.Families)...); len(got) > 0 {
		t.Errorf("named %v with three windows a side", got)
	}
	v := d.Verdict
	if v.Answer != Inconclusive || v.Suspect != "main.stepRe" || v.More < 1 || v.More > 20 || !strings.Contains(v.Text, "more windows a side would settle it") {
		t.Errorf("verdict %+v, want inconclusive because of main.stepRe", v)
	}
	if !slices.Contains(d.Warnings, v.Text) {
		t.Errorf("warnings %q lack the verdict", d.Warnings)
	}
	d = mustCompare(t, set["1.0"][:2], set["2.0"])
	if got := append(named(d.Frames), named(d.Families)...); len(got) > 0 || d.Frames[0].P != 1 || d.Verdict.Answer != Inconclusive || d.Verdict.More != 1 {
		t.Errorf("two windows: named %v, p %v, verdict %+v; want nobody, 1, inconclusive by one window", got, d.Frames[0].P, d.Verdict)
	}
}

func TestBenchDoubled(t *testing.T) {
	set := benchmark(t)
	d := mustDiff(t, set["1.0"], set["2.0"])
	got := named(d.Frames)
	if len(got) == 0 || got[0] != "main.stepRe" {
		t.Fatalf("named %v, want main.stepRe first", got)
	}
	if d.Frames[0].After < 1.8*d.Frames[0].Before {
		t.Errorf("stepRe went from %v to %v a request, want about twice", d.Frames[0].Before, d.Frames[0].After)
	}
	if len(d.Warnings) > 0 {
		t.Errorf("warnings %v about a clear answer", d.Warnings)
	}
}

// TestBenchPower measures how often six windows a side do, and whom else they
// name. Resplits share windows, so this is a smoke test with wide limits.
func TestBenchPower(t *testing.T) {
	set := benchmark(t)
	rng := rand.New(rand.NewPCG(1, 1))
	const trials = 50
	culprit, innocent := 0, 0
	for range trials {
		base, _ := split(rng, set["1.0"], 6)
		got := named(mustDiff(t, base, set["2.0"]).Frames)
		if len(got) > 0 && got[0] == "main.stepRe" {
			culprit++
		}
		if slices.ContainsFunc(got, func(n string) bool { return n != "main.stepRe" }) {
			innocent++
		}
	}
	t.Logf("of %d comparisons %d name the culprit first, %d an innocent", trials, culprit, innocent)
	if culprit < 47 || innocent > 3 {
		t.Errorf("culprit first in %d, an innocent in %d of %d comparisons", culprit, innocent, trials)
	}
}

func TestBenchNullNamesNobody(t *testing.T) {
	set := benchmark(t)
	rng := rand.New(rand.NewPCG(2, 2))
	const trials = 50
	functions, families := 0, 0
	for range trials {
		a, b := split(rng, set["1.0"], 6)
		d := mustDiff(t, a, b)
		functions += min(1, len(named(d.Frames)))
		families += min(1, len(named(d.Families)))
	}
	t.Logf("of %d null comparisons %d name a function, %d a family", trials, functions, families)
	if functions > 6 || families > 6 {
		t.Errorf("%d of %d null comparisons name a function, %d a family; 5 expected", functions, trials, families)
	}
}

func TestBenchThirdIsInconclusive(t *testing.T) {
	set := benchmark(t)
	d := mustCompare(t, set["1.0"], set["1.3"])
	if got := append(named(d.Frames), named(d.Families)...); len(got) > 0 {
		t.Errorf("named %v; so few samples cannot show a third", got)
	}
	if d.Verdict.Answer != Inconclusive || d.Verdict.More < 10 || !strings.Contains(d.Verdict.Text, fmt.Sprintf("%d more windows a side", d.Verdict.More)) {
		t.Errorf("verdict %+v does not say how many windows are missing", d.Verdict)
	}
}
