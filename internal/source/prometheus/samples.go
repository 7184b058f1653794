package prometheus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/promql"
)

var _ pitwall.SampleReader = (*Client)(nil)

const (
	samplesOp = "reading samples from prometheus"
	// samplesPiece is the longest stretch that is asked for at once.
	samplesPiece = 6 * time.Hour
	// maxPieces bounds what one question may grow into: 32 days.
	maxPieces = 128
	// maxSamples bounds what is held of one answer, 16 bytes each.
	maxSamples = 10_000_000
)

// Samples gives every sample of the series that a vector selector matches, in
// p.From < time ≤ p.To. The query API gives raw samples as the value of a range
// selector at one instant; a long period is asked for in pieces.
func (c *Client) Samples(ctx context.Context, selector string, p pitwall.Period) ([]pitwall.Series, error) {
	invalid := func(err error, hint string) error {
		return &pitwall.Error{Op: samplesOp, Kind: pitwall.Invalid, ID: selector, Err: err, Hint: hint}
	}
	if err := plainSelector(selector); err != nil {
		return nil, invalid(err, `write one such as http_requests_total{job="shop"}`)
	}
	switch {
	case !p.From.Before(p.To):
		return nil, invalid(fmt.Errorf("the period ends (%s) no later than it begins (%s)", stamp(p.To), stamp(p.From)), "ask for a period that ends later")
	case p.Duration() > maxPieces*samplesPiece:
		return nil, invalid(fmt.Errorf("%v is longer than %v", p.Duration(), maxPieces*samplesPiece), "ask for a shorter period")
	}
	all, total := merging{index: map[string]int{}}, 0
	for from := p.From; from.Before(p.To); from = from.Add(samplesPiece) {
		to := from.Add(samplesPiece)
		if to.After(p.To) {
			to = p.To
		}
		piece, err := c.samples(ctx, selector, pitwall.Period{From: from, To: to})
		if err != nil {
			return nil, err
		}
		for _, s := range piece {
			total += len(s.T)
		}
		if total > maxSamples {
			return nil, invalid(fmt.Errorf("more than %d samples", maxSamples), "ask for a shorter period or narrow the selector")
		}
		all.add(piece)
	}
	return all.series, nil
}

// plainSelector refuses what would mean something else with a range behind it.
func plainSelector(selector string) error {
	e, err := promql.Parse(selector)
	if err != nil {
		return errors.Unwrap(err)
	}
	list := promql.Selectors(e)
	if len(list) != 1 || strings.TrimSpace(list[0].Text) != e.String() {
		return errors.New("it is no plain selector of series")
	}
	return nil
}

// samples asks for one piece. Older servers have the sample at the very
// beginning of a range in it, so it is sorted out here.
func (c *Client) samples(ctx context.Context, selector string, p pitwall.Period) ([]pitwall.Series, error) {
	from, to := p.From.UnixMilli(), p.To.UnixMilli()
	query := fmt.Sprintf("%s[%dms]", strings.TrimSpace(selector), to-from)
	v, warnings, err := c.api.Query(ctx, query, time.UnixMilli(to).UTC())
	if err != nil {
		return nil, c.wrong(samplesOp, query, err)
	}
	c.warned(warnings)
	m, ok := v.(model.Matrix)
	if !ok {
		return nil, emptyError(samplesOp, query)
	}
	var out []pitwall.Series
	for _, s := range m {
		if s == nil {
			return nil, emptyError(samplesOp, query)
		}
		if len(s.Histograms) > 0 {
			return nil, histogramError(samplesOp, query)
		}
		one := pitwall.Series{Labels: make(map[string]string, len(s.Metric))}
		for k, v := range s.Metric {
			one.Labels[string(k)] = string(v)
		}
		last := from
		for _, sample := range s.Values {
			if t := int64(sample.Timestamp); t > last && t <= to { // in order, as promised, or left out
				one.T, one.V = append(one.T, t), append(one.V, float64(sample.Value))
				last = t
			}
		}
		if len(one.T) > 0 {
			out = append(out, one)
		}
	}
	return out, nil
}
