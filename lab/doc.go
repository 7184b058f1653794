// Package lab is a real shop that breaks on cue.
//
// In: a story, a seed, a pace and the addresses of whoever watches. Out: six
// service processes under open-model load, a deploy controller, telemetry,
// announced changes among which at most one is to blame, and the truth for
// whoever judges the watcher. It refuses to know who watches: it imports
// nothing of Pitwall and is reached over HTTP only.
//
// Nothing in it sleeps because of a fault. Latency is bytes over a
// bandwidth-limited link, allocation, serialisation and real queries; a fault
// is a deploy that makes the code do more of these.
//
// Main runs in the one binary as "pitwall lab …", which starts itself again
// for each service:
//
//	pitwall lab run --dir DIR --story checkout --seed 1 --pace 1
//	pitwall lab service inventory --version v41 --addr 127.0.0.1:0
package lab
