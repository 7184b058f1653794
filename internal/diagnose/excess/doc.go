// Package excess tells what moved and who added it, from measurements alone:
// series of components and who calls whom, where no request can be followed.
//
// In come pitwall.Measured series, the topology, the two periods and the
// indicator in question. Out go the series that moved beyond their own normal
// variation (Moves) and the components that added what the indicator gained,
// after what their callees added is taken off (Localise). The package refuses
// to know changes, logs, spans and wording; whose fault it is others decide.
//
// Nothing is modelled that can be counted: what is normal is what the baseline
// did over stretches of the same length, medians and quantiles stand for the
// levels, and the sums are sums.
package excess
