// Package logs finds what log lines have in common, and what changed in them.
//
// In comes the text of a record; out goes its template, the text with the parts
// that vary taken out, whose hash is the pattern's id. The same line gives the
// same id on every machine, in any order of arrival and from any service:
// nothing is learnt. Or in come the patterns of two periods; out go those that
// are new, grew, shrank or vanished beyond chance, errors first.
//
// The package refuses to know where records are kept, who sent them and which
// objective burns; it neither reads a clock nor logs.
package logs
