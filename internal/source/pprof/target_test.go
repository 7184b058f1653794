package pprof

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

// encoded is a profile whose functions cost so much.
func encoded(t *testing.T, typ pitwall.ProfileType, costs map[string]float64) []byte {
	t.Helper()
	p := &prof.Profile{Type: typ, Quantum: 1}
	for name, v := range costs {
		p.Stacks = append(p.Stacks, prof.Stack{Frames: []string{name, "main.main"}, Value: v})
	}
	data, err := prof.Encode(p, pitwall.Period{From: time.Unix(1000, 0), To: time.Unix(1010, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// process stands in for a service whose profiles are what the test says.
type process struct{ pages atomic.Value } // map[string][]byte

func (p *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page, ok := p.pages.Load().(map[string][]byte)[strings.TrimPrefix(r.URL.Path, "/debug/pprof/")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(page)
}

// lone gives a target that scrapes the process, with a clock that runs ten
// seconds a look.
func lone(t *testing.T, p *process, types ...pitwall.ProfileType) (*target, *shelf) {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	now := time.Unix(2000, 0)
	sink := &shelf{}
	s := New(Config{FileSD: "unused", Sink: sink, Types: types, Now: func() time.Time { now = now.Add(10 * time.Second); return now }})
	return newTarget(s, endpoint{strings.TrimPrefix(server.URL, "http://"), "shop", "v1", "i-1"}, func() {}), sink
}

// waiting takes what the target has for settling.
func waiting(tg *target) (ws []pitwall.ProfileWindow) {
	for {
		select {
		case w := <-tg.pending:
			ws = append(ws, w)
		default:
			return ws
		}
	}
}

func total(t *testing.T, w pitwall.ProfileWindow) float64 {
	t.Helper()
	p, err := prof.Parse(w.Data, w.Type)
	if err != nil {
		t.Fatal(err)
	}
	return p.Total()
}

func TestRestartBeginsAnew(t *testing.T) {
	p := &process{}
	mutex := func(wait float64) {
		p.pages.Store(map[string][]byte{"mutex": encoded(t, pitwall.ProfileMutex, map[string]float64{"main.pay": wait})})
	}
	tg, _ := lone(t, p, pitwall.ProfileMutex)
	var got []float64
	for _, wait := range []float64{5, 7, 1, 1.5} { // restarted between 7 and 1
		mutex(wait)
		if err := tg.others(context.Background()); err != nil {
			t.Fatal(err)
		}
		for _, w := range waiting(tg) {
			got = append(got, total(t, w))
			if w.Period.Duration() <= 0 {
				t.Errorf("period %v", w.Period)
			}
		}
	}
	if len(got) != 2 || got[0] != 2 || got[1] != 0.5 {
		t.Errorf("windows wait %v, want 2 and 0.5: nothing across the restart", got)
	}
}

func TestHeldIsStoredAsItIs(t *testing.T) {
	p := &process{}
	p.pages.Store(map[string][]byte{"goroutine": encoded(t, pitwall.ProfileGoroutine, map[string]float64{"main.serve": 12})})
	tg, _ := lone(t, p, pitwall.ProfileGoroutine)
	for range 2 {
		if err := tg.others(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	ws := waiting(tg)
	if len(ws) != 2 || total(t, ws[0]) != 12 || total(t, ws[1]) != 12 || !ws[1].Period.From.Equal(ws[0].Period.To) {
		t.Errorf("windows %+v, want two of 12 goroutines, one after the other", ws)
	}
}

// TestOneBadTypeLeavesTheOthers: a missing, wrong or huge page of one type, and
// what health says of it.
func TestOneBadTypeLeavesTheOthers(t *testing.T) {
	good := encoded(t, pitwall.ProfileGoroutine, map[string]float64{"main.serve": 12})
	for name, c := range map[string]struct {
		page []byte
		want string
	}{
		"missing": {nil, "has no /debug/pprof/mutex; import net/http/pprof there, or take mutex out of profiles.types"},
		"garbage": {[]byte("<html>welcome</html>"), "check what listens at"},
		"other":   {good, "not what a mutex profile counts"},
		"torn":    {good[:len(good)/2], "reading pprof profile"},
		"huge":    {bytes.Repeat([]byte("x"), maxBody+1), "more than 33.6 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			p := &process{}
			pages := map[string][]byte{"goroutine": good}
			if c.page != nil {
				pages["mutex"] = c.page
			}
			p.pages.Store(pages)
			tg, _ := lone(t, p, pitwall.ProfileMutex, pitwall.ProfileGoroutine)
			tg.complain(tg.others(context.Background()))
			if ws := waiting(tg); len(ws) != 1 || ws[0].Type != pitwall.ProfileGoroutine {
				t.Errorf("%d windows, want the goroutines", len(ws))
			}
			if h := tg.state(); !h.Up || !strings.Contains(h.Message, c.want) {
				t.Errorf("health %+v does not say %q", h, c.want)
			}
		})
	}
}
