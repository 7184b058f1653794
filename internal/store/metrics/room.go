package metrics

import (
	"errors"
	"fmt"
	"math"
	"time"
)

const (
	// never is how often the database looks after itself; upkeep does instead.
	never = time.Duration(math.MaxInt64)
	// upkeepEvery is how often chunks are moved from memory to their file.
	upkeepEvery = time.Minute
	// reserve is what is left free on the disk, and chunkRoom what a series may
	// take of it when its chunk is moved.
	reserve   = 16 << 20
	chunkRoom = 256
)

// errShort is a disk whose last room is kept for what is in memory.
var errShort = errors.New("the disk is almost full")

// The database dies, and the process with it, when it cannot write a chunk that
// it moves from memory to a file: it does so each minute, when late samples fill
// a chunk, when its log is read, and at its end. So it is not left to itself:
// samples are refused while there is still room for the chunks of those that
// were taken, and what can wait waits for room.

// upkeep moves chunks to their file whenever there is room.
func (s *Store) upkeep() {
	tick := time.NewTicker(upkeepEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.end:
			return
		case <-tick.C:
			s.moveChunks()
		}
	}
}

// moveChunks does so once; without room nothing is compacted either.
func (s *Store) moveChunks() {
	s.use.RLock()
	defer s.use.RUnlock()
	if s.closed || s.down != nil {
		return
	}
	err := s.shortage()
	if err == nil {
		err = probe(s.dir) // a quota shows only when it is met
	}
	if err != nil {
		s.db.DisableCompactions()
		s.fault.hear("moving chunks to their file: "+err.Error(), s.now())
		return
	}
	s.db.EnableCompactions()
	s.db.ForceHeadMMap()
}

// shortage says that too little room is left for what is in memory, or nil. A
// disk that does not tell is taken to have room.
func (s *Store) shortage() error {
	wanted := uint64(reserve)
	if head := s.head.Load(); head != nil {
		wanted += chunkRoom * head.NumSeries()
	}
	return s.short(wanted)
}

// roomToOpen is shortage for a log that is yet to be read.
func (s *Store) roomToOpen() error { return s.short(reserve) }

func (s *Store) short(wanted uint64) error {
	left, err := s.o.room(s.dir)
	if err != nil || left >= wanted {
		return nil
	}
	return fmt.Errorf("%w: %d MiB are left, %d are kept for the samples in memory", errShort, left>>20, wanted>>20)
}

// shut closes the database; what it cannot write then is in its log.
func (s *Store) shut() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("moving chunks to their file: %v", p)
		}
	}()
	return s.db.Close()
}
