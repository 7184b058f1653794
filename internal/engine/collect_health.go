package engine

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

var _ pitwall.Health = (*Collector)(nil)

// collectName is what the collector is called in the list of sources.
const collectName = "objectives"

// groupsShown bounds how many kinds of trouble Health names.
const groupsShown = 20

// note keeps how an objective fared.
func (k *Collector) note(j job, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	before, was := len(k.failed), k.failed[j.slo.Name]
	if err == nil {
		delete(k.failed, j.slo.Name)
		if j.period.To.After(k.latest) {
			k.latest = j.period.To
		}
	} else {
		k.failed[j.slo.Name] = err
	}
	var d *Defect
	switch {
	case k.c.Log == nil:
	case errors.As(err, &d) && !errors.As(was, new(*Defect)): // when it begins
		k.c.Log.Error("A defect of Pitwall ended a piece of work", "doing", "counting objective", "of", j.slo.Name, "panic", fmt.Sprint(d.What), "stack", string(d.Stack))
	case before == 0 && err != nil:
		k.c.Log.Warn("An objective cannot be counted", "slo", j.slo.Name, "err", err)
	case before > 0 && len(k.failed) == 0:
		k.c.Log.Info("All objectives are counted again")
	}
}

// Health says whether all objectives are counted, and for each kind of trouble
// which are not, and why.
func (k *Collector) Health() []pitwall.SourceHealth {
	k.mu.Lock()
	failed, latest, behind := maps.Clone(k.failed), k.latest, k.behind
	k.mu.Unlock()
	if len(k.list) == 0 && len(failed) == 0 {
		return nil
	}
	all := pitwall.SourceHealth{Name: collectName, Signal: pitwall.SignalMetrics, Up: len(failed) == 0, LastSeen: latest, Accepted: k.events.Load()}
	switch {
	case len(failed) > 0:
		all.Message = fmt.Sprintf("%d of %d objectives cannot be counted", len(failed), len(k.counted()))
		all.Blind = "the budgets and alerts of these objectives"
	case behind > 0:
		all.Message = fmt.Sprintf("%d objectives are still being counted from history", behind)
	}
	list := []pitwall.SourceHealth{all}
	groups := troubles(failed)
	for _, g := range groups[:min(len(groups), groupsShown)] {
		list = append(list, pitwall.SourceHealth{Name: collectName + "/" + string(g.names[0]), Signal: pitwall.SignalMetrics,
			Message: g.text, Blind: "budget and alerts of " + some(g.names)})
	}
	return list
}

// counted lists the objectives that have a query.
func (k *Collector) counted() []pitwall.SLO {
	return slices.DeleteFunc(slices.Clone(k.c.SLOs), func(s pitwall.SLO) bool { return s.SLI.Query == nil })
}

// trouble is one reason and whom it concerns.
type trouble struct {
	text  string
	names []pitwall.SLOName
}

// troubles puts objectives together that fail for the same reason, the most
// frequent first.
func troubles(failed map[pitwall.SLOName]error) []trouble {
	by := map[string]int{}
	var list []trouble
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		text := failed[name].Error()
		if hint := pitwall.HintOf(failed[name]); hint != "" {
			text += "; " + hint
		}
		i, known := by[text]
		if !known {
			i = len(list)
			by[text] = i
			list = append(list, trouble{text: text})
		}
		list[i].names = append(list[i].names, name)
	}
	slices.SortStableFunc(list, func(a, b trouble) int { return cmp.Compare(len(b.names), len(a.names)) })
	return list
}

// some names a few of many.
func some(names []pitwall.SLOName) string {
	words := make([]string, 0, 4)
	for _, n := range names[:min(3, len(names))] {
		words = append(words, string(n))
	}
	if more := len(names) - len(words); more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(words, ", "), more)
	}
	return strings.Join(words, ", ")
}

// Problem says why an objective cannot be counted; empty: it can.
func (k *Collector) Problem(name pitwall.SLOName) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.failed[name]; err != nil {
		return err.Error()
	}
	return ""
}
