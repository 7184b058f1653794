// Package remote asks HTTP servers that keep telemetry elsewhere, carefully.
//
// In come a server's address, the files with its secrets and one request at a
// time; out go whole bodies of bounded size, or errors that say whose fault it
// was. It reads secrets when it uses them, so that they can be changed while
// Pitwall runs, and keeps them out of everything it says. A server that hangs,
// drips or floods costs its timeout and nothing more. For servers that answer
// only so many traces at a time, Gather cuts a question into parts.
//
// It knows no server's language: prometheus, jaeger and tempo do.
package remote
