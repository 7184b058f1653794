package attribute

import (
	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/slo"
)

// The dimensions that are columns of spans and rollups; any other is the key of
// an attribute.
const (
	Operation = "operation"
	Version   = "version"
)

// FromSpans tells single spans apart: those of the objective's service and
// operation that ended in the period, each judged as the ledger does. If a store
// keeps bad spans rather than good ones, the shares are right and the excess,
// which needs the traffic, is too small.
func FromSpans(b *pitwall.SpanBatch, s Scope, dimension string) (pitwall.Attribution, error) {
	if err := ofSpans(s.SLO); err != nil {
		return pitwall.Attribution{}, err
	}
	if dimension == "" {
		return pitwall.Attribution{}, noDimension()
	}
	ids := map[uint32]pitwall.Counts{}
	value := column(b, dimension)
	each(b, s, func(i int, bad bool) {
		id := value(i)
		ids[id] = ids[id].Add(one(bad))
	})
	by := make(map[string]pitwall.Counts, len(ids))
	for id, c := range ids {
		name := named(b.Strings[id])
		by[name] = by[name].Add(c)
	}
	return s.attribution(dimension, exact(by)), nil
}

// Best uses spans where they tell all of the ledger's bad events apart, or where
// nothing else knows the dimension, and else rollups, whose counts are whole.
// Either may be missing.
func Best(b *pitwall.SpanBatch, ops []pitwall.OperationTotals, s Scope, dimension string) (pitwall.Attribution, error) {
	column := dimension == Operation || dimension == Version
	if len(ops) == 0 || !column {
		if b == nil {
			b = &pitwall.SpanBatch{}
		}
		return FromSpans(b, s, dimension)
	}
	rolled, err := FromOperations(ops, s, dimension)
	if err != nil || b == nil {
		return rolled, err
	}
	spans, err := FromSpans(b, s, dimension)
	if err == nil && spans.Covered >= rolled.Covered && spans.Maths.Bad > 0 {
		return spans, nil
	}
	return rolled, nil
}

// each calls f for every span that counts.
func each(b *pitwall.SpanBatch, s Scope, f func(i int, bad bool)) {
	p := s.period()
	from, to := p.From.UnixNano(), p.To.UnixNano()
	service, ok := b.Lookup(string(s.SLO.SLI.Service))
	if !ok {
		return
	}
	operation, ok := b.Lookup(s.SLO.SLI.Operation)
	if !ok {
		return
	}
	for i := range b.Len() {
		end := b.Start[i] + b.Duration[i]
		if b.Kind[i] != pitwall.SpanServer || b.Service[i] != service || end < from || end >= to {
			continue
		}
		if operation != 0 && b.Operation[i] != operation {
			continue
		}
		f(i, slo.Bad(s.SLO.SLI, b, i))
	}
}

func one(bad bool) pitwall.Counts {
	if bad {
		return pitwall.Counts{Bad: 1}
	}
	return pitwall.Counts{Good: 1}
}

// column gives the dictionary number of a span's value; 0 is none.
func column(b *pitwall.SpanBatch, dimension string) func(i int) uint32 {
	switch dimension {
	case Operation:
		return func(i int) uint32 { return b.Operation[i] }
	case Version:
		return func(i int) uint32 { return b.Version[i] }
	}
	key, ok := b.Lookup(dimension)
	if !ok {
		return func(int) uint32 { return 0 }
	}
	return func(i int) uint32 {
		from, to := attrs(b, i)
		for j := from; j < to; j++ {
			if b.AttrKey[j] == key {
				return b.AttrValue[j]
			}
		}
		return 0
	}
}

func attrs(b *pitwall.SpanBatch, i int) (from, to uint32) {
	if i > 0 {
		from = b.AttrEnd[i-1]
	}
	return from, b.AttrEnd[i]
}

// ofSpans refuses objectives that no span counts for.
func ofSpans(s pitwall.SLO) error {
	if slo.OfSpans(s.SLI) {
		return nil
	}
	err := pitwall.Errorf(pitwall.Invalid, "attributing a budget", "an objective of kind %s is not counted from spans", s.SLI.Kind)
	err.ID, err.Hint = string(s.Name), "attribute it by a label of its series; of a composite ask its members"
	return err
}

func noDimension() error {
	err := pitwall.Errorf(pitwall.Invalid, "attributing a budget", "no dimension is named")
	err.Hint = "operation, version, deploy, or the key of an attribute or label"
	return err
}
