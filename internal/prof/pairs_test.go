package prof

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// recorded is a window of a recorded session: see scripts/pairs.
type recorded struct {
	File     string    `json:"file"`
	Version  string    `json:"version"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Requests int64     `json:"requests"`
	Factor   float64   `json:"factor"`
	Culprit  string    `json:"culprit"`
}

// session is one recorded process: its windows by variant, in order of time.
type session struct {
	name    string
	windows map[string][]pitwall.ProfileWindow
	truth   map[string]recorded
}

func (s session) variants() []string {
	var out []string
	for v := range s.truth {
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

// sessions reads every recorded session of a folder.
func sessions(t *testing.T, dir string) []session {
	t.Helper()
	indexes, err := filepath.Glob(filepath.Join(dir, "session-*", "profiles.json"))
	if err != nil {
		t.Fatal(err)
	}
	var out []session
	for _, index := range indexes {
		text, err := os.ReadFile(index)
		if err != nil {
			t.Fatal(err)
		}
		var list []recorded
		if err := json.Unmarshal(text, &list); err != nil {
			t.Fatalf("%s: %v", index, err)
		}
		s := session{filepath.Base(filepath.Dir(index)), map[string][]pitwall.ProfileWindow{}, map[string]recorded{}}
		for _, r := range list {
			data, err := os.ReadFile(filepath.Join(filepath.Dir(index), r.File))
			if err != nil {
				t.Fatal(err)
			}
			s.truth[r.Version] = r
			s.windows[r.Version] = append(s.windows[r.Version], pitwall.ProfileWindow{
				Service: "pairs", Type: pitwall.ProfileCPU, Requests: r.Requests, Data: data,
				Period: pitwall.Period{From: r.From, To: r.To},
			})
		}
		out = append(out, s)
	}
	return out
}

// alternate deals windows into those at even and at odd places.
func alternate(ws []pitwall.ProfileWindow) (even, odd []pitwall.ProfileWindow) {
	for i, w := range ws {
		if i%2 == 0 {
			even = append(even, w)
		} else {
			odd = append(odd, w)
		}
	}
	return even, odd
}

// tally counts answers of one sort of pair.
type tally struct {
	pairs, first, among, anything, functions, families, innocent int
	odd                                                          []string
}

func (c *tally) count(d Comparison, what, culprit string) {
	c.pairs++
	names, families := named(d.Frames), named(d.Families)
	c.functions += min(1, len(names))
	c.families += min(1, len(families))
	c.anything += min(1, len(names)+len(families))
	if slices.ContainsFunc(names, func(n string) bool { return n != culprit }) {
		c.innocent++
	}
	if slices.Contains(names, culprit) {
		c.among++
	}
	if len(names) > 0 && names[0] == culprit {
		c.first++
	} else if culprit != "" || len(names)+len(families) > 0 {
		c.odd = append(c.odd, fmt.Sprintf("%s want %s: %v %v", what, culprit, names, families))
	}
}

func (c tally) String() string {
	return fmt.Sprintf("%4d pairs: culprit first %3d, named %3d, an innocent %3d | anything %3d (function %d, family %d)",
		c.pairs, c.first, c.among, c.innocent, c.anything, c.functions, c.families)
}

// pairs compares what a session offers, each sort under its name.
func (s session) pairs(judge func(kind, what, culprit string, base, head []pitwall.ProfileWindow)) {
	a, b := s.windows["a"], s.windows["b"]
	both := slices.Concat(a, b)
	slices.SortFunc(both, func(a, b pitwall.ProfileWindow) int { return a.Period.From.Compare(b.Period.From) })
	judge("null in turn, 12 : 12", s.name, "", a, b)
	judge("null one after the other, 12 : 12", s.name, "", both[:12], both[12:])
	for _, v := range s.variants() {
		ws, truth := s.windows[v], s.truth[v]
		even, odd := alternate(ws)
		judge("null in turn, 6 : 6", s.name+" "+v, "", even, odd)
		judge("null one after the other, 6 : 6", s.name+" "+v, "", ws[:6], ws[6:])
		if truth.Factor == 1 {
			continue
		}
		kind := fmt.Sprintf("x%.1f in turn, ", truth.Factor)
		judge(kind+"24 : 12", s.name+" "+v, truth.Culprit, both, ws)
		judge(kind+"12 : 12", s.name+" "+v, truth.Culprit, a, ws)
		judge(kind+"8 : 8", s.name+" "+v, truth.Culprit, a[:8], ws[:8])
		judge(fmt.Sprintf("x%.1f one after the other, 6 : 6", truth.Factor), s.name+" "+v, truth.Culprit, a[:6], ws[6:])
	}
}

// TestPairs measures on recorded sessions; PITWALL_PAIRS names their folder.
func TestPairs(t *testing.T) {
	dir := os.Getenv("PITWALL_PAIRS")
	if dir == "" {
		t.Skip("SKIPPED: PITWALL_PAIRS names no folder of recorded pairs (go run ./scripts/pairs -out DIR)")
	}
	kinds := map[string]*tally{}
	for _, s := range sessions(t, dir) {
		s.pairs(func(kind, what, culprit string, base, head []pitwall.ProfileWindow) {
			d := mustCompare(t, base, head)
			if kinds[kind] == nil {
				kinds[kind] = &tally{}
			}
			kinds[kind].count(d, what, culprit)
			if culprit != "" && d.Verdict.Answer == Same {
				t.Errorf("%s, %s: %q although %s is dearer", kind, what, d.Verdict.Text, culprit)
			}
		})
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		t.Logf("%-34s %s", k, kinds[k])
		if strings.HasPrefix(k, "null in turn") && kinds[k].anything*20 > max(20, kinds[k].pairs) {
			t.Errorf("%s: more than 5 %% name anything", k)
		}
	}
	if c := kinds["x2.0 in turn, 24 : 12"]; c == nil || c.first*10 < c.pairs*9 {
		t.Errorf("culprit first: %v, want 95 %%, and at least 90 on any recording", c)
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		if len(kinds[k].odd) > 0 {
			t.Logf("%s:\n  %s", k, strings.Join(kinds[k].odd, "\n  "))
		}
	}
}

// TestCommittedPair: eight windows a side of a second program, whose requests do
// ten kinds of work; and eight against eight of the unchanged one.
func TestCommittedPair(t *testing.T) {
	all := sessions(t, filepath.Join("testdata", "pairs"))
	if len(all) != 1 {
		t.Fatalf("%d sessions", len(all))
	}
	s := all[0]
	for _, v := range s.variants() {
		truth := s.truth[v]
		if v == "a" {
			continue
		}
		d := mustCompare(t, s.windows["a"], s.windows[v])
		names, families := named(d.Frames), named(d.Families)
		switch {
		case truth.Factor == 1 && (len(names)+len(families) > 0 || d.Verdict.Answer != Inconclusive):
			t.Errorf("unchanged: named %v and %v, %s", names, families, d.Verdict.Text)
		case truth.Factor == 2 && (!slices.Equal(names, []string{truth.Culprit}) || d.Verdict.Answer != Changed || !d.Verdict.Grew):
			t.Errorf("%s doubled: named %v, %s", truth.Culprit, names, d.Verdict.Text)
		}
	}
}
