package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/score"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/source/casefile"
	"github.com/pitwall/pitwall/internal/verify"
)

// markCase diagnoses one recorded incident and marks the answer.
func markCase(t *testing.T, dir string) (score.Mark, score.Answer) {
	t.Helper()
	c, err := casefile.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := caseDiagnosis(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	truth, err := score.ReadTruth(dir)
	if err != nil {
		t.Fatal(err)
	}
	said := report.AnswerOf(d)
	a := score.Answer{Verdict: string(said.Verdict)}
	for _, r := range said.Ranked {
		a.Ranked = append(a.Ranked, score.Entry{Service: string(r.Service), Class: string(r.Class), Change: string(r.Change)})
	}
	return score.One(filepath.Base(dir), truth, a), a
}

// caseFolders are the folders below root that hold a case with its answer.
func caseFolders(t *testing.T, root string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(root, "*", "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, f := range found {
		dirs = append(dirs, filepath.Dir(f))
	}
	slices.Sort(dirs)
	return dirs
}

// TestRankingOfRecordedRuns: what is said of the lab's own recordings, entry by
// entry. A change of a rank is a diff of testdata/cases/ranking.golden.
func TestRankingOfRecordedRuns(t *testing.T) {
	var marks []score.Mark
	var b strings.Builder
	dirs := caseFolders(t, "testdata/cases")
	if len(dirs) == 0 {
		t.Fatal("no recorded runs in testdata/cases")
	}
	for _, dir := range dirs {
		m, a := markCase(t, dir)
		marks = append(marks, m)
		fmt.Fprintf(&b, "%s\n  truth  %s %s %.12s\n", m.Case, orElse(m.Truth.Service, "–"), m.Truth.Class, orElse(m.Truth.Change, "–"))
		fmt.Fprintf(&b, "  said   %s\n", m.Verdict)
		for i, e := range a.Ranked {
			fmt.Fprintf(&b, "    %d    %s %s %.12s\n", i+1, e.Service, e.Class, orElse(e.Change, "–"))
		}
	}
	b.WriteString("\n" + score.Text(score.Rows(marks, func(m score.Mark) string { return m.Truth.Class })))
	const golden = "testdata/cases/ranking.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := gocmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("the ranking changed; look at it, then go test ./internal/cli -run Ranking -update\n%s", d)
	}
}

// TestWhatIsBlamedCanBeProven: the number by which each likely cause of the lab's
// recordings stands or falls is one that verification can measure: it is not back
// during the trouble, and it is before it.
func TestWhatIsBlamedCanBeProven(t *testing.T) {
	for _, dir := range caseFolders(t, "testdata/cases") {
		c, err := casefile.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		d, _, err := caseDiagnosis(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if d.Verdict != pitwall.DiagnosisLikely || d.Hypotheses[0].Change == nil {
			continue
		}
		read := func(p pitwall.Period) *pitwall.SpanBatch {
			b, err := c.Spans(t.Context(), pitwall.SpanQuery{Period: p, WholeTraces: true})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		before, during := read(c.Baseline), read(c.Window)
		signal := func(after *pitwall.SpanBatch, in pitwall.Period) pitwall.Comparison {
			v := verify.Verify(verify.Input{Hypothesis: d.Hypotheses[0], SLO: pitwall.SLO{Target: 0.99}, Before: before, During: during, After: after,
				BeforePeriod: c.Baseline, DuringPeriod: c.Window, AfterPeriod: in})
			at := slices.IndexFunc(v.Rows, func(r pitwall.Comparison) bool { return strings.HasPrefix(r.Name, "own signal: ") })
			return v.Rows[at]
		}
		if r := signal(during, c.Window); r.Pass || r.Verdict == pitwall.NoData {
			t.Errorf("%s: during the trouble: %s is %s (%s)", filepath.Base(dir), r.Name, r.Verdict, r.Why)
		}
		if r := signal(before, c.Baseline); !r.Pass {
			t.Errorf("%s: before it: %s is %s (%s)", filepath.Base(dir), r.Name, r.Verdict, r.Why)
		}
	}
}

// TestPublicIncidents holds the figures on public incidents with known answers.
// They are floors: what was reached once.
func TestPublicIncidents(t *testing.T) {
	root := filepath.Join(cmp.Or(os.Getenv("PITWALL_BENCH"), "../../../shared/bench"), "diagnosis")
	dirs := caseFolders(t, root)
	if len(dirs) == 0 {
		t.Skipf("SKIPPED: no public incidents in %s; set PITWALL_BENCH", root)
	}
	if testing.Short() {
		t.Skip("takes some ten seconds")
	}
	var marks []score.Mark
	for _, dir := range dirs {
		m, _ := markCase(t, dir)
		marks = append(marks, m)
	}
	rows := map[string]score.Row{}
	for _, r := range score.Rows(marks, func(m score.Mark) string {
		if m.Truth.None && m.Truth.External == "" {
			return m.Truth.Source + " quiet"
		}
		return m.Truth.Source
	}) {
		rows[r.Group] = r
	}
	t.Logf("\n%s", score.Text(score.Rows(marks, func(m score.Mark) string { return m.Truth.Source })))
	shop, quiet, rcb := rows["petshop"], rows["petshop quiet"], rows["rootcausebench"]
	for _, c := range []struct {
		name      string
		got, want int
	}{
		{"PetShop first", shop.Top1, 38}, {"PetShop among three", shop.Top3, 38}, {"PetShop class", shop.Class, 38}, {"PetShop quiet", quiet.NoneOK, 10},
		{"RootCauseBench first", rcb.Top1, 9}, {"RootCauseBench change", rcb.Change, 8}, {"RootCauseBench none", rcb.NoneOK, 3},
		{"decoys not blamed", 12 - rcb.Decoys, 11},
	} {
		if c.got < c.want {
			t.Errorf("%s: %d, was %d", c.name, c.got, c.want)
		}
	}
}
