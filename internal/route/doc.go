// Package route decides who hears of what, and when.
//
// In come a routing file (receivers, routes, rotations, quiet windows,
// inhibition), the alarms of this moment, the plan messages since the last one,
// and the state of the last decision; out go deliveries, one message for one
// receiver each, and the next state. The same input gives the same output, down
// to the ids of the messages, so a restart sends nothing twice.
//
// It refuses to know how a message travels, what time it is, and where state is
// kept: internal/notify sends, the caller keeps.
package route
