package prof

import "strings"

// merged adds profiles of one type up the plain way; equal stacks become one.
func merged(ps []*Profile) *Profile {
	out := &Profile{Type: ps[0].Type}
	sum := newStackSum()
	for _, p := range ps {
		out.Quantum += p.Quantum / float64(len(ps))
		for _, s := range p.Stacks {
			sum.add(s.Frames, s.Value)
		}
	}
	out.Stacks = sum.stacks
	return out
}

// stackSum adds equal stacks up, in order of first appearance.
type stackSum struct {
	at     map[string]int
	stacks []Stack
}

func newStackSum() *stackSum { return &stackSum{at: map[string]int{}} }

func (m *stackSum) add(frames []string, v float64) {
	key := strings.Join(frames, "\n")
	i, ok := m.at[key]
	if !ok {
		i = len(m.stacks)
		m.at[key] = i
		m.stacks = append(m.stacks, Stack{Frames: frames})
	}
	m.stacks[i].Value += v
}
