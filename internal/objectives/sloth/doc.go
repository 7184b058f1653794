// Package sloth speaks Sloth's language: prometheus/v1 files, its Kubernetes
// objects, its alert windows, and OpenSLO v1alpha as Sloth understands it. In
// come documents; out go objectives of Pitwall, or the very rules that Sloth
// v0.16 makes of them, and what is wrong with a document, by line.
//
// It is stricter than Sloth where Sloth makes rules that mislead: unknown
// fields, an objective of 100 %, alerts that can never fire, and queries that
// ignore the window. Plugins are programs and are refused. The package reads
// and writes no file and asks no Prometheus.
package sloth
