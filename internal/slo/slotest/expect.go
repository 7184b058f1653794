package slotest

import (
	"fmt"
	"slices"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

func (r *reader) expectation(t test, n *yaml.Node) (expectation, error) {
	var spec expectSpec
	e := expectation{line: n.Line}
	wrong := func(what string, err error) (expectation, error) {
		return e, r.doc.Wrong(n.Line, "", "%s: %w", what, err)
	}
	if n.Kind != yaml.MappingNode {
		return e, r.doc.Wrong(n.Line, "", "an expectation has at, and what must hold then")
	}
	err := r.doc.Decode(n, &spec)
	if err != nil {
		return e, err
	}
	if e.at, err = length(spec.At); err != nil {
		return wrong("at", err)
	}
	switch {
	case e.at > longest:
		return e, r.doc.Wrong(n.Line, "", "at: %s is longer than a test may be", spec.At)
	case e.at%t.every != 0:
		return e, r.doc.Wrong(n.Line, "", "at: %s is no multiple of %s, so nothing is evaluated then", spec.At, t.every)
	case len(t.expect) > 0 && e.at < t.expect[len(t.expect)-1].at:
		return e, r.doc.Wrong(n.Line, "", "at: %s comes before the expectation above", spec.At)
	}
	if spec.Spent != "" {
		v, err := number(spec.Spent)
		if err != nil {
			return wrong("spent", err)
		}
		e.spent = &v
	}
	if spec.Burn != "" {
		v, err := number(spec.Burn)
		if err != nil {
			return wrong("burn", err)
		}
		e.burn = &v
	}
	if spec.EndsIn != "" {
		v, err := ends(spec.EndsIn)
		if err != nil {
			return wrong("ends_in", err)
		}
		e.ends = &v
	}
	e.known, e.firing, e.fires, e.quiet = spec.Known, spec.Firing, spec.Fires, spec.Quiet
	if e.known == nil && e.spent == nil && e.burn == nil && e.ends == nil && e.firing == nil && len(e.fires) == 0 && len(e.quiet) == 0 {
		return e, r.doc.Wrong(n.Line, "say spent, burn, ends_in, known, firing, fires or quiet", "nothing is expected")
	}
	return e, r.tiers(t.slo, e)
}

// tiers refuses names that no tier has: they would be quiet for ever.
func (r *reader) tiers(s pitwall.SLO, e expectation) error {
	var names []string
	for _, t := range s.Tiers {
		names = append(names, t.Name)
	}
	all := slices.Concat(e.fires, e.quiet)
	if e.firing != nil {
		all = append(all, *e.firing...)
	}
	for _, name := range all {
		if !slices.Contains(names, name) {
			return r.doc.Wrong(e.line, fmt.Sprintf("its tiers: %v", names), "objective %s has no tier %q%s", s.Name, name, strict.Nearest(name, names))
		}
	}
	return nil
}
