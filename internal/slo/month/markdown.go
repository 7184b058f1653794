package month

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// Markdown words the report for people.
func Markdown(r Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Objectives %s\n\n%s\n\n", span(r), sentence(r))
	if len(r.Rows) == 0 {
		return b.String() + "No objective is defined.\n"
	}
	b.WriteString("| objective | service | target | measured | budget spent | before | worst day | pages | tickets | left out |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|\n")
	for _, w := range r.Rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %d | %d | %s |\n", cell(w.Name), cell(string(w.Service)), precise(w.Target),
			measured(w), spent(w), before(w), worst(w), w.Pages, w.Tickets, leftOut(w))
	}
	plans(&b, r)
	corrections(&b, r)
	fmt.Fprintf(&b, "\nDays are those of %s. Spent is of a budget for exactly this period: bad / ((1 − target) × all).\n", r.Zone)
	return b.String()
}

// span words the period: a calendar month by its name.
func span(r Report) string {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		zone = time.UTC
	}
	from, to := r.Period.From.In(zone), r.Period.To.In(zone)
	text := fmt.Sprintf("%s to %s", from.Format("2006-01-02 15:04"), to.Format("2006-01-02 15:04"))
	midnight := func(t time.Time) bool { return t.Hour() == 0 && t.Minute() == 0 && t.Second() == 0 }
	switch {
	case midnight(from) && from.Day() == 1 && to.Equal(from.AddDate(0, 1, 0)):
		text = from.Format("January 2006")
	case midnight(from) && midnight(to):
		text = fmt.Sprintf("%s to %s", from.Format(time.DateOnly), to.AddDate(0, 0, -1).Format(time.DateOnly))
	}
	if r.Through.Before(r.Period.To) {
		text += ", so far"
	}
	return text
}

// sentence is the one that people who read no further have read.
func sentence(r Report) string {
	parts := []string{fmt.Sprintf("%d of %d objectives met", r.Met, r.Met+r.Missed)}
	if r.NoData > 0 {
		parts = append(parts, fmt.Sprintf("%d without data", r.NoData))
	}
	parts = append(parts, number(r.Pages, "page"), number(r.Opened, "plan")+" opened", fmt.Sprintf("%d closed", r.Closed))
	text := strings.Join(parts, ", ") + "."
	if len(r.Rows) > 0 && r.Rows[0].State == Missed {
		w := r.Rows[0]
		text += fmt.Sprintf(" Most was spent by %s: %s of its budget", cell(w.Name), w.Spent)
		if w.Worst != nil {
			text += fmt.Sprintf(", %s of it on %s", w.Worst.Spent, w.Worst.Date)
		}
		text += "."
	}
	return text
}

func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// precise prints a target or a measured share with all that matters: four
// digits of what is missing to 1.
func precise(r pitwall.Ratio) string {
	text := strings.TrimRight(fmt.Sprintf("%.5f", float64(r)*100), "0")
	return strings.TrimSuffix(text, ".") + " %"
}

func measured(w Row) string {
	if w.State == NoData {
		return "no data"
	}
	return precise(w.Measured)
}

func spent(w Row) string {
	switch w.State {
	case NoData:
		return "no data"
	case Missed:
		return "**" + w.Spent.String() + "**"
	}
	return w.Spent.String()
}

func before(w Row) string {
	switch {
	case !w.Before.Known:
		return "no data"
	case w.Before.Trend == "":
		return w.Before.Spent.String()
	}
	return fmt.Sprintf("%s, %s", w.Before.Spent, w.Before.Trend)
}

func worst(w Row) string {
	if w.Worst == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s)", w.Worst.Date, w.Worst.Spent)
}

func leftOut(w Row) string {
	if w.Corrected == 0 {
		return ""
	}
	return w.Corrected.Round(time.Minute).String()
}

func plans(b *strings.Builder, r Report) {
	begun := false
	for _, w := range r.Rows {
		for _, p := range w.Plans {
			if !begun {
				begun = true
				b.WriteString("\n## Plans\n\n")
			}
			fmt.Fprintf(b, "- %s, %s: %s, %s\n", p.ID, cell(w.Name), p.State, cell(p.Title))
		}
	}
}

// corrections lists each once, although it may concern many objectives.
func corrections(b *strings.Builder, r Report) {
	var seen []string
	for _, w := range r.Rows {
		for _, c := range w.Reasons {
			if slices.Contains(seen, c.ID) {
				continue
			}
			if len(seen) == 0 {
				b.WriteString("\n## Left out\n\n")
			}
			seen = append(seen, c.ID)
			fmt.Fprintf(b, "- %s to %s: %s (%s)\n", c.Period.From.UTC().Format("2006-01-02 15:04"), c.Period.To.UTC().Format("2006-01-02 15:04 MST"), cell(c.Reason), cell(c.By))
		}
	}
}

// cell keeps what people wrote from breaking the table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "\r", " ", "<", "&lt;").Replace(s)
}
