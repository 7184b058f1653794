// Package storybook holds one plan in every state, with an engine that serves
// them: for the tests of wording and pages, for screenshots, and for whoever
// works on the look without a shop that breaks. Nothing in, fixtures out; it
// measures nothing, and no running Pitwall uses it.
package storybook
