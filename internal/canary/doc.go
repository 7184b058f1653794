// Package canary judges a step of a guarded change: spans of both arms come
// in, a look with one row per guardrail and the next action goes out.
//
// The arm of a request is the version of the changed service in the same
// trace, so an operation far upstream is judged by what really happened to it.
// Looks may be as frequent as one likes: each row rests on an e-process, and
// the false-rollback rate is bounded for all rows and steps of a release
// together. No data never promotes.
//
// The package fetches nothing, reads no clock, and does not know what the
// change was for or what happens after its verdict.
package canary
