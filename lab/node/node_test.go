package node_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pitwall/pitwall/lab/node"
)

func TestRead(t *testing.T) {
	got := node.Read("cpu  100 5 20 800 60 0 5 10 0 0\ncpu0 1 1 1 1\nprocs_running 3\n",
		"some avg10=12.50 avg60=1.00 avg300=0.10 total=1\nfull avg10=0.00\n", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n")
	if diff := cmp.Diff(node.State{Busy: 140, Total: 1000, Running: 3, Pressure: .125, MemoryAvailable: .25}, got); diff != "" {
		t.Error(diff)
	}
	for _, garbled := range []string{"", "cpu", "cpu  x y z a b c d", "some avg10=", "MemTotal:", "procs_running"} {
		if got := node.Read(garbled, garbled, garbled); got.Pressure != -1 || got.MemoryAvailable != -1 || got.Busy != 0 {
			t.Errorf("%q reads as %+v", garbled, got)
		}
	}
}
