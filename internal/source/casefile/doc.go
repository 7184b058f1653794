// Package casefile reads a recorded incident from a folder.
//
// In comes a folder in the layout of docs/reference/case.md: case.json with the
// question and its two periods, and beside it whatever was measured (metrics,
// spans, logs, changes, profiles). Out go the same nouns that the live stores
// answer with, so that a diagnosis cannot tell a recording from the world. The
// package never opens truth.json: who judges a diagnosis reads that.
package casefile
