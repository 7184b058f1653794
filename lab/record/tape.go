package record

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// mostBytes bounds what one recording keeps in memory, as it came over the
// wire. Two minutes of the shop at 30 checkouts per second are about 60 MB.
const mostBytes = 1 << 30

// errFull is the answer to a sender once a tape holds mostBytes.
var errFull = errors.New("the recording is full")

// tape keeps what arrived, in order of arrival. Safe for concurrent use.
type tape struct {
	mu      sync.Mutex
	traces  []ptrace.Traces
	metrics []pmetric.Metrics
	logs    []plog.Logs
	changes []announced
	beacons int
	bytes   int64
	lost    map[string]int // what was refused, and how often
}

func newTape() *tape { return &tape{lost: map[string]int{}} }

// announced is a change as the lab's controller posts it.
type announced struct {
	ID        string            `json:"id"`
	Time      time.Time         `json:"time"`
	Kind      string            `json:"kind"`
	Service   string            `json:"service"`
	Version   string            `json:"version"`
	Summary   string            `json:"summary"`
	DiffHints []string          `json:"diff_hints"`
	Config    map[string]string `json:"config"`
	Flags     map[string]string `json:"flags"`
	Files     []string          `json:"files"`
	Diff      string            `json:"diff"`
	Actor     string            `json:"actor"`
	Committed *time.Time        `json:"committed_at"`
}

// keep runs add under the lock if size more bytes still fit.
func (t *tape) keep(what string, size int, add func()) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.bytes+int64(size) > mostBytes {
		t.lost[what+" refused because the recording was full"]++
		return errFull
	}
	t.bytes += int64(size)
	add()
	return nil
}

// lose counts something that could not be taken.
func (t *tape) lose(what string) {
	t.mu.Lock()
	t.lost[what]++
	t.mu.Unlock()
}

// warnings words the losses, in a fixed order; none is nil.
func (t *tape) warnings() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []string
	for _, what := range slices.Sorted(maps.Keys(t.lost)) {
		out = append(out, fmt.Sprintf("%s: %d times", what, t.lost[what]))
	}
	return out
}
