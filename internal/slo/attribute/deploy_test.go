package attribute

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// minutes makes a step for each minute of the hour.
func minutes(each func(m int) pitwall.Counts) []pitwall.LedgerStep {
	var list []pitwall.LedgerStep
	for m := range 60 {
		list = append(list, pitwall.LedgerStep{SLO: "checkout-up", Start: hour().From.Unix() + int64(60*m), Counts: each(m)})
	}
	return list
}

func deploy(id string, service pitwall.ServiceName, version pitwall.Version, after time.Duration) pitwall.Change {
	return pitwall.Change{ID: pitwall.ChangeID(id), Service: service, Version: version, Kind: pitwall.ChangeDeploy, At: hour().From.Add(after)}
}

// TestByDeploy: the segments are cut where the deploys are, a step belongs to the
// one it begins in, and only the deploy that moved the ratio is said to have.
func TestByDeploy(t *testing.T) {
	steps := minutes(func(m int) pitwall.Counts {
		switch {
		case m <= 20: // the deploy happens within minute 20, whose step counts before it
			return pitwall.Counts{Good: 999, Bad: 1}
		case m <= 40:
			return pitwall.Counts{Good: 980, Bad: 20}
		}
		return pitwall.Counts{Good: 979, Bad: 21}
	})
	steps = append(steps, pitwall.LedgerStep{SLO: "other", Start: steps[0].Start, Counts: pitwall.Counts{Bad: 1e6}},
		pitwall.LedgerStep{SLO: "checkout-up", Start: hour().To.Unix(), Counts: pitwall.Counts{Bad: 1e6}})
	changes := []pitwall.Change{
		deploy("4", "inventory", "9", 40*time.Minute+20*time.Second),
		deploy("1", "checkout", "2.0", 20*time.Minute+10*time.Second),
		deploy("2", "payment", "7", 20*time.Minute+30*time.Second), // in the same step: one cut
		deploy("3", "stranger", "1", 30*time.Minute),
		{ID: "5", Service: "checkout", Kind: pitwall.ChangeScale, At: hour().From.Add(50 * time.Minute)},
		deploy("6", "checkout", "3", -time.Minute),
	}
	counts := pitwall.Counts{Good: 21*999 + 20*980 + 19*979, Bad: 21 + 400 + 19*21}
	got := ByDeploy(steps, changes, []pitwall.ServiceName{"inventory", "payment"}, scope(checkout(pitwall.SLIAvailability), counts))
	if len(got.Segments) != 3 {
		t.Fatalf("%d segments, want 3: %+v", len(got.Segments), got.Segments)
	}
	a, b, c := got.Segments[0], got.Segments[1], got.Segments[2]
	if a.Counts.Bad != 21 || b.Counts.Bad != 400 || c.Counts.Bad != 399 || len(a.Changes) != 0 || len(b.Changes) != 2 || len(c.Changes) != 1 {
		t.Errorf("segments %+v", got.Segments)
	}
	if b.Moved != "worse" || b.Times.Value < 15 || b.Times.Value > 25 || b.Times.Low < 10 {
		t.Errorf("the deploy made it twenty times as bad: %+v", b.Times)
	}
	if c.Moved != "" || c.Times.Low > 1 || c.Times.High < 1 {
		t.Errorf("20 and 21 of 1000 are the same: %+v", c)
	}
	if a.Before.Known() || a.Times.Known() || a.Moved != "" {
		t.Errorf("nothing lies before the first: %+v", a)
	}
	if got.Attribution.Covered != 1 || got.Attribution.Maths.Bad != counts.Bad || got.Attribution.Shares[0].Value != b.Value || got.Attribution.Dimension != "deploy" {
		t.Errorf("attribution %+v", got.Attribution)
	}
	whole := hour()
	if a.Period.From != whole.From || a.Period.To != b.Period.From || b.Period.To != c.Period.From || c.Period.To != whole.To {
		t.Errorf("the segments do not tile the period: %v %v %v", a.Period, b.Period, c.Period)
	}
}

func TestByDeployWithout(t *testing.T) {
	got := ByDeploy(minutes(func(int) pitwall.Counts { return pitwall.Counts{Good: 1} }), nil, nil, scope(checkout(pitwall.SLIAvailability), pitwall.Counts{Good: 60}))
	if len(got.Segments) != 1 || got.Segments[0].Counts.Good != 60 || got.Segments[0].Value != "no deploy" {
		t.Errorf("%+v", got)
	}
	empty := ByDeploy(nil, []pitwall.Change{deploy("1", "checkout", "2", time.Minute)}, nil, scope(checkout(pitwall.SLIAvailability), pitwall.Counts{}))
	if len(empty.Segments) != 2 || empty.Segments[1].Ratio.Known() || empty.Segments[1].Moved != "" {
		t.Errorf("no data is no comparison: %+v", empty.Segments)
	}
}

// TestClustersDoNotMove: bad minutes that come in bursts on both sides do not
// make an innocent deploy look guilty.
func TestClustersDoNotMove(t *testing.T) {
	moved, plain := 0, 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 2))
		steps := minutes(func(int) pitwall.Counts {
			if rng.IntN(10) == 0 {
				return pitwall.Counts{Good: 950, Bad: 50}
			}
			return pitwall.Counts{Good: 1000}
		})
		got := ByDeploy(steps, []pitwall.Change{deploy("1", "checkout", "2", 30*time.Minute)}, nil, scope(checkout(pitwall.SLIAvailability), pitwall.Counts{}))
		if got.Segments[1].Moved != "" {
			moved++
		}
		g := got.Segments[1]
		if g.compare(got.Segments[0], 1); g.Times.Low > 1 || g.Times.Known() && g.Times.High < 1 {
			plain++
		}
	}
	if moved > 40 { // 10 % of 400, for 5 % wanted
		t.Errorf("%d of 400 innocent deploys are accused", moved)
	}
	if plain < 200 {
		t.Errorf("without the correction only %d would be: the test shows nothing", plain)
	}
}
