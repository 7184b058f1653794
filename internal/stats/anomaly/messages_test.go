package anomaly

import "testing"

// TestNewLevelIsLearnt: a change of level is one anomaly, not one a point, and
// what happens in the new state is seen.
func TestNewLevelIsLearnt(t *testing.T) {
	v := noise(3)
	add(v[300:], 30)
	v[360] += 20
	v[600] += 20
	found := Find(v, Options{Step: 3600})
	if len(found) != 3 || !covers(found, 300, 301) || !covers(found, 360, 360) || !covers(found, 600, 600) {
		t.Errorf("%+v", found)
	}
	if n := found[0].End - found[0].Start; n > longest {
		t.Errorf("the new state is reported for %d hours", n)
	}
}

// TestOneMessage: what rings on after an anomaly is not told again within a day
// unless it gets worse.
func TestOneMessage(t *testing.T) {
	for name, c := range map[string]struct {
		second float64
		after  int
		told   bool
	}{
		"smaller, soon":  {8, 10, false},
		"bigger, soon":   {30, 10, true},
		"smaller, later": {8, 30, true},
	} {
		v := noise(2)
		v[500] += 12
		v[500+c.after] += c.second
		found := Find(v, Options{Step: 3600})
		if !covers(found, 500, 500) || covers(found, 500+c.after, 500+c.after) != c.told {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// TestYetAnotherLevel: while a new level is being learnt, a smaller jump away
// from it is told.
func TestYetAnotherLevel(t *testing.T) {
	v := noise(3)
	add(v[300:], 60)
	add(v[308:], 20)
	if found := Find(v, Options{Step: 3600}); len(found) < 2 || found[0].Start != 300 || found[1].Start != 308 {
		t.Errorf("%+v", found)
	}
}
