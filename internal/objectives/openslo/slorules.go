package openslo

// indicated: one indicator for all objectives, or one for each of them.
func (w sliWords) indicated(c *checker, f Field) {
	composite := false
	for _, goal := range f.Get("objectives").Items() {
		composite = composite || goal.Get(w.inline).Has() || goal.Get(w.ref).Has()
	}
	inline, ref := f.Get(w.inline), f.Get(w.ref)
	switch {
	case composite && (inline.Has() || ref.Has()):
		c.add(Invalid, f, "a composite has an indicator in each objective and none above them", "both %s and indicators of objectives are given", w.inline)
	case !composite && inline.Has() && ref.Has():
		c.add(Invalid, f, "keep one of them", "both %s and %s are given", w.inline, w.ref)
	case !composite && !inline.Has() && !ref.Has():
		c.add(Invalid, f, "", "%s or %s is missing", w.inline, w.ref)
	}
	if !composite {
		return
	}
	for _, goal := range f.Get("objectives").Items() {
		exactlyOne(w.inline, w.ref)(c, goal)
	}
}

func oneWindow(name string) rule {
	return func(c *checker, f Field) {
		if n := len(f.Get(name).Items()); n != 1 {
			c.add(Invalid, f.Get(name), "timeWindow: [{duration: 30d, isRolling: true}]", "%s needs exactly one entry, got %d", name, n)
		}
	}
}

func someObjectives(c *checker, f Field) {
	if len(f.Get("objectives").Items()) == 0 {
		c.add(Stricter, f.Get("objectives"), "objectives: [{target: 0.999}]", "objectives is empty")
	}
}

// goals: what an objective may say depends on its indicator. One that is only
// referred to is looked at when references are resolved.
func (w sliWords) goals(c *checker, f Field) {
	for _, goal := range f.Get("objectives").Items() {
		spec, own := f.Get(w.inline, "spec"), goal.Get(w.inline, "spec")
		composite := own.Has() || goal.Get(w.ref).Has()
		if composite {
			spec = own
		}
		if weight := goal.Get("compositeWeight"); composite && weight.Has() {
			if v, ok := weight.Number(); ok && !(v > 0) {
				c.add(Invalid, weight, "", "compositeWeight %v must be above 0", v)
			}
		}
		switch {
		case spec.Get("ratioMetric").Has():
			for _, name := range []string{"op", "value"} {
				if v := goal.Get(name); v.Has() {
					c.add(foreign(composite), v, "a ratio needs only target", "%s does not belong to an objective with a ratio metric", name)
				}
			}
		case spec.Get("thresholdMetric").Has():
			for _, name := range []string{"op", "value"} {
				if v := goal.Get(name); !v.Has() {
					c.add(needed(composite), v, "op: lt and value: 500 make values below 500 good", "%s is missing, a threshold metric needs it", name)
				}
			}
		}
	}
}

// The reference does not look at op and value of a composite's objectives.
func foreign(composite bool) Grade {
	if composite {
		return Stricter
	}
	return Tolerated
}

func needed(composite bool) Grade {
	if composite {
		return Stricter
	}
	return Invalid
}

// sliced: who counts slices says how long they are and when one is good.
func sliced(c *checker, f Field) {
	method := f.Get("budgetingMethod").Text()
	if method != "Timeslices" && method != "RatioTimeslices" {
		return
	}
	for _, goal := range f.Get("objectives").Items() {
		if v := goal.Get("timeSliceWindow"); !v.Has() {
			c.add(Invalid, v, "timeSliceWindow: 1m", "timeSliceWindow is missing, %s needs it", method)
		}
		if method != "Timeslices" {
			continue
		}
		if v := goal.Get("timeSliceTarget"); !v.Has() {
			c.add(Invalid, v, "timeSliceTarget: 0.95", "timeSliceTarget is missing, %s needs it", method)
		} else if _, ok := v.Number(); ok {
			within(0, 1, true)(c, v)
		}
	}
}

// v1alpha knows services and objectives only.
func v1alpha() map[string]*shape {
	plain := func(g Grade) *shape {
		return object(nil, must("name", text(notEmpty, dnsLabel(g))), may("displayName", text(atMost(maxDisplayName))))
	}
	source := object(nil,
		must("source", text(notEmpty, matches(letters, "made of letters"))),
		must("queryType", text(notEmpty, matches(letters, "made of letters"))),
		must("query", text(notEmpty)))
	positive := func(c *checker, f Field) {
		if v, _ := f.Number(); !(v > 0) || v != float64(int(v)) {
			c.add(Invalid, f, "", "count %s must be a whole number above 0", f.Text())
		}
	}
	window := object([]rule{rollingOrCalendar(Tolerated)},
		must("unit", text(notEmpty, oneOf("Second", "Day", "Week", "Month", "Quarter"))),
		must("count", number(positive)), may("isRolling", flag()), may("calendar", calendar()))
	ratio := object(nil, must("good", source), must("total", source), may("incremental", flag()))
	goal := object([]rule{goalV1alpha},
		may("displayName", text(atMost(maxDescription))), may("value", number()), may("ratioMetrics", ratio),
		must("target", number(target)), may("timeSliceTarget", number(within(0, 1, true))), may("op", operator()))
	spec := object([]rule{indicatedV1alpha, oneWindow("timeWindows"), someObjectives, slicedV1alpha},
		may("timeWindows", list(window)), must("budgetingMethod", text(oneOf("Occurrences", "Timeslices"))), description(),
		may("indicator", object(nil, must("thresholdMetric", source))), must("service", text(notEmpty)), may("objectives", list(goal)))
	return map[string]*shape{
		KindSLO:     top(plain(Invalid), must("spec", spec)),
		KindService: top(plain(Tolerated), may("spec", object(nil, description()))),
	}
}

func indicatedV1alpha(c *checker, f Field) {
	ratios := 0
	for _, goal := range f.Get("objectives").Items() {
		if goal.Get("ratioMetrics").Has() {
			ratios++
		}
	}
	switch indicator := f.Get("indicator").Has(); {
	case indicator && ratios > 0:
		c.add(Invalid, f, "keep one of them", "both indicator and ratioMetrics of objectives are given")
	case !indicator && ratios == 0:
		c.add(Invalid, f, "", "indicator or objectives[*].ratioMetrics is missing")
	case !indicator && ratios < len(f.Get("objectives").Items()):
		c.add(Stricter, f.Get("objectives"), "", "some objectives have no ratioMetrics")
	}
}

func goalV1alpha(c *checker, f Field) {
	ratio, op, value := f.Get("ratioMetrics").Has(), f.Get("op"), f.Get("value")
	switch {
	case !value.Has() && ratio:
		c.add(Tolerated, value, "the format wants it even where a ratio has no use for it", "value is missing")
	case !value.Has():
		c.add(Invalid, value, "", "value is missing")
	}
	switch {
	case ratio && op.Has():
		c.add(Tolerated, op, "a ratio needs only target", "op does not belong to an objective with ratio metrics")
	case !ratio && !op.Has():
		c.add(Invalid, op, "op: lt and value: 500 make values below 500 good", "op is missing")
	}
}

func slicedV1alpha(c *checker, f Field) {
	if f.Get("budgetingMethod").Text() != "Timeslices" {
		return
	}
	for _, goal := range f.Get("objectives").Items() {
		if v := goal.Get("timeSliceTarget"); !v.Has() {
			c.add(Invalid, v, "timeSliceTarget: 0.95", "timeSliceTarget is missing, Timeslices needs it")
		}
	}
}
