package record

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// The small form of profiles. A window of the shop is 2.7 kB as it was taken,
// nearly all of it names of functions; 1.4 kB in this form.
const (
	smallWindows  = 8    // of each side: the fewest that can be compared as replicates
	smallServices = 1    // of allocations and blocking, the service with most of them
	smallTail     = 0.01 // of a window: stacks below it are told by their outermost frame
	shopModule    = "github.com/pitwall/pitwall/"
)

// fewer merges neighbours until each service, kind and side has about
// smallWindows of them, and drops those that lie on the border between the
// sides. Of allocations and blocking only the biggest service stays.
func fewer(shots []shot, ps periods) ([]shot, error) {
	type key struct {
		service, kind string
		after         bool
	}
	big := biggest(shots)
	sides := map[key][]shot{}
	var order []key
	for _, s := range shots {
		if s.from.Before(ps.baseline.to) && s.to.After(ps.baseline.to) || !big(s) {
			continue
		}
		k := key{s.service, s.kind, !s.from.Before(ps.baseline.to)}
		if sides[k] == nil {
			order = append(order, k)
		}
		sides[k] = append(sides[k], s)
	}
	var out []shot
	for _, k := range order {
		list := sides[k]
		spare := max(0, len(list)-smallWindows) // each merge of two takes one away
		for len(list) > 0 {
			n := 1
			for n <= spare && n < len(list) && list[n].version == list[0].version && n < 1+(len(sides[k])-1)/smallWindows {
				n++
			}
			one, err := joined(list[:n])
			if err != nil {
				return nil, err
			}
			spare -= n - 1
			out, list = append(out, one), list[n:]
		}
	}
	return out, nil
}

// biggest says whether a shot belongs to the services with most of its kind per
// second. All services stay for processor time, which every class shows in, and
// for locks, which weigh nothing.
func biggest(shots []shot) func(shot) bool {
	type key struct{ kind, service string }
	cost := map[key]float64{}
	services := map[string][]string{}
	for _, s := range shots {
		k := key{s.kind, s.service}
		if _, ok := cost[k]; !ok {
			services[s.kind] = append(services[s.kind], s.service)
		}
		cost[k] = max(cost[k], float64(total(s.prof))/s.to.Sub(s.from).Seconds())
	}
	for kind, names := range services {
		slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(cost[key{kind, b}], cost[key{kind, a}]) })
	}
	return func(s shot) bool {
		if s.kind == "cpu" || s.kind == "mutex" {
			return true
		}
		return slices.Index(services[s.kind], s.service) < smallServices
	}
}

// total is a profile's cost: of its last sample type, as everywhere in Go.
func total(p *profile.Profile) int64 {
	var sum int64
	for _, s := range p.Sample {
		sum += s.Value[len(s.Value)-1]
	}
	return sum
}

// joined adds windows of one version up and makes the sum small.
func joined(list []shot) (shot, error) {
	out := list[0]
	out.requests, out.to = 0, list[len(list)-1].to
	var ps []*profile.Profile
	for _, s := range list {
		out.requests += s.requests
		ps = append(ps, s.prof)
	}
	p, err := profile.Merge(ps)
	if err != nil {
		return out, fmt.Errorf("merging profiles: %w", err)
	}
	out.prof, err = smaller(p, out.kind != "cpu")
	return out, err
}

// smaller tells each stack with fewer frames. Of neighbours in one package of a
// library the outermost stays; the shop's own frames all stay. With tail, stacks
// that cost next to nothing become their outermost frame, so that the sum is
// still true.
func smaller(p *profile.Profile, tail bool) (*profile.Profile, error) {
	least := int64(0)
	if tail {
		least = int64(smallTail * float64(total(p)))
	}
	for _, s := range p.Sample {
		if s.Value[len(s.Value)-1] < least {
			s.Location = s.Location[len(s.Location)-1:]
		}
		var keep []*profile.Location // outermost first
		last := ""
		for _, l := range slices.Backward(s.Location) {
			here := packageOf(l)
			if here != last || strings.HasPrefix(here, shopModule) {
				keep = append(keep, l)
			}
			last = here
		}
		slices.Reverse(keep)
		s.Location = keep
	}
	for _, f := range p.Function {
		f.SystemName = "" // the same name again
	}
	out, err := profile.Merge([]*profile.Profile{p})
	if err != nil {
		return nil, fmt.Errorf("making a profile small: %w", err)
	}
	return out, nil
}

// packageOf is the import path of a location's function: up to the first dot
// behind the last slash.
func packageOf(l *profile.Location) string {
	if len(l.Line) == 0 || l.Line[0].Function == nil {
		return ""
	}
	name := l.Line[0].Function.Name
	head, _, _ := strings.Cut(name, "[") // type parameters hold paths of their own
	slash := strings.LastIndex(head, "/") + 1
	path, _, _ := strings.Cut(head[slash:], ".")
	return head[:slash] + path
}
