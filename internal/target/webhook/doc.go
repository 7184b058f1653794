// Package webhook is a target behind HTTP: any deploy controller that answers
// the contract of docs/reference/lab-controller.md.
//
// In come effects (weights per version under an idempotency key and a fencing
// token); out goes what the controller shows. The package knows no plan and
// decides nothing. It talks only about the services it was allowed, retries
// only what may be retried, always under the same key, and never writes its
// token into an error.
package webhook
