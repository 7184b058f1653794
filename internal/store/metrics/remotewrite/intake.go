package remotewrite

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

const (
	// maxAhead is how far a sender's clock may run ahead of ours.
	maxAhead = 10 * time.Minute
	// maxLabels bounds the bytes of a series' labels, which stay in memory.
	maxLabels = 64 << 10
	// maxHistogram bounds the bytes of one native histogram on the wire.
	maxHistogram = 64 << 10
	// maxSymbols bounds the words of a version 2 request.
	maxSymbols = 1 << 20
)

var (
	errFuture    = fmt.Errorf("a time more than %v in the future", maxAhead)
	errName      = errors.New("labels without a metric name, or with a name that is not valid UTF-8")
	errTwice     = errors.New("a label given twice")
	errLabels    = fmt.Errorf("more than %d bytes of labels", maxLabels)
	errReference = errors.New("a label reference outside the symbols")
	errOdd       = errors.New("a label name without a value")
	errHistogram = fmt.Errorf("a native histogram of more than %d bytes", maxHistogram)
	errEmpty     = errors.New("a series without samples")
)

// written counts what was stored and what was not.
type written struct {
	samples, histograms uint64
	refused             uint64
	latest              int64 // unix milliseconds of the newest
}

// intake is one request on its way in.
type intake struct {
	app     storage.AppenderV2
	version int
	newest  int64 // unix milliseconds
	written
	first error // why the first sample was refused

	builder labels.ScratchBuilder
	size    int      // of the labels at hand
	symbols []string // version 2's words
}

// take appends every series of a request. Its error is of the whole request:
// either no request at all (a *refusal), or the store's own.
func (in *intake) take(body string) error {
	const seriesV1, symbolsV2, seriesV2 = 1, 4, 5
	in.builder = labels.NewScratchBuilder(16)
	if in.version == 1 {
		return in.all(body, seriesV1, in.labelsV1)
	}
	err := each(body, symbolsV2, wireBytes, func(f field) error {
		if len(in.symbols) == maxSymbols {
			return fmt.Errorf("more than %d symbols", maxSymbols)
		}
		in.symbols = append(in.symbols, f.bytes)
		return nil
	})
	if err != nil {
		return &malformed{err}
	}
	return in.all(body, seriesV2, in.labelsV2)
}

// all goes through the series, whose labels are read by read.
func (in *intake) all(body string, num uint64, read func(string) error) error {
	i := -1
	var ours error
	err := each(body, num, wireBytes, func(f field) error {
		i++
		in.builder.Reset()
		in.size = 0
		if err := read(f.bytes); err != nil {
			return at("timeseries", i, err)
		}
		in.builder.Sort()
		err := in.series(f.bytes, in.builder.Labels())
		var wrong *malformed
		if errors.As(err, &wrong) {
			return at("timeseries", i, wrong.error)
		}
		ours = err
		return err
	})
	if err == nil || ours != nil {
		return ours
	}
	return &malformed{err}
}

// malformed is an error of the bytes, not of the store.
type malformed struct{ error }

// Unwrap gives the cause.
func (m *malformed) Unwrap() error { return m.error }

// labelsV1 reads pairs of strings.
func (in *intake) labelsV1(series string) error {
	return each(series, 1, wireBytes, func(f field) error {
		var name, value string
		for pair := f.bytes; len(pair) > 0; {
			got, rest, err := next(pair)
			if err != nil {
				return err
			}
			pair = rest
			switch {
			case got.num == 1 && got.wire == wireBytes:
				name = got.bytes
			case got.num == 2 && got.wire == wireBytes:
				value = got.bytes
			}
		}
		in.label(name, value)
		return nil
	})
}

// labelsV2 reads pairs of references into the symbols.
func (in *intake) labelsV2(series string) error {
	var name *string
	err := refs(series, 1, func(ref uint64) error {
		if ref >= uint64(len(in.symbols)) {
			return errReference
		}
		word := &in.symbols[ref]
		if name == nil {
			name = word
			return nil
		}
		in.label(*name, *word)
		name = nil
		return nil
	})
	if err == nil && name != nil {
		return errOdd
	}
	return err
}

func (in *intake) label(name, value string) {
	// Each pair costs something even when both words are empty.
	in.size += len(name) + len(value) + 2
	if value != "" && in.size <= maxLabels { // an empty value is no label at all
		in.builder.Add(name, value)
	}
}

// series appends the samples and histograms of one series.
func (in *intake) series(series string, ls labels.Labels) error {
	bad := in.check(ls)
	hist := uint64(4) // their field's number
	if in.version == 2 {
		hist = 3
	}
	var ref storage.SeriesRef
	n := 0
	for len(series) > 0 {
		f, rest, err := next(series)
		if err != nil {
			return &malformed{err}
		}
		series = rest
		var one entry
		switch f.num {
		case 2:
			one, err = readSample(f)
		case hist:
			one, err = in.readHistogram(f)
		default:
			continue
		}
		n++
		if err != nil {
			return &malformed{err}
		}
		if bad != nil {
			in.refuse(ls, bad)
			continue
		}
		if ref, err = in.append(ref, ls, one); err != nil {
			return err
		}
	}
	if n == 0 && in.version == 2 { // version 1 may send exemplars so
		in.refuse(ls, errEmpty)
	}
	return nil
}

func (in *intake) check(ls labels.Labels) error {
	if in.size > maxLabels {
		return errLabels
	}
	if !ls.Has(labels.MetricName) || !ls.IsValid(model.UTF8Validation) {
		return errName
	}
	if _, twice := ls.HasDuplicateLabelNames(); twice {
		return errTwice
	}
	return nil
}

// append stores one sample, or counts it as refused for its own sake; its error
// is the store's.
func (in *intake) append(ref storage.SeriesRef, ls labels.Labels, e entry) (storage.SeriesRef, error) {
	err := e.broken
	switch {
	case e.t > in.newest:
		err = errFuture
	case err == nil:
		var got storage.SeriesRef
		if got, err = in.app.Append(ref, ls, 0, e.t, e.v, e.h, e.fh, storage.AppendV2Options{}); err != nil && !ofSample(err) {
			return 0, err
		}
		if err == nil {
			ref = got
		}
	}
	switch {
	case err != nil:
		in.refuse(ls, err)
		return ref, nil
	case e.h != nil || e.fh != nil:
		in.histograms++
	default:
		in.samples++
	}
	in.latest = max(in.latest, e.t)
	return ref, nil
}

func (in *intake) refuse(ls labels.Labels, why error) {
	in.refused++
	if in.first == nil {
		in.first = fmt.Errorf("%w, of %s", why, shown(ls))
	}
}

// shown bounds what of a series goes into a message.
func shown(ls labels.Labels) string {
	const most = 300
	s := ls.String()
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// ofSample says whether the store refused a sample for its own sake.
func ofSample(err error) bool {
	var impossible histogram.Error
	return errors.Is(err, storage.ErrOutOfOrderSample) || errors.Is(err, storage.ErrOutOfBounds) ||
		errors.Is(err, storage.ErrTooOldSample) || errors.Is(err, storage.ErrDuplicateSampleForTimestamp) ||
		errors.As(err, &impossible)
}
