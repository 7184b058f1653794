package objectives

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
)

// The objects as they are written; the order of fields is that of the format's
// documentation.
type (
	outObject struct {
		APIVersion string  `yaml:"apiVersion"`
		Kind       string  `yaml:"kind"`
		Metadata   outMeta `yaml:"metadata"`
		Spec       any     `yaml:"spec"`
	}
	outMeta struct {
		Name        string            `yaml:"name"`
		DisplayName string            `yaml:"displayName,omitempty"`
		Labels      map[string]string `yaml:"labels,omitempty"`
		Annotations map[string]string `yaml:"annotations,omitempty"`
	}
	outSLO struct {
		Description     string        `yaml:"description,omitempty"`
		Service         string        `yaml:"service"`
		Indicator       *outIndicator `yaml:"indicator,omitempty"`
		BudgetingMethod string        `yaml:"budgetingMethod"`
		TimeWindow      []outWindow   `yaml:"timeWindow"`
		Objectives      []outGoal     `yaml:"objectives"`
	}
	outWindow struct {
		Duration  string       `yaml:"duration"`
		IsRolling bool         `yaml:"isRolling"`
		Calendar  *outCalendar `yaml:"calendar,omitempty"`
	}
	outCalendar struct {
		StartTime string `yaml:"startTime"`
		TimeZone  string `yaml:"timeZone"`
	}
	outGoal struct {
		DisplayName     string        `yaml:"displayName,omitempty"`
		Op              string        `yaml:"op,omitempty"`
		Value           *float64      `yaml:"value,omitempty"`
		Target          float64       `yaml:"target"`
		TimeSliceTarget float64       `yaml:"timeSliceTarget,omitempty"`
		TimeSliceWindow string        `yaml:"timeSliceWindow,omitempty"`
		Indicator       *outIndicator `yaml:"indicator,omitempty"`
		CompositeWeight float64       `yaml:"compositeWeight,omitempty"`
	}
	outIndicator struct {
		Metadata outMeta `yaml:"metadata"`
		Spec     outSLI  `yaml:"spec"`
	}
	outSLI struct {
		ThresholdMetric *outMetric `yaml:"thresholdMetric,omitempty"`
		RatioMetric     *outRatio  `yaml:"ratioMetric,omitempty"`
	}
	outRatio struct {
		Counter bool       `yaml:"counter,omitempty"`
		Good    *outMetric `yaml:"good,omitempty"`
		Bad     *outMetric `yaml:"bad,omitempty"`
		Total   *outMetric `yaml:"total,omitempty"`
		RawType string     `yaml:"rawType,omitempty"`
		Raw     *outMetric `yaml:"raw,omitempty"`
	}
	outMetric struct {
		MetricSource outSource `yaml:"metricSource"`
	}
	outSource struct {
		Type string            `yaml:"type"`
		Spec map[string]string `yaml:"spec"`
	}
	outPolicy struct {
		Tiers []tierFile `yaml:"tiers"`
	}
)

func windowText(s pitwall.SLO) (outWindow, error) {
	if c := s.Calendar; c != nil {
		for letter, unit := range units() {
			if unit == c.Unit {
				zone, err := openslo.Zone(c.Zone)
				if err != nil {
					return outWindow{}, fmt.Errorf("zone %q is not known", c.Zone)
				}
				return outWindow{Duration: strconv.Itoa(max(1, c.Count)) + string(letter), Calendar: &outCalendar{c.Start.In(zone).Format(time.DateTime), c.Zone}}, nil
			}
		}
		return outWindow{}, fmt.Errorf("calendar unit %q is not known", c.Unit)
	}
	text, err := shorthand(s.Window)
	return outWindow{Duration: text, IsRolling: true}, err
}

// shorthand is a length in OpenSLO's words, which end at minutes.
func shorthand(d time.Duration) (string, error) {
	const day = 24 * time.Hour
	switch {
	case d <= 0 || d%time.Minute != 0:
		return "", fmt.Errorf("%v is no number of minutes", d)
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day), nil
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour), nil
	}
	return fmt.Sprintf("%dm", d/time.Minute), nil
}

// members writes what a composite is made of.
func (w *writer) members(s pitwall.SLO, annotations map[string]string) ([]outGoal, error) {
	annotations[AnnotComposite] = string(s.SLI.Composite.Method)
	annotations[AnnotTarget] = strconv.FormatFloat(float64(s.Target), 'g', -1, 64)
	var goals []outGoal
	for n, m := range s.SLI.Composite.Members {
		i := slices.IndexFunc(w.all, func(o pitwall.SLO) bool { return o.Name == m.SLO && o.PartOf == s.Name })
		if i < 0 {
			return nil, fmt.Errorf("its member %q is not among what is written, or stands by itself", m.SLO)
		}
		member := w.all[i]
		if member.Window != s.Window || member.Budgeting != s.Budgeting || (member.Calendar == nil) != (s.Calendar == nil) || member.SLI.Composite != nil {
			return nil, fmt.Errorf("its member %q has a window or a budget of its own", m.SLO)
		}
		goal, indicator, err := goalText(member)
		if err != nil {
			return nil, fmt.Errorf("its member %q: %w", m.SLO, err)
		}
		suffix := strings.TrimPrefix(string(member.Name), string(s.Name)+"-")
		goal.DisplayName = member.DisplayName
		if openslo.Slug(goal.DisplayName) != suffix && suffix != strconv.Itoa(n) {
			goal.DisplayName = suffix
		}
		goal.Indicator, goal.CompositeWeight = indicator, m.Weight
		goals = append(goals, goal)
	}
	return goals, nil
}

func goalText(s pitwall.SLO) (outGoal, *outIndicator, error) {
	goal := outGoal{Target: float64(s.Target)}
	if s.Slices != nil {
		text, err := shorthand(s.Slices.Length)
		if err != nil {
			return goal, nil, err
		}
		goal.TimeSliceWindow, goal.TimeSliceTarget = text, float64(s.Slices.Target)
	}
	indicator := &outIndicator{Metadata: outMeta{Name: string(s.Name)}}
	prom := func(query string) *outMetric {
		if query == "" {
			return nil
		}
		return &outMetric{outSource{"Prometheus", map[string]string{"query": query}}}
	}
	q := s.SLI.Query
	switch {
	case s.SLI.Kind == pitwall.SLIAvailability || s.SLI.Kind == pitwall.SLILatency:
		indicator.Spec.RatioMetric = spansText(s.SLI)
	case q == nil:
		return goal, nil, fmt.Errorf("an indicator of kind %q cannot be written", s.SLI.Kind)
	case q.Value != "":
		goal.Op, goal.Value = string(q.Op), &q.Limit
		indicator.Spec.ThresholdMetric = prom(q.Value)
	case q.Ratio != "":
		raw := "success"
		if q.RatioOfBad {
			raw = "failure"
		}
		indicator.Spec.RatioMetric = &outRatio{RawType: raw, Raw: prom(q.Ratio)}
	case q.Total == "":
		indicator.Spec.RatioMetric = &outRatio{Counter: true, Good: prom(q.Good), Total: prom("(" + q.Good + ") + (" + q.Bad + ")")}
	case q.Good != "":
		indicator.Spec.RatioMetric = &outRatio{Counter: true, Good: prom(q.Good), Total: prom(q.Total)}
	default:
		indicator.Spec.RatioMetric = &outRatio{Counter: true, Bad: prom(q.Bad), Total: prom(q.Total)}
	}
	return goal, indicator, nil
}

func spansText(sli pitwall.SLI) *outRatio {
	total := map[string]string{"service": string(sli.Service)}
	good := map[string]string{"service": string(sli.Service)}
	if sli.Operation != "" {
		total["operation"], good["operation"] = sli.Operation, sli.Operation
	}
	if sli.Kind == pitwall.SLILatency {
		good["maxDuration"] = sli.Threshold.String()
	}
	return &outRatio{Counter: true, Good: &outMetric{outSource{SpanSource, good}}, Total: &outMetric{outSource{SpanSource, total}}}
}

func tierText(t pitwall.BurnTier) tierFile {
	f := tierFile{Name: t.Name, When: string(t.When), Of: string(t.Of), Within: writeLength(t.Within), Long: writeLength(t.Long), Short: writeLength(t.Short),
		For: writeLength(t.For), Action: string(t.Action), OpenPlan: t.OpensPlan, HaltDeploys: string(t.Halt), MinBad: t.MinBad, MinEvents: t.MinEvents, Alpha: t.Alpha}
	rules := grammar()[cond(t)]
	if has(rules.need, "factor") || t.Factor != 0 {
		f.Factor = &t.Factor
	}
	if has(rules.need, "percent") || t.Percent != 0 {
		f.Percent = &t.Percent
	}
	return f
}
