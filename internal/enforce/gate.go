package enforce

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/strict"
)

const gateSchema = "pitwall.gate/1"

// ParseGate reads a gate file strictly: an unknown field, a second document or
// a value that makes no sense is an error. name is for the error alone.
func ParseGate(name string, data []byte) (pitwall.Gate, error) {
	doc := strict.Doc{Op: "reading gate", File: name,
		Hint: "fields are schema, name, plan, service, operation, owner, mode, median_bytes, max_ratio, requests (method, path, body)"}
	nodes, err := doc.Nodes(data)
	switch {
	case err != nil:
		return pitwall.Gate{}, err
	case len(nodes) == 0:
		return pitwall.Gate{}, doc.Wrong(0, "", "the file is empty")
	case len(nodes) > 1:
		return pitwall.Gate{}, doc.Wrong(nodes[1].Line, "", "a gate file holds one document")
	}
	var g pitwall.Gate
	if err := doc.Decode(nodes[0], &g); err != nil {
		return pitwall.Gate{}, err
	}
	if err := checkGate(g); err != nil {
		return pitwall.Gate{}, doc.Wrong(0, "", "%w", err)
	}
	return g, nil
}

// checkGate refuses a gate that could never judge.
func checkGate(g pitwall.Gate) error {
	switch {
	case g.Schema != gateSchema:
		return fmt.Errorf("schema is %q, want %q", g.Schema, gateSchema)
	case g.Name == "" || g.Service == "" || g.Operation == "":
		return errors.New("name, service and operation are needed")
	case g.Mode != "warn" && g.Mode != "enforce":
		return fmt.Errorf("mode is %q, want warn or enforce", g.Mode)
	case g.MedianBytes < 1:
		return fmt.Errorf("median_bytes is %d, want at least 1", g.MedianBytes)
	case !(g.MaxRatio >= 1) || math.IsInf(g.MaxRatio, 0) || float64(g.MedianBytes)*g.MaxRatio > math.MaxInt64/2:
		return fmt.Errorf("max_ratio is %v, want a number of at least 1", g.MaxRatio)
	case len(g.Requests) == 0:
		return errors.New("requests are needed: without any nothing can be measured")
	}
	for i, r := range g.Requests {
		if !slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, r.Method) {
			return fmt.Errorf("request %d: method is %q", i+1, r.Method)
		}
		if !strings.HasPrefix(r.Path, "/") || strings.HasPrefix(r.Path, "//") || strings.ContainsFunc(r.Path, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
			return fmt.Errorf("request %d: path %q must start with one / and hold no white space", i+1, r.Path)
		}
	}
	return nil
}

// Rounds is how often all requests of a gate are to be sent so that there are
// enough answers for a verdict with a full interval.
func Rounds(g pitwall.Gate) int {
	const want = 10
	return max(1, (want+len(g.Requests)-1)/max(1, len(g.Requests)))
}
