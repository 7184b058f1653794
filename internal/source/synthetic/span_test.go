package synthetic

import (
	"context"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pitwall/pitwall"
)

// spans keeps rows in memory.
type spans struct{ rows []pitwall.SpanRow }

func (s *spans) AppendSpans(_ context.Context, b *pitwall.SpanBatch) error {
	for i := range b.Len() {
		s.rows = append(s.rows, b.Row(i))
	}
	return nil
}

// TestTracesOfJourneysAreWhole: the span that a service names as its parent is
// there, so that a journey never looks like lost trace context.
func TestTracesOfJourneysAreWhole(t *testing.T) {
	var parents []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parents = append(parents, r.Header.Get("Traceparent"))
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	journeys, err := Parse("j.yaml", []byte("journey: buy\nservice: edge\nevery: 30s\nsteps:\n  - {name: front, get: "+server.URL+"/, expect: {status: 200}}\n  - {name: pay, get: "+server.URL+"/broken, expect: {status: 500}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	sink := &spans{}
	r, err := New(Config{Journeys: journeys, Spans: sink, Rand: rand.New(rand.NewPCG(1, 2))})
	if err != nil {
		t.Fatal(err)
	}
	result := r.Check(t.Context(), journeys[0])
	if !result.OK || len(parents) != 2 || len(sink.rows) != 2 {
		t.Fatalf("%+v, %v, %+v", result, parents, sink.rows)
	}
	for i, row := range sink.rows {
		if said := fmt.Sprintf("00-%s-%016x-01", hex.EncodeToString(row.TraceID[:]), row.SpanID); said != parents[i] {
			t.Errorf("step %d: span %s, the service heard %s", i, said, parents[i])
		}
		if row.Service != Service || row.Kind != pitwall.SpanClient || row.Duration <= 0 || row.Peer != "127.0.0.1" || row.Failed != (i == 1) {
			t.Errorf("step %d: %+v", i, row)
		}
	}
}
