// Package replay says what an objective and its tiers would have done in the
// past. In come an objective, the steps of its ledger, and, where somebody knows
// them, the incidents of that time; out go when each tier would have fired, how
// late, with how much of the budget spent, and how that compares with another
// policy or another target.
//
// It runs the ledger and the watcher that judge in production, with a clock of
// its own, and leaves out only instants at which it can tell beforehand that
// nothing fires. It fetches nothing and does not know which policy is right.
package replay
