package strict_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall/internal/strict"
)

func TestReading(t *testing.T) {
	const text = "name: Rex\ntoys:\n  - colour: red\n  - {legs: 4}\nlegs: 3\n"
	nodes, err := doc().Nodes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	r := strict.Reading{Doc: doc(), Node: nodes[0]}
	for name, want := range map[string]int{"name": 1, "toys": 2, "colour": 3, "legs": 4, "red": 1, "tail": 1} {
		if got := r.LineOf(name); got != want {
			t.Errorf("%s stands at line %d, want %d", name, got, want)
		}
	}
	toys := nodes[0].Content[3]
	if got := strict.LineOf(toys, func(key string) bool { return key == "tail" }); got != 3 {
		t.Errorf("what is not there stands at line %d", got)
	}
	r.Warn(4, "%d legs", 4)
	r.Warn(5, "again")
	if diff := cmp.Diff([]string{"pet.yaml:4: 4 legs", "pet.yaml:5: again"}, r.Warnings); diff != "" {
		t.Error(diff)
	}
	if got := strict.Shown(nodes[0]); got != text {
		t.Errorf("shown as\n%s", got)
	}
	broken := *nodes[0]
	broken.Kind = 99
	if _, err := strict.Text(&broken); err == nil || strict.Shown(&broken) != "" {
		t.Errorf("what is no node was written: %v", err)
	}
}

func TestPercent(t *testing.T) {
	for text, want := range map[string]float64{"99.9": 0.999, "99.95": 0.9995, "50": 0.5, "1": 0.01, "9.99e1": 0.9990000000000001, "100": 1} {
		got, err := strict.Percent(text)
		if err != nil || got-want > 1e-15 || want-got > 1e-15 {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if got, _ := strict.Percent("99.9"); got != 0.999 {
		t.Errorf("99.9 is %v, not the nearest to 0.999", got)
	}
	for _, wrong := range []string{"", "x", "99,9", "99 %"} {
		if v, err := strict.Percent(wrong); err == nil {
			t.Errorf("%q is %v", wrong, v)
		}
	}
	if got := strict.Percentage(0.999); got != "99.9" {
		t.Errorf("0.999 is %s %%", got)
	}
}
