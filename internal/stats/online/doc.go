// Package online watches a series point by point and rings when its level has
// changed, with a promised mean number of points between false alarms.
//
// In comes one number (or one pair of hits and trials) at a time, in order of
// time, NaN for a missing one; out goes an Alarm that names when the change
// began, how large it is and how rare noise as strange would be. The package
// knows no clock, no unit, no season and no service: remove a daily or weekly
// profile before, or the season rings or, worse, is learned as slow noise.
//
// What quiet means is frozen in a Baseline, learned from the first points or
// given. A Detector whitens each point with it, clips it, so that a single
// outlier of any size cannot ring, and compares all places at which a change
// may have begun: the generalised likelihood ratio of Siegmund and Venkatraman
// (1995), whose run length is known, kept in O(log n) by functional pruning
// (Romano et al. 2023). The error of the baseline is part of the noise.
// A CountDetector does the same for shares at any traffic, with the exact
// factors of the canary's tests summed over all starts, the e-detector of
// Shin, Ramdas and Rinaldo (2024), whose run length is a theorem.
//
// After an alarm a detector is ringing and silent. It re-arms by itself when
// the level went back to the baseline, or by Rebaseline when the new level has
// been accepted; the baseline never follows the series.
package online
