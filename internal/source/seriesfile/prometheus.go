package seriesfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// answer is what a Prometheus says to a range query.
type answer struct {
	Status string `json:"status"`
	Error  string `json:"error"`
	Data   struct {
		Type   string `json:"resultType"`
		Result []struct {
			Metric map[string]string    `json:"metric"`
			Values [][2]json.RawMessage `json:"values"`
		} `json:"result"`
	} `json:"data"`
}

func prometheus(file string, text []byte) ([]Series, error) {
	if text[0] == '[' {
		return nil, fault(file, errors.New("it is a JSON list"), "JSON must be the answer of a Prometheus to /api/v1/query_range")
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fault(file, err, "JSON must be the answer of a Prometheus to /api/v1/query_range")
	}
	switch {
	case a.Status == "error":
		return nil, fault(file, fmt.Errorf("the query failed: %s", short(a.Error)), "")
	case a.Data.Type != "matrix":
		return nil, fault(file, fmt.Errorf("its resultType is %q, not matrix", short(a.Data.Type)), "JSON must be the answer of a Prometheus to /api/v1/query_range")
	case len(a.Data.Result) == 0:
		return nil, fault(file, errors.New("the query found no series"), "check the selector and the period")
	}
	var all []Series
	for _, r := range a.Data.Result {
		s := Series{File: file, Column: labels(r.Metric)}
		for i, pair := range r.Values {
			v, ok := number(strings.Trim(string(pair[1]), `"`))
			if !ok {
				return nil, fault(file, fmt.Errorf("value %d of %s is %s, which is no number", i, short(s.Column), short(string(pair[1]))), "")
			}
			s.At, s.Value = append(s.At, string(pair[0])), append(s.Value, v)
		}
		s.Seconds = timed(s.At)
		all = append(all, s)
	}
	return all, nil
}

// labels writes a metric as PromQL would.
func labels(m map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if name != "__name__" {
			pairs = append(pairs, fmt.Sprintf("%s=%q", name, m[name]))
		}
	}
	return m["__name__"] + "{" + strings.Join(pairs, ",") + "}"
}
