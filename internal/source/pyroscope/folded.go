package pyroscope

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

const (
	maxText  = 8 << 20
	maxLines = 200_000
	maxDepth = 1024
	maxCount = 1e12
)

// text says how a profile in words is to be read.
type text struct {
	kind   pitwall.ProfileType
	rate   float64 // samples a second
	each   bool    // one sample a line, without a count
	period pitwall.Period
}

// folded makes pprof of stacks as text, one a line, root first: "a;b;c 10".
func folded(data []byte, t text) ([]byte, error) {
	if len(data) > maxText {
		return nil, fmt.Errorf("more than %s of text; send pprof", pitwall.Bytes(maxText))
	}
	p := &prof.Profile{Type: t.kind, Quantum: 1}
	if t.kind == pitwall.ProfileCPU {
		p.Quantum = 1 / t.rate
	}
	at := map[string]int{}
	number := 0
	for raw := range bytes.Lines(data) {
		number++
		line := strings.TrimSpace(string(raw))
		if line == "" {
			continue
		}
		stack, count := line, 1.0
		if !t.each {
			i := strings.LastIndexByte(line, ' ')
			n, err := strconv.ParseUint(line[i+1:], 10, 62)
			if i < 0 || err != nil || n > maxCount {
				return nil, fmt.Errorf("line %d: %.60q does not end in a count up to %g", number, line, float64(maxCount))
			}
			stack, count = strings.TrimSpace(line[:i]), float64(n)
		}
		i, ok := at[stack]
		if !ok {
			frames := strings.Split(stack, ";")
			if len(frames) > maxDepth || len(at) == maxLines {
				return nil, fmt.Errorf("line %d: more than %d frames, or than %d stacks", number, maxDepth, maxLines)
			}
			for a, b := 0, len(frames)-1; a < b; a, b = a+1, b-1 {
				frames[a], frames[b] = frames[b], frames[a]
			}
			i = len(p.Stacks)
			at[stack] = i
			p.Stacks = append(p.Stacks, prof.Stack{Frames: frames})
		}
		p.Stacks[i].Value += count * p.Quantum
	}
	return prof.Encode(p, t.period)
}
