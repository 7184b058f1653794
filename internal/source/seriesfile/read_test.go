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
	for _, seed := range []string{"time,value\n0,1\n1,\n", "1;2\n", `{"data":{"resultType":"matrix","result":[{"values":[[1,"2"]]}]}}`, "a\n\"", "\ufefftime,v\n,\n", "t,v\n1e400,1e400\n"} {
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
