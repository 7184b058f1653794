package slogen

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// configuration is slo-generator's own, of which only the policies matter here.
type configuration struct {
	DefaultExporters yaml.Node            `yaml:"default_exporters"`
	Backends         yaml.Node            `yaml:"backends"`
	Exporters        yaml.Node            `yaml:"exporters"`
	Policies         map[string]yaml.Node `yaml:"error_budget_policies"`
}

type policy struct {
	Steps []step `yaml:"steps"`
}

type step struct {
	Name      string  `yaml:"name"`
	Threshold float64 `yaml:"burn_rate_threshold"`
	Alert     bool    `yaml:"alert"`
	OnAlert   string  `yaml:"message_alert"`
	OnOK      string  `yaml:"message_ok"`
	Window    int64   `yaml:"window"` // seconds
}

// Policies reads the error budget policies of a configuration: the tiers of each,
// worst first. A step that alerts pages, another opens a ticket. A file without
// policies has none, which is no fault.
func Policies(doc strict.Doc, n *yaml.Node) (map[string][]pitwall.BurnTier, error) {
	var c configuration
	if err := doc.Decode(n, &c); err != nil {
		return nil, err
	}
	out := map[string][]pitwall.BurnTier{}
	for _, name := range slices.Sorted(maps.Keys(c.Policies)) {
		node := c.Policies[name]
		var p policy
		if err := doc.Decode(&node, &p); err != nil {
			return nil, err
		}
		for i, s := range p.Steps {
			t, err := s.tier(i)
			if err != nil {
				return nil, doc.Wrong(node.Line, "", "policy %s, step %d: %w", name, i+1, err)
			}
			out[name] = append(out[name], t)
		}
		slices.SortStableFunc(out[name], func(a, b pitwall.BurnTier) int {
			switch {
			case a.Factor > b.Factor:
				return -1
			case a.Factor < b.Factor:
				return 1
			}
			return 0
		})
	}
	return out, nil
}

// tier is a step over one window, so Long and Short are the same.
func (s step) tier(i int) (pitwall.BurnTier, error) {
	const most = int64(10 * 365 * day / time.Second)
	switch {
	case !(s.Threshold > 0) || s.Threshold > 1e9:
		return pitwall.BurnTier{}, fmt.Errorf("burn_rate_threshold %g must be above 0", s.Threshold)
	case s.Window < 60 || s.Window > most:
		return pitwall.BurnTier{}, fmt.Errorf("window %d must be seconds, from 60 to %d", s.Window, most)
	}
	d := time.Duration(s.Window) * time.Second
	t := pitwall.BurnTier{Name: "step-" + promql.Duration(d), When: pitwall.WhenBurn, Factor: s.Threshold, Long: d, Short: d, Action: pitwall.ActionTicket, MinBad: 3}
	if s.Name != "" {
		t.Name = strings.ReplaceAll(strings.ToLower(s.Name), " ", "-")
	}
	if s.Alert {
		t.Action, t.OpensPlan = pitwall.ActionPage, true
	}
	return t, nil
}
