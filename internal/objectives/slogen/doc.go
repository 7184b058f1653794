// Package slogen reads the objectives of slo-generator, sre.google.com/v2. In
// come its documents and its configuration; out go objectives of Pitwall and
// the steps of its error budget policies as burn tiers, and what is wrong, by
// line.
//
// Only what it asks of Prometheus can be asked here; every other backend is
// refused by name with what to do. The package reads no file and asks nobody.
package slogen
