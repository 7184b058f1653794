package stats

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// Blocks is a sample cut into blocks of time. Resampling whole blocks keeps the
// dependence of requests that ran side by side, so intervals are as wide as
// they should be (moving from single values to blocks: Carlstein 1986).
type Blocks struct {
	value  []float64 // descending
	block  []int     // of value, 0..n-1
	sizes  []int
	blocks int
}

// NewBlocks takes values with the number of the block each belongs to; numbers
// may be any, blocks are numbered anew in ascending order.
func NewBlocks(values []float64, block []int64) Blocks {
	ids := slices.Clone(block)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	number := make(map[int64]int, len(ids))
	for i, id := range ids {
		number[id] = i
	}
	type pair struct {
		value float64
		block int
	}
	pairs := make([]pair, len(values))
	for i, v := range values {
		pairs[i] = pair{v, number[block[i]]}
	}
	slices.SortFunc(pairs, func(x, y pair) int { return cmp.Compare(y.value, x.value) })
	b := Blocks{value: make([]float64, len(values)), block: make([]int, len(values)), sizes: make([]int, len(ids)), blocks: len(ids)}
	for i, p := range pairs {
		b.value[i], b.block[i] = p.value, p.block
		b.sizes[p.block]++
	}
	return b
}

// Quantile is the q quantile: the smallest value with at least a share q at or
// below it.
func (b Blocks) Quantile(q float64) float64 {
	times := make([]int, b.blocks)
	for i := range times {
		times[i] = 1
	}
	return b.weighted(times, q)
}

// weighted is the quantile when block i is taken times[i] times. It walks down
// from the largest value, so high quantiles are cheap.
func (b Blocks) weighted(times []int, q float64) float64 {
	total := 0
	for i, n := range b.sizes {
		total += n * times[i]
	}
	if total == 0 {
		return math.NaN()
	}
	above := int(math.Floor((1-q)*float64(total) + 1e-9)) // values allowed above
	for i, v := range b.value {
		above -= times[b.block[i]]
		if above < 0 {
			return v
		}
	}
	return b.value[len(b.value)-1]
}

// Halves splits the sample into its even and its odd blocks.
func (b Blocks) Halves() (even, odd Blocks) {
	var values [2][]float64
	var block [2][]int64
	for i, v := range b.value {
		half := b.block[i] % 2
		values[half] = append(values[half], v)
		block[half] = append(block[half], int64(b.block[i]))
	}
	return NewBlocks(values[0], block[0]), NewBlocks(values[1], block[1])
}

// draw resamples blocks with replacement.
func (b Blocks) draw(rng *rand.Rand, times []int) {
	clear(times)
	for range b.blocks {
		times[rng.IntN(b.blocks)]++
	}
}

// minBlocks is the fewest blocks on a side that a bootstrap is taken over.
const minBlocks = 4

// RatioRequest asks for the ratio of one quantile between two samples.
type RatioRequest struct {
	Control, Treatment Blocks
	Q                  float64 // quantile in (0,1)
	Confidence         float64
	Rounds             int
}

// BootstrapRatio is the log ratio of a quantile of two samples with the
// percentile interval of a bootstrap over blocks. ok is false when a side has
// too few blocks or a quantile is not positive.
func BootstrapRatio(rng *rand.Rand, in RatioRequest) (r LogRatio, ok bool) {
	ratios := bootstrap(rng, in)
	c, t := in.Control.Quantile(in.Q), in.Treatment.Quantile(in.Q)
	if len(ratios) == 0 || !(c > 0) || !(t > 0) {
		return LogRatio{}, false
	}
	slices.Sort(ratios)
	tail := (1 - in.Confidence) / 2
	return LogRatio{math.Log(t / c), Quantile(ratios, tail), Quantile(ratios, 1-tail)}, true
}

func bootstrap(rng *rand.Rand, in RatioRequest) []float64 {
	if in.Control.blocks < minBlocks || in.Treatment.blocks < minBlocks {
		return nil
	}
	controls, treatments := make([]int, in.Control.blocks), make([]int, in.Treatment.blocks)
	ratios := make([]float64, 0, in.Rounds)
	for range in.Rounds {
		in.Control.draw(rng, controls)
		in.Treatment.draw(rng, treatments)
		ratio := math.Log(in.Treatment.weighted(treatments, in.Q) / in.Control.weighted(controls, in.Q))
		if !math.IsNaN(ratio) && !math.IsInf(ratio, 0) {
			ratios = append(ratios, ratio)
		}
	}
	return ratios
}

// SplitNoise is the noise of a quantile when nothing changed: a bound that the
// absolute log ratio between the even and the odd blocks of one sample stays
// under with the given confidence. ok is false with too few blocks.
func SplitNoise(rng *rand.Rand, sample Blocks, q, confidence float64) (bound float64, ok bool) {
	even, odd := sample.Halves()
	ratios := bootstrap(rng, RatioRequest{Control: even, Treatment: odd, Q: q, Rounds: 400})
	if len(ratios) == 0 {
		return 0, false
	}
	for i, r := range ratios {
		ratios[i] = math.Abs(r)
	}
	slices.Sort(ratios)
	return Quantile(ratios, confidence), true
}
