package spans

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/wal"
)

// health is what the store tells of itself; guarded by the store's lock.
type health struct {
	accepted, rejected uint64
	last               int64  // arrival of the newest batch, unix nanoseconds
	trouble            string // the present trouble; "" when all is well
	found              []string
}

// A trouble begins with what was being done, and only the same thing done well
// ends it.
const (
	writing = "writing: "
	upkeep  = "upkeep: "
)

func (h *health) appended(spans int, arrival int64) {
	h.accepted += uint64(spans)
	h.last = arrival
	if strings.HasPrefix(h.trouble, writing) {
		h.trouble = ""
	}
}

func (h *health) refused(spans int, err error) {
	h.rejected += uint64(spans)
	if err != nil {
		h.trouble = writing + err.Error()
	}
}

// kept notes how the upkeep went.
func (h *health) kept(err error) {
	if err != nil {
		h.trouble = upkeep + err.Error()
	} else if strings.HasPrefix(h.trouble, upkeep) {
		h.trouble = ""
	}
}

func (h *health) scanned(f wal.Found) {
	name, damaged := filepath.Base(f.Path), f.Damaged
	if !f.Last {
		damaged += f.Torn
	} else if f.Torn > 0 {
		h.found = append(h.found, fmt.Sprintf("cut a torn tail of %d bytes off %s", f.Torn, name))
	}
	if damaged > 0 {
		h.found = append(h.found, fmt.Sprintf("skipped %d damaged bytes in %s", damaged, name))
	}
}

func (h *health) undecodable(position uint64, err error) {
	h.found = append(h.found, fmt.Sprintf("skipped batch %d: %v", position, err))
}

// Health tells of spans taken and refused since Open, and of trouble: a disk
// that refuses, damage found in the log, spans dropped before their time.
func (s *Store) Health() []pitwall.SourceHealth {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := pitwall.SourceHealth{
		Name: "store/spans", Up: s.health.trouble == "", Accepted: s.health.accepted, Rejected: s.health.rejected,
		Blind: "request counts, latencies and traces",
	}
	if s.health.last != 0 {
		h.LastSeen = time.Unix(0, s.health.last)
	}
	var says []string
	if s.health.trouble != "" {
		says = append(says, s.health.trouble)
	}
	if s.head.dropped > 0 {
		says = append(says, fmt.Sprintf("dropped %d spans before their time: more than %d in memory", s.head.dropped, s.opt.MaxSpans))
	}
	h.Message = strings.Join(append(says, s.health.found...), "; ")
	return []pitwall.SourceHealth{h}
}
