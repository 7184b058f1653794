package spans

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/spans/rollup"
)

// health is what the store tells of itself; guarded by the store's lock.
type health struct {
	accepted, rejected uint64
	duplicates         uint64 // deliveries that came again
	last               int64  // arrival of the newest batch, unix nanoseconds
	trouble            string // the present trouble with the log; "" when all is well
	cutting, tidying   string // the present trouble with making blocks, and with deleting and merging
	found              []string
	more               int // findings beyond mostFound

	cuts, blockSpans, leftOut uint64 // what became of spans: cuts made, in blocks, left out by sampling
	folded, skewed            uint64 // spans added up under rollup.Other, and not at all
	uncounted                 uint64 // spans of services and versions beyond mostCounted
}

// mostFound bounds how many findings are told one by one.
const mostFound = 20

func (h *health) tell(found string) {
	if len(h.found) >= mostFound {
		h.more++
		return
	}
	h.found = append(h.found, found)
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

// cut notes how making a block went.
func (h *health) cut(err error) {
	if h.cutting = ""; err != nil {
		h.cutting = "making a block: " + err.Error()
	}
}

// tidied notes how deleting and merging went.
func (h *health) tidied(err error) {
	if h.tidying = ""; err != nil {
		h.tidying = "tidying up: " + err.Error()
	}
}

// made counts what a cut made of its spans.
func (h *health) made(t *rollup.Table, kept, all int) {
	h.cuts++
	h.blockSpans += uint64(kept)
	h.leftOut += uint64(all - kept)
	h.folded += uint64(t.Folded)
	h.skewed += uint64(t.Skewed)
}

func (h *health) undecodable(position uint64, err error) {
	h.tell(fmt.Sprintf("skipped batch %d: %v", position, err))
}

// Health tells of spans taken and refused since Open, and of trouble: a disk
// that refuses, damage found, spans dropped before their time or added up under
// no name of their own.
func (s *Store) Health() []pitwall.SourceHealth {
	s.mu.RLock()
	defer s.mu.RUnlock()
	of := &s.health
	h := pitwall.SourceHealth{
		Name: "store/spans", Signal: pitwall.SignalTraces, Up: of.trouble == "" && of.cutting == "" && of.tidying == "",
		Accepted: of.accepted, Rejected: of.rejected, Duplicates: of.duplicates,
		Blind: "request counts, latencies and traces",
	}
	if of.last != 0 {
		h.LastSeen = time.Unix(0, of.last)
	}
	says := slices.DeleteFunc([]string{of.trouble, of.cutting, of.tidying}, func(s string) bool { return s == "" })
	if s.head.dropped > 0 {
		says = append(says, fmt.Sprintf("dropped %d spans before their time: more than %d in memory", s.head.dropped, s.opt.MaxSpans))
	}
	if of.folded > 0 {
		says = append(says, fmt.Sprintf("%d spans added up as %s: more than %d operations in a minute", of.folded, rollup.Other, s.opt.RollupKeys))
	}
	if of.skewed > 0 {
		says = append(says, fmt.Sprintf("%d spans not added up: a clock is far off", of.skewed))
	}
	if of.uncounted > 0 {
		says = append(says, fmt.Sprintf("%d spans not counted by the second: more than %d versions of services in an hour", of.uncounted, mostCounted))
	}
	says = append(says, of.found...)
	if of.more > 0 {
		says = append(says, fmt.Sprintf("and %d findings more", of.more))
	}
	h.Message = strings.Join(says, "; ")
	return []pitwall.SourceHealth{h}
}
