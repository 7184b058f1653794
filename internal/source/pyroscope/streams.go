package pyroscope

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// stream is the series of one service, version and type. Ids are of the sample
// types that make up the type's profile: its cost, then what counts events.
type stream struct {
	service pitwall.ServiceName
	version pitwall.Version
	typ     pitwall.ProfileType
	ids     []string
}

// costs (read-only) say which profile ids hold a type, by the parts that all
// versions of the server and of its agents agree in: name, sample type.
var costs = map[pitwall.ProfileType]measured{
	pitwall.ProfileCPU:       {[]string{"process_cpu"}, "cpu", "samples"},
	pitwall.ProfileAlloc:     {[]string{"memory"}, "alloc_space", "alloc_objects"},
	pitwall.ProfileHeap:      {[]string{"memory"}, "inuse_space", "inuse_objects"},
	pitwall.ProfileMutex:     {[]string{"mutex"}, "delay", "contentions"},
	pitwall.ProfileBlock:     {[]string{"block"}, "delay", "contentions"},
	pitwall.ProfileGoroutine: {[]string{"goroutine", "goroutines"}, "goroutine", "goroutine"},
}

type measured struct {
	names       []string
	cost, count string
}

// typeOf reads an id such as "process_cpu:cpu:nanoseconds:cpu:nanoseconds".
func typeOf(id string) (t pitwall.ProfileType, count, ok bool) {
	parts := strings.Split(id, ":")
	if len(parts) != 5 {
		return "", false, false
	}
	for _, t := range pitwall.ProfileTypes() {
		m := costs[t]
		if slices.Contains(m.names, parts[0]) && (parts[1] == m.cost || parts[1] == m.count) {
			return t, parts[1] != m.cost, true
		}
	}
	return "", false, false
}

// streams asks which series there are.
func (c *Client) streams(ctx context.Context, q pitwall.ProfileQuery) ([]stream, error) {
	var answer struct {
		LabelsSet []struct {
			Labels []labelPair `json:"labels"`
		} `json:"labelsSet"`
	}
	err := c.ask(ctx, "Series", map[string]any{
		"matchers": []string{c.selector(q.Service, q.Version, q.Version == "")}, "labelNames": []string{c.o.ServiceLabel, c.o.VersionLabel, "__profile_type__"},
		"start": millis(q.Period.From), "end": millis(q.Period.To),
	}, &answer)
	if err != nil {
		return nil, err
	}
	var list []stream
	for _, set := range answer.LabelsSet {
		labels := map[string]string{}
		for _, l := range set.Labels {
			labels[l.Name] = l.Value
		}
		t, count, ok := typeOf(labels["__profile_type__"])
		if !ok || q.Type != "" && q.Type != t {
			continue
		}
		s := stream{service: pitwall.ServiceName(labels[c.o.ServiceLabel]), version: pitwall.Version(labels[c.o.VersionLabel]), typ: t}
		i := slices.IndexFunc(list, func(o stream) bool { return o.service == s.service && o.version == s.version && o.typ == s.typ })
		if i < 0 {
			i = len(list)
			list = append(list, s)
		}
		if id := labels["__profile_type__"]; count {
			list[i].ids = append(list[i].ids, id)
		} else {
			list[i].ids = append([]string{id}, list[i].ids...)
		}
	}
	return slices.DeleteFunc(list, func(s stream) bool { _, count, _ := typeOf(s.ids[0]); return count }), nil
}

// selector words what series are meant; anyVersion leaves the version out.
func (c *Client) selector(s pitwall.ServiceName, v pitwall.Version, anyVersion bool) string {
	var parts []string
	if s != "" {
		parts = append(parts, fmt.Sprintf("%s=%q", c.o.ServiceLabel, s))
	}
	if !anyVersion {
		parts = append(parts, fmt.Sprintf("%s=%q", c.o.VersionLabel, v))
	}
	return "{" + strings.Join(parts, ",") + "}"
}
