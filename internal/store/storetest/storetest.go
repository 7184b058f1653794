// Package storetest is the contract of a state store as tests. In comes a way
// to open an empty store; every adapter that keeps Pitwall's state runs Run and
// so promises the same. It knows nothing of any database.
package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pitwall/pitwall"
)

// Store is all of Pitwall's state.
type Store interface {
	pitwall.EventStore
	pitwall.LedgerStore
	pitwall.Leases
	pitwall.ChangeLog
	pitwall.PageLoads
	pitwall.AlertLog
	Outbox
}

// Run checks the contract; open gives a new, empty store each time.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for name, f := range map[string]func(*testing.T, Store){
		"Events":           events,
		"EventsRace":       eventsRace,
		"Ledger":           ledger,
		"LedgerOfManySLOs": ledgerOfMany,
		"Leases":           leases,
		"LeasesRace":       leasesRace,
		"Changes":          changes,
		"ChangesSeenTwice": changesSeenTwice,
		"PageLoads":        pageLoads,
		"Alerts":           alerts,
		"Outbox":           outbox,
		"OutboxOrder":      outboxOrder,
		"Receipts":         receipts,
		"CancelledContext": cancelled,
	} {
		t.Run(name, func(t *testing.T) { f(t, open(t)) })
	}
}

func at(seconds int) time.Time { return time.Date(2026, 3, 1, 12, 0, seconds, 123456789, time.UTC) }

// event is an event as a recorder would seal it; a store does not check hashes.
func event(seq uint64) pitwall.Event {
	return pitwall.Event{
		Seq: seq, Time: at(int(seq)), Plan: "PIP-1", Type: pitwall.EventNote, Actor: "ada", From: pitwall.Opened, To: pitwall.Opened,
		Data: json.RawMessage(`{"reason":"a \u003c b","n":1.50}`), Prev: fmt.Sprint("h", seq-1), Hash: fmt.Sprint("h", seq),
	}
}

func equal(t *testing.T, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func kind(t *testing.T, want pitwall.Kind, err error) {
	t.Helper()
	if got := pitwall.KindOf(err); got != want {
		t.Errorf("got kind %q (%v), want %q", got, err, want)
	}
}

func events(t *testing.T, s Store) {
	ctx := t.Context()
	last, err := s.Last(ctx)
	must(t, err)
	equal(t, pitwall.Event{}, last)

	bare := pitwall.Event{Seq: 3, Time: at(3), Type: pitwall.EventServerStarted, Hash: "h3"}
	must(t, s.Append(ctx, 0, []pitwall.Event{event(1), event(2)}))
	must(t, s.Append(ctx, 2, []pitwall.Event{bare}))
	kind(t, pitwall.Conflict, s.Append(ctx, 2, []pitwall.Event{event(3)}))
	kind(t, pitwall.Conflict, s.Append(ctx, 4, []pitwall.Event{event(5)}))
	kind(t, pitwall.Invalid, s.Append(ctx, 3, []pitwall.Event{event(4), event(6)}))
	kind(t, pitwall.Invalid, s.Append(ctx, 3, []pitwall.Event{{Seq: 4}})) // no time

	got, err := s.Events(ctx, 0, 100)
	must(t, err)
	equal(t, []pitwall.Event{event(1), event(2), bare}, got)
	got, err = s.Events(ctx, 1, 1)
	must(t, err)
	equal(t, []pitwall.Event{event(2)}, got)
	got, err = s.Events(ctx, 3, 10)
	must(t, err)
	equal(t, []pitwall.Event(nil), got)
	last, err = s.Last(ctx)
	must(t, err)
	equal(t, bare, last)
}

// eventsRace: many writers that believe in the same end; one of them is right.
func eventsRace(t *testing.T, s Store) {
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { errs[i] = s.Append(t.Context(), 0, []pitwall.Event{event(1), event(2)}) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		kind(t, pitwall.Conflict, err)
	}
	got, err := s.Events(t.Context(), 0, 100)
	must(t, err)
	if won != 1 || len(got) != 2 {
		t.Errorf("%d writers won, %d events", won, len(got))
	}
}

func leases(t *testing.T, s Store) {
	ctx := t.Context()
	take := func(owner string, second int) (uint64, error) {
		return s.Acquire(ctx, "weights/inventory", owner, 10*time.Second, at(second))
	}
	f := func(owner string, second int, want uint64) {
		t.Helper()
		got, err := take(owner, second)
		must(t, err)
		if got != want {
			t.Errorf("%s at %d s: token %d, want %d", owner, second, got, want)
		}
	}
	f("a", 0, 1)
	f("a", 9, 1) // renewed, now until 19
	_, err := take("b", 18)
	kind(t, pitwall.Conflict, err)
	f("b", 19, 2) // expired to the instant
	_, err = take("a", 20)
	kind(t, pitwall.Conflict, err)
	must(t, s.Release(ctx, "weights/inventory", "a")) // not theirs: no effect
	_, err = take("a", 21)
	kind(t, pitwall.Conflict, err)
	must(t, s.Release(ctx, "weights/inventory", "b"))
	f("a", 22, 3)
	f("a", 40, 4) // its own, but expired: somebody else may have acted meanwhile
	got, err := s.Acquire(ctx, "weights/checkout", "b", time.Second, at(0))
	must(t, err)
	equal(t, uint64(1), got)
	_, err = s.Acquire(ctx, "", "b", time.Second, at(0))
	kind(t, pitwall.Invalid, err)
	_, err = s.Acquire(ctx, "x", "b", 0, at(0))
	kind(t, pitwall.Invalid, err)
}

func leasesRace(t *testing.T, s Store) {
	var wg sync.WaitGroup
	tokens := make([]uint64, 8)
	for i := range tokens {
		wg.Go(func() { tokens[i], _ = s.Acquire(t.Context(), "x", fmt.Sprint("owner", i), time.Minute, at(0)) })
	}
	wg.Wait()
	held := 0
	for _, token := range tokens {
		if token > 0 {
			held++
		}
	}
	if held != 1 {
		t.Errorf("%d owners hold one lease: %v", held, tokens)
	}
}

func changes(t *testing.T, s Store) {
	ctx := t.Context()
	c := pitwall.Change{ID: "dep-1", At: at(1), Kind: pitwall.ChangeDeploy, Service: "inventory", Version: "v41", PreviousVersion: "v40",
		Summary: "full details", DiffHints: []string{"json", "<b>"}, Config: map[string]string{"k": "v"}, SeenBy: pitwall.SeenByWebhook}
	put := func(c pitwall.Change, want bool) {
		t.Helper()
		fresh, err := s.AppendChange(ctx, c)
		must(t, err)
		if fresh != want {
			t.Errorf("%s: new is %v", c.ID, fresh)
		}
	}
	late := pitwall.Change{ID: "a-late", At: at(5), Kind: pitwall.ChangeFlag, Service: "auth"}
	put(late, true)
	put(c, true)
	again := c
	again.Summary = "told twice"
	put(again, false)
	got, err := s.Changes(ctx, pitwall.Period{From: at(1), To: at(5)})
	must(t, err)
	equal(t, []pitwall.Change{c}, got) // the end is not in the period; the first telling stays
	got, err = s.Changes(ctx, pitwall.Period{To: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)})
	must(t, err)
	equal(t, []pitwall.Change{c, late}, got)
	_, err = s.AppendChange(ctx, pitwall.Change{At: at(1)})
	kind(t, pitwall.Invalid, err)
	_, err = s.AppendChange(ctx, pitwall.Change{ID: "x"})
	kind(t, pitwall.Invalid, err)
}

func pageLoads(t *testing.T, s Store) {
	ctx := t.Context()
	load := func(second int, lcp float64) pitwall.PageLoad {
		return pitwall.PageLoad{At: at(second), Page: "/checkout", Session: "s", TraceID: "ab", TTFB: .25, Response: .5, Render: .03, LCP: lcp, INP: -1}
	}
	must(t, s.AppendPageLoads(ctx, nil))
	must(t, s.AppendPageLoads(ctx, []pitwall.PageLoad{load(2, 1.5), load(1, math.NaN()), load(3, 2)}))
	got, err := s.PageLoads(ctx, pitwall.Period{From: at(1), To: at(3)})
	must(t, err)
	equal(t, []pitwall.PageLoad{load(1, -1), load(2, 1.5)}, got)
	kind(t, pitwall.Invalid, s.AppendPageLoads(ctx, []pitwall.PageLoad{load(4, 1), {}}))
	got, err = s.PageLoads(ctx, pitwall.Period{From: at(4), To: at(9)})
	must(t, err)
	equal(t, []pitwall.PageLoad(nil), got) // all or none
}

// cancelled: a caller that has gone away is no trouble of the store.
func cancelled(t *testing.T, s Store) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Append(gone, 0, []pitwall.Event{event(1)}); err == nil {
		t.Error("appended for a caller that had gone")
	}
	must(t, s.Append(t.Context(), 0, []pitwall.Event{event(1)}))
}
