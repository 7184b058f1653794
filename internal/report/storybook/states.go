package storybook

import (
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

const day = 24 * time.Hour

// objectives are one objective in each state, as of now.
func objectives(now time.Time) []Objective {
	return append([]Objective{burningObjective(now), calmObjective(now), silentObjective(now), youngObjective(now)}, append(monthly(now), journey(now)...)...)
}

// policy are the tiers of the default preset over a window of 30 days.
func policy() []pitwall.BurnTier {
	burn := func(name string, f float64, long, short time.Duration, a pitwall.Action) pitwall.BurnTier {
		return pitwall.BurnTier{Name: name, When: pitwall.WhenBurn, Factor: f, Long: long, Short: short, Action: a, MinBad: 10}
	}
	fast, page := burn("fast", 28.8, 15*time.Minute, 2*time.Minute, pitwall.ActionPage), burn("page", 14.4, time.Hour, 5*time.Minute, pitwall.ActionPage)
	slow := burn("slow", 5, 6*time.Hour, 30*time.Minute, pitwall.ActionPage)
	fast.OpensPlan, page.OpensPlan, slow.Halt = true, true, pitwall.HaltRisky
	return []pitwall.BurnTier{fast, page, slow,
		burn("escalate", 2, day, 2*time.Hour, pitwall.ActionEscalate), burn("ticket", 1, 3*day, 6*time.Hour, pitwall.ActionTicket),
		{Name: "day-quarter", When: pitwall.WhenSpent, Percent: 25, Of: pitwall.OfDay, Action: pitwall.ActionInform},
		{Name: "ending", When: pitwall.WhenExhaustion, Within: day, Long: 6 * time.Hour, Of: pitwall.OfRemaining, Action: pitwall.ActionPage},
		{Name: "no-traffic", When: pitwall.WhenTrafficLost, Short: 10 * time.Minute, Action: pitwall.ActionPage},
	}
}

// withTiers gives a budget the state of each tier of its objective, whose burn
// tiers see the same rate over both windows.
func withTiers(b pitwall.ErrorBudget, s pitwall.SLO, rate float64) pitwall.ErrorBudget {
	b.Tiers = nil
	for _, t := range s.Tiers {
		st := pitwall.TierState{Tier: t, Known: b.Known && b.BurnKnown}
		if t.When == pitwall.WhenBurn && st.Known {
			st.LongRate, st.ShortRate, st.Value, st.Limit = rate*0.8, rate, rate, t.Factor
			st.Long, st.Short = pitwall.Counts{Good: 9_400, Bad: uint64(94 * rate)}, pitwall.Counts{Good: 900, Bad: uint64(9 * rate)}
			if rate*0.8 > t.Factor {
				st.Firing, st.Since = true, b.At.Add(-6*time.Minute)
			}
		}
		b.Tiers = append(b.Tiers, st)
	}
	b.Window = pitwall.Period{From: b.At.Add(-s.Window), To: b.At}
	return b
}

func burningObjective(now time.Time) Objective {
	s := SLOs()[0]
	s.Tiers, s.Owner, s.Preset = policy(), "team-pay", "pitwall-default"
	b := withTiers(Budget(s, now, 0.38, 74.8), s, 74.8)
	b.Tiers[0].LongRate, b.Tiers[0].ShortRate, b.Tiers[0].Long, b.Tiers[0].Short = 31.6, 74.8, tierState().Long, tierState().Short
	b.Tiers[0].Expr, b.Tiers[0].Since = tierState().Expr, now.Add(-14*time.Minute)
	b.Tiers[1].Expr = "59.8× > 14.4× over 1 h and 74.8× > 14.4× over 5 m, and 2,849 bad ≥ 10"
	ticket := &b.Tiers[4]
	ticket.Firing, ticket.Since, ticket.Held = false, time.Time{}, "only 2 h of its 3 d were seen"
	spent := &b.Tiers[5]
	spent.Value, spent.Limit, spent.Firing, spent.Since = 61, 25, true, now.Add(-11*time.Minute)
	spent.Expr = "61 % of the day's budget spent since 00:00 > 25 %"
	ends := &b.Tiers[6]
	ends.Since, ends.Expr = now.Add(-40*time.Second), "ends in 5 h 58 m < 24 h; holds since 40 s of 2 m"
	return Objective{Case: "burning", SLO: s, Budget: b, Seen: 30 * day, Detection: detection(), Shares: shares(s.Name, now), step: turning(0.76, 40, 60),
		Definitions: []pitwall.Definition{
			{SLO: s.Name, At: now.Add(-9 * day), Source: s.Source, YAML: s.YAML},
			{SLO: s.Name, At: now.Add(-41 * day), Source: s.Source, YAML: strings.Replace(s.YAML, "target: 0.99", "target: 0.995", 1)},
		}}
}

func calmObjective(now time.Time) Objective {
	s := SLOs()[2]
	s.Tiers, s.Preset = policy(), "pitwall-default"
	b := withTiers(Budget(s, now, 0.12, 0.3), s, 0.3)
	return Objective{Case: "calm", SLO: s, Budget: b, Seen: 30 * day, Detection: detection(), Shares: shares(s.Name, now)[:1], step: even(420, 0)}
}

func silentObjective(now time.Time) Objective {
	s := pitwall.SLO{Name: "search-freshness", DisplayName: "Search knows new items", Service: "search", Target: 0.99, Window: 28 * day, Owner: "team-find", Preset: "pitwall-default", Tiers: policy(), Source: "slo/search.yaml:1",
		SLI:  pitwall.SLI{Kind: pitwall.SLIValue, Service: "search", Query: &pitwall.SLIQuery{Value: "search_index_age_seconds", Op: pitwall.LessEqual, Limit: 900}},
		YAML: "apiVersion: openslo/v1\nkind: SLO\nmetadata:\n  name: search-freshness\n"}
	b := withTiers(pitwall.ErrorBudget{SLO: s.Name, At: now, Target: s.Target}, s, 0)
	return Objective{Case: "no data", SLO: s, Budget: b, Problem: "reading search_index_age_seconds from http://metrics:9090: connection refused, since 25 m"}
}

func youngObjective(now time.Time) Objective {
	s := pitwall.SLO{Name: "orders-availability", DisplayName: "Orders are taken", Service: "orders", Target: 0.999, Window: 30 * day, Preset: "sre-workbook", Source: "slo/orders.yaml:4",
		SLI: pitwall.SLI{Kind: pitwall.SLIAvailability, Service: "orders", Operation: "POST /orders"}, Tiers: policy()[:3]}
	seen := 2*time.Hour + 10*time.Minute
	b := withTiers(Budget(s, now, 0.04, 0.4), s, 0.4)
	b.Counts, b.Coverage = pitwall.Counts{Good: 31_240, Bad: 2}, pitwall.Ratio(float64(seen)/float64(s.Window))
	b.Tiers[2].Known = false
	return Objective{Case: "young", SLO: s, Budget: b, Seen: seen, Detection: detection()[:3], Shares: shares(s.Name, now)[:1], step: once(210)}
}

// monthly is an objective of a calendar month that counts slices, with time
// taken out.
func monthly(now time.Time) []Objective {
	berlin := time.FixedZone("CET", 3600)
	period := pitwall.Period{From: time.Date(2026, 2, 10, 0, 0, 0, 0, berlin), To: time.Date(2026, 3, 10, 0, 0, 0, 0, berlin)}
	s := pitwall.SLO{Name: "payments-monthly", DisplayName: "Payments are booked", Service: "payment", Target: 0.995, Window: 30 * day, Owner: "team-pay", Source: "slo/payment.yaml:1",
		SLI:      pitwall.SLI{Kind: pitwall.SLIEvents, Service: "payment", Query: &pitwall.SLIQuery{Bad: "rate(payments_failed_total[5m])", Total: "rate(payments_total[5m])"}},
		Calendar: &pitwall.Calendar{Unit: pitwall.Month, Count: 1, Zone: "Europe/Berlin", Start: period.From}, Budgeting: pitwall.Timeslices, Slices: &pitwall.Slices{Length: time.Minute, Target: 0.95, Empty: pitwall.EmptyExcluded},
		Tiers: []pitwall.BurnTier{
			{Name: "half", When: pitwall.WhenSpent, Percent: 50, Of: pitwall.OfPeriod, Long: 7 * day, Action: pitwall.ActionEscalate},
			{Name: "projected", When: pitwall.WhenProjected, Percent: 100, Of: pitwall.OfPeriod, For: time.Hour, Action: pitwall.ActionTicket},
		}, YAML: "apiVersion: openslo/v1\nkind: SLO\nmetadata:\n  name: payments-monthly\n"}
	b := withTiers(Budget(s, now, 0.46, 0.9), s, 0.9)
	projected := pitwall.Ratio(0.93)
	b.Window, b.Projected, b.Corrected, b.Slices = period, &projected, 4*time.Hour+30*time.Minute, &pitwall.Counts{Good: 29_240, Bad: 93}
	b.EndsIn = 0
	b.Tiers[0].Value, b.Tiers[0].Limit, b.Tiers[0].Expr = 12, 50, "12 % of the period's budget spent within 7 d < 50 %"
	b.Tiers[1].Value, b.Tiers[1].Limit, b.Tiers[1].Expr = 93, 100, "93 % will be spent by 2026-03-10 00:00 < 100 %"
	return []Objective{{Case: "calendar", SLO: s, Budget: b, Seen: 60 * day, Shares: shares(s.Name, now)[1:], Corrections: corrections(s.Name, now), step: even(380, 1)}}
}

func corrections(name pitwall.SLOName, now time.Time) []pitwall.Correction {
	return []pitwall.Correction{
		{ID: "COR-2", SLO: name, Period: pitwall.Period{From: now.Add(-9 * day), To: now.Add(-9*day + 4*time.Hour + 30*time.Minute)}, Reason: "announced move of the booking database", By: "alice", At: now.Add(-8 * day)},
		{ID: "COR-1", Service: "payment", Period: pitwall.Period{From: now.Add(-20 * day), To: now.Add(-20*day + time.Hour)}, Reason: "load test of the provider", By: "bob", At: now.Add(-20 * day),
			Revoked: &pitwall.Revoked{By: "alice", Reason: "it reached real customers", At: now.Add(-19 * day)}},
	}
}

// journey is a composite with its members: one burns slowly, one was overspent.
func journey(now time.Time) []Objective {
	member := func(name pitwall.SLOName, service pitwall.ServiceName, op string, target pitwall.Ratio, spent, rate float64) Objective {
		s := pitwall.SLO{Name: name, Service: service, Target: target, Window: 28 * day, PartOf: "shop-journey", Source: "slo/journey.yaml:1", Owner: "team-shop",
			SLI: pitwall.SLI{Kind: pitwall.SLIAvailability, Service: service, Operation: op}, Tiers: policy()[:5]}
		return Objective{Case: "member", SLO: s, Budget: withTiers(Budget(s, now, spent, rate), s, rate), Seen: 28 * day, Detection: detection(), Shares: shares(name, now)[:1], step: even(240, 0)}
	}
	list := []Objective{member("journey-browse", "edge", "GET /catalog", 0.999, 0.2, 0.4), member("journey-checkout", "checkout", "POST /checkout", 0.995, 0.71, 1.7), member("journey-pay", "payment", "POST /pay", 0.999, 1.12, 0.8)}
	s := pitwall.SLO{Name: "shop-journey", DisplayName: "People can buy", Service: "shop", Target: 0.99, Window: 28 * day, Owner: "team-shop", Source: "slo/journey.yaml:1", Tiers: policy()[:5],
		SLI:  pitwall.SLI{Kind: pitwall.SLIComposite, Composite: &pitwall.Composite{Method: pitwall.CompositeJourney, Members: []pitwall.Member{{SLO: "journey-browse", Weight: 1}, {SLO: "journey-checkout", Weight: 1}, {SLO: "journey-pay", Weight: 1}}}},
		YAML: "apiVersion: openslo/v1\nkind: SLO\nmetadata:\n  name: shop-journey\nspec:\n  indicator: {…}\n"}
	return append([]Objective{{Case: "composite", SLO: s, Budget: withTiers(Budget(s, now, 0.55, 1.2), s, 1.2), Seen: 28 * day, Detection: detection(), step: even(200, 1)}}, list...)
}

// detection is what the tiers notice of a constant burn.
func detection() []pitwall.Detection {
	return []pitwall.Detection{
		{BurnRate: 100, Tier: "fast", Action: pitwall.ActionPage, Detect: 4*time.Minute + 20*time.Second, Reset: 2 * time.Minute, Spent: 0.01, EndsIn: 7*time.Hour + 12*time.Minute},
		{BurnRate: 14.5, Tier: "page", Action: pitwall.ActionPage, Detect: 59*time.Minute + 36*time.Second, Reset: 5 * time.Minute, Spent: 0.02, EndsIn: 49*time.Hour + 39*time.Minute},
		{BurnRate: 6, Tier: "slow", Action: pitwall.ActionPage, Detect: 5 * time.Hour, Reset: 30 * time.Minute, Spent: 0.0417, EndsIn: 5 * day},
		{BurnRate: 1.1, Tier: "ticket", Action: pitwall.ActionTicket, Detect: 65*time.Hour + 27*time.Minute, Reset: 6 * time.Hour, Spent: 0.1, EndsIn: 27*day + 6*time.Hour},
		{BurnRate: 0.9},
	}
}

// shares tell the bad events of an objective apart; the intervals are drawn.
func shares(name pitwall.SLOName, now time.Time) []pitwall.Attribution {
	p := pitwall.Period{From: now.Add(-time.Hour), To: now}
	a := func(by string, covered pitwall.Ratio, list ...pitwall.Share) pitwall.Attribution {
		return pitwall.Attribution{SLO: name, Dimension: by, Period: p, Shares: list, Covered: covered, Maths: pitwall.Maths{Formula: "share = bad of the value / all bad told apart; interval of Wilson, 95 %", Query: "spans of " + p.From.Format("15:04") + " to " + p.To.Format("15:04"), Period: p, At: now}}
	}
	one := func(value string, good, bad uint64, of, low, high, spent pitwall.Ratio, excess float64) pitwall.Share {
		return pitwall.Share{Value: value, Counts: pitwall.Counts{Good: good, Bad: bad}, OfBad: of, OfBadLow: low, OfBadHigh: high, Spent: spent, Excess: excess}
	}
	version := a("version", 1, one("v41", 6_100, 2_790, 0.979, 0.973, 0.984, 0.23, 2_512), one("v40", 22_410, 59, 0.021, 0.016, 0.027, 0.005, -2_512))
	tenant := a("tenant", 0.962, one("acme", 1_200, 1_480, 0.54, 0.521, 0.558, 0.121, 1_260), one("globex", 5_230, 702, 0.256, 0.24, 0.273, 0.058, 210), one("(other)", 20_080, 559, 0.204, 0.189, 0.219, 0.046, -1_470))
	tenant.Note = "3.8 % of the bad events carry no tenant."
	operation := a("operation", 1, one("POST /checkout", 28_510, 2_849, 1, 0.9987, 1, 0.235, 0))
	deploy := a("deploy", 1, one("inventory v41, 14:05", 6_100, 2_790, 0.979, 0.973, 0.984, 0.23, 2_512), one("before any deploy", 22_410, 59, 0.021, 0.016, 0.027, 0.005, -2_512))
	return []pitwall.Attribution{version, tenant, operation, deploy}
}
