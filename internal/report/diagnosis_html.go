package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"
	"strings"
)

//go:embed diagnosis.html
var diagnosisTemplate string

// DiagnosisHTML is the diagnosis as one file that needs nothing else, like HTML
// is of a plan.
func DiagnosisHTML(v DiagnosisView) ([]byte, error) {
	t, err := documents()
	if err != nil {
		return nil, err
	}
	t, err = t.Funcs(template.FuncMap{
		"pair":   pairSVG,
		"span":   spanSVG,
		"flame":  flameSVG,
		"indent": func(depth int) string { return strings.Repeat("\u00a0\u00a0", min(depth, 12)) },
	}).Parse(diagnosisTemplate)
	if err != nil {
		return nil, fmt.Errorf("reading diagnosis template: %w", err)
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "diagnosis", v); err != nil {
		return nil, fmt.Errorf("rendering diagnosis: %w", err)
	}
	return []byte(clean(b.String())), nil
}

// pairSVG draws two shares: of the slow above, of the typical below.
func pairSVG(r ContrastRow) template.HTML {
	tone := ToneNone
	if r.More {
		tone = ToneWarn
	}
	return template.HTML(fmt.Sprintf(`<svg class="fall two" viewBox="0 0 201 16" preserveAspectRatio="none" aria-hidden="true"><rect class="fill %s" width="%.1f" height="7"/><rect class="fill no-data" y="9" width="%.1f" height="7"/></svg>`,
		tone, math.Max(0.5, 200*r.SlowShare), math.Max(0.5, 200*r.TypicalShare))) // numbers only
}

// spanSVG draws when a span ran, pale, and from its beginning as much as the
// request waited for its own work.
func spanSVG(s CallView) template.HTML {
	wide := math.Max(0.8, 200*(s.To-s.From))
	return template.HTML(fmt.Sprintf(`<svg class="fall" viewBox="0 0 201 10" preserveAspectRatio="none" aria-hidden="true"><rect class="fill pale" x="%.1f" width="%.1f" height="10"/><rect class="fill" x="%.1f" width="%.1f" height="10"/></svg>`,
		200*s.From, wide, 200*s.From, math.Min(wide, 200*s.Own))) // numbers only
}

// The size of a printed flame graph: its width, the height of a frame, and about
// how wide a letter is, all in its own units.
const (
	flameWide, flameHigh, flameLetter = 960.0, 18.0, 6.2
)

// flameSVG draws the profile as it is now; what no longer runs is in the tables.
func flameSVG(f FlameView) template.HTML {
	deepest := 0
	for _, x := range f.Tree {
		deepest = max(deepest, x.Depth)
	}
	var b strings.Builder
	esc := template.HTMLEscapeString
	fmt.Fprintf(&b, `<svg class="flame" viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, flameWide, flameHigh*float64(deepest+1), esc(f.Title+". "+f.Summary))
	for _, x := range f.Tree {
		w := x.W * flameWide
		if w < 0.5 {
			continue
		}
		mark := map[Tone]string{ToneWarn: "▲ ", ToneOK: "▼ "}[x.Tone]
		left, top := x.X*flameWide, flameHigh*float64(x.Depth)
		fmt.Fprintf(&b, `<g><title>%s: %s → %s per request (%s)</title><rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`,
			esc(x.Name), esc(x.Before), esc(x.After), esc(x.Change), x.Tone, left, top, math.Max(0.5, w-0.8), flameHigh-1)
		if letters := int((w - 8) / flameLetter); letters >= 3 {
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f">%s</text>`, left+4, top+12.5, esc(cut(mark+shortFrame(x.Name), letters)))
		}
		b.WriteString("</g>")
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // built here, every text escaped
}

// shortFrame drops the path of a function's package: what differs comes last.
func shortFrame(name string) string {
	return name[strings.LastIndexByte(name, '/')+1:]
}
