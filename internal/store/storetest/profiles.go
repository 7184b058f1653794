package storetest

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

// RunProfiles checks the contract of pitwall.ProfileReader. open gives a reader of
// a new, empty place that has been given these windows, each of which lies inside
// a minute that begins at a whole one. Readers may cut time into windows of their
// own, so the suite asks for whole minutes, and for what all windows together say.
func RunProfiles(t *testing.T, open func(t *testing.T, windows []pitwall.ProfileWindow) pitwall.ProfileReader) {
	for name, f := range map[string]func(*testing.T, pitwall.ProfileReader){
		"Selects":          profilesSelect,
		"Order":            profilesOrder,
		"WindowsLieInside": profilesInside,
		"NoData":           profilesNone,
		"CancelledContext": profilesCancelled,
	} {
		t.Run(name, func(t *testing.T) { f(t, open(t, profileWindows(t))) })
	}
}

// minutes is a period of so many minutes, counted from noon.
func minutes(from, to int) pitwall.Period {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return pitwall.Period{From: noon.Add(time.Duration(from) * time.Minute), To: noon.Add(time.Duration(to) * time.Minute)}
}

// profileWindows are four minutes of two versions of checkout, one of edge.
func profileWindows(t *testing.T) []pitwall.ProfileWindow {
	t.Helper()
	var all []pitwall.ProfileWindow
	add := func(s pitwall.ServiceName, v pitwall.Version, typ pitwall.ProfileType, minute int, function string, cost float64) {
		p := minutes(minute, minute+1)
		p = pitwall.Period{From: p.From.Add(10 * time.Second), To: p.From.Add(25 * time.Second)}
		data, err := prof.Encode(&prof.Profile{Type: typ, Quantum: 0.01, Stacks: []prof.Stack{
			{Frames: []string{function, "main.serve"}, Value: cost}, {Frames: []string{"main.other", "main.serve"}, Value: 1},
		}}, p)
		must(t, err)
		all = append(all, pitwall.ProfileWindow{Service: s, Version: v, Instance: "i-1", Type: typ, Period: p, Data: data})
	}
	for minute := range 2 {
		add("checkout", "v1", pitwall.ProfileCPU, minute, "main.pay", 2)
		add("checkout", "v2", pitwall.ProfileCPU, 2+minute, "main.pay", 4)
	}
	add("checkout", "v2", pitwall.ProfileMutex, 2, "main.lock", 0.5)
	add("checkout", "v2", pitwall.ProfileAlloc, 2, "main.grow", 1<<20)
	add("edge", "v7", pitwall.ProfileCPU, 2, "main.route", 8)
	return all
}

// cost is what a function cost in all windows together.
func cost(t *testing.T, ws []pitwall.ProfileWindow, function string) float64 {
	t.Helper()
	sum := 0.0
	for _, w := range ws {
		p, err := prof.Parse(w.Data, w.Type)
		must(t, err)
		for _, s := range p.Stacks {
			if s.Frames[0] == function {
				sum += s.Value
			}
		}
	}
	return sum
}

func askProfiles(t *testing.T, r pitwall.ProfileReader, q pitwall.ProfileQuery) []pitwall.ProfileWindow {
	t.Helper()
	ws, err := r.Profiles(t.Context(), q)
	must(t, err)
	return ws
}

func profilesSelect(t *testing.T, r pitwall.ProfileReader) {
	f := func(q pitwall.ProfileQuery, function string, want float64) {
		t.Helper()
		ws := askProfiles(t, r, q)
		if got := cost(t, ws, function); math.Abs(got-want) > want*1e-6 {
			t.Errorf("%+v: %s costs %v in %d windows, want %v", q, function, got, len(ws), want)
		}
		for _, w := range ws {
			if w.Service != q.Service && q.Service != "" || w.Version != q.Version && q.Version != "" || w.Type != q.Type && q.Type != "" {
				t.Errorf("%+v: a window of %s %s %s", q, w.Service, w.Version, w.Type)
			}
		}
	}
	cpu := func(s pitwall.ServiceName, v pitwall.Version, p pitwall.Period) pitwall.ProfileQuery {
		return pitwall.ProfileQuery{Service: s, Version: v, Type: pitwall.ProfileCPU, Period: p}
	}
	f(cpu("checkout", "", minutes(0, 4)), "main.pay", 12)
	f(cpu("checkout", "", minutes(1, 3)), "main.pay", 6)
	f(cpu("checkout", "v1", minutes(0, 4)), "main.pay", 4)
	f(cpu("checkout", "v2", minutes(0, 4)), "main.pay", 8)
	f(cpu("checkout", "v2", minutes(0, 2)), "main.pay", 0)
	f(cpu("edge", "", minutes(0, 4)), "main.pay", 0)
	f(cpu("edge", "", minutes(0, 4)), "main.route", 8)
	f(cpu("", "", minutes(2, 3)), "main.other", 2)
	f(pitwall.ProfileQuery{Service: "checkout", Type: pitwall.ProfileMutex, Period: minutes(0, 4)}, "main.lock", 0.5)
	f(pitwall.ProfileQuery{Service: "checkout", Type: pitwall.ProfileAlloc, Period: minutes(0, 4)}, "main.grow", 1<<20)
	f(pitwall.ProfileQuery{Service: "checkout", Period: minutes(2, 3)}, "main.grow", 1<<20)
	f(pitwall.ProfileQuery{Service: "checkout", Period: minutes(2, 3)}, "main.pay", 4)
}

// profilesOrder: oldest first, and each window knows its version.
func profilesOrder(t *testing.T, r pitwall.ProfileReader) {
	ws := askProfiles(t, r, pitwall.ProfileQuery{Service: "checkout", Type: pitwall.ProfileCPU, Period: minutes(0, 4)})
	if len(ws) < 2 {
		t.Fatalf("%d windows: nothing to compare", len(ws))
	}
	for i, w := range ws {
		if i > 0 && w.Period.From.Before(ws[i-1].Period.From) {
			t.Errorf("window %d begins before the one in front of it", i)
		}
		want := pitwall.Version("v1")
		if !w.Period.From.Before(minutes(2, 3).From) {
			want = "v2"
		}
		if w.Version != want {
			t.Errorf("window of %v has version %q, want %q", w.Period, w.Version, want)
		}
	}
}

func profilesInside(t *testing.T, r pitwall.ProfileReader) {
	asked := minutes(1, 4)
	ws := askProfiles(t, r, pitwall.ProfileQuery{Service: "checkout", Type: pitwall.ProfileCPU, Period: asked})
	if len(ws) == 0 {
		t.Fatal("no windows")
	}
	for _, w := range ws {
		if w.Period.From.Before(asked.From) || w.Period.To.After(asked.To) || !w.Period.From.Before(w.Period.To) {
			t.Errorf("window %v does not lie inside %v", w.Period, asked)
		}
	}
}

// profilesNone: nothing is no error, and no empty windows either.
func profilesNone(t *testing.T, r pitwall.ProfileReader) {
	for _, q := range []pitwall.ProfileQuery{
		{Service: "nobody", Type: pitwall.ProfileCPU, Period: minutes(0, 4)},
		{Service: "checkout", Version: "v9", Type: pitwall.ProfileCPU, Period: minutes(0, 4)},
		{Service: "checkout", Type: pitwall.ProfileBlock, Period: minutes(0, 4)},
		{Service: "checkout", Type: pitwall.ProfileCPU, Period: minutes(-60, -50)},
	} {
		if ws := askProfiles(t, r, q); len(ws) != 0 {
			t.Errorf("%+v: %d windows, want none", q, len(ws))
		}
	}
}

func profilesCancelled(t *testing.T, r pitwall.ProfileReader) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Profiles(ctx, pitwall.ProfileQuery{Service: "checkout", Type: pitwall.ProfileCPU, Period: minutes(0, 4)})
	kind(t, pitwall.Unavailable, err)
}
