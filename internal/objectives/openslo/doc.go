// Package openslo reads OpenSLO: v1 in full, v1alpha and v2alpha as far as they
// go. In come YAML streams, sequences and JSON; out go objects and every fault
// of a file, each with file:line, the path of the property, what is wrong and
// what to do about it.
//
// Each fault says who would refuse the document: the published reference, Pitwall,
// or both, so one reading answers in strict and in lenient mode. References are
// put in place of what they name, and taken out again. What an objective means, which
// data sources can be asked and what an alert does is not known here.
package openslo
