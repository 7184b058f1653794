package detect_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/detect"
)

// fleet is 10,000 series of 100 services, asked at every look, of which one in
// a hundred changes at some look and stays changed for five.
type fleet struct {
	rng       *rand.Rand
	looks     int
	eValues   bool
	dependent bool    // series of a service share most of their noise, and looks most of it with the last
	shift     float64 // of a changed series, in standard errors of a look
	common    []float64
	changed   []int // look at which a series changes; beyond the last: never
	id        []detect.Candidate
}

const (
	fleetServices, fleetEach = 100, 100
	stays                    = 5   // looks that show a change
	betEffect                = 6.0 // for which the e-values are made
	allBut                   = 0.9 // share of noise in common, and kept from look to look
)

func (f *fleet) plant(seed uint64) *fleet {
	f.rng, f.common = rand.New(rand.NewPCG(seed, 77)), make([]float64, fleetServices)
	for i := range f.common {
		f.common[i] = f.rng.NormFloat64()
	}
	for i := range fleetServices * fleetEach {
		at := f.looks
		if f.rng.IntN(100) == 0 {
			at = f.rng.IntN(f.looks)
		}
		f.changed = append(f.changed, at)
		f.id = append(f.id, slower(fmt.Sprintf("s%02d", i/fleetEach), fmt.Sprintf("op%02d", i%fleetEach)))
	}
	return f
}

// period is between two looks, so that an epoch holds them all.
func (f *fleet) period() time.Duration { return 28 * 24 * time.Hour / time.Duration(f.looks) }

func (f *fleet) real(i, at int) bool { return at >= f.changed[i] && at < f.changed[i]+stays }

// look gives what is worth showing of a look: p at most 5 %, or e at least 20.
func (f *fleet) look(at int) (list []detect.Candidate) {
	now := noon.Add(time.Duration(at) * f.period())
	for s := range f.common {
		f.common[s] = allBut*f.common[s] + math.Sqrt(1-allBut*allBut)*f.rng.NormFloat64()
	}
	for i, changed := range f.changed {
		z := f.rng.NormFloat64()
		if f.dependent {
			z = math.Sqrt(1-allBut)*z + math.Sqrt(allBut)*f.common[i/fleetEach]
		}
		onset := now.Add(-f.period() / 2)
		if f.real(i, at) {
			z += f.shift
			onset = noon.Add(time.Duration(changed)*f.period() - f.period()/2)
		}
		if z < 1.6 { // neither p ≤ 5 % nor e ≥ 20
			continue
		}
		e := betEffect*z - betEffect*betEffect/2
		p := 0.5 * math.Erfc(z/math.Sqrt2)
		if f.eValues && e < math.Log(20) || !f.eValues && p > 0.05 {
			continue
		}
		c := f.id[i]
		c.Onset, c.LogE, c.P = around(onset), e, 0
		if !f.eValues {
			c.LogE, c.P = 0, p
		}
		list = append(list, c)
	}
	return list
}

// tally is what came of an epoch under one rule.
type tally struct{ findings, false, found, changed int }

func (a tally) fdp() float64   { return float64(a.false) / float64(max(1, a.findings)) }
func (a tally) power() float64 { return float64(a.found) / float64(max(1, a.changed)) }

// run lets the screen and two plain rules look at the same fleet.
func (f *fleet) run(t testing.TB) (ours, bonferroni, none tally) {
	index := map[pitwall.SeriesName]int{}
	tests := map[pitwall.ServiceName]int{}
	for i, c := range f.id {
		index[c.Series] = i
		tests[c.Series.Service]++
		if f.changed[i] < f.looks {
			ours.changed++
		}
	}
	bonferroni.changed, none.changed = ours.changed, ours.changed
	s := screen(t)
	var out detect.Screened
	hit := [3]map[int]bool{{}, {}, {}}
	plain := func(a *tally, hit map[int]bool, i, at int) {
		switch {
		case !f.real(i, at):
			a.findings++
			a.false++
		case !hit[i]:
			hit[i] = true
			a.findings++
			a.found++
		}
	}
	level := 0.05 / (fleetServices * fleetEach) / float64(f.looks)
	for at := range f.looks {
		list := f.look(at)
		out, s = s.Look(detect.Sight{Now: noon.Add(time.Duration(at) * f.period()), Candidates: list, Tests: tests})
		for _, c := range list {
			i := index[c.Series]
			plain(&none, hit[2], i, at)
			if f.eValues && c.LogE >= -math.Log(level) || !f.eValues && c.P <= level {
				plain(&bonferroni, hit[1], i, at)
			}
		}
		for _, g := range out.Findings {
			ours.findings++
			real := false
			for _, c := range append([]detect.Candidate{g.Lead}, candidatesOf(g.Parts)...) {
				if i := index[c.Series]; f.real(i, at) {
					real, hit[0][i] = true, true
				}
			}
			if !real {
				ours.false++
			}
		}
		for _, j := range out.Joined {
			if i := index[j.Series]; f.real(i, at) {
				hit[0][i] = true
			}
		}
	}
	ours.found = len(hit[0])
	return ours, bonferroni, none
}

// The share of false findings over an epoch of ten million questions is at most
// what was promised, for p-values and e-values, whether the series are
// independent or share nearly all of their noise with each other and with their
// own last look. PITWALL_CALIBRATE=1 runs ten whole epochs of each; otherwise
// one, in which looks are rarer.
func TestShareOfFalseFindings(t *testing.T) {
	runs, shifts, looks := 1, []float64{5}, 150
	if os.Getenv("PITWALL_CALIBRATE") != "" {
		runs, shifts, looks = 10, []float64{4, 5, 6}, 1000
	}
	t.Logf("%d epochs of %d series x %d looks, 1 %% change for %d looks; share false / power", runs, fleetServices*fleetEach, looks, stays)
	for _, shift := range shifts {
		for _, eValues := range []bool{false, true} {
			for _, dependent := range []bool{false, true} {
				compareRules(t, runs, fleet{looks: looks, eValues: eValues, dependent: dependent, shift: shift})
			}
		}
	}
}

func compareRules(t *testing.T, runs int, of fleet) {
	t.Helper()
	var mean [3]struct{ fdp, power, findings float64 }
	for seed := range runs {
		f := of
		a, b, c := f.plant(uint64(seed)).run(t)
		for i, x := range [...]tally{a, b, c} {
			mean[i].fdp += x.fdp() / float64(runs)
			mean[i].power += x.power() / float64(runs)
			mean[i].findings += float64(x.findings) / float64(runs)
		}
	}
	t.Logf("shift %.0f e-values %-5v dependent %-5v | screen %.4f / %.3f of %.0f | Bonferroni %.4f / %.3f of %.0f | no control %.4f / %.3f of %.0f", of.shift, of.eValues, of.dependent,
		mean[0].fdp, mean[0].power, mean[0].findings, mean[1].fdp, mean[1].power, mean[1].findings, mean[2].fdp, mean[2].power, mean[2].findings)
	if mean[0].fdp > 0.05 {
		t.Errorf("%.3f of the findings are false, at most 0.05 were promised", mean[0].fdp)
	}
	if mean[2].fdp < 0.5 {
		t.Errorf("without control %.3f are false: the fleet is no test", mean[2].fdp)
	}
	if mean[0].power < mean[1].power {
		t.Errorf("power %.3f is below Bonferroni's %.3f", mean[0].power, mean[1].power)
	}
}

// Against e-values that are as large as they may be, the promise is kept and
// used up: where nothing changes, about one epoch in twenty has a finding.
func TestPromiseIsUsedUp(t *testing.T) {
	const epochs, looks, series = 3000, 10, 5
	rng := rand.New(rand.NewPCG(9, 9))
	bad := 0
	for range epochs {
		s := screen(t)
		for at := range looks {
			now := noon.Add(time.Duration(at) * 67 * time.Hour)
			share := 1.0 / 29
			if at > 0 {
				share = 67.0 / (29 * 24)
			}
			level := 0.05 / series * share
			in := detect.Sight{Now: now, Tests: map[pitwall.ServiceName]int{"a": series}}
			for i := range series {
				if rng.Float64() < level { // e is 1/level with this probability, else 0: its mean is 1
					c := slower("a", fmt.Sprint(i))
					c.LogE, c.Onset = -math.Log(level), around(now)
					in.Candidates = append(in.Candidates, c)
				}
			}
			_, s = s.Look(in)
		}
		bad += min(1, s.Count)
	}
	if got := float64(bad) / epochs; got < 0.035 || got > 0.062 {
		t.Errorf("%.4f of the epochs have a false finding, want about 0.05 and no more", got)
	}
}

// One incident of many series is one finding and lowers the bar as one.
func TestAStormPaysForOneFinding(t *testing.T) {
	in := detect.Sight{Now: noon.Add(time.Hour), Tests: map[pitwall.ServiceName]int{"quiet": 1000}}
	for i := range 500 {
		in.Candidates = append(in.Candidates, slower("storm", fmt.Sprint("op", i)))
	}
	// With 501 discoveries this one would pass, with two findings it does not.
	alone := slower("quiet", "")
	alone.Anytime, alone.LogE = true, -math.Log(0.05/2/1000)-math.Log(100)
	in.Candidates = append(in.Candidates, alone)
	out, s := screen(t).Look(in)
	if len(out.Findings) != 1 || s.Count != 1 || len(out.Findings[0].Parts) != 499 {
		t.Fatalf("%d findings, %d counted", len(out.Findings), s.Count)
	}
	if len(out.NotReported) != 1 || out.NotReported[0].Reason != detect.ReasonNotSignificant {
		t.Errorf("the storm paid for a finding elsewhere: %+v", out.NotReported)
	}
}

// What is promised has to hold exactly at the border: of n groups needing
// n, n-1, … findings all pass together, and none if one more is asked of each.
func TestStepUp(t *testing.T) {
	const n = 8
	at := func(extra float64) detect.Sight {
		in := detect.Sight{Now: noon.Add(time.Hour)}
		for i := range n {
			c := slower(fmt.Sprint("s", i), "")
			c.Anytime, c.LogE = true, -math.Log(0.05/n)-math.Log(n)-extra
			in.Candidates = append(in.Candidates, c)
		}
		return in
	}
	if out := lookAt(t, at(-1e-9)); len(out.Findings) != n {
		t.Errorf("%d of %d pass at the border", len(out.Findings), n)
	}
	out := lookAt(t, at(1e-6))
	if len(out.Findings) != 0 {
		t.Errorf("%d pass below it", len(out.Findings))
	}
	for _, r := range out.NotReported {
		if !(r.Value < r.Limit) {
			t.Errorf("log e %v missed %v", r.Value, r.Limit)
		}
	}
	p := at(0)
	for i := range p.Candidates { // b(8) = 6/π² Σ 1/r = 1.6522
		p.Candidates[i].LogE, p.Candidates[i].P = 0, 0.05/n*1.652
	}
	if out := lookAt(t, p); len(out.Findings) != n {
		t.Errorf("%d of %d p-values pass at the border", len(out.Findings), n)
	}
	for i := range p.Candidates {
		p.Candidates[i].P = 0.05 / n * 1.653
	}
	out = lookAt(t, p)
	if len(out.Findings) != 0 || !(out.NotReported[0].Value > out.NotReported[0].Limit) {
		t.Errorf("p-values above the border: %+v", out)
	}
}

// A look may spend what has passed since the last, and all looks of an epoch
// together no more than alpha.
func TestLevelOverTime(t *testing.T) {
	s := screen(t)
	spent, last := 0.0, noon
	for i := range 400 {
		now := noon.Add(time.Duration(i*i) * 15 * time.Second) // looks ever further apart, 28 days in all
		c := slower("a", fmt.Sprint("op", i))
		c.Onset, c.LogE, c.P = around(now), 0, 0.04
		var out detect.Screened
		out, s = s.Look(detect.Sight{Now: now, Candidates: []detect.Candidate{c}})
		if len(out.NotReported) != 1 || out.NotReported[0].Reason != detect.ReasonNotSignificant {
			t.Fatalf("look %d: %+v", i, out)
		}
		level := out.NotReported[0].Limit * math.Pi * math.Pi / 6
		want := 0.05 * now.Sub(last).Hours() / (29 * 24)
		if i == 0 {
			want = 0.05 / 29
		}
		if math.Abs(level-want) > 1e-9 {
			t.Fatalf("look %d may spend %g, want %g", i, level, want)
		}
		spent += level
		last = now
	}
	if spent > 0.05+1e-9 || spent < 0.04 {
		t.Errorf("an epoch spent %g of 0.05", spent)
	}
	// Asked twice at the same instant nothing is left; a new epoch begins anew.
	c := slower("a", "again")
	c.LogE, c.P = 0, 1e-12
	out, s := s.Look(detect.Sight{Now: last, Candidates: []detect.Candidate{c}})
	if len(out.Findings) != 0 {
		t.Error("the same instant asked twice spent twice")
	}
	c.Series.Operation = "new epoch"
	s.Count = 7
	if _, s = s.Look(detect.Sight{Now: noon.Add(28 * 24 * time.Hour), Candidates: []detect.Candidate{c}}); s.Count != 1 {
		t.Errorf("the new epoch counts %d findings, want 1", s.Count)
	}
}
