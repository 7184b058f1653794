package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openSLOCases are the 42 documents of other tools that this repository holds.
const openSLOCases = "../objectives/openslo/testdata/reference"

// benchSLO is the folder of the benchmark data about objectives.
func benchSLO(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(cmp.Or(os.Getenv("PITWALL_BENCH"), "../../../shared/bench"), "slo")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("SKIPPED, NOT PASSED: %s is not there; set PITWALL_BENCH to the folder of the benchmark data", dir)
	}
	return dir
}

// readCases reads the list of cases of a folder.
func readCases[T any](t *testing.T, dir string) (cases []T) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "cases.json"))
	if err == nil {
		err = json.Unmarshal(raw, &cases)
	}
	if err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	return cases
}

// verdicts holds what check says against the reference, case by case. Differences
// are listed by file, each with the words in which check gives its reason; one
// that is listed and no longer differs is a fault of the list.
type verdicts struct {
	dir     string
	args    []string
	differs map[string]string
	cases   int
	met     map[string]bool
}

func (v *verdicts) check(t *testing.T, valid bool, files ...string) said {
	t.Helper()
	args := append([]string{"check"}, v.args...)
	for _, f := range files {
		args = append(args, filepath.Join(v.dir, f))
	}
	s := run(t, args...)
	v.cases++
	want := map[bool]int{true: 0, false: exitNo}[valid]
	reason, listed := v.differs[files[0]]
	switch {
	case s.code != 0 && s.code != exitNo:
		t.Errorf("%s: exit code %d\n%s%s", files, s.code, s.out, s.errout)
	case s.code != want && !listed:
		t.Errorf("%s: exit code %d, the reference says %d\n%s%s", files, s.code, want, s.out, s.errout)
	case s.code != want && !strings.Contains(s.out, reason):
		t.Errorf("%s: it is refused, but not because of %q\n%s", files, reason, s.out)
	case s.code == want && listed:
		t.Errorf("%s: listed as a difference, and it agrees", files)
	case s.code == exitNo && !strings.Contains(s.out, filepath.Base(files[0])+":"):
		t.Errorf("%s: refused without saying where\n%s", files, s.out)
	}
	if listed {
		v.met[files[0]] = true
	}
	return s
}

func (v *verdicts) done(t *testing.T, cases int) {
	t.Helper()
	if v.cases != cases || len(v.met) != len(v.differs) {
		t.Errorf("%d cases, want %d; %d of %d listed differences met", v.cases, cases, len(v.met), len(v.differs))
	}
}

// openSLOCase is a document with the verdict of OpenSLO's own validator.
type openSLOCase struct {
	File           string `json:"file"`
	Verdict        string `json:"verdict"`
	Objects        int    `json:"objects"`
	InvalidObjects int    `json:"invalid_objects"`
}

// TestCheckOpenSLOAgrees: as a validator of the format, check has no difference
// to the reference: verdict and number of objects are the same for every document.
func TestCheckOpenSLOAgrees(t *testing.T) {
	v := &verdicts{dir: openSLOCases, args: []string{"--openslo"}}
	for _, c := range readCases[openSLOCase](t, v.dir) {
		s := v.check(t, c.Verdict == "valid", c.File)
		want := filepath.Join(v.dir, c.File) + ": " + c.Verdict + " OpenSLO"
		if n := c.Objects + c.InvalidObjects; n > 0 {
			want += fmt.Sprintf(", %d objects", n)
		}
		if !strings.Contains(s.out, want) {
			t.Errorf("%q is missing in\n%s", want, s.out)
		}
	}
	v.done(t, 42)
}

// TestCheckStrictAgrees: as what serve would read, check refuses all that the
// format's validator refuses, and these documents, which nobody could evaluate.
func TestCheckStrictAgrees(t *testing.T) {
	v := &verdicts{dir: openSLOCases, args: []string{"--strict"}, met: map[string]bool{}, differs: map[string]string{
		// The format does not ask whether what is referred to exists.
		"openslo-go-sdk/inline/inputs/custom_config.yaml":  `no AlertPolicy is called "single-referenced-object"`,
		"openslo-go-sdk/inline/outputs/custom_config.yaml": `no AlertPolicy is called "single-referenced-object"`,
		// It takes a condition that alerts while the budget is not burning.
		"openslo-go-sdk/inline/inputs/v1_slo.yaml":  "op lte would alert while the budget is not burning",
		"openslo-go-sdk/inline/outputs/v1_slo.yaml": "op lte would alert while the budget is not burning",
		// It takes a threshold metric without a threshold.
		"openslo-go-sdk/inline/inputs/v1_slo_invalid_target.yaml": "the threshold metric of SLI \"my-sli\" needs it",
		// It takes any name as the type of a source.
		"openslo-spec/examples/budgeting-method/occurences-slo.yaml": `metricSource type "Any" cannot be asked`,
	}}
	for _, c := range readCases[openSLOCase](t, v.dir) {
		v.check(t, c.Verdict == "valid", c.File)
	}
	v.done(t, 42)
}

// TestCheckSlothAgrees: what Sloth makes rules of or calls valid passes, what it
// refuses is refused.
func TestCheckSlothAgrees(t *testing.T) {
	const plugin = "names a Sloth plugin, a program that is not run here"
	v := &verdicts{dir: filepath.Join(benchSLO(t), "sloth"), met: map[string]bool{}, differs: map[string]string{
		"pairs/sli-plugin.in.yaml":                    plugin,
		"pairs/slo-plugin.in.yaml":                    plugin,
		"examples/plugin-getting-started.yml":         plugin,
		"examples/slo-plugin-k8s-getting-started.yml": plugin,
		// Sloth ignores fields it does not know, here the alerts it was meant to have.
		"examples/plugin-k8s-getting-started.yml": `unknown field "page_alert": did you mean "pageAlert"?`,
	}}
	for _, c := range readCases[struct {
		Kind  string          `json:"kind"`
		In    json.RawMessage `json:"in"`
		Valid bool            `json:"valid"`
	}](t, v.dir) {
		files := make([]string, 1)
		if err := json.Unmarshal(c.In, &files[0]); err != nil {
			if err := json.Unmarshal(c.In, &files); err != nil {
				t.Fatal(err)
			}
		}
		v.check(t, c.Kind == "generate" || c.Valid, files...)
	}
	v.done(t, 26)
}

// TestCheckPyrraAgrees: every manifest that Pyrra ships passes.
func TestCheckPyrraAgrees(t *testing.T) {
	v := &verdicts{dir: filepath.Join(benchSLO(t), "pyrra")}
	for _, c := range readCases[struct {
		Manifest string `json:"manifest"`
	}](t, v.dir) {
		v.check(t, true, c.Manifest)
	}
	v.done(t, 14)
}

// TestCheckSeesWhatOthersMiss: documents that Sloth or Pyrra take and should not
// are refused, or warned of, for the reason that is known.
func TestCheckSeesWhatOthersMiss(t *testing.T) {
	dir := filepath.Join(benchSLO(t), "edge")
	reasons := map[string]string{ // in check's own words
		"pyrra/t0.999.yaml":    "99.9 was surely meant",
		"pyrra/t100.yaml":      "target 100 leaves no budget",
		"pyrra/t50.yaml":       "factor 14 × (1 − 0.5) ≥ 1",
		"pyrra/w12h.yaml":      "round to 1m and 0s, and Prometheus refuses 0s",
		"pyrra/w1h.yaml":       "round to 0s and 0s, and Prometheus refuses 0s",
		"sloth/hundred.yaml":   "leaves no budget: any error pages",
		"sloth/mismatch.yaml":  "scaled by 1e+09",
		"sloth/openslo.yaml":   "target is missing",
		"sloth/openslov1.yaml": "indicator or indicatorRef is missing",
	}
	cases := readCases[struct{ File, Expect, Why string }](t, dir)
	if len(cases) != 10 {
		t.Errorf("%d cases, want 10", len(cases))
	}
	for _, c := range cases {
		s := run(t, "check", filepath.Join(dir, c.File))
		said := s.out + s.errout
		switch c.Expect {
		case "accept":
			if s.code != 0 || strings.Contains(s.errout, "warning") {
				t.Errorf("%s: exit code %d\n%s", c.File, s.code, said)
			}
			continue
		case "warn":
			if s.code != exitNo && !(s.code == 0 && strings.Contains(s.errout, "warning")) {
				t.Errorf("%s: exit code %d, and no warning\n%s", c.File, s.code, said)
			}
		default:
			if s.code != exitNo {
				t.Errorf("%s: exit code %d, want it refused: %s\n%s", c.File, s.code, c.Why, said)
			}
		}
		if reason := reasons[c.File]; reason == "" || !strings.Contains(said, reason) {
			t.Errorf("%s: %q is not the reason given in\n%s", c.File, reason, said)
		}
		t.Logf("%s: %s", c.File, strings.SplitN(strings.ReplaceAll(said, dir+"/", ""), "\n", 2)[0])
	}
}
