// Package alertlint says which alerts will wake people for nothing, or not at
// all. In come Prometheus rule files, objectives with their tiers, or the
// history of what fired and what people did about it; out go findings with file
// and line, why it matters, and what to write instead.
//
// It reads alerts as text and numbers: it evaluates no query and sends nothing,
// and whether a finding stops a merge is not its business.
package alertlint
