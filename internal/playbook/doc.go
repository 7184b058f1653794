// Package playbook turns a diagnosis into a proposed fix. In come the catalogue
// of playbooks as YAML, a ranked Hypothesis and what the target runs now; out
// comes a Fix with steps, an undo for every step, and guardrails.
//
// It does not know whether the fix may be made, how a step is carried out, or
// how a guardrail is judged.
package playbook
