// Package labelled reads series whose changes and anomalies are known, and
// scores what a detector said about them.
//
// In comes the folder of labelled data and, for the scores, rows; out come
// series and figures. Only tests and benchmarks import it. It judges nothing
// and knows no detector; an index is always the 0-based row of the file.
package labelled
