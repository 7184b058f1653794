// Package report is the one wording of Pitwall. In come a plan, what a running
// engine knows beyond its record, and the objective; out come a view model and,
// made from it alone, the text of the terminal, Markdown, and a page that reads
// without JavaScript. The app, the command line, messages and exports all show
// these same sentences and numbers, so no two of them can disagree.
//
// Numbers are formatted here and nowhere else: "412 ms", "−33.0 %", "~" for
// "cannot be told apart", "no data" for what was not seen. The package does no
// I/O, reads no clock (Options.Now is the present) and decides nothing: it
// knows neither how a verdict was reached nor how a plan moves.
package report
