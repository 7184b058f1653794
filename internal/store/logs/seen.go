package logs

import "time"

const (
	sameDelivery = 10 * time.Minute // in which a delivery with a known number is the same
	maxSeen      = 1 << 17          // deliveries remembered; with more the oldest are forgotten sooner
)

// seen remembers the deliveries of the last minutes.
type seen struct {
	at    map[uint64]int64 // arrival by number
	queue []delivery       // in order of arrival
}

func newSeen() *seen { return &seen{at: map[uint64]int64{}} }

func (s *seen) add(d delivery) {
	if d.number == 0 {
		return
	}
	s.at[d.number] = d.arrival
	s.queue = append(s.queue, d)
	s.forget(d.arrival)
}

// again says whether a delivery came before. Number 0 never did.
func (s *seen) again(number uint64, now int64) bool {
	arrival, ok := s.at[number]
	return ok && now-arrival < int64(sameDelivery)
}

func (s *seen) forget(now int64) {
	n := 0
	for n < len(s.queue) && (len(s.queue)-n > maxSeen || now-s.queue[n].arrival >= int64(sameDelivery)) {
		if d := s.queue[n]; s.at[d.number] == d.arrival {
			delete(s.at, d.number)
		}
		n++
	}
	s.queue = s.queue[n:]
}
