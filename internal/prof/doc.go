// Package prof reads profiles and says which functions cost more per request
// than before, and how sure that is.
//
// In come pprof bytes and pitwall.ProfileWindows; out go counts by function and
// by frame family, and a pitwall.FlameDiff. It is pure: it knows no store, no
// clock, no deploy and no SLO.
//
// Two profiles of the very same program always differ: comparing totals names
// eleven innocent functions on average. So windows are replicates here. Each is
// normalised by the requests served in it, and a function is named only when
// its windows after differ from its windows before by more than windows of one
// side differ among themselves. "Nothing changed" is said only where a change
// that matters would have been seen; otherwise the answer is inconclusive, and
// how many more windows would decide.
package prof
