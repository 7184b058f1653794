package fold

import (
	"cmp"
	"slices"
	"time"

	"github.com/pitwall/pitwall"
)

// Request is one call of the service in question, as the service answered it.
type Request struct {
	Start     int64 // unix nanoseconds
	Seconds   float64
	Failed    bool
	Operation string
}

// Requests lists the server spans of an operation (any, where it has no name)
// that ended in a period, by start. It reads the columns once and builds
// nothing, for it is asked before anybody knows which stretch is worth folding.
func Requests(b *pitwall.SpanBatch, of Operation, in pitwall.Period) []Request {
	if b == nil || b.Len() == 0 {
		return nil
	}
	service, ok := b.Lookup(string(of.Service))
	name, named := b.Lookup(of.Name)
	if !ok || of.Name != "" && !named {
		return nil
	}
	var list []Request
	for i, s := range b.Service {
		if s != service || b.Kind[i] != pitwall.SpanServer || of.Name != "" && b.Operation[i] != name ||
			!in.Contains(time.Unix(0, b.Start[i]+b.Duration[i])) {
			continue
		}
		list = append(list, Request{b.Start[i], seconds(b.Duration[i]), b.Failed[i], b.Strings[b.Operation[i]]})
	}
	slices.SortStableFunc(list, func(x, y Request) int { return cmp.Compare(x.Start, y.Start) })
	return list
}
