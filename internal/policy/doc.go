// Package policy answers whether a proposed fix may be made. In come rules as
// data, written in CEL, and the facts of one proposal; out goes a Decision with
// the rule that gave it. It is deterministic, does no I/O and always ends.
//
// It does not know who asks, how a person approves, or what happens next.
//
// Every rule is evaluated. A matching deny beats a matching ask, which beats a
// matching allow. A rule that cannot be evaluated, because a fact it names is
// missing, denies; so does a proposal that no rule matches.
package policy
