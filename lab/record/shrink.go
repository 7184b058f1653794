package record

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// longestLine bounds one line of a case's own files.
const longestLine = 64 << 20

// Shrink makes the form of a recorded case that is committed: fewer traces,
// profiles merged to the fewest windows that can be compared. to must not exist.
// keep is the share of the case's traces that stay, (0,1].
func Shrink(from, to string, keep float64) error {
	if err := os.MkdirAll(filepath.Join(to, "profiles"), 0o755); err != nil {
		return err
	}
	for _, name := range []string{"truth.json", "topology.json", "changes.json", "metrics.csv.gz", "logs.jsonl.gz"} {
		raw, err := os.ReadFile(filepath.Join(from, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), raw, 0o644)
		}
		if err != nil {
			return fmt.Errorf("copying %s: %w", name, err)
		}
	}
	ps, p, err := shrinkCase(from, to, keep)
	if err != nil {
		return err
	}
	if err := shrinkSpans(from, to, p); err != nil {
		return err
	}
	return shrinkProfiles(from, to, ps)
}

// shrinkCase writes case.json with the new sampling, which it gives.
func shrinkCase(from, to string, keep float64) (ps periods, p float64, err error) {
	raw, err := os.ReadFile(filepath.Join(from, "case.json"))
	if err != nil {
		return ps, 0, err
	}
	var said map[string]any
	var in struct {
		Baseline, Window struct{ From, To time.Time }
		Sampling         float64
	}
	if err := errors.Join(json.Unmarshal(raw, &said), json.Unmarshal(raw, &in)); err != nil {
		return ps, 0, fmt.Errorf("reading case.json: %w", err)
	}
	ps = periods{period{in.Baseline.From, in.Baseline.To}, period{in.Window.From, in.Window.To}}
	p = round(in.Sampling * keep)
	said["sampling"] = p
	return ps, p, writeJSON(filepath.Join(to, "case.json"), said)
}

func shrinkSpans(from, to string, p float64) error {
	f, err := os.Open(filepath.Join(from, "spans.jsonl.gz"))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	in := bufio.NewScanner(z)
	in.Buffer(nil, longestLine)
	return packed(filepath.Join(to, "spans.jsonl.gz"), func(out io.Writer) error {
		for in.Scan() {
			td, err := (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(in.Bytes())
			if err != nil {
				return err
			}
			kept := sampled([]ptrace.Traces{td}, func(id pcommon.TraceID) bool { return chosen(id, p) })
			if err := eachLine(out, kept, (&ptrace.JSONMarshaler{}).MarshalTraces); err != nil {
				return err
			}
		}
		return in.Err()
	})
}

func shrinkProfiles(from, to string, ps periods) error {
	raw, err := os.ReadFile(filepath.Join(from, "profiles.json"))
	if err != nil {
		return err
	}
	var index []profileEntry
	if err := json.Unmarshal(raw, &index); err != nil {
		return fmt.Errorf("reading profiles.json: %w", err)
	}
	shots := make([]shot, 0, len(index))
	for _, e := range index {
		data, err := os.ReadFile(filepath.Join(from, e.File))
		if err != nil {
			return err
		}
		prof, err := parse(data)
		if err != nil {
			return fmt.Errorf("reading %s: %w", e.File, err)
		}
		shots = append(shots, shot{e.Service, e.Version, e.Type, e.From, e.To, prof, e.Requests})
	}
	if shots, err = fewer(shots, ps); err != nil {
		return err
	}
	return writeShots(to, shots)
}
