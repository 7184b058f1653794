package sloth

import (
	"math"
	"time"

	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

const day = 24 * time.Hour

// Window is one burn condition: Percent of the period's budget spent within
// Long, and still being spent over Short.
type Window struct {
	Percent     float64
	Short, Long time.Duration
}

// Windows are the four burn conditions of a period.
type Windows struct {
	Period                                       time.Duration
	PageQuick, PageSlow, TicketQuick, TicketSlow Window
}

// factor is the burn rate that spends Percent of the budget within Long:
// p·W/w, as in the Site Reliability Workbook, chapter 5.
func (w Window) factor(period time.Duration) float64 {
	return math.Round(w.Percent*float64(period)/(100*float64(w.Long))*1e9) / 1e9
}

// Google is what Sloth uses for 30 and 28 days unless told otherwise, from the
// Site Reliability Workbook; zero is 30 days.
func Google(period time.Duration) Windows {
	if period == 0 {
		period = 30 * day
	}
	return Windows{Period: period,
		PageQuick:   Window{2, 5 * time.Minute, time.Hour},
		PageSlow:    Window{5, 30 * time.Minute, 6 * time.Hour},
		TicketQuick: Window{10, 2 * time.Hour, day},
		TicketSlow:  Window{10, 6 * time.Hour, 3 * day},
	}
}

// windowsFile is Sloth's AlertWindows document.
type windowsFile struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Spec       struct {
		Period string `yaml:"sloPeriod"`
		Page   struct {
			Quick windowSpec `yaml:"quick"`
			Slow  windowSpec `yaml:"slow"`
		} `yaml:"page"`
		Ticket struct {
			Quick windowSpec `yaml:"quick"`
			Slow  windowSpec `yaml:"slow"`
		} `yaml:"ticket"`
	} `yaml:"spec"`
}

type windowSpec struct {
	Percent float64 `yaml:"errorBudgetPercent"`
	Short   string  `yaml:"shortWindow"`
	Long    string  `yaml:"longWindow"`
}

// ReadWindows reads an AlertWindows document.
func ReadWindows(doc strict.Doc, n *yaml.Node) (Windows, error) {
	var f windowsFile
	if err := doc.Decode(n, &f); err != nil {
		return Windows{}, err
	}
	if f.APIVersion != KubernetesV1 || f.Kind != "AlertWindows" {
		return Windows{}, doc.Wrong(n.Line, "", "expected apiVersion: %s and kind: AlertWindows, got %q and %q", KubernetesV1, f.APIVersion, f.Kind)
	}
	var w Windows
	var err error
	if w.Period, err = promql.ParseDuration(f.Spec.Period); err != nil || w.Period <= 0 {
		return w, doc.Wrong(lineOf(n, "sloPeriod"), "sloPeriod: 30d", "sloPeriod %q is not a length of time", f.Spec.Period)
	}
	for _, part := range []struct {
		name string
		spec windowSpec
		to   *Window
	}{
		{"page.quick", f.Spec.Page.Quick, &w.PageQuick}, {"page.slow", f.Spec.Page.Slow, &w.PageSlow},
		{"ticket.quick", f.Spec.Ticket.Quick, &w.TicketQuick}, {"ticket.slow", f.Spec.Ticket.Slow, &w.TicketSlow},
	} {
		short, err1 := promql.ParseDuration(part.spec.Short)
		long, err2 := promql.ParseDuration(part.spec.Long)
		*part.to = Window{part.spec.Percent, short, long}
		switch {
		case err1 != nil || err2 != nil || short <= 0:
			return w, doc.Wrong(n.Line, "", "%s: shortWindow %q and longWindow %q must be lengths of time", part.name, part.spec.Short, part.spec.Long)
		case short >= long || long > w.Period:
			return w, doc.Wrong(n.Line, "", "%s: %s must be shorter than %s, and that not longer than the period %s", part.name, part.spec.Short, part.spec.Long, f.Spec.Period)
		case !(part.spec.Percent > 0 && part.spec.Percent <= 100):
			return w, doc.Wrong(n.Line, "", "%s: errorBudgetPercent %g must lie above 0 and not above 100", part.name, part.spec.Percent)
		}
	}
	return w, nil
}
