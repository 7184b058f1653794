// Package coverage tells what Pitwall sees of the world and what it does not:
// telemetry about telemetry.
//
// In come what the sources say of themselves, totals by operation and version, a
// sample of whole traces, and which services sent metrics, logs, profiles and
// changes. Out comes a pitwall.Telemetry: which service sends what, how well its
// calls hang together, what a release took away from its telemetry, which
// sources fell silent, and the blind spots with what follows from each and the
// next step.
//
// A signal that could not be asked for is neither seen nor missing. Traffic that
// stopped is not drift: nothing is judged where nothing was to be expected.
//
// The package is pure. It asks nobody, knows no store and no plan, and the one
// thing it remembers, a Rhythm, it remembers from what it is shown.
package coverage
