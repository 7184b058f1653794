// Package enforce turns a verified plan into locks: a gate for the build, alert
// rules with their unit tests, and a runbook entry. It also judges a gate.
//
// In come a plan that is being closed and, for judging, the sizes that a build
// under test answered with; out go files and verdicts. The package writes no
// file, sends no request, knows no repository and reads no clock: the same plan
// and options render the same bytes, so a delivery may be made twice.
package enforce
