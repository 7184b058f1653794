// Package plan is the life of a plan: one table of transitions and the fold of
// its events. In come a plan and something that happened; out comes the one
// event that records it, or a refusal. It is the only room that writes a plan's
// state. It does not know how anything is measured, decided or done, and reads
// no clock.
package plan
