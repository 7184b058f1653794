package report

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
)

// mostColumns is how many stretches a long series is drawn in; each is a line
// from its least to its greatest value, so that no spike is lost.
const mostColumns = 600

// WriteScan writes what was found in series as one page that needs nothing else:
// a chart each, changes marked with the interval they lie in, and their sentences.
func WriteScan(w io.Writer, all []Scanned) error {
	type section struct {
		ScanView
		ID, Title, Time string
		Chart           template.HTML
	}
	var sections, changed []section
	for i, s := range all {
		v := Scan(s)
		title := v.File
		if v.Column != "" {
			title += " · " + v.Column
		}
		one := section{v, fmt.Sprint("s", i+1), title, ScanTime(s), template.HTML(scanSVG(s))} // numbers and escaped text only
		if sections = append(sections, one); len(v.Changes) > 0 {
			changed = append(changed, one)
		}
	}
	text := fmt.Sprintf("%d of %s changed", len(changed), plural(len(all), "series", "series"))
	return scanPage.Execute(w, map[string]any{"CSS": template.CSS(styleSheet), "Series": sections, "Changed": changed, "Text": text})
}

// scanPage is the page around the charts; read-only.
var scanPage = template.Must(template.New("scan").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Changes and anomalies</title>
<style>{{.CSS}}.wide>table{min-width:36rem}.at{white-space:nowrap}.key{width:24px;height:12px;vertical-align:-1px;margin:0 4px 0 12px}</style></head>
<body><main><h1>Changes and anomalies</h1>
<p>{{.Text}}{{range $i, $s := .Changed}}{{if $i}}, {{else}}: {{end}}<a href="#{{.ID}}">{{.Title}}</a>{{end}}.</p>
<p class="quiet"><svg class="key" aria-hidden="true" viewBox="0 0 24 12" style="margin-left:0"><rect class="within change" width="24" height="12"/><line class="mark change" x1="12" x2="12" y2="12"/></svg>a change, and where it may have begun<svg class="key" aria-hidden="true" viewBox="0 0 24 12"><line class="mark onset" x1="12" x2="12" y2="12"/></svg>a suspect<svg class="key" aria-hidden="true" viewBox="0 0 24 12"><rect class="within odd" width="24" height="12"/></svg>an anomaly</p>
{{range .Series}}{{$time := .Time}}<section id="{{.ID}}"><h2>{{.Title}}</h2><p>{{.Text}}</p>{{.Chart}}
{{with .Rows}}<div class="wide" tabindex="0"><table><thead><tr><th scope="col" class="n">row</th><th scope="col">{{$time}}</th><th scope="col">what</th><th scope="col">in words</th></tr></thead><tbody>
{{range .}}<tr><td class="n">{{.Row}}</td><td class="at">{{.Time}}</td><td>{{.What}}</td><td>{{.Text}}</td></tr>{{end}}</tbody></table></div>{{end}}</section>
{{end}}</main></body></html>
`))

// scanSVG draws a whole series over its rows.
func scanSVG(s Scanned) string {
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range s.Values {
		if finite(v) {
			low, high = min(low, v), max(high, v)
		}
	}
	n := len(s.Values)
	if n == 0 || low > high {
		return `<p class="nodata">∅ no data</p>`
	}
	if low == high {
		low, high = low-1, high+1
	}
	d := drawing{low: low, high: high, n: n}
	esc := template.HTMLEscapeString
	fmt.Fprintf(&d.b, `<svg class="chart" viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, svgWidth, svgHeight, esc(Scan(s).Text))
	for _, v := range []float64{low, low/2 + high/2, high} {
		fmt.Fprintf(&d.b, `<line class="grid" x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f"/><text class="axis" x="%.0f" y="%.1f" text-anchor="end">%s</text>`,
			svgLeft, svgWidth, d.y(v), d.y(v), svgLeft-6, d.y(v)+4, esc(coarse(v)))
	}
	for _, a := range s.Findings.Anomalies {
		d.stretch("odd", a.Start, a.End+1, fmt.Sprintf("anomaly, rows %d to %d", a.Start, a.End))
	}
	d.line(s.Values)
	for _, c := range s.Findings.Changes {
		d.mark("change", c.Index, c.Interval, scanned(c))
	}
	for _, c := range s.Findings.Suspects {
		d.mark("onset", c.Index, c.Interval, "suspect: "+scanned(c.ChangePoint))
	}
	first, last := when(s.instant(0), s.at(0)), when(s.instant(n-1), s.at(n-1))
	if first == "" {
		first, last = "row 0", fmt.Sprintf("row %d", n-1)
	}
	fmt.Fprintf(&d.b, `<text class="axis" x="%.0f" y="%.0f">%s</text><text class="axis" x="%.0f" y="%.0f" text-anchor="end">%s</text></svg>`,
		svgLeft, svgHeight-4, esc(first), svgWidth, svgHeight-4, esc(last))
	return d.b.String()
}

// drawing is a chart over rows while it is drawn.
type drawing struct {
	b         strings.Builder
	low, high float64
	n         int
}

func (d *drawing) x(row float64) float64 {
	return svgLeft + (svgWidth-svgLeft)*min(1, max(0, row/math.Max(1, float64(d.n-1))))
}

func (d *drawing) y(v float64) float64 {
	part := (v - d.low) / (d.high - d.low)
	if math.IsInf(d.high-d.low, 0) {
		part = (v/2 - d.low/2) / (d.high/2 - d.low/2)
	}
	return 8 + (svgHeight-svgBottom-8)*(1-part)
}

func (d *drawing) stretch(class string, from, to int, title string) {
	left, right := d.x(float64(from)-0.5), d.x(float64(to)-0.5)
	fmt.Fprintf(&d.b, `<rect class="within %s" x="%.1f" y="8" width="%.1f" height="%.0f"><title>%s</title></rect>`,
		class, left, max(1.5, right-left), svgHeight-svgBottom-8, template.HTMLEscapeString(title))
}

func (d *drawing) mark(class string, row int, within [2]int, title string) {
	if within[0] < within[1] {
		d.stretch(class, within[0], within[1]+1, title)
	}
	x := d.x(float64(row))
	fmt.Fprintf(&d.b, `<line class="mark %s" x1="%.1f" x2="%.1f" y1="8" y2="%.0f"><title>%s</title></line>`, class, x, x, svgHeight-svgBottom, template.HTMLEscapeString(title))
}

// line draws the values; a gap stays a gap.
func (d *drawing) line(values []float64) {
	per := max(1, (len(values)+mostColumns-1)/mostColumns)
	var path strings.Builder
	pen := "M"
	for from := 0; from < len(values); from += per {
		part := values[from:min(len(values), from+per)]
		low, high := math.Inf(1), math.Inf(-1)
		for _, v := range part {
			if finite(v) {
				low, high = min(low, v), max(high, v)
			}
		}
		if low > high {
			pen = "M"
			continue
		}
		x := d.x(float64(from))
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, x, d.y(low))
		pen = "L"
		if low < high {
			fmt.Fprintf(&path, "L%.1f %.1f", x, d.y(high))
		}
	}
	fmt.Fprintf(&d.b, `<path class="line s0" d="%s"/>`, path.String())
}
