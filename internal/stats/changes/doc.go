// Package changes finds the places where a series changed for good.
//
// In come the values of one series in the order of time, NaN where a point is
// missing; out go the changes with their interval, size and p, what is suspected
// near the end, and what was looked at and not reported. The package knows no
// clock, no unit and no direction: whether a rise is bad, others decide.
//
// The series is read forward, and alpha is spent on all looks. At a look the
// present segment is held against two pieces, each a level or a line, at ages
// (points on the right) in geometric steps, so that a point costs the same
// however long the series is. Running sums give every fit; spikes are pulled in
// to their neighbours and a season is taken off before. Evidence is measured by
// two yardsticks, one that estimates the correlation of the noise and one that
// assumes it to be 0.9; see the constants. Two levels are a step only if there is
// a jump between them, more than a straight line or a smooth curve has at the
// place; without one a change is a Ramp. A split beyond the threshold is confirmed
// once its place is known, never to be moved, and the next segment starts there.
//
// No decision uses a later point. So what a prefix confirms is confirmed for the
// whole series, at the same row: appending only adds. The price: the first point
// of view stays, even where the whole series would suggest another.
package changes
