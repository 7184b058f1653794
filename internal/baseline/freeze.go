package baseline

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/stats"
)

// Input is what a baseline is made of.
type Input struct {
	Service   pitwall.ServiceName // the headline operation
	Operation string
	Period    pitwall.Period
	Spans     *pitwall.SpanBatch // whole traces; nil: none
	Budget    pitwall.ErrorBudget
	Families  []pitwall.FrameDelta // CPU per request by frame family, Before only
	Now       time.Time
	Rand      *rand.Rand // nil: a fixed seed
}

const (
	fewRequests = 1000            // fewer make a p99 a guess
	noiseBlock  = 2 * time.Second // halves of the noise floor alternate in such blocks
)

// Freeze takes the picture. Without spans it is a picture of nothing that says so.
func Freeze(in Input) pitwall.Baseline {
	if in.Spans == nil {
		in.Spans = &pitwall.SpanBatch{}
	}
	if in.Rand == nil {
		in.Rand = rand.New(rand.NewPCG(1, 2))
	}
	b := pitwall.Baseline{
		Service: in.Service, Operation: in.Operation, Period: in.Period, FrozenAt: in.Now, Budget: in.Budget,
		Operations: Stats(in.Spans, in.Period), Load: Load(in.Spans, in.Period),
		Families: in.Families, Versions: versions(in.Spans, in.Period),
	}
	noise, known := noiseP99(in)
	b.NoiseP99 = pitwall.Ratio(noise)
	b.Warnings = warnings(in, b, known)
	return b
}

// noiseP99 is the 95 % bound on |log ratio| of the headline p99 between
// alternating blocks of the same baseline.
func noiseP99(in Input) (float64, bool) {
	var values []float64
	var blocks []int64
	s := in.Spans
	for i := range s.Len() {
		if !server(s, i, in.Period) || s.Strings[s.Operation[i]] != in.Operation || s.Strings[s.Service[i]] != string(in.Service) {
			continue
		}
		values = append(values, seconds(s.Duration[i]))
		blocks = append(blocks, (s.Start[i]-in.Period.From.UnixNano())/int64(noiseBlock))
	}
	return stats.SplitNoise(in.Rand, stats.NewBlocks(values, blocks), 0.99, 0.95)
}

func warnings(in Input, b pitwall.Baseline, noiseKnown bool) []string {
	var out []string
	var head int64
	for _, op := range b.Operations {
		if op.Service == in.Service && op.Operation == in.Operation {
			head = op.Requests
		}
	}
	switch {
	case head == 0:
		out = append(out, fmt.Sprintf("no requests of %s %s between %s and %s: there is no normal to compare with", in.Service, in.Operation,
			in.Period.From.UTC().Format(time.TimeOnly), in.Period.To.UTC().Format(time.TimeOnly)))
	case head < fewRequests:
		out = append(out, fmt.Sprintf("only %d requests of %s %s; a p99 wants at least %d", head, in.Service, in.Operation, fewRequests))
	}
	if !noiseKnown && head > 0 {
		out = append(out, "too short to measure how much the p99 differs from itself; the noise floor is unknown")
	}
	if first, last, ok := extent(in.Spans, in.Period); ok {
		if seen := last.Sub(first); seen < in.Period.Duration()*8/10 {
			out = append(out, fmt.Sprintf("spans cover only %s of the %s asked for", seen.Round(time.Second), in.Period.Duration().Round(time.Second)))
		}
	}
	if len(in.Families) == 0 {
		out = append(out, "no profile of the period: CPU per request cannot be compared")
	}
	return out
}

func extent(s *pitwall.SpanBatch, p pitwall.Period) (first, last time.Time, ok bool) {
	var low, high int64
	for i := range s.Len() {
		if !server(s, i, p) {
			continue
		}
		if !ok || s.Start[i] < low {
			low = s.Start[i]
		}
		if !ok || s.Start[i] > high {
			high = s.Start[i]
		}
		ok = true
	}
	return time.Unix(0, low), time.Unix(0, high), ok
}

// versions is the version of each service that served most requests.
func versions(s *pitwall.SpanBatch, p pitwall.Period) map[pitwall.ServiceName]pitwall.Version {
	type key struct{ service, version uint32 }
	count := map[key]int{}
	for i := range s.Len() {
		if s.Version[i] != 0 && server(s, i, p) {
			count[key{s.Service[i], s.Version[i]}]++
		}
	}
	best, out := map[uint32]key{}, map[pitwall.ServiceName]pitwall.Version{}
	for k, n := range count {
		b, known := best[k.service]
		if !known || n > count[b] || n == count[b] && s.Strings[k.version] < s.Strings[b.version] {
			best[k.service] = k
		}
	}
	for _, k := range best {
		out[pitwall.ServiceName(s.Strings[k.service])] = pitwall.Version(s.Strings[k.version])
	}
	return out
}

// server says whether span i is a server span that began in the period.
func server(s *pitwall.SpanBatch, i int, p pitwall.Period) bool {
	return s.Kind[i] == pitwall.SpanServer && s.Start[i] >= p.From.UnixNano() && s.Start[i] < p.To.UnixNano()
}

func seconds(nanoseconds int64) float64 { return float64(nanoseconds) / 1e9 }
