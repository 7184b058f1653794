// Package sqlite keeps Pitwall's state in one SQLite file of one data
// directory: the record, the SLO ledger, leases, changes, alerts and page
// loads.
//
// In come the root ports' calls; out go rows, or an error of a root kind. An
// append that returned survives power loss (write-ahead log, synchronous FULL).
// The package does not know what an event means, seals nothing and reads no
// clock; times are kept as unix nanoseconds, payloads as JSON text. One process
// owns a data directory at a time, held by a lock that dies with the process.
package sqlite
