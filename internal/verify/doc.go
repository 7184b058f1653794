// Package verify proves a fix, or says that it did not help: spans from before
// the trouble, during it and after the fix come in, a Verification goes out.
//
// A fix is verified when the headline is back, the hypothesis' own signal is
// back, no neighbour is worse, and all of that under the same load; otherwise
// it is worse or inconclusive, and too little data is never a pass. A
// difference counts only beyond the noise floor, which is how much the same
// measure differs from itself when nothing changed.
//
// The package fetches nothing, reads no clock, and does not know what the fix
// was.
package verify
