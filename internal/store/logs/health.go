package logs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	skewed   = int64(24 * time.Hour) // between a record's time and its arrival, that only a wrong clock explains
	maxFound = 16                    // pieces of damage told one by one
	lateOnes = 128                   // batches whose lag is remembered
)

// health is what the store tells of itself; guarded by the store's lock.
type health struct {
	accepted, rejected, duplicates uint64
	skewed                         uint64
	dropped                        int64 // records gone before their time, for want of disk
	last                           int64 // arrival of the newest batch, unix nanoseconds
	lags                           []int64
	next                           int
	trouble                        string // the present trouble; "" when all is well
	found                          []string
}

// A trouble begins with what was being done, and only the same thing done well
// ends it.
const (
	writing = "writing: "
	upkeep  = "upkeep: "
)

func (h *health) appended(c *chunk, arrival int64) {
	h.accepted += uint64(c.rows())
	h.arrived(c, arrival)
	if strings.HasPrefix(h.trouble, writing) {
		h.trouble = ""
	}
}

// arrived notes how late a batch came.
func (h *health) arrived(c *chunk, arrival int64) {
	h.last = max(h.last, arrival)
	for _, at := range c.at {
		if d := arrival - at; d > skewed || d < -skewed {
			h.skewed++
		}
	}
	lag := arrival - c.at[len(c.at)/2]
	if lag > skewed || lag < -skewed {
		return
	}
	if len(h.lags) < lateOnes {
		h.lags = append(h.lags, max(0, lag))
		return
	}
	h.lags[h.next] = max(0, lag)
	h.next = (h.next + 1) % lateOnes
}

// lag is the median of late, in seconds.
func (h *health) lag() float64 {
	if len(h.lags) == 0 {
		return 0
	}
	sorted := slices.Clone(h.lags)
	slices.Sort(sorted)
	return time.Duration(sorted[len(sorted)/2]).Seconds()
}

func (h *health) refused(records int, err error) {
	h.rejected += uint64(records)
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

// tell keeps what was found, once, and only so much of it.
func (h *health) tell(what string) {
	if len(h.found) < maxFound && !slices.Contains(h.found, what) {
		h.found = append(h.found, what)
	}
}

// Health tells of records taken and refused since Open, of deliveries that came
// again, of how late records come, and of trouble: a disk that refuses, damage
// found, records that went before their time, clocks that are wrong.
func (s *Store) Health() []pitwall.SourceHealth {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := pitwall.SourceHealth{
		Name: "store/logs", Signal: pitwall.SignalLogs, Up: s.health.trouble == "", Lag: s.health.lag(),
		Accepted: s.health.accepted, Rejected: s.health.rejected, Duplicates: s.health.duplicates,
		Blind: "which error patterns appeared",
	}
	if s.health.last != 0 {
		h.LastSeen = time.Unix(0, s.health.last)
	}
	var says []string
	if s.health.trouble != "" {
		says = append(says, s.health.trouble)
	}
	if n := s.health.dropped; n > 0 {
		says = append(says, fmt.Sprintf("dropped %d records before their time: more than %v on disk", n, pitwall.Bytes(s.opt.DiskBytes)))
	}
	if n := s.health.skewed; n > 0 {
		says = append(says, fmt.Sprintf("%d records have a time more than a day from their arrival: check the senders' clocks", n))
	}
	h.Message = strings.Join(append(says, s.health.found...), "; ")
	return []pitwall.SourceHealth{h}
}
