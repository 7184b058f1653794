package enforce

import (
	"fmt"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// runbook renders the entry a person reads at night: what it looks like, what
// to type first, what it was last time.
func (r *renderer) runbook() {
	var b strings.Builder
	reg, sig := r.p.Opened.Regression, r.h.Signal
	fmt.Fprintf(&b, "# %s: %s\n\n", sig.Service, r.h.Class)
	fmt.Fprintf(&b, "- Owner: %s\n- Last seen: %s (%s)\n- Review by: %s\n", orDash(r.o.Owner),
		r.p.OpenedAt.UTC().Format(time.DateOnly), r.link(), r.o.Now.UTC().Add(reviewAfter).Format(time.DateOnly))

	b.WriteString("\n## Symptom\n\n")
	if s := oneLine(r.o.Runbook.Symptom); s != "" {
		b.WriteString(s + "\n\n")
	}
	fmt.Fprintf(&b, "%s of %s `%s` moved from %s to %s and burned `%s`.\n", upperFirst(string(reg.Signal)), reg.Service, reg.Operation,
		measure(reg.Before), measure(reg.After), r.p.Opened.Burn.SLO)

	b.WriteString("\n## First commands\n\n```sh\n")
	for _, c := range r.commands() {
		b.WriteString(oneLine(c) + "\n")
	}
	b.WriteString("```\n\n## Cause last time\n\n")
	fmt.Fprintf(&b, "%s\n\n- %s: %s before, %s during\n", oneLine(r.h.Claim), upperFirst(oneLine(sig.Name)), measure(sig.Before), measure(sig.After))
	if c := r.h.Change; c != nil {
		fmt.Fprintf(&b, "- Change: %s `%s` of %s %s at %s%s\n", c.Kind, c.ID, c.Service, c.Version, c.At.UTC().Format(time.RFC3339), summary(c.Summary))
	}
	for _, e := range r.h.For {
		fmt.Fprintf(&b, "- %s\n", oneLine(e.Claim))
	}

	b.WriteString("\n## What helped\n\n")
	fmt.Fprintf(&b, "%s. Undo: %s\n", strings.TrimSuffix(oneLine(r.p.Fix.Title), "."), orDash(oneLine(r.p.Fix.Undo)))
	if v := r.p.Verification; v != nil && v.P99After.Known() {
		fmt.Fprintf(&b, "\np99 %s before, %s during, %s after the fix.\n", measure(v.P99Before), measure(v.P99During), measure(v.P99After))
	}
	if r.h.Disproof != "" {
		fmt.Fprintf(&b, "\nIt is something else if: %s\n", oneLine(r.h.Disproof))
	}
	b.WriteString("\n## What keeps it away\n\n")
	kept := 0
	for _, f := range r.files {
		kept++
		fmt.Fprintf(&b, "- %s: `%s`\n", strings.ReplaceAll(string(f.Kind), "-", " "), f.Path)
	}
	if kept == 0 {
		b.WriteString("Nothing but this entry: it can return.\n")
	}
	for _, m := range r.missing {
		fmt.Fprintf(&b, "- not left behind: %s\n", m)
	}
	r.add(pitwall.EnforcedRunbook, r.runbookPath(), b.String())
}

// commands are the playbook's, or what always helps.
func (r *renderer) commands() []string {
	list := append([]string(nil), r.o.Runbook.Commands...)
	if len(list) == 0 {
		list = append(list, "pitwall status", "pitwall plan list")
	}
	list = append(list, fmt.Sprintf("pitwall plan view %s", r.p.ID))
	if r.gate != nil {
		list = append(list, fmt.Sprintf("pitwall gate run gates/%s.yaml --target http://HOST:PORT", r.gate.Name))
	}
	return list
}

func (r *renderer) link() string {
	if url := r.planURL(); url != "" {
		return fmt.Sprintf("[%s](%s)", r.p.ID, url)
	}
	return string(r.p.ID)
}

// measure words a number for a runbook.
func measure(m pitwall.Measure) string {
	switch {
	case !m.Known():
		return "no data"
	case m.Unit == pitwall.UnitSeconds && m.Value < 1:
		return fmt.Sprintf("%.0f ms", m.Value*1000)
	case m.Unit == pitwall.UnitSeconds:
		return fmt.Sprintf("%.2g s", m.Value)
	case m.Unit == pitwall.UnitBytes:
		return pitwall.Bytes(m.Value).String()
	case m.Unit == pitwall.UnitRatio:
		return pitwall.Ratio(m.Value).String()
	}
	return fmt.Sprintf("%.4g %s", m.Value, m.Unit)
}

func summary(s string) string {
	if s = oneLine(s); s != "" {
		return ": " + s
	}
	return ""
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func upperFirst(s string) string {
	if s == "" {
		return "The signal"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
