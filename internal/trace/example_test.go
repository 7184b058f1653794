package trace_test

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/trace"
)

// A request of 100 ms asks for a price, which takes 60 ms of them.
func ExampleCriticalPath() {
	b := &pitwall.SpanBatch{}
	begin := time.Unix(0, 0)
	b.Add(pitwall.SpanRow{SpanID: 1, Operation: "GET /cart", Start: begin, Duration: 100 * time.Millisecond})
	b.Add(pitwall.SpanRow{SpanID: 2, ParentID: 1, Operation: "price", Start: begin.Add(20 * time.Millisecond), Duration: 60 * time.Millisecond})
	f := trace.Build(b)
	for _, s := range trace.CriticalPath(b, f, 0) {
		fmt.Println(b.Strings[b.Operation[s.Span]], time.Duration(s.Duration()))
	}
	// Output:
	// GET /cart 20ms
	// price 60ms
	// GET /cart 20ms
}
