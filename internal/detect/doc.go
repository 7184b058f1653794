// Package detect turns what burns or moved into a finding: whether a plan is
// warranted, what moved, since when and by how much.
//
// In come a Burn, spans of the operation the objective counts, and the plans
// there are; out come a Regression and a decision with its reason. For many
// series at once, in come the Candidates that detectors saw in them; a Screen
// gives few Findings, of which on average no more than a promised share is
// false, and for every other candidate the one reason why it was not reported.
// The package fetches nothing, reads no clock, and does not know why anything
// moved.
package detect
