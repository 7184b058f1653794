package objectives

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
	"github.com/pitwall/pitwall/internal/slo"
	"gopkg.in/yaml.v3"
)

// Write writes objectives as OpenSLO v1 that reads back to the same objectives.
// Tiers that are no preset become burn policies; members of a composite are
// written inside of it.
func Write(slos []pitwall.SLO) ([]byte, error) {
	w := writer{all: slos}
	var objects []outObject
	for _, s := range slos {
		if s.PartOf != "" && slices.ContainsFunc(slos, func(c pitwall.SLO) bool { return c.Name == s.PartOf && c.SLI.Composite != nil }) {
			continue
		}
		o, err := w.object(s)
		if err != nil {
			return nil, &pitwall.Error{Op: "writing objectives", Kind: pitwall.Invalid, ID: string(s.Name), Err: err, Hint: "OpenSLO has no words for it; change the objective"}
		}
		objects = append(objects, o)
	}
	for _, p := range w.policies {
		var tiers []tierFile
		for _, t := range p.Tiers {
			tiers = append(tiers, tierText(t))
		}
		objects = append(objects, outObject{ownVersion, KindBurnPolicy, outMeta{Name: p.Name}, outPolicy{tiers}})
	}
	return encode(objects)
}

func encode(objects []outObject) ([]byte, error) {
	var b bytes.Buffer
	for i, o := range objects {
		if i > 0 {
			b.WriteString("---\n")
		}
		enc := yaml.NewEncoder(&b)
		enc.SetIndent(2)
		if err := enc.Encode(o); err != nil {
			return nil, fmt.Errorf("writing objectives: %w", err)
		}
		if err := enc.Close(); err != nil {
			return nil, fmt.Errorf("writing objectives: %w", err)
		}
	}
	return b.Bytes(), nil
}

// writer keeps the burn policies that the objectives need.
type writer struct {
	all      []pitwall.SLO
	policies []BurnPolicy
}

func (w *writer) object(s pitwall.SLO) (outObject, error) {
	o := outObject{APIVersion: openslo.V1, Kind: openslo.KindSLO}
	o.Metadata = outMeta{Name: string(s.Name), DisplayName: s.DisplayName, Labels: s.Labels, Annotations: map[string]string{}}
	if openslo.Slug(string(s.Name)) != string(s.Name) {
		return o, fmt.Errorf("the name must be made of lower-case letters, digits and dashes, such as %q", openslo.Slug(string(s.Name)))
	}
	if s.Service == "" {
		return o, fmt.Errorf("service is missing")
	}
	if !(s.Target > 0 && s.Target < 1) {
		return o, fmt.Errorf("target %v must lie between 0 and 1", float64(s.Target))
	}
	spec := outSLO{Description: s.Description, Service: string(s.Service), BudgetingMethod: string(pitwall.Occurrences)}
	if s.Budgeting != "" {
		spec.BudgetingMethod = string(s.Budgeting)
	}
	window, err := windowText(s)
	if err != nil {
		return o, err
	}
	spec.TimeWindow = []outWindow{window}
	if err := w.annotate(s, o.Metadata.Annotations); err != nil {
		return o, err
	}
	if s.SLI.Composite != nil {
		spec.Objectives, err = w.members(s, o.Metadata.Annotations)
	} else {
		var goal outGoal
		goal, spec.Indicator, err = goalText(s)
		spec.Objectives = []outGoal{goal}
	}
	o.Spec = spec
	return o, err
}

// annotate writes what OpenSLO has no fields for.
func (w *writer) annotate(s pitwall.SLO, to map[string]string) error {
	for key, v := range map[string]string{AnnotOwner: s.Owner, AnnotRunbook: s.Runbook, AnnotStandard: s.SLI.Standard} {
		if v != "" {
			to[key] = v
		}
	}
	if s.Slices != nil && s.Slices.Empty != "" && s.Slices.Empty != pitwall.EmptyExcluded {
		to[AnnotEmpty] = string(s.Slices.Empty)
	}
	name, mode, err := w.preset(s)
	to[AnnotPreset] = name
	if mode != "" {
		to[AnnotUnreachable] = mode
	}
	return err
}

// preset finds the name under which the tiers of an objective are read back.
func (w *writer) preset(s pitwall.SLO) (name, mode string, err error) {
	name = s.Preset
	if name == "" {
		name = slo.DefaultPreset
	}
	if builtIn(name) {
		for _, mode := range []string{"", dropTiers, clampTiers} {
			if tiers, err := presetFor(name, mode, s); err == nil && slices.Equal(tiers, s.Tiers) {
				return name, mode, nil
			}
		}
		name = string(s.Name) + "-tiers"
	}
	tiers := slices.Clone(s.Tiers)
	for i, t := range tiers {
		if t.Short == 0 && cond(t) == pitwall.WhenBurn {
			tiers[i].Short = t.Long
		}
		for _, d := range []time.Duration{t.Long, t.Short, t.Within, t.For} {
			if d%time.Second != 0 {
				return "", "", fmt.Errorf("tier %q looks back %v, which is no number of seconds", t.Name, d)
			}
		}
	}
	for _, p := range w.policies {
		switch {
		case slices.Equal(p.Tiers, tiers):
			return p.Name, "", nil
		case p.Name == name:
			name = string(s.Name) + "-tiers"
		}
	}
	if len(tiers) == 0 {
		return "", "", fmt.Errorf("it has no tiers")
	}
	w.policies = append(w.policies, BurnPolicy{Name: name, Tiers: tiers})
	return name, "", nil
}

// presetFor is what reading makes of a preset for an objective.
func presetFor(name, mode string, s pitwall.SLO) ([]pitwall.BurnTier, error) {
	tiers, err := slo.Preset(name, s.Window)
	if err != nil {
		return nil, err
	}
	var kept []pitwall.BurnTier
	for _, t := range worstFirst(tiers) {
		factor, burns := factorOf(t, s.Window)
		dead := burns && !slo.Reachable(pitwall.BurnTier{Factor: factor}, s.Target)
		switch {
		case dead && mode == clampTiers && cond(t) == pitwall.WhenBurn:
			t = slo.Clamp(t, s.Target)
		case dead && mode != "":
			continue
		}
		kept = append(kept, t)
	}
	return kept, nil
}
