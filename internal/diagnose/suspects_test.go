package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/fold"
)

// asking is what a world knows before any profile, with few requests: enough to
// know who calls whom and which version served when.
func (w world) asking() *inquiry {
	w.good.rate, w.bad.rate = 6, 6
	q, answers := w.question(), map[string]Answer{}
	for _, query := range firstQueries(q) {
		answers[query.ID] = w.answer(query)
	}
	return newInquiry(q, answers)
}

// given is the same inquiry with other changes.
func (x *inquiry) given(list ...pitwall.Change) *inquiry {
	x.answers[idChanges] = Answer{Query: idChanges, Changes: list}
	x.scene = nil
	return x
}

// working is a finding of a class at payment, which checkout calls.
func working(class pitwall.Bottleneck) *finding {
	return &finding{check: checkOwnTime, class: class, at: fold.Operation{Service: "payment", Name: "POST /charge"}}
}

// best is the change that suits a finding best, "" for none.
func (x *inquiry) best(f *finding) pitwall.ChangeID {
	if list := x.suspects(f); len(list) > 0 {
		return list[0].change.ID
	}
	return ""
}

// newer is a shop in which payment and checkout run another version since.
func newer() world {
	w := broken(func(s *shop) { s.versions["payment"], s.versions["checkout"] = "v9", "v13" })
	w.seed = 1
	return w
}

// TestPromptChanges: what began with a change of the service itself beats what
// speaks of the like elsewhere, and not what speaks of it and is its own.
func TestPromptChanges(t *testing.T) {
	x := newer().asking()
	words := "pricing/promo.go: match by regexp"
	wordless := deploy("own-at-onset", time.Minute, "payment", "v8", "v9")
	wordless.Diff = "+a" // not the same rollout as one that names another commit
	earlier := deploy("own-earlier", 30*time.Second, "payment", "v8", "v9", words)
	silent := deploy("own-earlier", 30*time.Second, "payment", "v8", "v9")
	earlier.Diff, silent.Diff = "+b", "+b"
	for name, c := range map[string]struct {
		other pitwall.Change
		want  pitwall.ChangeID
	}{
		"a caller's that speaks of the like": {deploy("caller", 30*time.Second, "checkout", "v12", "v13", words), "own-at-onset"},
		"its own that says how":              {earlier, "own-earlier"},
		"its own without words":              {silent, "own-at-onset"},
	} {
		if got := x.given(c.other, wordless).best(working(pitwall.BottleneckCPU)); got != c.want {
			t.Errorf("against %s: %q, want %q", name, got, c.want)
		}
	}
}

// TestPrompt: within the onset's band and an announcement; never where rows
// date it, nor where nobody knows the band.
func TestPrompt(t *testing.T) {
	on := epoch
	band := pitwall.Onset{At: on, Earliest: on.Add(-3 * time.Second), Latest: on.Add(time.Second)}
	for _, c := range []struct {
		onset   pitwall.Onset
		noSpans string
		lead    time.Duration
		want    bool
	}{
		{band, "", 5 * time.Second, true},
		{band, "", 5100 * time.Millisecond, false},
		{band, "", -3 * time.Second, true},
		{band, "", -3100 * time.Millisecond, false},
		{band, "no spans", time.Second, false},
		{pitwall.Onset{At: on}, "", 0, false},
	} {
		x := &inquiry{noSpans: c.noSpans}
		x.q.Regression.Onset = c.onset
		if got := x.prompt(on.Add(-c.lead)); got != c.want {
			t.Errorf("%s before the onset, rows %q, band %v: %v", c.lead, c.noSpans, !c.onset.Earliest.IsZero(), got)
		}
	}
}

// TestVersionsOfTheBlamed: which versions requests met is said of the deploy
// that brought the latter, and of what brings no version.
func TestVersionsOfTheBlamed(t *testing.T) {
	side := func(v pitwall.Version) *fold.Side {
		return &fold.Side{Versions: map[pitwall.ServiceName]map[pitwall.Version]int{"payment": {v: 9}}}
	}
	x := &inquiry{base: side("v8"), head: side("v9")}
	x.q.Window.From = epoch
	for version, want := range map[pitwall.Version]bool{"v9": true, "v8.1": false, "": true} {
		f := working(pitwall.BottleneckCPU)
		f.blamed = &attribution{change: pitwall.Change{ID: "c", At: epoch, Kind: pitwall.ChangeDeploy, Service: "payment", Version: version}}
		x.tellChange(f)
		said := strings.Contains(f.evidence[len(f.evidence)-1].Claim, "good requests met payment v8, slow ones v9")
		if said != want {
			t.Errorf("deploy of %q: said %v, want %v", version, said, want)
		}
	}
}

// TestDiffWritesWhatGrew: the function that costs more names the one change of
// its service that writes it.
func TestDiffWritesWhatGrew(t *testing.T) {
	x := newer().asking()
	frames := []pitwall.FrameDelta{
		{Name: "example.com/pay.steady", Before: 1, After: 1.2, P: 1e-9},
		{Name: "example.com/pay.noisy", Before: 1, After: 9, P: 0.01},
		{Name: "runtime.mallocgc", Before: 1, After: 9, P: 1e-9},
		{Name: "example.com/pay.(*Scorer).deviceScore", Before: 1, After: 9, P: 1e-9},
	}
	x.profiles[profileKey{"payment", pitwall.ProfileCPU}] = profileAnswer{diff: pitwall.FlameDiff{Unit: pitwall.UnitCPUPerReq, Frames: frames}}
	change := func(id, service, line string, at time.Duration) pitwall.Change {
		c := deploy(id, at, service, "v0", map[string]string{"payment": "v9", "checkout": "v13"}[service])
		c.Diff = "--- a/x.go\n+++ b/x.go\n@@ -1 +1,2 @@\n context\n+\t" + line + "\n"
		return c
	}
	writes := change("writes", "payment", "total += deviceScore(token)", 30*time.Second)
	beside := change("beside", "payment", "total += steady(noisy(mallocgc))", time.Minute)
	f := working(pitwall.BottleneckCPU)
	if got := x.given(writes, beside).best(f); got != "writes" {
		t.Errorf("blamed %q, want the change that writes the function", got)
	}
	if s := x.suspects(f)[0]; s.strength != touchNamed || !s.named || !strings.Contains(s.mechanism, "deviceScore") {
		t.Errorf("it touches %q with strength %d", s.mechanism, s.strength)
	}
	for name, c := range map[string]struct {
		list []pitwall.Change
		want string
	}{
		"alone":                   {[]pitwall.Change{writes, beside}, "deviceScore"},
		"another writes it":       {[]pitwall.Change{writes, change("too", "checkout", "x := deviceScore(y)", time.Minute)}, ""},
		"of another service":      {[]pitwall.Change{change("other", "checkout", "x := deviceScore(y)", time.Minute)}, ""},
		"what did not grow":       {[]pitwall.Change{beside}, ""},
		"only in the lines about": {[]pitwall.Change{{ID: "context", Service: "payment", Diff: "@@ -1 +1 @@\n deviceScore()\n+x()\n"}}, ""},
	} {
		if got := x.given(c.list...).wrote(c.list[0], f); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestOwnCodeMayTakeItsTime: a version that served well at first can throw all
// the same; that it is slow begins with it.
func TestOwnCodeMayTakeItsTime(t *testing.T) {
	x := newer().asking()
	x.base.Versions["payment"]["v9"] = 40
	c := deploy("d", time.Minute-5*time.Second, "payment", "v8", "v9")
	thrown, slow := working(pitwall.BottleneckException), working(pitwall.BottleneckCPU)
	guess, outside := working(pitwall.BottleneckException), working(pitwall.BottleneckException)
	guess.weak, outside.external = "a guess", true
	above := working(pitwall.BottleneckException)
	above.at = fold.Operation{Service: "orders", Name: "POST /orders"}
	for name, f := range map[string]*finding{"slow": slow, "guess": guess, "outside": outside, "elsewhere": above} {
		if why := x.unprovenWhy(c, f); !strings.Contains(why, "served good requests") {
			t.Errorf("%s: acquitted by %q", name, why)
		}
	}
	if why := x.unprovenWhy(c, thrown); why != "" {
		t.Errorf("thrown: acquitted by %q", why)
	}
	if got := x.given(c).best(thrown); got != "d" {
		t.Errorf("thrown: blamed %q", got)
	}
}
