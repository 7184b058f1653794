package diagnose

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/diagnose/blame"
	"github.com/pitwall/pitwall/internal/diagnose/excess"
)

// does judges what a change does by what was seen: a touch that typically
// causes the class is strong, one that can cause it, or that typically causes
// another class seen beside it, is weaker. Words that only this change and the
// trouble share show that both are about the same thing, not that one caused
// the other: they decide between equals.
func (x *inquiry) does(c pitwall.Change, r blame.Reading, f *finding) touch {
	var best touch
	for _, t := range r.Touches {
		if s := strength(t, f); s > best.strength {
			best = touch{strength: s, text: t.String()}
		}
	}
	if c.Kind == pitwall.ChangeFlag && best.strength < touchStrong {
		return touch{} // a name is no diff: it must say plainly what it switches
	}
	words, rare := x.scene.rarity.Shared(r.Text, x.troubleOf(f))
	words = slices.DeleteFunc(words, func(w string) bool { return x.nameOfService(w) })
	if len(words) == 0 || rare < x.telltaleRarity() {
		return best
	}
	best.named = true
	if best.strength >= touchStrong {
		best.strength = touchNamed
	}
	if best.text != "" {
		best.text += "; it and the trouble name " + strings.Join(words, ", ")
	}
	return best
}

// troubleOf is all that was said of the trouble where a finding is, the alert
// included where it is about just that service.
func (x *inquiry) troubleOf(f *finding) string {
	var b strings.Builder
	for _, g := range x.scene.signs {
		if g.service == f.at.Service {
			b.WriteString(g.text + " ")
			if g.move != nil {
				b.WriteString(g.move.Metric + " ")
			}
		}
	}
	return b.String()
}

// strength weighs a touch against the classes seen with a finding.
func strength(t blame.Touch, f *finding) int {
	s := int(t.Causes(f.class)) // can: 1, typical: 2
	if s > 0 {
		s++
	}
	for _, k := range f.seen {
		if k.class == f.class {
			continue
		}
		switch force := t.Causes(k.class); {
		case k.weight == blame.Mechanism && force == blame.Typical:
			s = max(s, touchStrong)
		case k.weight >= blame.Resource && force == blame.Typical:
			s = max(s, touchOperation)
		case k.weight >= blame.Resource && force == blame.Can:
			s = max(s, touchSummary)
		}
	}
	return s
}

// telltaleRarity is what one word weighs that no other change has: with two
// words that half of the changes have it is not reached.
func (x *inquiry) telltaleRarity() float64 {
	return math.Log(float64(max(2, len(x.scene.reads)+1)))
}

// nameOfService says that a word only names somebody.
func (x *inquiry) nameOfService(word string) bool {
	return slices.ContainsFunc(x.scene.known, func(s pitwall.ServiceName) bool {
		return slices.ContainsFunc(blame.Words(string(s)), func(w string) bool { return strings.HasPrefix(w, word) || strings.HasPrefix(word, w) && len(w) >= 4 })
	})
}

// quietly is how long a change may serve without harm before its being the
// cause becomes unlikely: rollouts, caches and rare requests take minutes. A
// flag takes effect at once.
const (
	quietly     = 15 * time.Minute
	quietlyFlag = 5 * time.Minute
)

// ranQuietly says that a change was in effect for long before anything moved,
// where nothing builds up slowly.
func (x *inquiry) ranQuietly(a attribution, f *finding) bool {
	if a.change.Kind == pitwall.ChangeCommit && a.change.At.Equal(a.at) {
		return a.strength > 0 // nothing is known to have carried it
	}
	if a.strength >= touchStrong && a.change.Kind != pitwall.ChangeFlag || a.strength == 0 {
		return false // a mechanism speaks louder than time
	}
	limit := quietly
	if a.change.Kind == pitwall.ChangeFlag {
		limit = quietlyFlag
	}
	o := x.onsetBand()
	return !f.slow() && o.Earliest.Sub(a.at) > limit
}

// onsetBand is when the trouble began: of what is known of the question, or of
// the first series that speaks of the trouble at the origin and those around.
func (x *inquiry) onsetBand() pitwall.Onset {
	o := x.q.Regression.Onset
	switch {
	case !o.Latest.IsZero():
		return o
	case !o.At.IsZero():
		return pitwall.Onset{At: o.At, Earliest: o.At, Latest: o.At}
	case x.noSpans == "":
		return x.undated()
	}
	if m := x.firstMove(); m != nil {
		return m.Onset
	}
	o = x.undated()
	o.At = o.Latest
	return o
}

// undated is all that is known of an onset that nothing dates: it lies in the
// window, and before anybody was told.
func (x *inquiry) undated() pitwall.Onset {
	o := pitwall.Onset{At: x.q.Window.From, Earliest: x.q.Window.From, Latest: x.q.Window.From}
	if x.q.Alarm.At.After(o.Latest) {
		o.Latest = x.q.Alarm.At
	}
	return o
}

// firstMove is the first series to move among those that speak of trouble at
// the origin, at the service in question and at those between. Series that
// hardly left normal are asked only where no other moved.
func (x *inquiry) firstMove() *excess.Move {
	s := x.look()
	near := x.near(x.origin())
	var best *excess.Move
	for _, plainly := range []bool{true, false} {
		for i := range s.signs {
			g := &s.signs[i]
			if g.move == nil || g.Class == pitwall.BottleneckTraffic || !slices.Contains(near, g.service) || g.move.Kind == excess.Appeared {
				continue
			}
			if plainly && (g.move.Score < clearScore || g.move.Since || g.move.Kind == excess.Spike && !g.move.Until.IsZero()) {
				continue
			}
			if best == nil || g.move.Onset.At.Before(best.Onset.At) {
				best = g.move
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// rowStep is the time between two rows of the measurements, typically.
func (x *inquiry) rowStep() time.Duration {
	for _, m := range x.answers[idMeasured].Measured {
		if n := len(m.T); n >= 2 {
			return time.Duration(m.T[n-1]-m.T[0]) * time.Millisecond / time.Duration(n-1)
		}
	}
	return 0
}

// clearScore is how many robust standard deviations a series must have gone to
// date the onset: noise of some dozens of series does not reach it.
const clearScore = 6

// effective is when a change took effect on the service of a finding, with what
// speaks against its being rolled out at all. A commit is carried by the first
// deploy after it of that service, or of one that it belongs to.
func (x *inquiry) effective(c pitwall.Change, f *finding) (time.Time, string) {
	if c.Kind != pitwall.ChangeCommit {
		return c.At, ""
	}
	all, _ := x.changes()
	for _, d := range all {
		if d.Kind == pitwall.ChangeDeploy && !d.At.Before(c.At) && d.ID != c.ID && d.Service == f.at.Service {
			if d.At.After(x.onset().Add(x.rowStep())) {
				break // too late to have carried it; something else may have
			}
			return d.At, ""
		}
	}
	return c.At, ""
}

// carried says that a deploy of the finding's service came after a commit.
func (x *inquiry) carried(c pitwall.Change, f *finding) bool {
	at, _ := x.effective(c, f)
	all, _ := x.changes()
	return slices.ContainsFunc(all, func(d pitwall.Change) bool {
		return d.Kind == pitwall.ChangeDeploy && d.Service == f.at.Service && d.At.Equal(at) && d.ID != c.ID
	})
}

// owns says that a change is one of the finding's own service: rolled out on
// it, or merged into its files and carried by it. What all share is nobody's
// own, and must touch the trouble strongly to be blamed.
func (x *inquiry) owns(c pitwall.Change, f *finding) bool {
	if c.Service != "" {
		return c.Service == f.at.Service
	}
	return belongs(c, f.at.Service) == ownFiles && x.carried(c, f)
}

// belonging says whose files a change touches.
type belonging int

const (
	otherFiles belonging = iota
	unknownFiles
	sharedFiles
	ownFiles
)

// shared are folders that hold what several services are built from; read-only.
var shared = []string{"pkg", "lib", "libs", "common", "shared", "internal", "platform", "vendor", "packages", "modules", "core", "sdk", "infra", "terraform", "deploy", "config", "charts", "k8s", "helm", "go.mod", "go.sum"}

// belongs says whose files a change touches, seen from one service: the nearest
// of all its files counts.
func belongs(c pitwall.Change, s pitwall.ServiceName) belonging {
	if len(c.Files) == 0 {
		return unknownFiles
	}
	best := otherFiles
	for _, f := range c.Files {
		best = max(best, belongsTo(f, s))
	}
	return best
}

func belongsTo(file string, s pitwall.ServiceName) belonging {
	own := nameWords(string(s))
	parts := strings.Split(path.Dir(strings.ToLower(file)), "/")
	for _, p := range parts {
		if slices.ContainsFunc(nameWords(p), func(w string) bool { return slices.Contains(own, w) }) {
			return ownFiles
		}
	}
	if parts[0] == "." || slices.Contains(shared, parts[0]) {
		return sharedFiles
	}
	return otherFiles
}

// nameWords are the words of a name that tell it from others: "event" and
// "enricher" of "event-enricher-1"; "inventory" of "inventoryservice".
func nameWords(s string) []string {
	s = plainName.ReplaceAllString(s, "")
	return slices.DeleteFunc(blame.Words(s), func(w string) bool {
		return len(w) < 2 || slices.Contains([]string{"service", "services", "svc", "server", "app", "apps", "api", "src", "cmd", "the"}, w)
	})
}

// farAway says why a change cannot have reached a finding, where calls are only
// partly known.
func (x *inquiry) farAway(c pitwall.Change, f *finding) string {
	if c.Service == "" {
		return x.elsewhere(c, f)
	}
	s := x.look()
	if slices.Contains(s.callees(f.at.Service), c.Service) || slices.Contains(s.callers(f.at.Service), c.Service) {
		return ""
	}
	if h := x.q.headline().Service; c.Service == h || slices.Contains(s.callees(h), c.Service) {
		return ""
	}
	return fmt.Sprintf("no call between %s and %s is known", c.Service, f.at.Service)
}

// elsewhere says why a commit cannot have reached the service of a finding.
func (x *inquiry) elsewhere(c pitwall.Change, f *finding) string {
	switch belongs(c, f.at.Service) {
	case otherFiles:
		return fmt.Sprintf("it changes %s, which is no part of %s", c.Files[0], f.at.Service)
	case sharedFiles, unknownFiles:
		if !x.carried(c, f) && x.touched(c, f).strength < touchStrong {
			return "it was merged, and no deploy of " + string(f.at.Service) + " that is known took it along"
		}
	}
	return ""
}
