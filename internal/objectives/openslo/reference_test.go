package openslo

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	_ "time/tzdata" // zones, wherever the tests run

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

const reference = "testdata/reference"

type referenceCase struct {
	File           string `json:"file"`
	Verdict        string `json:"verdict"`
	Objects        int    `json:"objects"`
	InvalidObjects int    `json:"invalid_objects"`
	Message        string `json:"message"`
	JSONTwin       string `json:"json_twin"`
	Operation      string `json:"operation"`
	Output         string `json:"output"`
	OperationFails bool   `json:"operation_fails"`
}

func referenceCases(t testing.TB) []referenceCase {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(reference, "cases.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []referenceCase
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

func readFile(t testing.TB, name string) ([]Object, []Fault, error) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(reference, name))
	if err != nil {
		t.Fatal(err)
	}
	return Read(name, data)
}

// Properties and objects that the reference names in its messages.
var (
	property  = regexp.MustCompile(`(?m)^\s+- '([^']+)'(?: with value|:)`)
	badObject = regexp.MustCompile(`at index (\d+) has failed`)
	unknown   = regexp.MustCompile(`unknown field "([^"]+)"`)
)

// TestReferenceVerdicts: the verdict, the number of objects and what is named
// agree for every document. There is no list of differences, because there is none.
func TestReferenceVerdicts(t *testing.T) {
	cases := referenceCases(t)
	if len(cases) != 42 {
		t.Fatalf("%d cases, want 42", len(cases))
	}
	for _, c := range cases {
		objects, faults, err := readFile(t, c.File)
		if err != nil {
			t.Errorf("%s: %v", c.File, err)
			continue
		}
		if got := Verdict(faults); got != c.Verdict {
			t.Errorf("%s: verdict %s, want %s\n%v", c.File, got, c.Verdict, faults)
		}
		// invalid_objects counts the objects of an invalid file, not those with faults.
		if want := c.Objects + c.InvalidObjects; want > 0 && len(objects) != want {
			t.Errorf("%s: %d objects, want %d", c.File, len(objects), want)
		}
		agree(t, c, faults)
	}
}

// agree holds our faults against the reference's message.
func agree(t *testing.T, c referenceCase, faults []Fault) {
	t.Helper()
	paths := map[string]bool{}
	bad := map[int]bool{}
	for _, f := range faults {
		if f.Line <= 0 || f.Text == "" || f.File != c.File {
			t.Errorf("%s: a fault without a place or words: %+v", c.File, f)
		}
		if f.Grade == Stricter {
			continue
		}
		paths[f.Path] = true
		bad[f.Index] = true
	}
	for _, m := range property.FindAllStringSubmatch(c.Message, -1) {
		want := strings.Replace(m[1], "spec.timeWindow[0]", "spec.timeWindows[0]", 1) // v1alpha: the reference misnames its own field
		if !paths[m[1]] && !paths[want] {
			t.Errorf("%s: %s is not named among %v", c.File, m[1], faults)
		}
	}
	if m := unknown.FindStringSubmatch(c.Message); m != nil && !paths["spec."+m[1]] {
		t.Errorf("%s: the unknown field %s is not named among %v", c.File, m[1], faults)
	}
	if c.Verdict == "invalid" {
		if want := len(badObject.FindAllString(c.Message, -1)); len(bad) != want {
			t.Errorf("%s: faults in %d objects, want %d: %v", c.File, len(bad), want, faults)
		}
	}
}

func TestJSONTwins(t *testing.T) {
	n := 0
	for _, c := range referenceCases(t) {
		if c.JSONTwin == "" {
			continue
		}
		n++
		a, _, err := readFile(t, c.File)
		if err != nil {
			t.Fatal(err)
		}
		b, faults, err := readFile(t, c.JSONTwin)
		if err != nil || Verdict(faults) != c.Verdict {
			t.Fatalf("%s: %v %v", c.JSONTwin, faults, err)
		}
		if diff := cmp.Diff(meaning(t, a), meaning(t, b)); diff != "" {
			t.Errorf("%s: %s", c.JSONTwin, diff)
		}
	}
	if n != 2 {
		t.Errorf("%d twins, want 2", n)
	}
}

func TestReferenceOperations(t *testing.T) {
	n := 0
	for _, c := range referenceCases(t) {
		if c.Operation == "" {
			continue
		}
		n++
		objects, _, err := readFile(t, c.File)
		if err != nil {
			t.Fatal(err)
		}
		which := AllReferences()
		if filepath.Base(c.File) == "custom_config.yaml" {
			which = References{} // its output keeps every reference
		}
		got := objects
		if c.Operation == "export" {
			got = Export(objects, which)
		} else {
			got, err = Inline(objects, which)
		}
		if (err != nil) != c.OperationFails {
			t.Errorf("%s: error %v", c.File, err)
		}
		if err != nil || c.OperationFails {
			continue
		}
		want, _, err := readFile(t, c.Output)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(meaning(t, want), meaning(t, got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.File, diff)
		}
		if again := meaning(t, objects); len(again) != len(objects) {
			t.Errorf("%s: the operation changed its input", c.File)
		}
	}
	if n != 6 {
		t.Errorf("%d operations, want 6", n)
	}
}

// meaning is what objects say, whatever the order and the style they are written in.
func meaning(t testing.TB, objects []Object) []any {
	t.Helper()
	data, err := Format(objects)
	if err != nil {
		t.Fatal(err)
	}
	var list []any
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	for range objects {
		var v any
		if err := dec.Decode(&v); err != nil {
			t.Fatalf("%v in\n%s", err, data)
		}
		list = append(list, v)
	}
	return list
}

// TestFormatIsStable: what is formatted means the same, has the same faults and
// stays as it is when it is formatted again.
func TestFormatIsStable(t *testing.T) {
	for _, c := range referenceCases(t) {
		objects, faults, err := readFile(t, c.File)
		if err != nil {
			t.Fatal(err)
		}
		once, err := Format(objects)
		if err != nil {
			t.Fatal(err)
		}
		again, more, err := Read(c.File, once)
		if err != nil {
			t.Fatalf("%s: %v in\n%s", c.File, err, once)
		}
		twice, err := Format(again)
		if err != nil || string(once) != string(twice) {
			t.Errorf("%s: formatting again changes it (%v)\n%s", c.File, err, cmp.Diff(string(once), string(twice)))
		}
		if len(faults) != len(more) || Verdict(faults) != Verdict(more) {
			t.Errorf("%s: faults %v became %v", c.File, faults, more)
		}
	}
}
