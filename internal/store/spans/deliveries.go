package spans

import "time"

const (
	// deliveryMemory is for how long the same delivery is recognised; exporters
	// give up on a request after a few minutes.
	deliveryMemory = 10 * time.Minute
	// mostDeliveries bounds how many are remembered; the oldest go first.
	mostDeliveries = 100_000
)

// deliveries remembers which export requests were stored of late.
type deliveries struct {
	at   map[uint64]int64 // arrival, unix nanoseconds
	ring []uint64         // in order of arrival; from next on, the oldest first
	next int
	most int
}

func newDeliveries(most int) *deliveries { return &deliveries{at: map[uint64]int64{}, most: most} }

// known says whether a delivery was stored within the memory; 0 never was.
func (d *deliveries) known(id uint64, now int64) bool {
	if id == 0 {
		return false
	}
	at, ok := d.at[id]
	return ok && now-at < int64(deliveryMemory)
}

// stored remembers a delivery.
func (d *deliveries) stored(id uint64, arrival int64) {
	if id == 0 {
		return
	}
	if _, ok := d.at[id]; ok {
		d.at[id] = arrival
		return
	}
	d.at[id] = arrival
	if len(d.ring) < d.most {
		d.ring = append(d.ring, id)
		return
	}
	delete(d.at, d.ring[d.next])
	d.ring[d.next] = id
	d.next = (d.next + 1) % d.most
}
