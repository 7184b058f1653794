// Package pyroscope speaks Pyroscope's protocols both ways.
//
// Receiver takes what its SDKs and agents push: POST /ingest (pprof as form or
// body, folded stacks) and Connect's push.v1.PusherService/Push (JSON and
// protobuf). In come profiles with labels; out go pitwall.ProfileWindows into a
// sink. Client reads a server that is there already, through its querier, behind
// pitwall.ProfileReader.
//
// Labels become the window's fields: service_name (or the application's name) is
// the service, service_version or version the version, pod, instance or hostname
// the instance; the others are left out. What counts since the process started
// is subtracted from what came before.
//
// Taken is what pprof can say of CPU, allocations, heap, locks, blocking and
// goroutines. JFR recordings and wall-clock profiles are refused by name, so that
// a sender learns that nobody keeps them. OpenTelemetry's profiles signal is left
// out while its wire format is in development.
package pyroscope
