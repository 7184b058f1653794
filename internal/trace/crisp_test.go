package trace_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/pitwall/pitwall/internal/trace"
)

// crispFile is a trace with what CRISP found in it.
type crispFile struct {
	Data    []jaeger
	Testing json.RawMessage
}

type crispSays struct {
	OpTimeExclusive                           map[string]int64
	TotalWork, TimeSavedOnWork, TimeSavedOnCP int64
}

// TestCRISPsOwnFigures: all 25 traces and the 8 with errors, every figure they
// carry.
func TestCRISPsOwnFigures(t *testing.T) {
	t.Run("committed", func(t *testing.T) {
		for _, n := range []string{"10", "16", "20"} {
			checkCRISP(t, "testdata/crisp-"+n+".json")
		}
	})
	t.Run("whole set", func(t *testing.T) {
		for n := 1; n <= 25; n++ {
			checkCRISP(t, bench(t, fmt.Sprintf("traces/crisp/test_cases/%d.json", n)))
		}
		for n := 1; n <= 4; n++ {
			for _, which := range []string{"err1", "err2"} {
				checkCRISP(t, bench(t, fmt.Sprintf("traces/crisp/test_cases/err_pattern%d/%s.json", n, which)))
			}
		}
	})
}

func checkCRISP(t *testing.T, name string) {
	t.Helper()
	var file crispFile
	readJSON(t, name, &file)
	want := crispSays{}
	var plain []map[string]int64
	if json.Unmarshal(file.Testing, &plain) == nil {
		want.OpTimeExclusive = plain[0]
	} else if err := json.Unmarshal(file.Testing, &want); err != nil {
		t.Fatal(err)
	}
	b, _ := file.Data[0].batch()
	f := trace.Build(b)
	c := trace.CriticalPathCRISP(b, f, int(f.Roots[0]))
	got := crispSays{OpTimeExclusive: map[string]int64{}, TotalWork: c.Work, TimeSavedOnWork: c.WorkSaved, TimeSavedOnCP: c.PathSaved}
	for _, s := range c.Path {
		got.OpTimeExclusive[fmt.Sprintf("[%s] %s", b.Strings[b.Service[s.Span]], b.Strings[b.Operation[s.Span]])] += s.Exclusive
	}
	if want.TotalWork == 0 { // the first ten say nothing of work
		got.TotalWork, got.TimeSavedOnWork, got.TimeSavedOnCP = 0, 0, 0
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestCRISPBounds: nothing saved is negative or more than there is, nothing is
// saved where nothing failed, and all is where the root failed.
func TestCRISPBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for try := range 20_000 {
		b := random(r, 1+r.IntN(20))
		f := trace.Build(b)
		root := int(f.Roots[0])
		if c := trace.CriticalPathCRISP(b, f, root); c.PathSaved != 0 || c.WorkSaved != 0 {
			t.Fatalf("try %d: nothing failed, and %d saved on the path, %d of the work", try, c.PathSaved, c.WorkSaved)
		}
		for i := range b.Failed {
			b.Failed[i] = i != root && r.IntN(3) == 0
		}
		c := trace.CriticalPathCRISP(b, f, root)
		if c.PathSaved < 0 || c.PathSaved > b.Duration[root] || c.WorkSaved > c.Work {
			t.Fatalf("try %d: %+v of a request of %d", try, c, b.Duration[root])
		}
		for _, s := range c.Path {
			if s.Exclusive < 0 || s.Exclusive > b.Duration[s.Span] {
				t.Fatalf("try %d: %+v", try, s)
			}
		}
		b.Failed[root] = true
		if c := trace.CriticalPathCRISP(b, f, root); c.PathSaved != b.Duration[root] {
			t.Fatalf("try %d: the root failed, and %d of %d saved", try, c.PathSaved, b.Duration[root])
		}
	}
}
