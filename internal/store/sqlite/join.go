package sqlite

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// joinWithin is how far apart the announcement of a deploy and the first
// telemetry of its version may lie.
const joinWithin = 30 * time.Minute

// joinSeen makes one change of a deploy that was announced and whose version was
// seen in telemetry, whichever came first. The announced one stays, because it
// says what changed; it gets the earlier of both times, because it acted from
// then on, and the version as telemetry names it, because that is how requests
// are told apart. The list is sorted by time, and so is the result.
func joinSeen(list []pitwall.Change) []pitwall.Change {
	announced := map[pitwall.ServiceName][]int{} // places of deploys
	for i, c := range list {
		if c.Kind == pitwall.ChangeDeploy && c.SeenBy != pitwall.SeenByTelemetry {
			announced[c.Service] = append(announced[c.Service], i)
		}
	}
	joined, gone := map[int]bool{}, map[int]bool{}
	for i, seen := range list {
		if seen.Kind != pitwall.ChangeDeploy || seen.SeenBy != pitwall.SeenByTelemetry {
			continue
		}
		free := slices.DeleteFunc(slices.Clone(announced[seen.Service]), func(k int) bool { return joined[k] })
		if k := fitting(list, free, seen); k >= 0 {
			joined[k], gone[i] = true, true
			list[k] = alsoSeen(list[k], seen)
		}
	}
	kept := list[:0]
	for i, c := range list {
		if !gone[i] {
			kept = append(kept, c)
		}
	}
	slices.SortStableFunc(kept, func(a, b pitwall.Change) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(string(a.ID), string(b.ID)))
	})
	return kept
}

// fitting finds the announcement of what was seen: of the same version, else one
// that names no version; of several the nearest in time. -1: none.
func fitting(list []pitwall.Change, places []int, seen pitwall.Change) int {
	best, least := -1, 2*joinWithin
	for _, k := range places {
		apart := list[k].At.Sub(seen.At).Abs()
		switch {
		case apart > joinWithin || list[k].Version != "" && !sameVersion(list[k].Version, seen.Version):
			continue
		case list[k].Version == "":
			apart += joinWithin // any that names the version comes before it
		}
		if best < 0 || apart < least {
			best, least = k, apart
		}
	}
	return best
}

// sameVersion says whether two names mean one version: v1.2 is 1.2, and a commit
// may be shortened to seven digits and more.
func sameVersion(a, b pitwall.Version) bool {
	x, y := strings.ToLower(string(a)), strings.ToLower(string(b))
	if strings.TrimPrefix(x, "v") == strings.TrimPrefix(y, "v") {
		return true
	}
	if len(x) > len(y) {
		x, y = y, x
	}
	hex := strings.Trim(y, "0123456789abcdef") == "" && (len(y) == 40 || strings.ContainsAny(x, "abcdef")) // no build number, no date
	return len(x) >= 7 && hex && strings.HasPrefix(y, x)
}

func alsoSeen(c, seen pitwall.Change) pitwall.Change {
	note := fmt.Sprintf("also seen in telemetry at %s", seen.At.UTC().Format(time.RFC3339))
	if seen.At.Before(c.At) {
		note += fmt.Sprintf(", announced at %s", c.At.UTC().Format(time.RFC3339))
		c.At = seen.At
	}
	if c.Summary == "" {
		c.Summary = note
	} else {
		c.Summary += " (" + note + ")"
	}
	c.Version = seen.Version
	c.PreviousVersion = cmp.Or(c.PreviousVersion, seen.PreviousVersion)
	return c
}
