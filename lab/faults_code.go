package lab

import "time"

// Faults that are in the code of a version. What the code does is in
// shop.releases; here is what its pipeline announces.

func code(service, version, title, file string, diff ...string) patch {
	return patch{service: service, version: version, title: title, files: []string{file}, hints: []string{file + ": +" + itoa(6+len(diff)*7) + " -" + itoa(len(diff))}, diff: patchDiff(file, diff...)}
}

func deployOf(p patch) place { return place{service: p.service, patch: p, kind: "deploy"} }

func cpuPlaces() []place {
	sign := patch{service: "payment", version: "v8", title: "Follow card scheme 2.2 for charge signatures",
		config: []setting{{"sign_rounds", "600", "82000"}}, files: []string{"charge/sign.go", "config/charge.yaml"}, hints: []string{"charge/sign.go: +9 -4"}}
	fuzzy := deployOf(code("checkout", "v14", "Apply promotions to goods with misspelt names", "pricing/promo.go",
		"-\t\thit = strings.Contains(text, w) && hit", "+\t\thit = near(have, w) && hit"))
	fuzzy.stage = func(s stage) stage { return s.with("checkout", map[string]string{"promo_cache_size": "0"}) }
	return []place{
		deployOf(sign),
		deployOf(code("auth", "v4", "Recognise robots by their typing", "session/device.go", "+\tscore := deviceScore(token)", "+\tspan.SetAttributes(attribute.String(\"session.device_score\", score))")),
		deployOf(code("inventory", "v42", "Show only tags a customer can read in the text", "search/terms.go", "+\tre := regexp.MustCompile(pattern(tag))", "+\tif re.MatchString(text) {")),
		fuzzy,
	}
}

func allocationPlaces() []place {
	return []place{
		deployOf(code("checkout", "v15", "Keep an audit trail of how an order came about", "order/audit.go", "+\tstep := clone(order)", "+\ttrail = append(trail, step)")),
		deployOf(code("inventory", "v43", "Answer from one moment of the assortment", "handlers/items.go", "-\titems := inv.items", "+\titems := snapshot(inv.items)")),
		deployOf(code("payment", "v9", "Judge risk by the likeness of a cart's lines", "risk/score.go", "-\trisk += qty / 100", "+\trisk = vectorRisk(lines)")),
	}
}

func lockPlaces() []place {
	return []place{
		deployOf(code("payment", "v11", "Book charges in the acquirer's order", "ledger/ledger.go", "+\tp.ledger.Lock()", "+\tdefer p.ledger.Unlock()", " \t_, err := p.acquirer.Authorise(ctx, charge)")),
		deployOf(code("checkout", "v16", "Never charge two carts of one region out of order", "order/pay.go", "+\tg := &c.guard[regionOf(user)]", "+\tg.Lock()", "+\tdefer g.Unlock()")),
	}
}

func repeatPlaces() []place {
	return []place{
		deployOf(code("checkout", "v17", "Do not sell a piece that left the shelf meanwhile", "order/check.go", "+\tfor range line.Qty {", "+\t\tif _, err := c.inventory.Stock(ctx, line.SKU); err != nil {")),
		deployOf(code("inventory", "v44", "Show reservations of each warehouse", "stock/reserve.go", "-\tsums := s.sums(ctx, skus)", "+\tfor _, house := range warehouses {", "+\t\tsums := s.sum(ctx, sku, house)")),
		deployOf(code("orders", "v23", "Count loyalty points by piece", "points/points.go", "-\tSELECT SUM(total_cents) FROM orders", "+\tfor _, id := range ids {", "+\t\tpoints += pieces(ctx, tx, id)")),
	}
}

func indexPlaces() []place {
	return []place{
		deployOf(code("orders", "v24", "Clean up the schema after the move to one customer table", "migrations/0018_cleanup.sql", "+DROP INDEX orders_customer;", "+DROP INDEX orders_created;")),
		deployOf(code("inventory", "v45", "Stock schema 2: reservations by delivery", "migrations/0032_reservations.sql", "+DROP INDEX reservations_sku;")),
	}
}

func payloadPlaces() []place {
	return []place{
		deployOf(code("payment", "v10", "Hand the risk report on to the back office", "charge/answer.go", "+\tout[\"report\"] = riskReport(lines)")),
		deployOf(code("auth", "v5", "Tell services what a session may do in full", "validate.go", "-\treturn []string{\"customer\"}", "+\treturn allClaims(user)")),
		deployOf(code("orders", "v25", "Answer with the customer's past orders for the thank-you page", "place.go", "+\tout[\"history\"] = o.history(ctx, user)")),
	}
}

func exceptionPlaces() []place {
	return []place{
		deployOf(code("payment", "v12", "List discounts of each line", "charge/discount.go", "+\tvar class *string", "+\tout = append(out, *class)")),
		deployOf(code("checkout", "v18", "Tell when a gift arrives", "order/gift.go", "+\tline[\"note\"] = \"arrives with \" + quick[\"carrier\"].(string)")),
		deployOf(code("inventory", "v46", "Name the bin to pick from", "stock/bin.go", "+\treturn free[0].Bin")),
		deployOf(code("orders", "v26", "Put a sample into each parcel", "gift/gift.go", "+\tg := gifts[points%10]", "+\treturn strings.ToUpper(g.Text)")),
		deployOf(code("auth", "v6", "Derive roles from the customer's profile", "session/roles.go", "+\treturn roles(profileOf(user).country)")),
	}
}

// leakLimit is a container's memory limit in the leak's story, in MiB: twice
// what the service needs to live on.
const leakLimit = 120

func leakPlaces() []place {
	var out []place
	for _, p := range []patch{
		code("payment", "v13", "Refuse a charge that was seen before", "charge/replay.go", "+\tp.seen.keep(in)"),
		code("auth", "v7", "Remember a session's steps for support", "session/trail.go", "+\ta.trail.keep(step)"),
		code("inventory", "v47", "Remember lookups for the demand forecast", "demand/trail.go", "+\tinv.trail.keep(lookup)"),
	} {
		at := deployOf(p)
		at.classes = []string{"capacity"}
		at.stage = func(s stage) stage {
			s.memory = map[string]int{p.service: leakLimit}
			return s
		}
		out = append(out, at)
	}
	return out
}

func coldPlaces() []place {
	lazy := deployOf(patch{service: "checkout", version: "v19", title: "Load tax tables when first needed and recycle workers",
		config: []setting{{"worker_max_age_seconds", "0", "6"}}, files: []string{"tax/table.go", "deploy/worker.yaml"},
		hints: []string{"tax/table.go: +14 -3"}, diff: patchDiff("tax/table.go", "-\ttaxes: load(),", "+\tt.once.Do(load)")})
	lazy.churn = 6 * time.Second
	again := deployOf(patch{service: "inventory", version: "v48", title: "Recycle workers to keep memory low",
		config: []setting{{"worker_max_age_seconds", "0", "4"}}, files: []string{"deploy/worker.yaml"}})
	again.churn = 4 * time.Second
	again.stage = func(s stage) stage { return s.with("inventory", map[string]string{"forecast_runs": "50000"}) }
	return []place{lazy, again}
}
