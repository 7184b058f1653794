package wire

// checker makes sure that a message holds the format, and counts data points on
// the way.
type checker struct {
	depth, elements int // of the value being checked
	points          int
	newest          uint64 // time of the last point, unix nanoseconds
}

// message checks the fields of b from pos to its end.
func (c *checker) message(k kind, b []byte, pos int) *Fault {
	begin := pos
	switch {
	case k == kindAnyValue:
		if c.depth++; c.depth == 1 {
			c.elements = 0
		}
		c.elements++
		defer func() { c.depth-- }()
	case k == kindKeyValue && c.depth > 0:
		c.elements++
	case isPoint(k):
		c.point(b, pos)
	}
	if c.depth > maxNesting {
		return &Fault{Offset: pos, Err: ErrNesting}
	}
	if c.elements > maxElements {
		return &Fault{Offset: pos, Err: ErrElements}
	}
	for pos < len(b) {
		next, f := c.field(k, b, begin, pos)
		if f != nil {
			return f
		}
		pos = next
	}
	return nil
}

// field checks the field of a message at pos; the message begins at begin.
func (c *checker) field(k kind, b []byte, begin, pos int) (next int, f *Fault) {
	tag, next := tagAt(b, pos)
	if next < 0 {
		return 0, fault(pos, next)
	}
	p := partOf(k, tag)
	switch {
	case p.name == "":
		if next = skip(b, next, tag); next < 0 {
			return 0, fault(pos, next)
		}
		return next, nil
	case uint64(p.typ) != tag&7:
		return 0, fault(pos, otherType).in(p.name)
	case p.of == scalar:
		if next = skip(b, next, tag); next < 0 {
			return 0, fault(pos, next).in(p.name)
		}
		return next, nil
	}
	from, to := chunk(b, next)
	switch {
	case to < 0:
		f = fault(pos, to)
	case p.of == idBytes16 || p.of == idBytes8:
		if n := to - from; n != 0 && n != idSize(p.of) {
			f = &Fault{Offset: pos, Err: ErrID}
		}
	default:
		f = c.message(p.of, b[:to], from)
	}
	switch {
	case f == nil:
		return to, nil
	case p.many:
		return 0, f.within(p.name, b, begin, pos)
	}
	return 0, f.in(p.name)
}

func idSize(k kind) int {
	if k == idBytes16 {
		return 16
	}
	return 8
}

func isPoint(k kind) bool {
	return k == kindNumberPoint || k == kindHistogramPoint || k == kindExponentialPoint || k == kindSummaryPoint
}

// point counts a data point and notes its time; whether it is sound shows later.
func (c *checker) point(b []byte, pos int) {
	c.points++
	for pos < len(b) {
		tag, next := tagAt(b, pos)
		if next < 0 {
			return
		}
		if tag == 3<<3|typeI64 {
			if t, end := fixed(b, next); end > 0 {
				c.newest = t
			}
			return
		}
		if pos = skip(b, next, tag); pos < 0 {
			return
		}
	}
}

// Points is what a metrics request holds.
type Points struct {
	Count int
	Last  int64 // time of the last, unix nanoseconds; 0: not given
}

// CountPoints counts the data points of an ExportMetricsServiceRequest without
// decoding them, and refuses what would nest too deep for who decodes it next.
// The rest of the format is left to the store.
func CountPoints(body []byte) (Points, error) {
	c := checker{}
	if f := c.message(kindMetricsRequest, body, 0); f != nil {
		return Points{}, f
	}
	last := int64(c.newest)
	return Points{Count: c.points, Last: max(0, last)}, nil
}
