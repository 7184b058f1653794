package blame

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

// TestAssume: taking for granted that something is there is what throws.
func TestAssume(t *testing.T) {
	for _, c := range []struct{ file, line, want string }{
		{"pay.go", "card := cards[0]", "adds unchecked access: card := cards[0] (pay.go)"},
		{"pay.go", "last := rows[len(rows)-1].id", "adds unchecked access: last := rows[len(rows)-1].id (pay.go)"},
		{"pay.py", "card = cards[-1]", "adds unchecked access: card = cards[-1] (pay.py)"},
		{"pay.go", "u := v.(*User)", "adds unchecked access: u := v.(*User) (pay.go)"},
		{"pay.rs", "let card = cards.first().unwrap();", "adds unchecked access: let card = cards.first().unwrap(); (pay.rs)"},
		{"Pay.kt", "val card = cards.first!!", "adds unchecked access: val card = cards.first!! (Pay.kt)"},
		{"pay.go", "u, ok := v.(*User)", ""},
		{"pay.go", "switch u := v.(type) {", ""},
		{"pay.go", "n := counts[day]", ""},
		{"pay.go", "x := len(cards) > 0 && cards[0].Valid", ""},
		{"pay.go", "buf[0] = v", ""},
		{"pay.go", "name := os.Args[0]", ""},
	} {
		r := Read(pitwall.Change{Files: []string{c.file}, Diff: "@@ " + c.file + " @@\n+" + c.line})
		got := ""
		if len(r.Touches) > 0 {
			got = r.Touches[0].String()
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
		for _, touch := range r.Touches {
			if touch.Causes(pitwall.BottleneckException) != Typical || touch.Causes(pitwall.BottleneckCPU) != Cannot {
				t.Errorf("%s: what it causes", touch)
			}
		}
	}
	r := Read(pitwall.Change{Files: []string{"pay.go"}, Diff: "@@ pay.go @@\n-\tcard := cards[0]\n+\tfirst := list[0]"})
	for _, touch := range r.Touches {
		if touch.Kind == Assume {
			t.Errorf("%s, which it did before in other words", touch)
		}
	}
}

// TestLoopPassesContext: whatever is given the context of a request in a loop is
// taken for a call to somebody else.
func TestLoopPassesContext(t *testing.T) {
	for line, want := range map[string]bool{
		"\t\tp := s.priceOf(ctx, item)": true,
		"\t\tp := store.priceOf(tx, i)": true,
		"\t\tp := s.priceOf(item)":      false,
		"\t\tp := s.priceOf(ctxless)":   false,
		"\t\ts.log.InfoContext(ctx, p)": false,
		"\t\tif stopped(ctx) {":         false,
	} {
		r := Read(pitwall.Change{Files: []string{"q.go"}, Diff: "@@ q.go @@\n \tfor _, item := range items {\n+" + line + "\n \t}"})
		got := false
		for _, touch := range r.Touches {
			got = got || touch.Kind == LoopCall && touch.Causes(pitwall.BottleneckNPlus1) == Typical
		}
		if got != want {
			t.Errorf("%q in a loop: %v, want %v (%v)", line, got, want, r.Touches)
		}
	}
}
