package pitwall

// ActRequest is what a person asks of a plan.
type ActRequest struct {
	Plan   PlanID `json:"plan"`
	Action string `json:"action"` // approve, hold, resume, rollback, note, close
	By     string `json:"by"`     // who asks
	Reason string `json:"reason"` // why; it goes into the record
	DryRun bool   `json:"dry_run"`
}

// ActResult says what came of it.
type ActResult struct {
	Plan  PlanID `json:"plan"`
	State State  `json:"state"`
	Did   string `json:"did"` // in words
}
