// Package slo holds objectives as code and counts what they spend. In come
// OpenSLO files and batches of spans; out go SLOs, error budgets, burn rates
// and burns. A Ledger keeps cumulative good and bad counts in steps of fixed
// length, so any window is a few additions and exact.
//
// It does not know what caused a burn, what will be done about it, where the
// counts are stored, or what time it is.
package slo
