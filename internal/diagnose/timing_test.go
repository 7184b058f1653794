package diagnose

import (
	"testing"
	"time"

	"github.com/pitwall/pitwall"
)

func TestWhenAChangeCame(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 36, 19, 0, time.UTC)
	even := pitwall.Onset{At: at, Earliest: at.Add(-time.Second), Latest: at.Add(time.Second)}
	f := func(want string, o pitwall.Onset, came time.Duration, errors bool) {
		t.Helper()
		x := &inquiry{errors: errors}
		x.q.Regression.Onset, x.q.Window.From = o, at
		if got := x.when(pitwall.Change{At: at.Add(came)}); got != want {
			t.Errorf("%s: got %q, want %q", came, got, want)
		}
	}
	f("0.4 s before the slowdown began (09:36:19 ± 1 s)", even, -400*time.Millisecond, false)
	f("12 s before the failures began (09:36:19 ± 1 s)", even, -12*time.Second, true)
	f("3 min before the slowdown began (09:36:19 ± 1 s)", even, -3*time.Minute, false)
	f("within the uncertainty of the onset (09:36:19 ± 1 s)", even, 600*time.Millisecond, false)
	f("within the uncertainty of the onset (09:36:19 ± 1 s)", even, 0, false)
	late := pitwall.Onset{At: at, Earliest: at, Latest: at.Add(2 * time.Minute)}
	f("within the uncertainty of the onset (between 09:36:19 and 09:38:19)", late, time.Minute, false)
	f("5 s before the slowdown began (09:36:19)", pitwall.Onset{}, -5*time.Second, false)
}
