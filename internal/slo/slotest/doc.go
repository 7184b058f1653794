// Package slotest tests objectives the way code is tested. In come files that
// name an objective, what it counts step by step, and what must then be true: so
// much of the budget is spent, these tiers fire and those do not. Out go results
// as text, JSON or JUnit.
//
// The tests run through the ledger and the watcher that judge in production. The
// package opens no file itself and evaluates no PromQL: series are counted as
// the collector does.
package slotest
