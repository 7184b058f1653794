package strict_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
)

type pet struct {
	Name   string            `yaml:"name"`
	Legs   int               `yaml:"legs"`
	Friend *pet              `yaml:"friend"`
	Toys   []toy             `yaml:"toys"`
	Labels map[string]string `yaml:"labels"`
	Rest   yaml.Node         `yaml:"rest"`
	Age    int               `yaml:"-"`
}

type toy struct {
	Colour string `yaml:"colour,omitempty"`
}

func doc() strict.Doc { return strict.Doc{Op: "reading pet", File: "pet.yaml", Hint: "see pets"} }

func read(text string) (p pet, err error) {
	nodes, err := doc().Nodes([]byte(text))
	if err != nil || len(nodes) == 0 {
		return p, err
	}
	return p, doc().Decode(nodes[0], &p)
}

func TestDecode(t *testing.T) {
	got, err := read("name: rex\nlegs: 4\nfriend: {name: tom, toys: [{colour: red}]}\nlabels: {anything: goes}\nrest: {what: ever}\n")
	want := pet{Name: "rex", Legs: 4, Friend: &pet{Name: "tom", Toys: []toy{{"red"}}}, Labels: map[string]string{"anything": "goes"}}
	if err != nil || got.Rest.Line != 5 {
		t.Fatalf("%+v, %v", got, err)
	}
	got.Rest = yaml.Node{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRefusals(t *testing.T) {
	f := func(text, id, words string) {
		t.Helper()
		_, err := read(text)
		var e *pitwall.Error
		if !errors.As(err, &e) || e.Kind != pitwall.Invalid || e.Op != "reading pet" || e.ID != id || e.Hint == "" || !strings.Contains(e.Err.Error(), words) {
			t.Errorf("%q:\n got %v\nwant %s %s", text, err, id, words)
		}
	}
	f("nmae: rex", "pet.yaml:1", `unknown field "nmae": did you mean "name"?`)
	f("name: rex\ntoys:\n  - color: red\n", "pet.yaml:3", `did you mean "colour"?`)
	f("friend:\n  lgs: 4\n", "pet.yaml:2", `did you mean "legs"?`)
	f("age: 3", "pet.yaml:1", `unknown field "age"`) // a field YAML must not see
	f("legs: four", "pet.yaml:1", "cannot unmarshal !!str `four` into int")
	f("name: a\nname: b\n", "pet.yaml:2", "already defined")
	f("- a\n", "pet.yaml:1", "cannot unmarshal")
	f("name: &n rex\nfriend: {name: *n}\n", "pet.yaml:2", "anchors and aliases")
	f("name: [a", "pet.yaml:1", "did not find expected")
	f("a: b: c", "pet.yaml", "mapping values are not allowed")
}

func TestNodesLeaveEmptyDocumentsOut(t *testing.T) {
	f := func(text string, lines ...int) {
		t.Helper()
		nodes, err := doc().Nodes([]byte(text))
		var got []int
		for _, n := range nodes {
			got = append(got, n.Line)
		}
		if err != nil || !cmp.Equal(got, lines) {
			t.Errorf("%q: lines %v, %v; want %v", text, got, err, lines)
		}
	}
	f("")
	f("# only a comment\n")
	f("---\n---\n")
	f("a: 1\n---\n# nothing\n---\nb: 2\n", 1, 5)
}

func TestWrong(t *testing.T) {
	cause := errors.New("why")
	err := doc().Wrong(0, "do this", "it is so: %w", cause)
	if !errors.Is(err, cause) || pitwall.HintOf(err) != "do this" || err.Error() != "reading pet: pet.yaml: it is so: why" {
		t.Errorf("%v, hint %q", err, pitwall.HintOf(err))
	}
	if err := doc().Wrong(7, "", "no"); pitwall.HintOf(err) != "see pets" || !strings.Contains(err.Error(), "pet.yaml:7") {
		t.Errorf("%v, hint %q", err, pitwall.HintOf(err))
	}
}

func TestNearest(t *testing.T) {
	f := func(want, word string, names ...string) {
		t.Helper()
		if got := strict.Nearest(word, names); got != want {
			t.Errorf("%s among %v: %q, want %q", word, names, got, want)
		}
	}
	f(`: did you mean "tick"?`, "tik", "tock", "tick")
	f(`: did you mean "Tick"?`, "tICK", "Other", "Tick")
	f("", "entirely", "tick", "tock")
	f("", "x")
	f(`: did you mean "ab"?`, "a", "ab", "ac") // of two as near the first
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"name: rex\ntoys: [{colour: red}]\n", "a: &a [*a]", "<<: {name: x}", "? [a]: b", "!!binary name: 3", "friend: *x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := read(text); err != nil && pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	})
}

func ExampleDoc_Decode() {
	d := strict.Doc{Op: "reading toy", File: "toy.yaml"}
	nodes, err := d.Nodes([]byte("color: red"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Decode(nodes[0], new(toy)))
	// Output: reading toy: toy.yaml:1: unknown field "color": did you mean "colour"?
}
