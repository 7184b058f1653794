// Package record keeps the history of everything Pitwall saw and did:
// append-only and hash-chained, so that an edit, a gap or a swap shows.
//
// In come events of any type; out go the same events with sequence number and
// hash, verdicts on a chain, and JSON lines. The package knows no state of a
// plan and reads no clock but the one it is given; where events are kept is the
// business of the EventStore behind it.
//
// What a chain cannot show: if somebody cuts off its end, what is left is still
// a good chain. Only an Anchor (last number and hash, kept somewhere else)
// shows that, so anchors can be taken and checked.
package record
