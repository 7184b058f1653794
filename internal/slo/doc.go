// Package slo counts what objectives spend. In come SLOs, batches of spans and
// counts; out go error budgets, burn rates and burns. A Ledger keeps cumulative
// good and bad counts in steps of fixed length, so any window is a few additions
// and exact.
//
// It does not know what caused a burn, what will be done about it, where the
// counts are stored, or what time it is.
package slo
