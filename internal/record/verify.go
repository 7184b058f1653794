package record

import (
	"fmt"
	"iter"
	"time"

	"github.com/pitwall/pitwall"
)

// How says in what way a chain is broken.
type How string

// The ways in which a chain breaks.
const (
	Gap       How = "gap"       // events are missing
	Edited    How = "edited"    // an event's content is not what was sealed
	Reordered How = "reordered" // an event stands where it does not belong, or twice
	Replaced  How = "replaced"  // an event was sealed anew behind another one than the one that is here
	Truncated How = "truncated" // the end that an anchor remembers is gone
)

// Break is the first place where a chain does not hold.
type Break struct {
	Seq uint64 // the event at which it shows
	How How
	Why string
}

// Error words the break.
func (b *Break) Error() string { return fmt.Sprintf("event %d: %s: %s", b.Seq, b.How, b.Why) }

// Anchor remembers the end of a chain. Keep it where whoever may write the
// record may not: a ticket, a signed tag, another machine.
type Anchor struct {
	Seq  uint64    `json:"seq"`
	Hash string    `json:"hash"`
	Time time.Time `json:"time"` // of the anchored event
}

// AnchorOf takes an anchor of the last event of a record.
func AnchorOf(last pitwall.Event) Anchor {
	return Anchor{Seq: last.Seq, Hash: last.Hash, Time: last.Time}
}

// Verify walks a whole chain from its first event and gives the number of
// events that hold. The error carries a *Break for a chain that does not hold,
// and is of another kind where the events could not be read. Without anchors a
// cut-off end cannot be seen.
func Verify(events iter.Seq2[pitwall.Event, error], anchors ...Anchor) (uint64, error) {
	want := make(map[uint64]string, len(anchors))
	for _, a := range anchors {
		want[a.Seq] = a.Hash
	}
	var prev pitwall.Event
	for e, err := range events {
		if err != nil {
			return prev.Seq, fmt.Errorf("reading the record after event %d: %w", prev.Seq, err)
		}
		if b := check(prev, e); b != nil {
			return prev.Seq, broken(b)
		}
		if h, anchored := want[e.Seq]; anchored && h != e.Hash {
			return prev.Seq, broken(&Break{e.Seq, Replaced, "its hash is not the anchored one: the record up to here was written anew"})
		}
		prev = e
	}
	for _, a := range anchors {
		if a.Seq > prev.Seq {
			return prev.Seq, broken(&Break{prev.Seq + 1, Truncated, fmt.Sprintf("the record ends at %d, an anchor remembers event %d", prev.Seq, a.Seq)})
		}
	}
	return prev.Seq, nil
}

func broken(b *Break) error {
	return &pitwall.Error{Op: "verifying record", Kind: pitwall.Invalid, Err: b,
		Hint: "compare with a backup or an export from before event " + fmt.Sprint(b.Seq)}
}

// check says how e fails to follow prev, or nil.
func check(prev, e pitwall.Event) *Break {
	next := prev.Seq + 1
	switch {
	case e.Seq > next && e.Seq-next == 1:
		return &Break{next, Gap, fmt.Sprintf("it is missing between %d and %d", prev.Seq, e.Seq)}
	case e.Seq > next:
		return &Break{next, Gap, fmt.Sprintf("events %d to %d are missing", next, e.Seq-1)}
	case e.Seq < next:
		return &Break{e.Seq, Reordered, fmt.Sprintf("it stands after event %d", prev.Seq)}
	case Hash(e) != e.Hash:
		return &Break{e.Seq, Edited, "its content does not give its hash"}
	case e.Prev != prev.Hash:
		return &Break{e.Seq, Replaced, fmt.Sprintf("it was sealed behind another event %d than the one that is here", prev.Seq)}
	}
	return nil
}
