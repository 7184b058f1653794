// Package mask takes secrets out of what others tell: passwords, tokens, keys.
// In come texts that nobody wrote for us (a log line, a diff, a setting) and
// changes; out come the same with Masked where a secret stood, so that what was
// touched stays to be seen. What it took nobody can bring back, so nothing that
// is to be applied to the world may pass through it. It refuses to know who reads
// the result.
package mask
