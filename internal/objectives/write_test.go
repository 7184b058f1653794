package objectives

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// chooser makes objectives that Pitwall may have.
type chooser struct {
	*rand.Rand
	t *testing.T
	n int
}

func pick[T any](c *chooser, from ...T) T { return from[c.IntN(len(from))] }

func (c *chooser) indicator(service pitwall.ServiceName) pitwall.SLI {
	q := func(v pitwall.SLIQuery) *pitwall.SLIQuery { return &v }
	sli := pick(c,
		pitwall.SLI{Kind: pitwall.SLIAvailability},
		pitwall.SLI{Kind: pitwall.SLIAvailability, Operation: "POST /a: {b} #c"},
		pitwall.SLI{Kind: pitwall.SLILatency, Operation: "yes", Threshold: time.Duration(1+c.IntN(5000)) * time.Millisecond},
		pitwall.SLI{Kind: pitwall.SLIEvents, Query: q(pitwall.SLIQuery{Good: `sum(rate(ok{code=~"2.."}[{{.window}}]))`, Total: "sum(rate(all[{{.window}}]))"})},
		pitwall.SLI{Kind: pitwall.SLIEvents, Query: q(pitwall.SLIQuery{Bad: "bad_total", Total: "all_total\n  # comment\n+ other_total"})},
		pitwall.SLI{Kind: pitwall.SLIRatio, Query: q(pitwall.SLIQuery{Ratio: "a:ratio", RatioOfBad: c.IntN(2) == 0})},
		pitwall.SLI{Kind: pitwall.SLIValue, Query: q(pitwall.SLIQuery{Value: "up", Op: pick(c, pitwall.Less, pitwall.LessEqual, pitwall.Greater, pitwall.GreaterEqual), Limit: pick(c, 0, -1.5, 1e-9, 3e9)})})
	sli.Service = service
	return sli
}

func (c *chooser) tiers(s *pitwall.SLO) {
	if c.IntN(2) == 0 {
		s.Preset = "custom-" + string(s.Name)
		s.Tiers = []pitwall.BurnTier{
			{Name: "a", Factor: 1 + float64(c.IntN(900))/1000, Long: time.Duration(2+c.IntN(50)) * time.Hour, Short: time.Duration(1+c.IntN(3600)) * time.Second, Action: pitwall.ActionPage, OpensPlan: c.IntN(2) == 0, Halt: pick(c, pitwall.HaltNone, pitwall.HaltAll), MinBad: c.Uint64N(9)},
			{Name: "b", When: pitwall.WhenSpent, Percent: 10, Of: pitwall.OfDay, Action: pitwall.ActionInform, Alpha: 0.05},
		}
		return
	}
	tiers, err := slo.Preset(slo.DefaultPreset, s.Window)
	if err != nil {
		c.t.Fatal(err)
	}
	s.Preset, s.Tiers = slo.DefaultPreset, worstFirst(tiers)
}

func (c *chooser) objective() pitwall.SLO {
	c.n++
	s := pitwall.SLO{
		Name: pitwall.SLOName(fmt.Sprintf("slo-%d", c.n)), DisplayName: pick(c, "", "Answers: quickly", "no", "Grüße 1:2"), Description: pick(c, "", "one\ntwo", "- 'x' \"y\""),
		Service: pick[pitwall.ServiceName](c, "shop", "pay"), Target: pitwall.Ratio(pick(c, 0.999, 0.9995, 0.9999, 0.9990000000000001)),
		Window: pick(c, 30*24*time.Hour, 28*24*time.Hour, 12*time.Hour+7*time.Minute, 90*time.Hour), Owner: pick(c, "", "team-a"), Runbook: pick(c, "", "https://wiki.example/x?y=1#z"),
	}
	if c.IntN(3) == 0 {
		s.Labels = map[string]string{"env": "prod", "team": "a,b", "n": "1"}
	}
	if c.IntN(3) == 0 {
		zone := pick(c, "UTC", "America/New_York", "Asia/Kathmandu")
		loc, err := time.LoadLocation(zone)
		if err != nil {
			c.t.Fatal(err)
		}
		s.Calendar = &pitwall.Calendar{Unit: pick(c, pitwall.Day, pitwall.Week, pitwall.Month, pitwall.Quarter), Count: 1 + c.IntN(4), Zone: zone, Start: time.Date(2026, 1, 31, 12, 30, 5, 0, loc)}
		s.Window = slo.Nominal(s.Calendar.Unit, s.Calendar.Count)
	}
	switch c.IntN(4) {
	case 0:
		s.Budgeting, s.Slices = pitwall.Timeslices, &pitwall.Slices{Length: pick(c, time.Minute, time.Hour), Target: 0.95, Empty: pick(c, pitwall.EmptyExcluded, pitwall.EmptyBad)}
	case 1:
		s.Budgeting, s.Slices = pitwall.RatioTimeslices, &pitwall.Slices{Length: 5 * time.Minute, Empty: pitwall.EmptyGood}
	}
	s.SLI = c.indicator(s.Service)
	s.SLI.Standard = pick(c, "", "", "availability")
	c.tiers(&s)
	return s
}

// composite turns an objective into one of members like it.
func (c *chooser) composite() []pitwall.SLO {
	whole := c.objective()
	method := pick(c, pitwall.CompositeWeighted, pitwall.CompositeJourney)
	if whole.Budgeting == pitwall.Timeslices {
		method = pick(c, method, pitwall.CompositeSlices)
	}
	whole.SLI = pitwall.SLI{Kind: pitwall.SLIComposite, Service: whole.Service, Composite: &pitwall.Composite{Method: method}}
	list := []pitwall.SLO{whole}
	for i, name := range []string{"Browse it", "", "pay"} {
		m := whole
		m.Name = whole.Name + pitwall.SLOName(pick(c, "-browse-it", "-1", "-pay"))
		switch i {
		case 0:
			m.Name = whole.Name + "-browse-it"
		case 1:
			m.Name = whole.Name + "-1"
		case 2:
			m.Name = whole.Name + "-pay"
		}
		m.DisplayName, m.Description, m.PartOf, m.SLI, m.Tiers = name, "", whole.Name, c.indicator(whole.Service), informing(whole.Tiers)
		whole.SLI.Composite.Members = append(whole.SLI.Composite.Members, pitwall.Member{SLO: m.Name, Weight: float64(1+c.IntN(40)) / 4})
		list = append(list, m)
	}
	return list
}

// TestWriteReadsBack: property: what is written reads back as it was.
func TestWriteReadsBack(t *testing.T) {
	for seed := range uint64(150) {
		c := &chooser{Rand: rand.New(rand.NewPCG(seed, 4)), t: t}
		want := append(c.composite(), c.objective(), c.objective())
		text, err := Write(want)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		set, err := Parse(Options{Strict: true}, File{"x.yaml", text})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		for i := range set.SLOs {
			set.SLOs[i].Source, set.SLOs[i].YAML = "", ""
		}
		if diff := cmp.Diff(want, set.SLOs); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s\n%s", seed, diff, text)
		}
		again, err := Write(set.SLOs)
		if err != nil || string(again) != string(text) {
			t.Fatalf("seed %d: writing again differs, %v", seed, err)
		}
	}
}

// TestWriteKeepsWhatWasDropped: the way in which tiers became what they are is
// found again.
func TestWriteKeepsWhatWasDropped(t *testing.T) {
	for _, mode := range []string{"drop", "clamp"} {
		s, _ := objective{annotations: "pitwall.dev/unreachable-tiers: " + mode, goals: "{target: 0.9}"}.one(t)
		text, err := Write([]pitwall.SLO{s})
		if err != nil || !strings.Contains(string(text), "unreachable-tiers: "+mode) || strings.Contains(string(text), KindBurnPolicy) {
			t.Errorf("%s: %v\n%s", mode, err, text)
		}
	}
}

// TestWriteOfForeignTiers: equal tiers become one policy.
func TestWriteOfForeignTiers(t *testing.T) {
	c := &chooser{Rand: rand.New(rand.NewPCG(1, 1)), t: t}
	a := c.objective()
	a.Preset, a.Tiers = "", []pitwall.BurnTier{{Name: "single", Factor: 1.5, Long: time.Hour, Action: pitwall.ActionTicket}}
	b := a
	b.Name = "another"
	text, err := Write([]pitwall.SLO{a, b})
	if err != nil {
		t.Fatal(err)
	}
	set, err := Parse(Options{}, File{"x.yaml", text})
	if err != nil || len(set.Presets) != 1 || len(set.SLOs) != 2 {
		t.Fatalf("%v\n%s", err, text)
	}
	if got := set.SLOs[1].Tiers[0]; got.Short != time.Hour || got.Factor != 1.5 {
		t.Errorf("a single window reads back as %+v", got)
	}
}

func TestWriteRefuses(t *testing.T) {
	c := &chooser{Rand: rand.New(rand.NewPCG(2, 1)), t: t}
	f := func(words string, change func(*pitwall.SLO)) {
		t.Helper()
		s := c.objective()
		s.Calendar = nil
		change(&s)
		_, err := Write([]pitwall.SLO{s})
		if pitwall.KindOf(err) != pitwall.Invalid || !strings.Contains(err.Error(), words) || pitwall.HintOf(err) == "" {
			t.Errorf("%v, want %s", err, words)
		}
	}
	f("lower-case", func(s *pitwall.SLO) { s.Name = "A b" })
	f("service is missing", func(s *pitwall.SLO) { s.Service = "" })
	f("between 0 and 1", func(s *pitwall.SLO) { s.Target = 1 })
	f("no number of minutes", func(s *pitwall.SLO) { s.Window = 90 * time.Second })
	f("cannot be written", func(s *pitwall.SLO) { s.SLI = pitwall.SLI{Kind: pitwall.SLIEvents} })
	f("no tiers", func(s *pitwall.SLO) { s.Preset, s.Tiers = "x", nil })
	f("not among what is written", func(s *pitwall.SLO) {
		s.SLI = pitwall.SLI{Kind: pitwall.SLIComposite, Composite: &pitwall.Composite{Method: "weighted", Members: []pitwall.Member{{SLO: "gone", Weight: 1}}}}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(checkout(f)))
	f.Add([]byte(burnPolicy))
	f.Add([]byte(objective{rest: policies}.text()))
	f.Add([]byte("apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: a}\nspec: {service: s, timeWindow: [{}], objectives: [{}]}\n"))
	f.Add([]byte("- &a [*a]\n"))
	f.Add([]byte(`[{"apiVersion":"openslo.com/v2alpha","kind":"SLO","metadata":{"name":"a"},"spec":{"sli":{"spec":{"ratioMetric":{"good":{}}}},"objectives":[{"sli":null}]}}]`))
	f.Add([]byte("apiVersion: openslo/v1alpha\nkind: SLO\nmetadata: {name: a}\nspec: {objectives: [{ratioMetrics: {good: x}}], timeWindows: [{unit: Second, count: 60}]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, err := Parse(Options{}, File{"x.yaml", data})
		for _, fault := range Faults(err) {
			if pitwall.KindOf(fault) != pitwall.Invalid {
				t.Errorf("kind of %v", fault)
			}
		}
		for _, s := range set.SLOs {
			if !(s.Target > 0 && s.Target < 1) || s.Window <= 0 || s.Name == "" || s.Service == "" {
				t.Errorf("accepted an objective that cannot be counted: %+v", s)
			}
		}
		slices.Reverse(set.SLOs)
		_, _ = Write(set.SLOs) // may refuse, must not break
	})
}

// BenchmarkRead measures reading one objective among a thousand.
func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "---\n%s", strings.Replace(objective{}.text(), "name: a,", fmt.Sprintf("name: a-%d,", i), 1))
	}
	data := []byte(text.String())
	b.ResetTimer()
	for range b.N {
		if set, err := Parse(Options{}, File{"x.yaml", data}); err != nil || len(set.SLOs) != 1000 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/objective")
}
