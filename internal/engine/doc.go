// Package engine is the loop: it ticks, takes leases, asks the stores, calls
// the stages in order and hands what happened to the record.
//
// In come the ports (stores, target, repository) and the stages' settings; out
// go recorded events and effects on the world. Nothing it remembers matters: a
// plan is the fold of its events, a canary's look is recomputed from spans, and
// an effect that was intended but not seen to be done is observed before it is
// tried again. So the process may be killed at any moment.
//
// It words nothing for people beyond short reasons (that is report's), and it
// decides nothing (that is what the stages do).
package engine
