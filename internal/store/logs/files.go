package logs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/pitwall/pitwall/internal/store/wal"
)

// A frame of the log is the number of its delivery and the batch as a chunk.

func encodeFrame(dst []byte, number uint64, rows *chunk) []byte {
	dst = append(dst, make([]byte, wal.Header)...)
	return encodeChunk(binary.LittleEndian.AppendUint64(dst, number), rows)
}

func decodeFrame(payload []byte) (number uint64, rows *chunk, err error) {
	if len(payload) < 8 {
		return 0, nil, errShort
	}
	rows, err = decodeChunk(payload[8:])
	if err != nil {
		return 0, nil, err
	}
	rows.name()
	return binary.LittleEndian.Uint64(payload), rows, nil
}

// recover finds the blocks, and rebuilds the head from what the log has beyond
// them.
func (s *Store) recover() error {
	oldest := s.opt.Now().Add(-s.opt.Retention).UnixNano()
	through, listed := uint64(0), false
	list := func() (err error) { // under the log's lock, so that no other process changes anything
		if !listed {
			listed = true
			through, err = s.findBlocks()
		}
		return err
	}
	log, found, err := wal.Open(filepath.Join(s.dir, "wal"), wal.Options{SegmentBytes: 16 << 20}, func(f wal.Frame) error {
		if err := list(); err != nil {
			return err
		}
		if f.Arrival < oldest || f.Position <= through {
			return nil
		}
		number, rows, err := decodeFrame(f.Payload)
		if err != nil {
			s.health.tell(fmt.Sprintf("skipped batch %d: %v", f.Position, err))
			return nil
		}
		if rows.rows() > 0 {
			s.take(batch{rows, delivery{number, f.Arrival}, f.Position})
			s.health.arrived(rows, f.Arrival)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := list(); err != nil {
		return errors.Join(err, log.Close())
	}
	s.log = log
	s.log.GoOnAfter(through) // else new batches would be taken for old ones
	for _, f := range found {
		s.health.tell(f.String())
	}
	return nil
}

// findBlocks opens all blocks, removes what was never finished, and gives the
// last position in them.
func (s *Store) findBlocks() (through uint64, err error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return 0, err
	}
	recent := s.opt.Now().Add(-sameDelivery).UnixNano()
	for _, e := range entries { // sorted by name, hence by position
		path := filepath.Join(s.dir, e.Name())
		if strings.HasSuffix(e.Name(), unfinished) {
			if err := os.Remove(path); err != nil {
				return 0, err
			}
			continue
		}
		if _, ok := blockThrough(e.Name()); !ok {
			continue
		}
		b := s.findBlock(path)
		s.blocks = append(s.blocks, b)
		s.health.last = max(s.health.last, b.arrival)
		through = max(through, b.through)
		if b.arrival >= recent {
			s.remember(&b)
		}
	}
	return through, nil
}

// findBlock opens a block, or makes it again of what is good in it. One that
// cannot be read at all is told and left where it is.
func (s *Store) findBlock(path string) block {
	b, err := openBlock(path)
	if err == nil {
		return b
	}
	again, lost, repaired := repair(s.dir, path)
	if repaired != nil {
		s.health.tell(fmt.Sprintf("%s cannot be read: %v", filepath.Base(path), errors.Join(err, repaired)))
		return block{path: path, through: b.through, size: b.size, arrival: s.opt.Now().UnixNano()}
	}
	s.health.tell(fmt.Sprintf("%s: %v; %d records were found in it, %d bytes are none", filepath.Base(path), err, again.records, lost))
	return again
}

// remember reads what deliveries a block has.
func (s *Store) remember(b *block) {
	file, err := os.Open(b.path)
	if err != nil || b.chunks == 0 {
		return
	}
	defer file.Close()
	if ix, err := b.readIndex(file); err == nil {
		for _, d := range ix.deliveries {
			s.seen.add(d)
		}
	}
}

// seal turns the oldest chunks of a head with more than so many bytes into a
// block, until half of that is left, and lets the log forget them.
func (s *Store) seal(most int) error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	s.mu.Lock()
	size := s.head.bytes()
	if size <= most {
		s.mu.Unlock()
		return nil
	}
	chunks := s.head.oldest(size - most/2)
	s.mu.Unlock()
	if len(chunks) == 0 {
		return nil
	}
	through := chunks[len(chunks)-1].position
	b, err := writeBlock(s.dir, through, chunks) // full chunks do not change: no lock
	if err != nil {
		return fmt.Errorf("writing a block of logs: %w", err)
	}
	s.mu.Lock()
	s.blocks = append(s.blocks, b)
	s.head.drop(len(chunks))
	s.mu.Unlock()
	return s.log.Forget(math.MinInt64, through, 0)
}

func (s *Store) upkeep() {
	s.noteUpkeep(errors.Join(s.log.Sync(), s.seal(s.opt.MemoryBytes), s.forget()))
}

func (s *Store) noteUpkeep(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.kept(err)
}

// forget lets go of what is too old, and of the oldest blocks beyond the disk
// budget.
func (s *Store) forget() error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	now := s.opt.Now()
	oldest := now.Add(-s.opt.Retention).UnixNano()
	errs := []error{s.log.Forget(oldest, 0, 0)}
	total := s.log.Bytes()
	s.mu.Lock()
	s.head.drop(s.head.older(oldest))
	s.seen.forget(now.UnixNano())
	for i := range s.blocks {
		total += s.blocks[i].size
	}
	var gone []block
	for len(s.blocks) > 0 {
		b := s.blocks[0]
		old := b.arrival < oldest
		if !old && total <= s.opt.DiskBytes {
			break
		}
		if !old {
			s.health.dropped += b.records
		}
		total -= b.size
		gone, s.blocks = append(gone, b), s.blocks[1:]
	}
	s.mu.Unlock()
	for _, b := range gone {
		if err := os.Remove(b.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
