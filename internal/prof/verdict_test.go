package prof

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/pitwall/pitwall"
)

const slowRegexp = "net/http.(*conn).serve;main.checkout;main.price;regexp.(*Regexp).FindString"

// TestSameNeedsSight: nothing stands out in either, but only the longer
// comparison may say that nothing changed.
func TestSameNeedsSight(t *testing.T) {
	s := newService(t, 11)
	short := mustCompare(t, s.windows(8, shop()), s.windows(8, shop()))
	if short.Verdict.Answer != Inconclusive || short.Verdict.More < 1 || short.Sight.More < 1 {
		t.Errorf("eight windows: %+v, %+v; want inconclusive", short.Verdict, short.Sight)
	}
	busy := shop()
	for stack := range busy {
		busy[stack] *= 10
	}
	long := mustCompare(t, s.windows(20, busy), s.windows(20, busy))
	if long.Verdict.Answer != Same || long.Sight.More != 0 || long.Sight.Least > 0.3 || long.Sight.Least < 0.05 {
		t.Errorf("long windows: %+v, %+v; want the same", long.Verdict, long.Sight)
	}
	if !strings.Contains(long.Verdict.Text, "a function of 5 % of the profile is seen once it moves by") {
		t.Errorf("%q does not say how far it saw", long.Verdict.Text)
	}
}

// TestMoreWindowsAreEnough: with as many windows as asked for, the suspect is
// named most of the time. Power is 80 % for the effect seen, which chance made
// larger or smaller than the true one; two thirds is a floor for that.
func TestMoreWindowsAreEnough(t *testing.T) {
	s := newService(t, 12)
	slow := shop()
	slow[slowRegexp] *= 1.2
	asked, settled := 0, 0
	for range 60 {
		base, head := s.windows(8, shop()), s.windows(8, slow)
		v := mustCompare(t, base, head).Verdict
		if v.Answer != Inconclusive || v.Suspect != "main.price" {
			continue
		}
		asked++
		base, head = append(base, s.windows(v.More, shop())...), append(head, s.windows(v.More, slow)...)
		if slices.Contains(named(mustCompare(t, base, head).Frames), "main.price") {
			settled++
		}
	}
	t.Logf("%d of %d settled", settled, asked)
	if asked < 10 || settled*3 < asked*2 {
		t.Errorf("%d of %d suspects settled by the windows asked for", settled, asked)
	}
}

// TestEverythingDearerAlike: a busy machine makes all functions dearer. That is
// said of the whole, and no function is blamed.
func TestEverythingDearerAlike(t *testing.T) {
	blamed := 0
	for seed := range uint64(40) {
		s := newService(t, 100+seed)
		slow := shop()
		for stack := range slow {
			slow[stack] *= 1.5
		}
		d := mustCompare(t, s.windows(12, shop()), s.windows(12, slow))
		blamed += min(1, len(named(d.Frames))+len(named(d.Families)))
		if !d.Whole.Significant || d.Verdict.Answer != Changed || !d.Verdict.Grew {
			t.Errorf("whole %+v, verdict %+v; want grown", d.Whole, d.Verdict)
		}
		if len(named(d.Frames))+len(named(d.Families)) == 0 && !strings.Contains(d.Verdict.Text, "no single function stands out") {
			t.Errorf("verdict %q", d.Verdict.Text)
		}
	}
	if blamed > 4 { // 5 % of 40 is 2
		t.Errorf("%d of 40 comparisons blame a function or a family", blamed)
	}
}

// TestMovedIsNotGrown: renaming a function, or taking one out of another, names
// nobody; a slower one is named for all that.
func TestMovedIsNotGrown(t *testing.T) {
	s := newService(t, 13)
	base := s.windows(12, shop())
	f := func(what, from, to string, factor float64, want ...string) Comparison {
		t.Helper()
		after := map[string]float64{}
		for stack, cost := range shop() {
			if strings.Contains(stack, from) {
				stack, cost = strings.ReplaceAll(stack, from, to), cost*factor
			}
			after[stack] = cost
		}
		d := mustCompare(t, base, s.windows(12, after))
		if got := named(d.Frames); !slices.Equal(got, want) {
			t.Errorf("%s: named %v, want %v; moved %+v", what, got, want, d.Shifts)
		}
		return d
	}
	d := f("renamed", "main.price", "main.priceOf", 1)
	if len(d.Shifts) != 1 || d.Shifts[0].From != "main.price" || d.Shifts[0].To != "main.priceOf" || d.Shifts[0].Under != "main.checkout" {
		t.Errorf("renamed: %+v", d.Shifts)
	}
	if !slices.ContainsFunc(d.Warnings, func(w string) bool { return strings.Contains(w, "main.priceOf does what main.price did before") }) {
		t.Errorf("renamed: warnings %q", d.Warnings)
	}
	f("taken out", "main.price;regexp", "main.price;main.matchCode;regexp", 1)
	f("renamed and slower", "main.price", "main.priceOf", 3, "main.priceOf", "main.price")
}

// TestMutexPerRequest: seconds waited per request, also where most windows saw
// no wait at all, and how often.
func TestMutexPerRequest(t *testing.T) {
	window := func(waits int64, each float64) pitwall.ProfileWindow {
		p := &Profile{Type: pitwall.ProfileMutex, Quantum: each}
		if waits > 0 {
			p.Stacks = []Stack{{Frames: []string{"sync.(*Mutex).Unlock", "main.reserve", "main.main"}, Value: float64(waits) * each}}
		}
		data, err := Encode(p, pitwall.Period{})
		if err != nil {
			t.Fatal(err)
		}
		return pitwall.ProfileWindow{Service: "shop", Type: pitwall.ProfileMutex, Requests: 1000, Data: data}
	}
	var base, head []pitwall.ProfileWindow
	for i := range int64(8) {
		base, head = append(base, window(i%2*10, 0.001)), append(head, window(400+20*(i%3), 0.002))
	}
	d := mustCompare(t, base, head)
	if got := named(d.Frames); len(got) == 0 || got[0] != "main.reserve" || d.Unit != pitwall.UnitSeconds {
		t.Fatalf("named %v in %s, want main.reserve first", got, d.Unit)
	}
	r := d.Frames[0]
	if math.Abs(r.Before-5e-6) > 1e-9 || math.Abs(r.After-0.00083) > 2e-5 {
		t.Errorf("waited %v s a request, then %v; want 5 µs and 0.83 ms", r.Before, r.After)
	}
	if got := named(d.Families); !slices.Equal(got, []string{"lock"}) {
		t.Errorf("families %v", got)
	}
	often, err := Diff(base, head, Options{Count: true})
	if err != nil || often.Unit != pitwall.UnitCount || math.Abs(often.Frames[0].Before-0.005) > 1e-9 {
		t.Errorf("waits a request: %+v, %v", often.Frames, err)
	}
}

// TestHeapIsHeld: what is held does not shrink with more requests.
func TestHeapIsHeld(t *testing.T) {
	window := func(requests int64, cache float64) pitwall.ProfileWindow {
		data, err := Encode(&Profile{Type: pitwall.ProfileHeap, Quantum: 512 << 10, Stacks: []Stack{
			{[]string{"main.remember", "main.main"}, cache * (1 << 20)}, {[]string{"main.load", "main.main"}, 200 << 20},
		}}, pitwall.Period{})
		if err != nil {
			t.Fatal(err)
		}
		return pitwall.ProfileWindow{Service: "shop", Type: pitwall.ProfileHeap, Requests: requests, Data: data}
	}
	var base, head []pitwall.ProfileWindow
	for i := range int64(8) {
		base, head = append(base, window(1000, 50+float64(i%3))), append(head, window(9000, 150+float64(i%3)))
	}
	d := mustCompare(t, base, head)
	if got := named(d.Frames); len(got) != 1 || got[0] != "main.remember" || d.Unit != pitwall.UnitBytes {
		t.Errorf("named %v in %s, want main.remember in bytes", got, d.Unit)
	}
	if !slices.ContainsFunc(d.Warnings, func(w string) bool { return strings.Contains(w, "held at one moment") }) {
		t.Errorf("warnings %q", d.Warnings)
	}
}
