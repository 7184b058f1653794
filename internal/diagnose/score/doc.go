// Package score says how good diagnoses are on incidents whose cause is known.
//
// In come truth.json of recorded incidents and the answers that were given; out
// go the figures of docs/reference/case.md: strict ranks, class, change, decoys
// blamed, false verdicts where nothing was to be found. It refuses to know how
// an answer came about.
package score
