// Package stats is arithmetic on numbers: quantiles with intervals, exact
// binomial tails, bootstraps over blocks of time, tests that may be looked at
// as often as one likes, and the place of a step in a series.
//
// In come plain slices and counts, out go plain numbers. Chance is a generator
// passed in. The package knows no service, no objective and no span; it
// neither reads a clock nor logs.
//
// The sequential tests are e-processes: products that start at 1 and, while
// the null hypothesis holds, have a mean of at most 1 at every stopping time.
// By Ville's inequality they ever reach 1/alpha with probability at most
// alpha, so a canary may be judged after every interval without a correction
// for looking. Evidence is given as the natural logarithm of the e-value:
// 4.6 is a factor of 100.
package stats
