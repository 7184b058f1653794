// Package month is the report of all objectives over a month, or any other
// period. In come objectives, the steps of their ledgers over the period and the
// one before, and what happened meanwhile: alarms, corrections, plans. Out go a
// row for each objective and a summary, as data and as Markdown.
//
// An objective of which nothing was counted has its own state; it is neither
// met nor missed. The package fetches nothing, reads no clock, and does not say
// why a budget was spent.
package month
