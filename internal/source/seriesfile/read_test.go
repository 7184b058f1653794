package seriesfile

import (
	"bytes"
	"compress/gzip"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall"
)

func TestRead(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]struct {
		text string
		want []Series
		step float64
	}{
		"seconds, a gap, a repeated time": {"time,value\n1700000000,1\n1700000060,\n1700000060,3\n1700000120,4\n",
			[]Series{{Column: "value", At: []string{"1700000000", "1700000060", "1700000060", "1700000120"}, Seconds: []float64{1.7e9, 1.7e9 + 60, 1.7e9 + 60, 1.7e9 + 120}, Value: []float64{1, nan, 3, 4}}}, 60},
		"milliseconds and semicolons": {"ts;v\n1700000000000;1e3\n1700000001000;NaN\n",
			[]Series{{Column: "v", At: []string{"1700000000000", "1700000001000"}, Seconds: []float64{1.7e9, 1.7e9 + 1}, Value: []float64{1000, nan}}}, 1},
		"counted rows":          {"time,value\n0,5\n1,6\n", []Series{{Column: "value", At: []string{"0", "1"}, Value: []float64{5, 6}}}, 0},
		"one bare column":       {"5\n6\n7\n", []Series{{Column: "column 1", Value: []float64{5, 6, 7}}}, 0},
		"two named columns":     {"a,time,b\n1,2020-01-01,2\n3,2020-01-02,4\n", []Series{{Column: "a", At: []string{"2020-01-01", "2020-01-02"}, Seconds: []float64{1577836800, 1577923200}, Value: []float64{1, 3}}, {Column: "b", At: []string{"2020-01-01", "2020-01-02"}, Seconds: []float64{1577836800, 1577923200}, Value: []float64{2, 4}}}, 86400},
		"spelled out":           {"timestamp,value\n2014-02-14 14:30:00,0.132\n2014-02-14 14:35:00,0.134\n", []Series{{Column: "value", At: []string{"2014-02-14 14:30:00", "2014-02-14 14:35:00"}, Seconds: []float64{1392388200, 1392388500}, Value: []float64{0.132, 0.134}}}, 300},
		"two columns of values": {"p50,p99\n5,50\n4,51\n", []Series{{Column: "p50", Value: []float64{5, 4}}, {Column: "p99", Value: []float64{50, 51}}}, 0},
		"words before values":   {"build,ms\nv1,5\nv2,6\n", []Series{{Column: "ms", At: []string{"v1", "v2"}, Value: []float64{5, 6}}}, 0},
		"a number for each row": {"run,ms\n7,5\n8,6\n", []Series{{Column: "ms", At: []string{"7", "8"}, Value: []float64{5, 6}}}, 0},
		"a time without end":    {"time,value\n1700000000,1\nInf,2\n", []Series{{Column: "value", At: []string{"1700000000", "Inf"}, Seconds: []float64{1.7e9, nan}, Value: []float64{1, 2}}}, 0},
		"a range query": {`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"up","job":"a"},"values":[[1700000000,"1"],[1700000015.5,"+Inf"]]}]}}`,
			[]Series{{Column: `up{job="a"}`, At: []string{"1700000000", "1700000015.5"}, Seconds: []float64{1.7e9, 1.7e9 + 15.5}, Value: []float64{1, nan}}}, 15.5},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read("", strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if step := got[0].Step(); step != c.step {
				t.Errorf("step %g, want %g", step, c.step)
			}
		})
	}
}

func TestPacked(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte("time,value\n0,1\n"))
	z.Close()
	got, err := Read("x", &b)
	if err != nil || len(got) != 1 || got[0].Value[0] != 1 {
		t.Errorf("%v %v", got, err)
	}
}

// TestFaults are files that cannot be read; the message says where and why.
func TestFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "empty",
		"time,value\n1,x\n": `f.csv:2: column "value" holds "x"`,
		"time,value\n1," + strings.Repeat("x", 1e6): "which is no number",
		"time,value\n1,2,3\n":                       "wrong number of fields",
		"time\n1\n":                                 "no column of values",
		`{"status":"error","error":"boom"}`:         "the query failed: boom",
		`{"data":{"resultType":"vector"}}`:          "not matrix",
		`{"data":`:                                  "unexpected end",
		"\x1f\x8b\x08broken":                        "f.csv",
		strings.Repeat("1,", MaxColumns):            "at most 100000 are read",
		"time,value\n":                              "a header and no rows",
		"time,v\n1,950 ms\n2,1.02 s\n":              `f.csv:3: column "v" holds "1.02 s", and ms above`,
		"[1]":                                       "a JSON list",
		"\x89PNG\r\n\x1a\n":                         "it is no text",
		"PK\x03\x04":                                "not a CSV file",
		"sep=\"\na":                                 "f.csv",
	} {
		_, err := Read("f.csv", strings.NewReader(text))
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("%.80s: a message of %d bytes", text, len(err.Error()))
		}
		if err == nil || !strings.Contains(err.Error(), want) || pitwall.KindOf(err) != pitwall.Invalid {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestUnordered(t *testing.T) {
	if got := (Series{Seconds: []float64{1, 2, 2, 3}}).Unordered(); got != -1 {
		t.Error(got)
	}
	if got := (Series{Seconds: []float64{1, math.NaN(), 3, 2}}).Unordered(); got != 3 {
		t.Error(got)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"time,value\n0,1\n1,\n", "1;2\n", `{"data":{"resultType":"matrix","result":[{"values":[[1,"2"]]}]}}`, "a\n\"", "\ufefftime,v\n,\n", "t,v\n1e400,1e400\n", "sep=;\nt;a;b\n1;x;2,5 ms\n1;y;3\n2;x;4\n2;y;1.204,5\n", "\xff\xfe1\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := Read("f", bytes.NewReader(data))
		if err != nil {
			return
		}
		for _, s := range all {
			if s.At != nil && len(s.At) != len(s.Value) || s.Seconds != nil && len(s.Seconds) != len(s.Value) {
				t.Fatalf("%d values, %d times, %d seconds", len(s.Value), len(s.At), len(s.Seconds))
			}
			s.Step()
			s.Unordered()
		}
	})
}

// TestExports are files as tools and spreadsheets write them.
func TestExports(t *testing.T) {
	nan := math.NaN()
	nov := func(hour int) float64 { return 1793491200 + 3600*float64(hour) } // 2026-11-01
	two := []float64{nov(0), nov(1)}
	utf16le := "\xff\xfe"
	for _, c := range "sep=;\r\nTime;a\r\n0;1,5\r\n" {
		utf16le += string([]byte{byte(c), 0})
	}
	for name, c := range map[string]struct {
		text string
		want []Series
	}{
		"a spreadsheet with decimal commas": {"Zeit;p95 ms\n01.11.2026 00:00;1.205,5\n01.11.2026 01:00;1.204\n",
			[]Series{{Column: "p95 ms", At: []string{"01.11.2026 00:00", "01.11.2026 01:00"}, Seconds: two, Value: []float64{1205.5, 1204}}}},
		"numbers with commas for thousands":    {"a,b\n1,\"1,204.5\"\n2,\"12,000,000\"\n", []Series{{Column: "b", At: []string{"1", "2"}, Value: []float64{1204.5, 12e6}}}},
		"bare decimal commas":                  {"1,5;2,5\n1,25;-3,5\n", []Series{{Column: "column 1", Value: []float64{1.5, 1.25}}, {Column: "column 2", Value: []float64{2.5, -3.5}}}},
		"units, and what is undefined":         {"Time,p95\n2026-11-01 00:00:00,205 ms\n2026-11-01 01:00:00 UTC,undefined\n", []Series{{Column: "p95", At: []string{"2026-11-01 00:00:00", "2026-11-01 01:00:00 UTC"}, Seconds: two, Value: []float64{205, nan}}}},
		"half past noon":                       {"Time,%\n11/01/2026 12:00:00 AM,1%\n11/01/2026 1:00:00 AM,2%\n", []Series{{Column: "%", At: []string{"11/01/2026 12:00:00 AM", "11/01/2026 1:00:00 AM"}, Seconds: two, Value: []float64{1, 2}}}},
		"the day first":                        {"Time,v\n01/11/2026 00:00:00,1\n13/11/2026 00:00:00,2\n", []Series{{Column: "v", At: []string{"01/11/2026 00:00:00", "13/11/2026 00:00:00"}, Seconds: []float64{nov(0), nov(288)}, Value: []float64{1, 2}}}},
		"UTF-16 with a line for a spreadsheet": {utf16le, []Series{{Column: "a", At: []string{"0"}, Value: []float64{1.5}}}},
		"a commit beside the time": {"date,commit,ns\n2026-11-01T01:00:00+0100,abc,5\n2026-11-01T01:00:00Z,def,6\n",
			[]Series{{Column: "ns", At: []string{"2026-11-01T01:00:00+0100", "2026-11-01T01:00:00Z"}, Seconds: two, Value: []float64{5, 6}, LeftOut: []string{"commit"}}}},
		"series one below the other": {"Series;Time;Value\ncart;2026-11-01;1\ncart;2026-11-01 01:00;2\nshop;2026-11-01;3\nshop;2026-11-01 01:00;4\n",
			[]Series{{Column: "cart", At: []string{"2026-11-01", "2026-11-01 01:00"}, Seconds: two, Value: []float64{1, 2}},
				{Column: "shop", At: []string{"2026-11-01", "2026-11-01 01:00"}, Seconds: two, Value: []float64{3, 4}}}},
		"a time that is not the first column": {"host,Zeit,v\na,2026-11-01,1\na,2026-11-01 01:00,2\n",
			[]Series{{Column: "v", At: []string{"2026-11-01", "2026-11-01 01:00"}, Seconds: two, Value: []float64{1, 2}, LeftOut: []string{"host"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Read("", strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestNewestFirst(t *testing.T) {
	for want, seconds := range map[bool][]float64{true: {3, math.NaN(), 2, 1}, false: {3, 1, 2}} {
		if (Series{Seconds: seconds}).NewestFirst() != want {
			t.Error(seconds, !want)
		}
	}
}
