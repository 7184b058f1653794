package spans

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/store/spans/block"
)

// mostOpen bounds how many blocks are open at once; what is open costs memory
// for its footer.
const mostOpen = 64

// shelf is the blocks of one directory, by number, the oldest first.
type shelf struct {
	dir string

	mu      sync.Mutex
	volumes []*volume
	open    int
	uses    uint64 // counts up, to find what was not used for longest
	highest uint64 // number of a file ever seen, also a damaged one
}

// volume is one block: known always, open when it was used of late.
type volume struct {
	number  uint64
	meta    block.Meta
	block   *block.Block
	readers int
	used    uint64
	gone    bool
}

const blockExtension = ".parquet"

func (s *shelf) path(number uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf("%020d%s", number, blockExtension))
}

// openShelf finds the blocks of a directory. What was not finished is deleted,
// what is damaged set aside; told has a sentence about each of those.
func openShelf(dir string) (s *shelf, told []string, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	s = &shelf{dir: dir}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tmp") {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return nil, nil, err
			}
			continue
		}
		name, _, isBlock := strings.Cut(e.Name(), blockExtension)
		number, err := strconv.ParseUint(name, 10, 64)
		if !isBlock || err != nil {
			continue
		}
		s.highest = max(s.highest, number)
		if filepath.Ext(e.Name()) != blockExtension {
			continue // it was set aside
		}
		b, err := block.Open(s.path(number))
		if err != nil {
			told = append(told, s.setAside(number, err))
			continue
		}
		s.volumes = append(s.volumes, &volume{number: number, meta: b.Meta()})
		if err := b.Close(); err != nil {
			return nil, nil, err
		}
	}
	return s, told, nil
}

// setAside renames a damaged block, so that a person can look at it.
func (s *shelf) setAside(number uint64, why error) string {
	err := os.Rename(s.path(number), s.path(number)+".damaged")
	return fmt.Sprintf("set block %d aside as damaged: %v", number, errors.Join(why, err))
}

func (s *shelf) has(number uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.volumes, func(v *volume) bool { return v.number == number })
}

// last is the highest number ever seen.
func (s *shelf) last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.highest
}

// add puts a finished block on the shelf.
func (s *shelf) add(number uint64, m block.Meta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.volumes = append(s.volumes, &volume{number: number, meta: m})
	s.highest = max(s.highest, number)
}

// touching lists the blocks that have spans which ended in a window.
func (s *shelf) touching(w window) (found []*volume) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.volumes {
		if v.meta.Spans > 0 && v.meta.MinEnd < w.to && v.meta.MaxEnd >= w.from {
			found = append(found, v)
		}
	}
	return found
}

func (s *shelf) metas() (all []block.Meta) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.volumes {
		all = append(all, v.meta)
	}
	return all
}

// read gives a block to f. A block that is not kept any more has nothing; one
// that turns out to be damaged is set aside, which damaged says.
func (s *shelf) read(ctx context.Context, v *volume, f func(*block.Block) error) (damaged string, err error) {
	if err := ctx.Err(); err != nil {
		return "", &pitwall.Error{Op: "reading spans", Kind: pitwall.Unavailable, Err: err}
	}
	b, err := s.acquire(v)
	if b != nil {
		err = f(b)
		s.release(v)
	}
	if err != nil && ctx.Err() == nil && pitwall.KindOf(err) == pitwall.Invalid {
		if removed := s.take(v); removed {
			return s.setAside(v.number, err), nil
		}
		return "", nil // another question found out first
	}
	return "", err
}

func (s *shelf) acquire(v *volume) (*block.Block, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.block == nil {
		if v.gone {
			return nil, nil
		}
		b, err := block.Open(s.path(v.number))
		if err != nil {
			return nil, err
		}
		v.block = b
		if s.open++; s.open > mostOpen {
			s.closeIdle()
		}
	}
	s.uses++
	v.used = s.uses
	v.readers++
	return v.block, nil
}

func (s *shelf) release(v *volume) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v.readers--; v.readers == 0 && v.gone {
		s.shut(v)
	}
}

// closeIdle closes the block that was not used for longest; the one just opened
// has no use yet and is not it.
func (s *shelf) closeIdle() {
	var oldest *volume
	for _, v := range s.volumes {
		if v.block != nil && v.readers == 0 && v.used > 0 && (oldest == nil || v.used < oldest.used) {
			oldest = v
		}
	}
	if oldest != nil {
		s.shut(oldest)
	}
}

func (s *shelf) shut(v *volume) {
	if v.block != nil {
		_ = v.block.Close() // it was only read
		v.block = nil
		v.used = 0
		s.open--
	}
}

// take removes a block from the shelf, not from the disk.
func (s *shelf) take(v *volume) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.volumes, v)
	if i < 0 {
		return false
	}
	s.volumes = slices.Delete(s.volumes, i, i+1)
	if v.gone = true; v.readers == 0 {
		s.shut(v)
	}
	return true
}

// tooOld finds a block to delete: one whose newest span came before a time, or
// the oldest when all together take more than the budget of bytes. newest says
// that it is the one with the highest number.
func (s *shelf) tooOld(before, budget int64) (v *volume, newest bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	total := int64(0)
	for _, v := range s.volumes {
		total += v.meta.Bytes
	}
	for i, v := range s.volumes {
		last := i == len(s.volumes)-1
		if v.meta.Arrival < before || total > budget && !last {
			return v, last
		}
	}
	return nil, false
}

// discard deletes a block for good.
func (s *shelf) discard(v *volume) error {
	if !s.take(v) {
		return nil
	}
	if err := os.Remove(s.path(v.number)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("deleting block: %w", err)
	}
	return nil
}

func (s *shelf) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.volumes {
		v.gone = true
		if v.readers == 0 {
			s.shut(v)
		}
	}
	return nil
}
