// Package monitor follows every operation of every service minute by minute and
// says which of them changed.
//
// In come the totals of one minute after the other; out come findings, with the
// series behind them and a reason for everything that was seen and not reported.
// What is normal is learnt by baseline profiles, a change rings a sequential
// detector, points after the ring must confirm it, and the screen over all
// series keeps the share of false findings small. The package reads no clock and
// no store, and it opens no plan: the engine does.
package monitor
