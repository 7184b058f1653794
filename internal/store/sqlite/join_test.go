package sqlite

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall"
)

func TestJoinSeen(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	told := func(id string, minute int, service, version string) pitwall.Change {
		return pitwall.Change{ID: pitwall.ChangeID(id), At: noon.Add(time.Duration(minute) * time.Minute), Kind: pitwall.ChangeDeploy,
			Service: pitwall.ServiceName(service), Version: pitwall.Version(version), SeenBy: pitwall.SeenByWebhook}
	}
	seen := func(minute int, service, version string) pitwall.Change {
		c := told("seen-"+version, minute, service, version)
		c.SeenBy = pitwall.SeenByTelemetry
		return c
	}
	flag := told("flag", 1, "a", "")
	flag.Kind = pitwall.ChangeFlag
	f := func(name string, list []pitwall.Change, want ...string) {
		t.Helper()
		slices.SortStableFunc(list, func(a, b pitwall.Change) int { return a.At.Compare(b.At) })
		var got []string
		for _, c := range joinSeen(list) {
			got = append(got, c.At.Format("15:04 ")+string(c.ID)+" "+string(c.Version)+" "+c.Summary)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	const also = "also seen in telemetry at 2026-03-01T"
	f("nothing", nil)
	f("announced first", []pitwall.Change{told("d", 0, "a", "v2"), seen(29, "a", "v2")}, "12:00 d v2 "+also+"12:29:00Z")
	f("seen first", []pitwall.Change{seen(0, "a", "v2"), told("d", 30, "a", "v2")}, "12:00 d v2 "+also+"12:00:00Z, announced at 2026-03-01T12:30:00Z")
	f("too far apart", []pitwall.Change{seen(0, "a", "v2"), told("d", 31, "a", "v2")}, "12:00 seen-v2 v2 ", "12:31 d v2 ")
	f("another service", []pitwall.Change{seen(0, "a", "v2"), told("d", 1, "b", "v2")}, "12:00 seen-v2 v2 ", "12:01 d v2 ")
	f("another version", []pitwall.Change{seen(0, "a", "v2"), told("d", 1, "a", "v3")}, "12:00 seen-v2 v2 ", "12:01 d v3 ")
	f("another kind", []pitwall.Change{seen(0, "a", "v2"), flag}, "12:00 seen-v2 v2 ", "12:01 flag  ")
	f("the nearest of two", []pitwall.Change{told("far", 0, "a", "v2"), seen(10, "a", "v2"), told("near", 12, "a", "v2")},
		"12:00 far v2 ", "12:10 near v2 "+also+"12:10:00Z, announced at 2026-03-01T12:12:00Z")
	f("no version, but nothing else", []pitwall.Change{told("d", 0, "a", ""), seen(2, "a", "v2")}, "12:00 d v2 "+also+"12:02:00Z")
	f("a version comes before none", []pitwall.Change{told("named", 0, "a", "v2"), told("bare", 19, "a", ""), seen(20, "a", "v2")},
		"12:00 named v2 "+also+"12:20:00Z", "12:19 bare  ")
	f("one announcement, two sightings", []pitwall.Change{told("d", 0, "a", ""), seen(1, "a", "v2"), seen(2, "a", "v3")},
		"12:00 d v2 "+also+"12:01:00Z", "12:02 seen-v3 v3 ")
	f("a short commit", []pitwall.Change{told("d", 0, "a", "f95f852"), seen(1, "a", "f95f852bd8fca8fcc58a9a2d6c842781e32a215e")},
		"12:00 d f95f852bd8fca8fcc58a9a2d6c842781e32a215e "+also+"12:01:00Z")
}

func TestSameVersion(t *testing.T) {
	f := func(want bool, a, b pitwall.Version) {
		t.Helper()
		if sameVersion(a, b) != want || sameVersion(b, a) != want {
			t.Errorf("%q and %q: want %v", a, b, want)
		}
	}
	f(true, "v1.2.3", "1.2.3")
	f(true, "F95F852", "f95f852bd8fc")
	f(false, "f95f85", "f95f852bd8fc") // too short to tell
	f(true, "1234567", "1234567890123456789012345678901234567890")
	f(false, "20260301", "202603011200")
	f(false, "1.2.3-rc", "1.2.3-rc.1")
	f(false, "v41", "v411")
}
