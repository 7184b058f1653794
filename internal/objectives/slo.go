package objectives

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
	"github.com/pitwall/pitwall/internal/slo"
	"github.com/pitwall/pitwall/internal/strict"
)

// The annotations that Pitwall reads.
const (
	AnnotPreset      = "pitwall.dev/preset"  // name of a set of tiers
	AnnotUnreachable = slo.UnreachableTiers  // drop or clamp tiers that can never fire
	AnnotRunbook     = "pitwall.dev/runbook" // link
	AnnotOwner       = "pitwall.dev/owner"
	AnnotEmpty       = "pitwall.dev/empty-slices"     // excluded, good or bad
	AnnotComposite   = "pitwall.dev/composite"        // weighted, journey or slices
	AnnotTarget      = "pitwall.dev/composite-target" // of a composite as a whole
	AnnotStandard    = "pitwall.dev/standard"         // entry of the catalogue
)

func annotations() []string {
	return []string{AnnotPreset, AnnotUnreachable, AnnotRunbook, AnnotOwner, AnnotEmpty, AnnotComposite, AnnotTarget, AnnotStandard}
}

// NotifyLabel is the label that names the notification targets of alert
// policies, separated by commas.
const NotifyLabel = "notify"

// slo turns an object into its objectives: one, one for each entry of
// objectives, or a composite and its members.
func (r *reader) slo(it item) []pitwall.SLO {
	before := len(r.errs)
	r.annotated(it.Object)
	base := r.base(it)
	goals := it.Spec().Get("objectives").Items()
	composite := false
	for _, goal := range goals {
		composite = composite || goal.Get("indicator").Has() || goal.Get("indicatorRef").Has()
	}
	var list []pitwall.SLO
	switch {
	case composite:
		list = r.composite(it, base, goals)
	default:
		names := r.names(it, goals)
		for i, goal := range goals {
			s := base
			s.Name = pitwall.SLOName(names[i])
			if len(goals) > 1 {
				s.DisplayName = strings.TrimPrefix(s.DisplayName+": "+goal.Get("displayName").Text(), ": ")
				s.DisplayName = strings.TrimSuffix(s.DisplayName, ": ")
			}
			r.goal(it, &s, goal, it.Spec())
			r.tiers(it, &s)
			list = append(list, s)
		}
	}
	if len(r.errs) > before {
		return nil
	}
	return list
}

// annotated refuses annotations of ours that nobody reads: one that is misspelt
// would be silently without effect.
func (r *reader) annotated(o openslo.Object) {
	for key, v := range o.Root().Get("metadata", "annotations").Pairs() {
		if strings.HasPrefix(key, "pitwall.dev/") && !slices.Contains(annotations(), key) {
			r.wrong(o, v, "known: "+strings.Join(annotations(), ", "), "annotation %s is not known%s", key, strict.Nearest(key, annotations()))
		}
	}
}

// base is what all objectives of an object share.
func (r *reader) base(it item) pitwall.SLO {
	meta, spec := it.Root().Get("metadata"), it.Spec()
	s := pitwall.SLO{
		Name: pitwall.SLOName(it.Name), DisplayName: meta.Get("displayName").Text(),
		Description: strings.TrimSpace(spec.Get("description").Text()), Service: pitwall.ServiceName(spec.Get("service").Text()),
		Owner: it.Annotation(AnnotOwner).Text(), Runbook: it.Annotation(AnnotRunbook).Text(),
		Source: fmt.Sprintf("%s:%d", it.File, it.Line), YAML: it.text,
	}
	for key, v := range meta.Get("labels").Pairs() {
		if s.Labels == nil {
			s.Labels = map[string]string{}
		}
		values := []string{v.Text()}
		if items := v.Items(); len(items) > 0 {
			values = nil
			for _, one := range items {
				values = append(values, one.Text())
			}
		}
		s.Labels[key] = strings.Join(values, ",")
	}
	if method := spec.Get("budgetingMethod").Text(); method != string(pitwall.Occurrences) {
		s.Budgeting = pitwall.Budgeting(method) // the zero value counts occurrences
	}
	r.window(it.Object, &s)
	return s
}

// names are those of the objectives of an object with several.
func (r *reader) names(it item, goals []openslo.Field) []string {
	if len(goals) == 1 {
		return []string{it.Name}
	}
	names := make([]string, len(goals))
	for i, goal := range goals {
		slug := openslo.Slug(goal.Get("displayName").Text())
		names[i] = it.Name + "-" + slug
		if slug == "" || slices.Contains(names[:i], names[i]) {
			names[i] = fmt.Sprintf("%s-%d", it.Name, i)
		}
		if len(names[i]) > 63 {
			r.wrong(it.Object, goal, "shorten metadata.name or displayName", "the name %q is longer than 63 characters", names[i])
		}
	}
	return names
}

// goal reads one entry of objectives; the indicator stands in at.
func (r *reader) goal(it item, s *pitwall.SLO, goal, at openslo.Field) {
	s.SLI = r.indicator(it.Object, at, goal, s.Service)
	s.SLI.Standard = it.Annotation(AnnotStandard).Text()
	if v, ok := goal.Get("target").Number(); ok {
		s.Target = pitwall.Ratio(v)
	} else if v, ok := goal.Get("targetPercent").Percent(); ok {
		s.Target = pitwall.Ratio(v)
	}
	if s.Budgeting == pitwall.Timeslices || s.Budgeting == pitwall.RatioTimeslices {
		s.Slices = r.slices(it.Object, *s, goal)
	}
}
