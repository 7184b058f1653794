// Package pyrra speaks Pyrra's language, pyrra.dev/v1alpha1. In come manifests;
// out go objectives of Pitwall, or the very rules that Pyrra makes of them, and
// what is wrong with a manifest, by line.
//
// It refuses what Pyrra turns into rules that cannot work: a target of 100 %,
// pages that can never fire, and windows so short that a burn window becomes
// zero seconds. It reads and writes no file and asks no Prometheus.
package pyrra
