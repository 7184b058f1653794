package labelled

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Series is one file with what is true about it.
type Series struct {
	Set, Name string
	Time      []float64 // unix seconds, or 0, 1, 2 … where the file says no more
	Value     []float64 // NaN where a point is missing
	Truth
}

// Truth is what is known about a series; which fields are set depends on its set.
type Truth struct {
	File        string           `json:"file"`
	Annotations map[string][]int `json:"annotations"` // annotator → rows
	StepSeconds float64          `json:"step_s"`
	Group       string           `json:"group"`
	Gap         int              `json:"gap"`
	Slack       int              `json:"slack"`
	Warmup      int              `json:"warmup"`
	Runs        [][2]int         `json:"runs"`
	Windows     [][2]int         `json:"windows_rows"`
	Probation   int              `json:"probation"`
	Points      []Graded         `json:"points"`
	Penalties   Penalties        `json:"penalties"`
	Planted     *int             `json:"planted"`
	Percent     float64          `json:"percent"`
	Base        string           `json:"base"`
}

// Dir is the folder of labelled series; a test without it is skipped, loudly.
func Dir(tb testing.TB) string {
	tb.Helper()
	root := os.Getenv("PITWALL_BENCH")
	for at := ".."; root == "" && len(at) < 40; at += "/.." {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			root = filepath.Join(at, "../shared/bench")
		}
	}
	dir := filepath.Join(root, "detection")
	if _, err := os.Stat(filepath.Join(dir, "truth.json")); err != nil {
		tb.Skipf("SKIPPED: no labelled series in %s; set PITWALL_BENCH to the folder of labelled data", dir)
	}
	return dir
}

// Load reads all series of a set, in the order of their names.
func Load(tb testing.TB, set string) []Series {
	tb.Helper()
	dir := Dir(tb)
	raw, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var truth struct {
		Sets map[string]struct {
			Series map[string]Truth `json:"series"`
		} `json:"sets"`
	}
	if err := json.Unmarshal(raw, &truth); err != nil {
		tb.Fatal(err)
	}
	var all []Series
	for name, t := range truth.Sets[set].Series {
		s := Series{Set: set, Name: name, Truth: t}
		if s.Time, s.Value, err = read(filepath.Join(dir, t.File)); err != nil {
			tb.Fatal(err)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Series) int { return strings.Compare(a.Name, b.Name) })
	if len(all) == 0 {
		tb.Fatalf("no set %q in %s", set, dir)
	}
	return all
}

// Tuning says whether a series belongs to the half on which settings may be
// chosen; the other half is only ever measured. The half is a hash of the name.
func (s Series) Tuning() bool {
	h := fnv.New32a()
	io.WriteString(h, s.Set+"/"+s.Name)
	return h.Sum32()>>7&1 == 0
}

func read(file string) (at, value []float64, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", file, err)
		}
	}
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", file, err)
	}
	for i, row := range rows[1:] {
		t, err := strconv.ParseFloat(row[0], 64)
		if err != nil {
			return nil, nil, fmt.Errorf("%s row %d: %w", file, i, err)
		}
		v := math.NaN()
		if row[1] != "" {
			if v, err = strconv.ParseFloat(row[1], 64); err != nil {
				return nil, nil, fmt.Errorf("%s row %d: %w", file, i, err)
			}
		}
		at, value = append(at, t), append(value, v)
	}
	return at, value, nil
}

// Published gives the scores of published methods at their default settings:
// series → method → score.
func Published(tb testing.TB) map[string]map[string]Score {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join(Dir(tb), "published.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var file struct {
		TCPD struct {
			Series map[string]struct {
				Default map[string]Score `json:"default"`
			} `json:"series"`
		} `json:"tcpd"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		tb.Fatal(err)
	}
	out := map[string]map[string]Score{}
	for name, s := range file.TCPD.Series {
		out[name] = s.Default
	}
	return out
}
