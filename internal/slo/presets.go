package slo

import (
	"time"

	"github.com/pitwall/pitwall"
)

const day = 24 * time.Hour

// referenceWindow is the SLO window the default's factors are written for.
const referenceWindow = 30 * day

// preset is a set of tiers written for a window.
type preset struct {
	name   string
	window time.Duration
	tiers  []pitwall.BurnTier
}

// presets are the sets that come with Pitwall; the first is the default.
func presets() []preset {
	return []preset{
		{DefaultPreset, referenceWindow, pitwallDefault()},
		{"sre-workbook", 30 * day, sreWorkbook()},
		{"pyrra-28d", 28 * day, pyrra()},
		{"daily-budget", 30 * day, dailyBudget()},
		{"slo-generator", 28 * day, sloGenerator()},
	}
}

// fit gives the tiers for another window.
func (p preset) fit(window time.Duration) []pitwall.BurnTier {
	var fit []pitwall.BurnTier
	for _, t := range p.tiers {
		switch aDay := t.Of == pitwall.OfDay || t.Within > 0; {
		case t.Long > window, aDay && window < 4*day:
			continue
		case t.When == "" || t.When == pitwall.WhenBurn:
			t.Factor = max(1, round6(t.Factor*window.Hours()/p.window.Hours()))
		}
		fit = append(fit, t)
	}
	return fit
}

// pitwallDefault pages on 1 % of a 30-day budget within 15 minutes, 2 % within
// an hour and 4.2 % within six, and when the rest would end within a day; a
// slower burn goes to the owner or a ticket. Beside the burn rates it watches
// the day's share of the budget, what is left, and that there is traffic at all.
//
// A tier about what was spent opens a plan only while the budget burns faster
// than its factor, for it goes on firing when the trouble is over.
func pitwallDefault() []pitwall.BurnTier {
	const page, escalate, ticket, inform = pitwall.ActionPage, pitwall.ActionEscalate, pitwall.ActionTicket, pitwall.ActionInform
	return []pitwall.BurnTier{
		{Name: "fast", Factor: 28.8, Long: 15 * time.Minute, Short: 2 * time.Minute, Action: page, OpensPlan: true, Halt: pitwall.HaltAll, MinBad: 3},
		{Name: "page-fast", Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute, Action: page, OpensPlan: true, Halt: pitwall.HaltAll, MinBad: 3},
		{Name: "page-slow", Factor: 5, Long: 6 * time.Hour, Short: 30 * time.Minute, Action: page, OpensPlan: true, Halt: pitwall.HaltRisky, MinBad: 3},
		{Name: "exhaustion", When: pitwall.WhenExhaustion, Of: pitwall.OfRemaining, Within: day, Factor: 1, Long: time.Hour, Short: 5 * time.Minute,
			Action: page, Halt: pitwall.HaltRisky, MinBad: 3, MinEvents: 100},
		{Name: "traffic-lost", When: pitwall.WhenTrafficLost, Short: 5 * time.Minute, Long: time.Hour, For: time.Minute, Action: page, OpensPlan: true},
		aboutDay("day-100-soon", pitwall.BurnTier{When: pitwall.WhenProjected, Percent: 100, Factor: 1, Within: day, Action: page, OpensPlan: true, Halt: pitwall.HaltRisky}),
		{Name: "escalate", Factor: 2, Long: day, Short: 2 * time.Hour, Action: escalate, OpensPlan: true, MinBad: 3},
		aboutDay("day-100", pitwall.BurnTier{When: pitwall.WhenProjected, Percent: 100, Factor: 1, Action: escalate, OpensPlan: true, Halt: pitwall.HaltRisky}),
		aboutDay("day-50", pitwall.BurnTier{When: pitwall.WhenSpent, Percent: 50, Action: escalate}),
		{Name: "ticket", Factor: 1, Long: 3 * day, Short: 6 * time.Hour, Action: ticket, MinBad: 3},
		{Name: "remaining-25", When: pitwall.WhenRemaining, Percent: 25, Factor: 1, Long: 6 * time.Hour, Short: 30 * time.Minute,
			Action: ticket, OpensPlan: true, Halt: pitwall.HaltRisky, MinBad: 3, MinEvents: 100},
		{Name: "overspent", When: pitwall.WhenRemaining, Percent: 0, Factor: 1, Long: 6 * time.Hour, Short: 30 * time.Minute,
			Action: ticket, OpensPlan: true, Halt: pitwall.HaltAll, MinBad: 3, MinEvents: 100},
		aboutDay("day-25", pitwall.BurnTier{When: pitwall.WhenSpent, Percent: 25, Action: inform}),
	}
}

// aboutDay completes a tier about the day's share of the budget: it needs six
// hours of data and a hundred events, so that a fresh ledger is quiet, and what
// is projected must be so for half an hour.
func aboutDay(name string, t pitwall.BurnTier) pitwall.BurnTier {
	t.Name, t.Of, t.MinBad, t.MinEvents = name, pitwall.OfDay, 3, 100
	t.Long, t.Short = 6*time.Hour, 30*time.Minute
	if t.When == pitwall.WhenProjected {
		t.For = 30 * time.Minute // a sudden burn is for the burn tiers to notice
	}
	return t
}

// sreWorkbook is table 5-8 of the Google SRE Workbook: 2 % in an hour, 5 % in
// six, 10 % in a day and in three.
func sreWorkbook() []pitwall.BurnTier {
	return []pitwall.BurnTier{
		{Name: "page-fast", Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true, Halt: pitwall.HaltAll, MinBad: 3},
		{Name: "page-slow", Factor: 6, Long: 6 * time.Hour, Short: 30 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true, Halt: pitwall.HaltRisky, MinBad: 3},
		{Name: "ticket-fast", Factor: 3, Long: day, Short: 2 * time.Hour, Action: pitwall.ActionTicket, OpensPlan: true, MinBad: 3},
		{Name: "ticket-slow", Factor: 1, Long: 3 * day, Short: 6 * time.Hour, Action: pitwall.ActionTicket, MinBad: 3},
	}
}

// pyrra has Pyrra's factors, windows and waiting times for 28 days. For another
// window Pyrra keeps the factors and stretches the windows; here the windows stay
// and the factors change, as in every preset.
func pyrra() []pitwall.BurnTier {
	return []pitwall.BurnTier{
		{Name: "fast", Factor: 14, Long: time.Hour, Short: 5 * time.Minute, For: 2 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true, Halt: pitwall.HaltAll, MinBad: 3},
		{Name: "medium", Factor: 7, Long: 6 * time.Hour, Short: 30 * time.Minute, For: 15 * time.Minute, Action: pitwall.ActionPage, OpensPlan: true, Halt: pitwall.HaltRisky, MinBad: 3},
		{Name: "slow", Factor: 2, Long: day, Short: 2 * time.Hour, For: time.Hour, Action: pitwall.ActionTicket, OpensPlan: true, MinBad: 3},
		{Name: "longterm", Factor: 1, Long: 4 * day, Short: 6 * time.Hour, For: 3 * time.Hour, Action: pitwall.ActionTicket, MinBad: 3},
	}
}

// dailyBudget is the ladder of a daily error budget to the letter: inform at a
// quarter of it, escalate at half, page when all of it will be spent.
func dailyBudget() []pitwall.BurnTier {
	return []pitwall.BurnTier{
		aboutDay("day-100", pitwall.BurnTier{When: pitwall.WhenProjected, Percent: 100, Action: pitwall.ActionPage, OpensPlan: true, Halt: pitwall.HaltRisky}),
		aboutDay("day-50", pitwall.BurnTier{When: pitwall.WhenSpent, Percent: 50, Action: pitwall.ActionEscalate}),
		aboutDay("day-25", pitwall.BurnTier{When: pitwall.WhenSpent, Percent: 25, Action: pitwall.ActionInform}),
	}
}

// sloGenerator has the steps of slo-generator's sample policy: one window each,
// the two quick ones alert.
func sloGenerator() []pitwall.BurnTier {
	return []pitwall.BurnTier{
		{Name: "1h", Factor: 9, Long: time.Hour, Action: pitwall.ActionPage, OpensPlan: true, Halt: pitwall.HaltAll, MinBad: 3},
		{Name: "12h", Factor: 3, Long: 12 * time.Hour, Action: pitwall.ActionPage, OpensPlan: true, Halt: pitwall.HaltRisky, MinBad: 3},
		{Name: "7d", Factor: 1.5, Long: 7 * day, Action: pitwall.ActionTicket, MinBad: 3},
		{Name: "28d", Factor: 1, Long: 28 * day, Action: pitwall.ActionTicket, MinBad: 3},
	}
}
