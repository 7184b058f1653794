// Package record turns one run of the lab into a case folder: an incident with
// a known answer that replays without the shop.
//
// In: a story, a seed and a place on disk. It receives what the shop tells
// (OTLP over HTTP and gRPC, announced changes, browsers' beacons) and fetches
// profiles, as any collector would. Out: case.json with the question and its
// two periods, metrics.csv.gz, spans.jsonl.gz, logs.jsonl.gz, topology.json,
// changes.json, profiles, truth.json with the known answer, and recording.json
// with how the recording went. docs/reference/case.md describes the layout.
//
// The question and the periods come from the indicator alone, as an alerting
// rule would have seen it; the truth is written beside them and read for
// nothing else. The package refuses to know what a diagnosis does with a case,
// and it never hides a loss: what did not arrive stands in case.json's warnings.
package record
