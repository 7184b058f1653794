package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"
)

//go:embed report.css
var styleSheet string

//go:embed plan.html
var planTemplate string

// StyleSHA256 is the digest of the one style element in HTML's output, for a
// Content-Security-Policy that allows exactly it.
func StyleSHA256() string {
	sum := sha256.Sum256([]byte(styleSheet))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// HTML is the plan as one file that needs nothing else: no script, no network,
// dark or light by the reader's system, and a style sheet for print.
func HTML(v PlanView) ([]byte, error) {
	t, err := documents()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("rendering plan %s: %w", v.ID, err)
	}
	return b.Bytes(), nil
}

// documents are the templates of pages that read without script: the plan, and
// the pieces of evidence that other pages show as well.
func documents() (*template.Template, error) {
	t, err := template.New("plan").Funcs(template.FuncMap{
		"icon":  func(t Tone) string { return t.Icon() },
		"stamp": stamp,
		"clock": func(t time.Time) string { return clock(t, time.UTC) },
		"style": func() template.CSS { return template.CSS(styleSheet) },
		"svg":   func(c ChartView) template.HTML { return template.HTML(chartSVG(c)) }, // built here, every text escaped
		"bar":   waterfallSVG,
		"meter": meterSVG,
		"lines": func(s string) []string { return strings.Split(s, "\n") },
		"hash":  shortHash,
		"num":   func(numeric []bool, i int) bool { return i < len(numeric) && numeric[i] },
	}).Parse(planTemplate)
	if err != nil {
		return nil, fmt.Errorf("reading plan template: %w", err)
	}
	return t, nil
}

// meterSVG draws a share as a bar without needing a style attribute.
func meterSVG(share float64, tone Tone) template.HTML {
	w := clamp01(share) * 200
	return template.HTML(fmt.Sprintf(`<svg class="meter" viewBox="0 0 200 8" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="200" height="8" rx="4"/><rect class="fill %s" width="%.1f" height="8" rx="4"/></svg>`, tone, w)) // numbers only
}

func waterfallSVG(b WaterfallBar) template.HTML {
	x, w := b.From*200, math.Max(1, (b.To-b.From)*200)
	return template.HTML(fmt.Sprintf(`<svg class="fall" viewBox="0 0 201 10" preserveAspectRatio="none" aria-hidden="true"><rect class="fill %s" x="%.1f" width="%.1f" height="10"/></svg>`, b.Tone, x, w)) // numbers only
}

// The size of a chart's drawing area in its own units.
const (
	svgWidth, svgHeight = 640.0, 170.0
	svgLeft, svgBottom  = 56.0, 20.0
)

// chartSVG draws a chart: baseline band, limit, marks, lines; gaps stay gaps.
func chartSVG(c ChartView) string {
	from, to := chartRange(c.Chart)
	top := chartTop(c)
	if to <= from || top <= 0 {
		return `<p class="nodata">∅ no data</p>`
	}
	x := func(t int64) float64 {
		return svgLeft + (svgWidth-svgLeft)*float64(t-from)/float64(to-from)
	}
	y := func(v float64) float64 { return 8 + (svgHeight-svgBottom-8)*(1-v/top) }
	var b strings.Builder
	esc := template.HTMLEscapeString
	fmt.Fprintf(&b, `<svg class="chart" viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, svgWidth, svgHeight, esc(c.Title+": "+c.Summary))
	for i := 0; i <= 2; i++ {
		v := top * float64(i) / 2
		fmt.Fprintf(&b, `<line class="grid" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f"/><text class="axis" x="%.0f" y="%.1f" text-anchor="end">%s</text>`,
			svgLeft, svgWidth, y(v), y(v), svgLeft-6, y(v)+4, esc(Value(v, c.Unit)))
	}
	if c.Band != nil {
		lo, hi := math.Max(0, c.Band[0]), math.Min(top, c.Band[1])
		fmt.Fprintf(&b, `<rect class="band" x="%.0f" y="%.1f" width="%.0f" height="%.1f"/>`, svgLeft, y(hi), svgWidth-svgLeft, math.Max(1, y(lo)-y(hi)))
	}
	if c.Limit != nil && *c.Limit <= top {
		fmt.Fprintf(&b, `<line class="limit" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f"/>`, svgLeft, svgWidth, y(*c.Limit), y(*c.Limit))
	}
	for _, mark := range c.Marks {
		if left, right := max(mark.From, from), min(mark.To, to); mark.From > 0 && left < right {
			fmt.Fprintf(&b, `<rect class="within" x="%.1f" y="8" width="%.1f" height="%.0f"/>`, x(left), x(right)-x(left), svgHeight-svgBottom-8)
		}
		if mark.T >= from && mark.T <= to {
			fmt.Fprintf(&b, `<line class="mark %s" x1="%.1f" x2="%.1f" y1="8" y2="%.0f"><title>%s</title></line>`, esc(mark.Kind), x(mark.T), x(mark.T), svgHeight-svgBottom, esc(mark.Label))
		}
	}
	for i, s := range c.Series {
		fmt.Fprintf(&b, `<path class="line s%d" d="%s"/>`, i%4, linePath(s.T, s.V, x, y))
	}
	fmt.Fprintf(&b, `<text class="axis" x="%.0f" y="%.0f">%s</text><text class="axis" x="%.0f" y="%.0f" text-anchor="end">%s UTC</text></svg>`,
		svgLeft, svgHeight-4, clock(time.UnixMilli(from), time.UTC), svgWidth, svgHeight-4, clock(time.UnixMilli(to), time.UTC))
	return b.String()
}

func chartTop(c ChartView) float64 {
	top := 0.0
	for _, s := range c.Series {
		for _, v := range s.V {
			if v != nil && !math.IsNaN(*v) && !math.IsInf(*v, 0) {
				top = math.Max(top, *v)
			}
		}
	}
	if c.Limit != nil && *c.Limit < top*3 {
		top = math.Max(top, *c.Limit)
	}
	return top * 1.08
}

func linePath(ts []int64, vs []*float64, x func(int64) float64, y func(float64) float64) string {
	var d strings.Builder
	pen := "M"
	for i, t := range ts {
		if i >= len(vs) || vs[i] == nil || math.IsNaN(*vs[i]) || math.IsInf(*vs[i], 0) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", pen, x(t), y(*vs[i]))
		pen = "L"
	}
	return d.String()
}
