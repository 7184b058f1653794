// Package promrules makes Prometheus alert the way Pitwall does, for people who
// want alerts without it. In come objectives over metrics; out go recording
// rules for every window, an alert for every burn tier, and a test of them that
// promtool runs.
//
// A window's error ratio is bad events over all events of that window, never a
// mean of shorter ratios. An error series that does not exist yet counts zero;
// where there are no events there is a gap, not NaN. The package evaluates
// nothing and writes no file.
package promrules
