// Package git leaves files in a local git repository by calling the git
// program.
//
// In come a plan's enforced files; out go a commit on the branch
// pitwall/<plan> and the diffs that made it. The package does not know what is
// in the files and pushes nowhere. A commit is built in an index of its own, so
// nobody's work tree is touched; only when fast-forwarding is switched on are
// the delivered paths, and no others, brought into a checked-out main branch,
// and only where a person has not changed them. Killed at any point, the same
// delivery can be made again and gives the same commit.
package git
