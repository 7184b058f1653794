// Package baseline freezes a picture of normal: the spans of a period before
// the trouble come in, a Baseline goes out with every operation on the path,
// the load shape, the versions that ran, and how much a p99 differs from
// itself when nothing changed.
//
// The package fetches nothing and reads no clock. It does not know what went
// wrong afterwards, and it never judges: what is too little for a later verdict
// is said in Warnings.
package baseline
