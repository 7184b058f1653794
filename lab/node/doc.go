// Package node watches the machine the shop runs on, as any fleet's host agent
// does: processor, run queue, pressure, memory.
//
// In: a receiver's address. Out: OpenTelemetry's system.* metrics with the
// machine's name. It refuses to know what runs there.
package node
