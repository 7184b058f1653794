// Package detect turns a burning objective into a finding: whether a plan is
// warranted, what moved, since when and by how much.
//
// In come a Burn, spans of the operation the objective counts, and the plans
// there are; out come a Regression and a decision with its reason. The package
// fetches nothing, reads no clock, and does not know why anything moved.
package detect
