// Package diagnose answers why: from a regression and the answers to its own
// questions it makes a ranked list of hypotheses, each with evidence for and
// against, and a verdict that may be "no cause found".
//
// In comes a Question; the stage says what it needs (Needs), the caller fetches
// and hands over (Step), until it is Done. Out goes a pitwall.Diagnosis. The
// package asks and never fetches: it refuses to know stores, HTTP, files, the
// clock and plans, so a live system and a folder of recorded telemetry are read
// by the same arithmetic.
//
// The method is accounting, not learning. The increase of the mean latency of
// the headline operation is split exactly over the places that requests wait
// in; typed signals (bytes, counts, CPU, waits, errors) say of which kind each
// place's growth is; the dominant one wins, never a weighted sum; a change is
// blamed only when it came before, lies on the path and touches the mechanism.
// Everything must stand out from the variation inside the baseline itself, or
// nothing is named.
package diagnose
