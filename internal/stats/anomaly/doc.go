// Package anomaly finds the stretches of one series that do not fit its own
// past, one point after the other.
//
// In come values in the order of time, out come rows: where something began
// that the last four weeks had not shown, how far outside it was and which
// band was expected. Only the past of a point is used, the state has a fixed
// size, and the same values give the same answer.
//
// A point is looked at in four views: its jump away from the last dozen points,
// the level of three points against the week (or against the same hour of the
// last days, where that predicted much better for a week), the same level as a
// ratio, and the level of four hours against the week. No view assumes a
// distribution. Each side of each view keeps the worst value of every six hours,
// and its limit is what six hours are expected to exceed once in a month, from
// the tail of those values (Weissman 1978 with the index of Hill 1975). What
// happens every day therefore is no news, whatever its size, and one setting
// means the same on a calm and on a spiky series. A series that stops moving is
// seen besides.
//
// One trouble is meant to be one message: for a day after an anomaly another
// must be worse than what is left of the first, which fades. Smaller troubles of
// that day are not told, except a jump to yet another level while the first
// lasts.
//
// The package knows no service, no objective and no clock; what to do about an
// anomaly is not its business, nor whether it is good or bad news.
package anomaly
