// Package pitwall is the vocabulary of the product: the nouns that every room
// of the house speaks, and the few ports that several adapters share.
//
// In comes nothing; out go types. The package uses the standard library only,
// does no I/O, starts no goroutine and reads no clock. Arithmetic that belongs
// to one stage lives with that stage; what users say aloud lives here.
//
// The words follow the field: an SLI is measured, an SLO is its target over a
// window, a burn rate of 1 spends the error budget exactly with the window, a
// Regression is a finding, and a RootCause is a change of state that explains
// it, never a symptom.
package pitwall
