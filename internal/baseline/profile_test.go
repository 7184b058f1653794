package baseline_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/baseline"
)

// feed observes points every step over days from monday on.
func feed(p *baseline.Profile, from time.Time, days int, step time.Duration, at func(time.Time) float64) time.Time {
	end := from.AddDate(0, 0, days)
	for t := from; t.Before(end); t = t.Add(step) {
		p.Observe(t, at(t))
	}
	return end
}

// office is traffic that is high by day, low at night and lower still at
// weekends, with noise of 3 %.
func office(seed uint64, zone *time.Location) func(time.Time) float64 {
	rng := rand.New(rand.NewPCG(seed, 5))
	return func(t time.Time) float64 { return officeLevel(t.In(zone)) * (1 + 0.03*rng.NormFloat64()) }
}

func officeLevel(t time.Time) float64 {
	v := 100 - 60*math.Cos(2*math.Pi*float64(t.Hour())/24)
	if d := t.Weekday(); d == time.Saturday || d == time.Sunday {
		v *= 0.3
	}
	return v
}

func TestProfileBasisGrows(t *testing.T) {
	p := baseline.NewProfile(baseline.ProfileOptions{})
	at, f := monday, office(1, time.UTC)
	want := func(days int, basis baseline.Basis) {
		t.Helper()
		if got := p.Expected(monday.AddDate(0, 0, 70).Add(10 * time.Hour)).Basis; got != basis {
			t.Errorf("after %d days the basis is %q, want %q", days, got, basis)
		}
	}
	want(0, baseline.BasisNone)
	for day := 1; day <= 20; day++ {
		at = feed(p, at, 1, time.Hour, f)
		p.Observe(at, f(at)) // the next hour closes the day
		switch {
		case day == 1, day == 2:
			want(day, baseline.BasisLevel)
		case day == 4:
			want(day, baseline.BasisDaily)
		case day >= 15:
			want(day, baseline.BasisWeekly)
		}
	}
	if _, ok := baseline.NewProfile(baseline.ProfileOptions{}).Residual(monday, 1); ok {
		t.Error("a residual from a profile that knows nothing")
	}
}

func TestProfileUsesNoSeasonWhereThereIsNone(t *testing.T) {
	weekly := 0
	for seed := range uint64(20) {
		p := baseline.NewProfile(baseline.ProfileOptions{})
		rng := rand.New(rand.NewPCG(seed, 1))
		end := feed(p, monday, 42, time.Hour, func(time.Time) float64 { return 100 + rng.NormFloat64() })
		e := p.Expected(end)
		if e.Basis != baseline.BasisLevel {
			weekly++
		}
		if math.Abs(e.Value-100) > 0.5 || e.Scale < 0.8 || e.Scale > 1.35 {
			t.Errorf("seed %d: %+v of noise around 100 with scale 1", seed, e)
		}
	}
	if weekly > 0 {
		t.Errorf("%d of 20 series of pure noise got a season", weekly)
	}
}

// TestProfileMondays is the complaint every season-blind detector gets.
func TestProfileMondays(t *testing.T) {
	far, points := 0, 0
	for seed := range uint64(20) {
		p := baseline.NewProfile(baseline.ProfileOptions{})
		f := office(seed, time.UTC)
		at := monday
		for week := range 5 {
			for range 7 * 24 {
				v := f(at)
				if z, ok := p.Residual(at, v); week >= 2 && ok {
					points++
					if math.Abs(z) > 4 {
						far++
						if at.Weekday() == time.Monday {
							t.Errorf("seed %d: Monday %s: %.1f scales off", seed, at, z)
						}
					}
				}
				p.Observe(at, v)
				at = at.Add(time.Hour)
			}
		}
	}
	t.Logf("%d of %d residuals beyond 4 in weeks 3 to 5", far, points)
	if far*1000 > points {
		t.Errorf("%d of %d residuals beyond 4 scales", far, points)
	}
}

func TestProfileScaleIsThatOfPoints(t *testing.T) {
	for _, step := range []time.Duration{time.Hour, 15 * time.Minute, time.Minute} {
		p := baseline.NewProfile(baseline.ProfileOptions{})
		rng := rand.New(rand.NewPCG(3, 3))
		f := func(t time.Time) float64 { return officeLevel(t) + 5*rng.NormFloat64() }
		end := feed(p, monday, 56, step, f)
		within, points := 0, 0
		feed(baseline.NewProfile(baseline.ProfileOptions{}), end, 7, step, func(at time.Time) float64 {
			v := f(at)
			e := p.Expected(at)
			if points++; v >= e.Low && v <= e.High {
				within++
			}
			return v
		})
		if share := float64(within) / float64(points); share < 0.98 {
			t.Errorf("every %s: %.3f of the points of a normal week lie within low and high", step, share)
		}
		e := p.Expected(end)
		if e.Scale < 4 || e.Scale > 7 {
			t.Errorf("every %s: scale %.2f of noise 5", step, e.Scale)
		}
	}
}

func TestProfileHoliday(t *testing.T) {
	for _, marked := range []bool{false, true} {
		p := baseline.NewProfile(baseline.ProfileOptions{})
		f := office(1, time.UTC)
		end := feed(p, monday, 28, time.Hour, f)
		if marked {
			p.Exclude(pitwall.Period{From: end, To: end.AddDate(0, 0, 7)})
		}
		before := p.Expected(end.Add(10 * time.Hour))
		end = feed(p, end, 7, time.Hour, func(at time.Time) float64 { return 0.2 * f(at) })
		e := p.Expected(end.Add(10 * time.Hour)) // Monday 10:00 after the holiday
		if math.Abs(e.Value/before.Value-1) > 0.05 {
			t.Errorf("marked %v: after a week of holiday %.1f is expected, before it was %.1f", marked, e.Value, before.Value)
		}
		if z, ok := p.Residual(end.Add(10*time.Hour), officeLevel(end.Add(10*time.Hour))); !ok || math.Abs(z) > 3 {
			t.Errorf("marked %v: the Monday after is %.1f scales off", marked, z)
		}
		if marked && e.N != before.N {
			t.Errorf("a marked week was learnt: %d hours, before %d", e.N, before.N)
		}
	}
}

func TestProfileForgetsMarkedStretch(t *testing.T) {
	p, q := baseline.NewProfile(baseline.ProfileOptions{}), baseline.NewProfile(baseline.ProfileOptions{})
	f, g := office(1, time.UTC), office(1, time.UTC)
	end := feed(p, monday, 21, time.Hour, f)
	feed(q, monday, 21, time.Hour, func(at time.Time) float64 {
		if v := g(at); at.Day() != 16 {
			return v
		}
		return 1e6
	})
	day := time.Date(2026, 6, 16, 0, 0, 0, 0, time.UTC)
	q.Exclude(pitwall.Period{From: day, To: day.AddDate(0, 0, 1)})
	at := end.AddDate(0, 0, 1).Add(12 * time.Hour) // a Tuesday
	if a, b := p.Expected(at), q.Expected(at); b.N != a.N-1 || math.Abs(b.Value/a.Value-1) > 0.05 {
		t.Errorf("expected %+v, after forgetting an incident %+v", a, b)
	}
}

func TestProfileSummerTime(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip("no time zones on this machine: ", err)
	}
	for _, change := range []time.Time{
		time.Date(2026, 3, 29, 0, 0, 0, 0, berlin),  // 23 hours
		time.Date(2026, 10, 25, 0, 0, 0, 0, berlin), // 25 hours
	} {
		p := baseline.NewProfile(baseline.ProfileOptions{Zone: berlin})
		u := baseline.NewProfile(baseline.ProfileOptions{})
		f := office(1, berlin)
		start := change.AddDate(0, 0, -27) // a Monday
		for at := start.UTC(); at.Before(change.AddDate(0, 0, 8)); at = at.Add(15 * time.Minute) {
			v := f(at)
			local := at.In(berlin)
			if z, ok := p.Residual(at, v); ok && at.After(change) && math.Abs(z) > 5 {
				t.Errorf("%s: %.1f scales off", local, z)
			}
			p.Observe(at, v)
			u.Observe(at, v)
		}
		at := change.AddDate(0, 0, 8).Add(8 * time.Hour) // a Monday at 8, the week after next
		zp, _ := p.Residual(at, officeLevel(at))
		zu, _ := u.Residual(at, officeLevel(at))
		if math.Abs(zp) > 2 || math.Abs(zu) < math.Abs(zp) {
			t.Errorf("%s: %.1f scales off by the clock on the wall, %.1f by UTC", at, zp, zu)
		}
		if e := p.Expected(change.AddDate(0, 0, 7).Add(2*time.Hour + 30*time.Minute)); e.Basis != baseline.BasisWeekly {
			t.Errorf("the hour of the change has basis %s", e.Basis)
		}
	}
}

func TestProfileHoldsAgainstSlowBoil(t *testing.T) {
	p := baseline.NewProfile(baseline.ProfileOptions{})
	f := office(1, time.UTC)
	start := feed(p, monday, 28, time.Hour, f)
	p.Hold(start)
	noon := func(t time.Time) time.Time { return t.Add(12 * time.Hour) }
	before := p.Expected(noon(start))
	drift := func(at time.Time) float64 { return f(at) * math.Pow(1.01, at.Sub(start).Hours()/24) }
	end := feed(p, start, 28, time.Hour, drift)
	if diff := cmp.Diff(before, p.Expected(noon(end))); diff != "" {
		t.Errorf("28 days of 1 %% a day moved a held profile: %s", diff)
	}
	if since, ok := p.Held(); !ok || !since.Equal(start) {
		t.Errorf("held since %s, want %s", since, start)
	}
	if z, _ := p.Residual(noon(end), drift(noon(end))); z < 4 {
		t.Errorf("30 %% above the held level is %.1f scales", z)
	}
	atNight := p.Expected(end.AddDate(0, 0, 1)).Value
	if n := p.Rebaseline(end, pitwall.Period{From: end.AddDate(0, 0, -1), To: end}); n != 24 {
		t.Errorf("the new level rests on %d hours, want 24", n)
	}
	got, want := p.Expected(noon(end)).Value/before.Value, math.Pow(1.01, 27.5)
	if math.Abs(got/want-1) > 0.02 {
		t.Errorf("after the plan closed the level is %.3f times the old one, want %.3f", got, want)
	}
	if _, ok := p.Held(); ok {
		t.Error("still held after the plan closed")
	}
	// Night keeps its distance from noon: the shape moved as a whole.
	night := p.Expected(end.AddDate(0, 0, 1)).Value / atNight
	if math.Abs(night/want-1) > 0.03 {
		t.Errorf("the night moved by %.3f, want %.3f", night, want)
	}
}

func TestProfileRebaselineToTheOldLevel(t *testing.T) {
	p := baseline.NewProfile(baseline.ProfileOptions{})
	f := office(1, time.UTC)
	onset := feed(p, monday, 28, time.Hour, f)
	before := p.Expected(onset.Add(12 * time.Hour))
	end := feed(p, onset, 2, time.Hour, func(at time.Time) float64 { return 3 * f(at) })
	p.Hold(onset) // found late: what was learnt since is taken back
	if e := p.Expected(onset.Add(12 * time.Hour)); e.N != before.N || math.Abs(e.Value/before.Value-1) > 0.02 {
		t.Errorf("hold did not take back what was learnt since: %+v, before %+v", e, before)
	}
	if n := p.Rebaseline(end, pitwall.Period{}); n != 0 {
		t.Errorf("%d hours behind a level that was not to move", n)
	}
	end = feed(p, end, 7, time.Hour, f)
	if z, _ := p.Residual(end.Add(12*time.Hour), officeLevel(end.Add(12*time.Hour))); math.Abs(z) > 3 {
		t.Errorf("back at the old level, %.1f scales off", z)
	}
}

func TestProfileOddPoints(t *testing.T) {
	p := baseline.NewProfile(baseline.ProfileOptions{})
	end := feed(p, monday, 15, time.Hour, func(time.Time) float64 { return 0.1 })
	want := p.Expected(end)
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300} {
		p.Observe(end, v)
	}
	p.Observe(monday, 7)                                       // late
	p.Observe(time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC), 7) // no calendar's
	if diff := cmp.Diff(want, p.Expected(end)); diff != "" {
		t.Errorf("points that do not count moved the profile: %s", diff)
	}
	if z, ok := p.Residual(end, 0.1); !ok || math.Abs(z) > 1 {
		t.Errorf("a constant is %v scales off itself", z)
	}
	if z, ok := p.Residual(end, 0.2); !ok || z < 1000 {
		t.Errorf("a constant that doubles is only %v scales off", z)
	}
	if _, ok := p.Residual(end, math.NaN()); ok {
		t.Error("a residual of no number")
	}
}

func FuzzProfile(f *testing.F) {
	f.Add([]byte{1, 2, 3, 255, 0, 7}, int64(1780000000), uint16(3600))
	f.Add([]byte{0, 0, 0, 0, 254, 253, 252}, int64(-1), uint16(1))
	f.Add([]byte("a holiday and a hold"), int64(1<<61), uint16(60000))
	f.Fuzz(func(t *testing.T, data []byte, start int64, step uint16) {
		values := []float64{0, 1, -1, 100, math.NaN(), math.Inf(1), 1e38, -1e38, 5e-324}
		p := baseline.NewProfile(baseline.ProfileOptions{Zone: time.FixedZone("half", 5*3600+1800)})
		at := start
		for i, b := range data {
			at += int64(step) * int64(i%7)
			now := time.Unix(at, 0)
			switch b {
			case 255:
				p.Hold(now)
			case 254:
				p.Rebaseline(now, pitwall.Period{From: now.Add(-24 * time.Hour), To: now})
			case 253:
				p.Exclude(pitwall.Period{From: now.Add(-time.Hour), To: now})
			default:
				p.Observe(now, values[int(b)%len(values)])
			}
			if z, ok := p.Residual(now, 3); ok && math.IsNaN(z) {
				t.Fatalf("residual is no number: %+v", p.Expected(now))
			}
		}
	})
}

func BenchmarkProfileObserve(b *testing.B) {
	for _, step := range []time.Duration{15 * time.Second, time.Minute, time.Hour} {
		b.Run(step.String(), func(b *testing.B) {
			p := baseline.NewProfile(baseline.ProfileOptions{})
			f := office(1, time.UTC)
			at := feed(p, monday, 57, 20*time.Minute, f)
			values := make([]float64, 4096)
			for i := range values {
				values[i] = f(at)
			}
			b.ReportAllocs()
			b.ReportMetric(float64(unsafe.Sizeof(*p)), "B-state")
			for i := 0; b.Loop(); i++ {
				p.Observe(at, values[i%len(values)])
				at = at.Add(step)
			}
		})
	}
}

func BenchmarkProfileResidual(b *testing.B) {
	p := baseline.NewProfile(baseline.ProfileOptions{})
	at := feed(p, monday, 57, 20*time.Minute, office(1, time.UTC))
	b.ReportAllocs()
	for b.Loop() {
		p.Residual(at, 100)
	}
}
