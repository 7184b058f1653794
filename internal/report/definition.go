package report

import (
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// Definitions shows the texts of an objective, newest first, each as what
// changed since the one before.
func Definitions(list []pitwall.Definition) []Definition {
	var out []Definition
	for i, d := range list {
		v := Definition{At: d.At, Source: d.Source, Diff: d.YAML}
		if i+1 < len(list) {
			v.Diff = lineDiff(list[i+1].YAML, d.YAML)
		}
		out = append(out, v)
	}
	return out
}

// mostLines bounds the texts that are compared line by line.
const mostLines = 1000

// lineDiff marks lines that went with - and lines that came with +, with two
// lines around each change; it follows a longest common subsequence.
func lineDiff(old, now string) string {
	a, b := strings.Split(strings.TrimRight(old, "\n"), "\n"), strings.Split(strings.TrimRight(now, "\n"), "\n")
	if len(a) > mostLines || len(b) > mostLines {
		return now
	}
	lines := marked(a, b)
	keep := make([]bool, len(lines))
	for i, l := range lines {
		if l[0] == ' ' {
			continue
		}
		for j := max(0, i-2); j < min(len(lines), i+3); j++ {
			keep[j] = true
		}
	}
	var out []string
	for i, l := range lines {
		switch {
		case keep[i]:
			out = append(out, l)
		case i > 0 && keep[i-1]:
			out = append(out, "…")
		}
	}
	return strings.Join(out, "\n")
}

func marked(a, b []string) []string {
	common := make([][]int, len(a)+1) // length of the longest common subsequence of the rests
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := range slices.Backward(a) {
		for j := range slices.Backward(b) {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out []string
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, "  "+a[i])
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			out = append(out, "- "+a[i])
			i++
		default:
			out = append(out, "+ "+b[j])
			j++
		}
	}
	return out
}
