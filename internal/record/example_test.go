package record_test

import (
	"fmt"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/record"
)

func Example() {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	first := record.Seal(pitwall.Event{}, pitwall.Event{Time: at, Type: pitwall.EventServerStarted, Actor: "pitwall"})
	second := record.Seal(first, pitwall.Event{Time: at, Type: pitwall.EventNote, Actor: "ada"})
	second.Actor = "eve"
	_, err := record.Verify(func(yield func(pitwall.Event, error) bool) { _ = yield(first, nil) && yield(second, nil) })
	fmt.Println(err)
	// Output: verifying record: event 2: edited: its content does not give its hash
}
