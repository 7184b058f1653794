// Package controller is the shop's deploy controller: it knows which versions
// of which services run and what share of traffic each gets.
//
// In: an HTTP API for deploys, flags and weights, as any platform team might
// build it, and a World it acts on. Out: effects on that world, a log of every
// effect, and announcements of changes. It refuses to know why somebody wants
// a change, what the traffic looks like, and which versions are good.
//
// Its contract is docs/reference/lab-controller.md.
package controller
