// Package baseline says what is normal.
//
// It freezes a picture of normal: the spans of a period before the trouble come in,
// a Baseline goes out with every operation on the path, the load shape, the versions
// that ran, and how much a p99 differs from itself when nothing changed.
//
// It keeps a Profile of one series: points come in one by one, what is expected at
// any hour of the week goes out, as far as the hours seen so far allow. The profile
// learns accepted levels only: it is held while a regression is open and moves to a
// new level when a plan closes.
//
// It tests counts that are too low for any profile, exactly, and says how many
// events are missing when it cannot tell. It looks for what creeps: a series comes
// in, a slope with its interval goes out, and the day on which a limit is reached.
//
// The package fetches nothing and reads no clock. It does not know what went wrong
// or why, and no plan: what is open or closed it is told. What is too little for a
// verdict is a state of its own, never a pass.
package baseline
