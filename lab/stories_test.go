package lab

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall/lab/shop"
)

// placesOf are the names that --at may choose in a story.
func placesOf(s StoryInfo) []string {
	if len(s.Services) == 0 || s.Name == "checkout" {
		return []string{""}
	}
	return s.Services
}

// TestEveryStoryHidesItsFault: one fault at most, with innocent company before
// and after it, wherever it is put and whatever the seed.
func TestEveryStoryHidesItsFault(t *testing.T) {
	for _, s := range Stories() {
		if s.Name == "checkout" || s.Name == "quiet" {
			continue // their timelines are older and fixed
		}
		for _, at := range placesOf(s) {
			for seed := range uint64(12) {
				told, err := story(s.Name, seed, at)
				if err != nil {
					t.Fatal(err)
				}
				checkTelling(t, fmt.Sprintf("%s at %q, seed %d", s.Name, at, seed), s, told)
			}
		}
	}
}

func checkTelling(t *testing.T, name string, s StoryInfo, told telling) {
	t.Helper()
	var faults, before, after, flips int
	i := slices.IndexFunc(told.steps, func(x step) bool { return x.class != "" })
	versions := map[string]bool{}
	for _, x := range told.steps {
		if x.class != "" {
			faults++
			if x.class != s.Class || x.at < s.Onset || x.at+x.late+badFor > s.Needs+5e9 {
				t.Errorf("%s: the fault is %q at %s, %s late", name, x.class, x.at, x.late)
			}
		}
		if x.deploy != nil {
			if v := x.deploy.Service + x.deploy.Version; versions[v] {
				t.Errorf("%s: %s is deployed twice", name, v)
			} else {
				versions[v] = true
			}
		}
		switch {
		case x.class != "" || i < 0:
		case x.deploy != nil && x.at < told.steps[i].at:
			before++
		case x.deploy != nil:
			after++
			if x.deploy.Service == told.truth.Service {
				t.Errorf("%s: a later deploy restarts the service at fault", name)
			}
		case x.flag != nil:
			flips++
		}
	}
	if s.Quiet {
		if faults != 0 || told.truth.Class != "none" {
			t.Errorf("%s: a quiet story has %d faults of class %q", name, faults, told.truth.Class)
		}
		return
	}
	if faults != 1 || before < 3 || after < 1 || flips < 1 {
		t.Errorf("%s: %d faults, %d deploys before, %d after, %d flips", name, faults, before, after, flips)
	}
}

// TestAThirdComesLate: of the faults that are deployed.
func TestAThirdComesLate(t *testing.T) {
	late, all := 0, 0
	for seed := range uint64(30) {
		told, err := story("cpu", seed, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range told.steps {
			if s.class == "" {
				continue
			}
			all++
			if s.late > 0 {
				late++
				if s.late < 20e9 || s.late > mostLate || s.deploy.Config[refreshKey] != itoa(int(s.late.Seconds())) {
					t.Errorf("seed %d: late by %s with %v", seed, s.late, s.deploy.Config)
				}
			}
		}
	}
	if all != 30 || late != 10 {
		t.Errorf("%d of %d come late, want a third", late, all)
	}
}

// TestEveryFaultyVersionIsARelease: a deploy that only announces code must find
// its code in the shop, and one that announces settings must have some.
func TestEveryFaultyVersionIsARelease(t *testing.T) {
	for _, f := range faults() {
		for _, p := range f.places {
			if p.kind != "deploy" || p.churn > 0 {
				continue
			}
			plain := shop.DefaultFlags(p.patch.service, "")
			if cmp.Equal(shop.DefaultFlags(p.patch.service, p.patch.version), plain) && len(p.patch.config) == 0 {
				t.Errorf("%s at %s: version %s does nothing", f.name, p.service, p.patch.version)
			}
		}
	}
}

func TestSeedsVisitEveryPlace(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(60) {
		told, err := story("exception", seed, "")
		if err != nil {
			t.Fatal(err)
		}
		seen[told.truth.Service] = true
	}
	if len(seen) != len(exceptionPlaces()) {
		t.Errorf("sixty seeds visited %v", seen)
	}
	if _, err := story("cpu", 1, "orders"); err == nil || !strings.Contains(err.Error(), "payment, auth, inventory, checkout") {
		t.Errorf("an impossible place: %v", err)
	}
	if _, err := story("deploys", 1, "orders"); err == nil {
		t.Error("a quiet story was put somewhere")
	}
}

// TestTheOldStoriesKeepTheirTimeline: the flagship is what the demo tells.
func TestTheOldStoriesKeepTheirTimeline(t *testing.T) {
	told, err := story("checkout", 1, "")
	if err != nil {
		t.Fatal(err)
	}
	if told.rps != 66 || !cmp.Equal(told.stage, oldShop(), cmp.AllowUnexported(stage{})) || told.stage.linkRate != 265_000 {
		t.Errorf("the flagship plays at %g per second on %+v", told.rps, told.stage)
	}
	fault := told.steps[2]
	if fault.at != 115e9 || fault.deploy.Version != "v41" || fault.deploy.Config[shop.FullDetails] != "true" || fault.deploy.Diff != "" {
		t.Errorf("the flagship's fault is %+v", fault.deploy)
	}
}
