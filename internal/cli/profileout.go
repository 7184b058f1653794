package cli

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
	"github.com/pitwall/pitwall/internal/report"
)

func (v compared) print(g *global, top int) error {
	out, d := g.env.Stdout, v.Compared
	fmt.Fprintf(out, "%s\n\n", d.Verdict.Text)
	fmt.Fprintf(out, "%s, before → after, %s: %s before, %s after\n\n", kindWords(d), per(d.Unit), v.Before, v.After)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tBEFORE → AFTER\tCHANGE\tOF THE WHOLE\tP\t")
	whole := d.Whole
	whole.Name = "whole profile"
	printDelta(w, whole, d.Unit)
	fmt.Fprintln(w, "FAMILY\t\t\t\t\t")
	for _, f := range d.Families {
		if f.Significant || max(f.ShareBefore, f.ShareAfter) >= 0.005 {
			printDelta(w, f, d.Unit)
		}
	}
	fmt.Fprintln(w, "FUNCTION\t\t\t\t\t")
	for _, f := range d.Frames {
		if f.Significant || top > 0 {
			printDelta(w, f, d.Unit)
		}
		if !f.Significant {
			top--
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, text := range append(v.Notes, d.Warnings...) {
		if text != d.Verdict.Text {
			fmt.Fprintln(g.env.Stderr, "note: "+text)
		}
	}
	v.next(g.env.Stderr)
	return nil
}

// next names the next likely command.
func (v compared) next(stderr io.Writer) {
	switch d := v.Compared; {
	case d.Verdict.Answer == prof.Changed:
		fmt.Fprintln(stderr, "next: the same line with -o json has the merged call tree (tree) and every function")
	case d.Verdict.More > 0:
		fmt.Fprintln(stderr, "next: record more windows a side, or longer ones, and compare again")
	}
}

func kindWords(d prof.Comparison) string {
	return map[pitwall.ProfileType]string{
		pitwall.ProfileCPU: "CPU time", pitwall.ProfileAlloc: "allocation", pitwall.ProfileMutex: "time others waited for locks",
		pitwall.ProfileBlock: "time waited", pitwall.ProfileHeap: "memory held", pitwall.ProfileGoroutine: "goroutines",
	}[d.Type]
}

// per says what the figures are per.
func per(u pitwall.Unit) string {
	switch u {
	case pitwall.UnitCPUPerReq, pitwall.UnitBytesPerReq:
		return "per request"
	}
	return "per window"
}

func printDelta(w io.Writer, f pitwall.FrameDelta, unit pitwall.Unit) {
	change, mark := "new", ""
	switch {
	case f.Before > 0 && f.After == 0:
		change = "gone"
	case f.Before > 0:
		change = fmt.Sprintf("%+.0f %%", 100*(f.After/f.Before-1))
	case f.After == 0:
		change = "–"
	}
	switch {
	case f.Significant && f.After > f.Before:
		mark = "grew"
	case f.Significant:
		mark = "shrank"
	}
	fmt.Fprintf(w, "  %s\t%s → %s\t%s\t%.1f → %.1f %%\t%.2g\t%s\n", printable(f.Name), amount(f.Before, unit), amount(f.After, unit),
		change, 100*float64(f.ShareBefore), 100*float64(f.ShareAfter), f.P, mark)
}

// amount words a value in its unit.
func amount(v float64, unit pitwall.Unit) string {
	switch unit {
	case pitwall.UnitBytes, pitwall.UnitBytesPerReq:
		return pitwall.Bytes(math.Round(v)).String()
	case pitwall.UnitCount:
		return fmt.Sprintf("%.3g", v)
	}
	return report.Seconds(v)
}
