package lab

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// fault is one story of the fault benchmark.
type fault struct {
	name, class string
	external    bool
	quiet       bool
	outlasts    bool
	summary     string
	asks        Question
	places      []place
	tell        func(r *rand.Rand) []step // quiet stories: instead of places
}

// When things happen in every story of the fault benchmark, at pace 1.
const (
	warmFor  = 20 * time.Second
	faultAt  = 58 * time.Second
	mostLate = 35 * time.Second // the longest a delayed onset waits
	badFor   = 50 * time.Second // what a story needs after its onset
)

// info is what one may know of the story.
func (f fault) info() StoryInfo {
	class := f.class
	if f.quiet {
		class = "none"
	}
	return StoryInfo{
		Name: f.name, Class: class, External: f.external, Quiet: f.quiet, Outlasts: f.outlasts, Services: f.services(), Summary: f.summary,
		Question: f.asks, RPS: benchRPS, Warm: warmFor, Onset: faultAt, Needs: faultAt + mostLate + badFor,
	}
}

// benchRPS is the checkouts per second the benchmark is made for: a third of
// what two processors can carry.
const benchRPS = 30

// services lists where the fault can be put.
func (f fault) services() []string {
	var out []string
	for _, p := range f.places {
		if p.service != "" && !slices.Contains(out, p.service) {
			out = append(out, p.service)
		}
	}
	return out
}

// faults are the stories of the benchmark, in the order of the help.
func faults() []fault {
	slow, fails := checkoutLatency(), checkoutErrors()
	return []fault{
		{name: "cpu", class: "cpu", asks: slow, places: cpuPlaces(), summary: "a deploy computes more for each request"},
		{name: "allocation", class: "allocation", asks: slow, places: allocationPlaces(), summary: "a deploy makes much more garbage for each request"},
		{name: "lock", class: "lock", asks: slow, places: lockPlaces(), summary: "a deploy holds a lock while it waits for somebody else"},
		{name: "n+1", class: "n+1", asks: slow, places: repeatPlaces(), summary: "a deploy asks one by one for what it asked for at once"},
		{name: "dropped-index", class: "io-db", outlasts: true, asks: slow, places: indexPlaces(), summary: "a migration drops an index that a query needs"},
		{name: "pool", class: "pool", asks: slow, places: poolPlaces(), summary: "a pool of connections becomes too small"},
		{name: "payload", class: "payload", asks: slow, places: payloadPlaces(), summary: "an answer grows"},
		{name: "exception", class: "exception", asks: fails, places: exceptionPlaces(), summary: "a deploy panics on some requests"},
		{name: "timeout", class: "config", asks: fails, places: timeoutPlaces(), summary: "a deadline shorter than what the callee normally takes"},
		{name: "retry-storm", class: "config", asks: fails, places: retryPlaces(), summary: "shorter deadlines and more retries overload a weak callee"},
		{name: "cache", class: "cache", asks: slow, places: cachePlaces(), summary: "a cache begins to miss"},
		{name: "upstream", class: "upstream", external: true, asks: slow, places: upstreamPlaces(), summary: "the card acquirer outside becomes slow or fails"},
		{name: "surge", class: "traffic", external: true, asks: slow, places: surgePlaces(), summary: "many more customers, each as cheap as before"},
		{name: "noisy-neighbor", class: "noisy-neighbor", external: true, asks: slow, places: neighborPlaces(), summary: "somebody else's process takes the service's processor"},
		{name: "network-delay", class: "network", asks: slow, places: networkPlaces(false), summary: "the way to a service becomes longer"},
		{name: "network-loss", class: "network", asks: slow, places: networkPlaces(true), summary: "the way to a service loses packets"},
		{name: "bad-input", class: "bad-input", external: true, asks: fails, places: inputPlaces(), summary: "a partner sends carts that are malformed or huge"},
		{name: "leak", class: "allocation", asks: fails, places: leakPlaces(), summary: "a deploy keeps what it should let go until its container is killed"},
		{name: "cold-start", class: "cold-start", asks: slow, places: coldPlaces(), summary: "instances are replaced all the time and begin cold"},

		{name: "surge-flat", quiet: true, asks: slow, tell: flatSurge, summary: "half as many customers again, all within what is normal"},
		{name: "deploys", quiet: true, asks: slow, tell: burst, summary: "a burst of innocent deploys"},
		{name: "noisy-mild", quiet: true, asks: slow, tell: mildNoise, summary: "the machine is busy and customers do not notice"},
	}
}

// patchDiff words a one-hunk unified diff.
func patchDiff(file string, lines ...string) string {
	return "--- a/" + file + "\n+++ b/" + file + "\n@@ -1 +1 @@\n" + strings.Join(lines, "\n") + "\n"
}
