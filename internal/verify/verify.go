package verify

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// Input is a fix to be proved.
type Input struct {
	Baseline   pitwall.Baseline
	Hypothesis pitwall.Hypothesis
	SLO        pitwall.SLO
	// Before is the time of the baseline, During of the trouble, After of the
	// fix in full; whole traces, nil for none.
	Before, During, After                   *pitwall.SpanBatch
	BeforePeriod, DuringPeriod, AfterPeriod pitwall.Period
	MinRequests                             int64 // headline requests wanted after the fix
	Now, Deadline                           time.Time
	Rand                                    *rand.Rand // nil: a fixed seed
	BudgetAfter                             pitwall.ErrorBudget
}

// Verify compares after with before. Done is false while more requests, or a
// clearer answer, may still come before the deadline.
func Verify(in Input) pitwall.Verification {
	if in.Rand == nil {
		in.Rand = rand.New(rand.NewPCG(3, 4))
	}
	c := newProof(in)
	v := pitwall.Verification{
		At: in.Now, Before: in.BeforePeriod, During: in.DuringPeriod, After: in.AfterPeriod,
		P99Before: c.before.of(c.headline).quantile(0.99), P99After: c.after.of(c.headline).quantile(0.99),
		P99During:  gather(in.During, in.DuringPeriod).of(c.headline).quantile(0.99),
		NoiseFloor: pitwall.Ratio(c.noise), Rows: c.rows(),
	}
	v.SameLoad, v.LoadWhy = c.sameLoad()
	conclude(in, &v)
	return v
}

// conclude turns rows into a verdict.
func conclude(in Input, v *pitwall.Verification) {
	late := !in.Deadline.IsZero() && !in.Now.Before(in.Deadline)
	v.Need = max(0, in.MinRequests-v.P99After.N)
	v.Verdict, v.Done = pitwall.Undecided, late
	open, worse := "", ""
	for _, r := range v.Rows {
		switch {
		case r.Verdict == pitwall.Worse && worse == "":
			worse = fmt.Sprintf("%s: %s", r.Name, r.Why)
		case !r.Pass && open == "":
			open = fmt.Sprintf("%s: %s", r.Name, r.Why)
		}
	}
	switch {
	case v.P99After.N == 0:
		v.Reason = "no requests since the fix; nothing can be said"
	case v.Need > 0:
		v.Reason = fmt.Sprintf("%d of %d requests since the fix", v.P99After.N, in.MinRequests)
	case !v.SameLoad:
		v.Reason = "not the same load, so nothing is proved: " + v.LoadWhy
	case worse != "":
		v.Verdict, v.Done, v.Reason = pitwall.Worse, true, worse
	case open != "":
		v.Reason = open
	default:
		v.Verdict, v.Pass, v.Done = v.Rows[0].Verdict, true, true
		v.Reason = fmt.Sprintf("back to normal under the same load: p99 %s before, %s during, %s after", words(v.P99Before), words(v.P99During), words(v.P99After))
	}
	if late && !v.Pass && v.Verdict == pitwall.Undecided {
		v.Reason = "the time to verify is over: " + v.Reason
	}
}

// The limits of a verdict, as ratios unless said otherwise.
const (
	leastFloor      = 0.05  // headline p99: less is never a difference
	headlineMargin  = 0.10  // headline p99: an interval around no change must not reach beyond this
	neighbourMargin = 0.10  // neighbours: less is not worse
	signalMargin    = 0.10  // own signal: this near is back
	errorMargin     = 0.10  // failures: more than this much more often is worse
	material        = 0.02  // of the headline p99: a neighbour's smaller change in seconds is not felt
	budgetShare     = 0.10  // of the allowed failures: a smaller change of the error ratio is not felt
	leastMaterial   = 0.001 // seconds
)

// operation names a server operation.
type operation struct {
	service pitwall.ServiceName
	name    string
}

func (o operation) String() string { return fmt.Sprintf("%s %s", o.service, o.name) }

// proof is what one verification rests on, gathered once.
type proof struct {
	in            Input
	headline      operation
	before, after samples
	noise         float64 // floor of the headline p99, a log ratio
}

func newProof(in Input) *proof {
	c := &proof{
		in: in, headline: operation{in.SLO.SLI.Service, in.SLO.SLI.Operation},
		before: gather(in.Before, in.BeforePeriod), after: gather(in.After, in.AfterPeriod),
		noise: float64(in.Baseline.NoiseP99),
	}
	if c.headline.name == "" {
		c.headline = operation{in.Baseline.Service, in.Baseline.Operation}
	}
	if c.noise <= 0 {
		c.noise, _ = stats.SplitNoise(in.Rand, c.before.of(c.headline).blocks(), 0.99, 0.95)
	}
	return c
}

// rows lists every comparison, the headline first.
func (c *proof) rows() []pitwall.Comparison {
	rows := []pitwall.Comparison{c.headlineLatency(), c.headlineErrors(), c.objective(), c.ownSignal()}
	for _, op := range c.in.Baseline.Operations {
		o := operation{op.Service, op.Operation}
		if o == c.headline {
			continue
		}
		rows = append(rows, c.neighbourLatency(o))
		b, a := c.before.of(o), c.after.of(o)
		if c.called(o) || b.failed+a.failed > 0 {
			rows = append(rows, c.neighbourErrors(o))
		}
	}
	return rows
}

// called says whether an operation is called from outside.
func (c *proof) called(o operation) bool {
	for _, r := range c.in.Baseline.Load {
		if r.Service == o.service && r.Operation == o.name {
			return true
		}
	}
	return false
}
