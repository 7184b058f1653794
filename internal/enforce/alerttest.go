package enforce

import (
	"fmt"
	"maps"
	"math"
	"strings"
)

// testFile is promtool's unit test file.
type testFile struct {
	RuleFiles          []string   `yaml:"rule_files"`
	EvaluationInterval string     `yaml:"evaluation_interval"`
	Tests              []testCase `yaml:"tests"`
}

type testCase struct {
	Name     string       `yaml:"name"`
	Interval string       `yaml:"interval"`
	Series   []testSeries `yaml:"input_series"`
	Alerts   []testAlert  `yaml:"alert_rule_test"`
}

type testSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type testAlert struct {
	At   string     `yaml:"eval_time"`
	Name string     `yaml:"alertname"`
	Want []expected `yaml:"exp_alerts"`
}

type expected struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

// minutesInWeek is the length of the quiet stretch in the tests, in samples.
const minutesInWeek = 7 * 24 * 60

// week of small values, then three hours of large ones; small and large are
// bucket bounds, twenty requests a minute.
func growing(metric string, labels [][2]string, small, large float64) []testSeries {
	series := func(suffix, le, values string) testSeries {
		l := labels
		if le != "" {
			l = append(l[:len(l):len(l)], [2]string{"le", le})
		}
		return testSeries{metric + suffix + selector(l), values}
	}
	const after = 180
	end := 20 * minutesInWeek
	stays := fmt.Sprintf("0+20x%d %d+0x%d", minutesInWeek, end, after-1)
	grows := fmt.Sprintf("0+20x%d", minutesInWeek+after)
	return []testSeries{
		series("_bucket", number(small), stays),
		series("_bucket", number(large), grows),
		series("_bucket", "+Inf", grows),
		series("_count", "", grows),
	}
}

type payloadCase struct {
	r      *renderer
	rules  []rule
	one    [][2]string
	median float64
}

// payloadTests prove the alerts: quiet while sizes are as before, loud after
// they have grown fivefold, and loud when nothing is measured.
func payloadTests(c payloadCase) testFile {
	small, large := c.median, c.median*2.5*contractRatio
	now, week, blind := c.rules[0], c.rules[1], c.rules[2]
	grown := testCase{
		Name: "responses grow fivefold after a quiet week", Interval: "1m", Series: growing(sizeMetric, c.one, small, large),
		Alerts: []testAlert{
			{At: "6d", Name: now.Alert}, {At: "6d", Name: week.Alert}, {At: "6d", Name: blind.Alert},
			{At: "7d2h30m", Name: now.Alert, Want: fires(now, c.one, humanize(small+(large-small)*.5))},
			{At: "7d2h30m", Name: week.Alert, Want: fires(week, c.one, humanize(small+(large-small)*.99))},
			{At: "7d2h30m", Name: blind.Alert},
		},
	}
	dark := testCase{
		Name: "nothing is measured", Interval: "1m", Series: []testSeries{},
		Alerts: []testAlert{
			{At: "1h", Name: now.Alert}, {At: "1h", Name: week.Alert},
			{At: "1h", Name: blind.Alert, Want: fires(blind, c.one, "")},
		},
	}
	return testFile{EvaluationInterval: "15m", Tests: []testCase{grown, dark}}
}

type latencyCase struct {
	rules  []rule
	one    [][2]string
	normal float64
}

func latencyTests(c latencyCase) testFile {
	small, large := c.normal, c.normal*3
	a := c.rules[0]
	return testFile{EvaluationInterval: "15m", Tests: []testCase{{
		Name: "the p99 triples", Interval: "1m", Series: growing(durationMetric, c.one, small, large),
		Alerts: []testAlert{
			{At: "6d", Name: a.Alert},
			{At: "7d1h", Name: a.Alert, Want: fires(a, c.one, fmt.Sprintf("%.3g", small+(large-small)*.99))},
		},
	}}}
}

// errorTests prove the alert: quiet while nothing fails, loud when half does.
func errorTests(rules []rule, one [][2]string) testFile {
	const after = 180
	series := func(status, values string) testSeries {
		return testSeries{durationMetric + "_count" + selector(append(one[:len(one):len(one)], [2]string{"http_response_status_code", status})), values}
	}
	end := 20 * minutesInWeek
	a := rules[0]
	return testFile{EvaluationInterval: "15m", Tests: []testCase{{
		Name: "half of the requests fail", Interval: "1m", Series: []testSeries{
			series("200", fmt.Sprintf("0+20x%d %d+10x%d", minutesInWeek, end+10, after-1)),
			series("500", fmt.Sprintf("0x%d 10+10x%d", minutesInWeek, after-1)),
		},
		Alerts: []testAlert{
			{At: "6d", Name: a.Alert},
			{At: "7d1h", Name: a.Alert, Want: fires(a, one, "0.5")},
		},
	}}}
}

// fires is what promtool must see of an alert on an endpoint with a value.
func fires(a rule, one [][2]string, value string) []expected {
	labels := maps.Clone(a.Labels)
	words := []string{
		"{{ $value | humanize }}", value, `{{ printf "%.3g" $value }}`, value, "{{`{{`}}", "{{",
	}
	for _, l := range one {
		labels[l[0]] = l[1]
		words = append(words, "{{ $labels."+l[0]+" }}", l[1])
	}
	texts := map[string]string{}
	for k, v := range a.Annotations {
		texts[k] = strings.NewReplacer(words...).Replace(v)
	}
	return []expected{{labels, texts}}
}

// humanize is Prometheus' template function of that name, for values from 1 on.
func humanize(v float64) string {
	prefix := ""
	for _, p := range []string{"k", "M", "G", "T"} {
		if math.Abs(v) < 1000 {
			break
		}
		prefix, v = p, v/1000
	}
	return fmt.Sprintf("%.4g%s", v, prefix)
}
