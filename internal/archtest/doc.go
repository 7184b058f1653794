// Package archtest keeps the house in order, as tests: who may import whom,
// which module lives in which room, how long files and functions get, and what
// every package owes its reader.
//
// In comes the source tree, parsed here rather than by a child process: the
// test cache sees the files a test opens, but not what a child reads. Out come
// failures that name the file, the rule and its reason. It knows nothing of
// what the code does.
package archtest
