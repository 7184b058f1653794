package spans

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

// TestCountsAreBounded sends more services than are counted: memory does not
// grow with them, health tells, and those that were there go on.
func TestCountsAreBounded(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s, err := Open(t.TempDir(), Options{NoBlocks: true, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	send := func(services ...string) {
		t.Helper()
		b := &pitwall.SpanBatch{}
		for i, name := range services {
			b.Add(pitwall.SpanRow{SpanID: uint64(i + 1), Service: pitwall.ServiceName(name), Version: "v1", Kind: pitwall.SpanServer, Start: now})
		}
		if err := s.AppendSpans(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	send("shop")
	names := make([]string, mostCounted+5)
	for i := range names {
		names[i] = fmt.Sprintf("s%d", i)
	}
	send(names...)
	send("shop")
	period := pitwall.Period{From: now.Add(-time.Second), To: now.Add(time.Second)}
	if got := s.Requests("shop", "", period); got != 2 {
		t.Errorf("%d requests of a service that was there before, want 2", got)
	}
	if len(s.counts) != mostCounted {
		t.Errorf("%d services counted, want %d", len(s.counts), mostCounted)
	}
	if m := s.Health()[0].Message; !strings.Contains(m, "6 spans not counted") {
		t.Errorf("health says %q", m)
	}
}
