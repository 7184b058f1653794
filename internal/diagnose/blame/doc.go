// Package blame reads what a change and a system in trouble say of themselves:
// diffs, file names, configuration keys, flags and titles on one side, metric
// names, log lines, error texts and the words of an alert on the other.
//
// In comes text. Out go touches (a pool made smaller, a guard taken away, an
// index dropped) with the classes of trouble each can cause, and signs (a pool
// that is waited for, a certificate that ran out) with the class each speaks
// of. Whether a touch explains a sign is a look into one table.
//
// The package refuses to know times, services, series and verdicts: who came
// first and who is to blame is decided by whoever asks. Its tables hold what is
// commonly known of runtimes, databases, clouds and build tools, and nothing of
// any one system; a title that says "tidy" proves nothing either way.
package blame
