// Package objectives reads objectives as code. In come files in any of the known
// dialects: OpenSLO, Sloth, Pyrra, slo-generator and Pitwall's own burn policies;
// out go SLOs with their tiers, warnings, and all faults of all files. It also
// writes SLOs as OpenSLO, and makes documents from the catalogue of standard
// indicators.
//
// It does not count events, evaluate a tier or ask a data source: it says what is
// meant, or refuses with the place and the way out.
package objectives
