package rollup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Options of a Set. Zero values mean the defaults.
type Options struct {
	// Retention is how long sums are kept; 15 days.
	Retention time.Duration
	// Minutes is how long they are kept by minute; after that by hour. 24 h.
	Minutes time.Duration
	// PerMinute bounds the keys of a minute, and of an hour; 20,000.
	PerMinute int
}

// Set is the rollup files of one directory. One goroutine may change it while
// others read.
type Set struct {
	dir string
	opt Options

	mu    sync.Mutex
	files []*File // by cut
}

// Open lists the directory, and makes it if it is not there. What was not
// finished, and what a merged file holds already, is deleted. A damaged file is
// left where it is; told gives one sentence about each.
func Open(dir string, o Options) (s *Set, told []string, err error) {
	o.Retention = cmp.Or(max(0, o.Retention), 15*24*time.Hour)
	o.Minutes = min(cmp.Or(max(0, o.Minutes), 24*time.Hour), o.Retention)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	s = &Set{dir: dir, opt: o}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch filepath.Ext(e.Name()) {
		case ".tmp":
			err = os.Remove(path)
		case ".rollup":
			f, broken := openFile(path)
			if broken != nil {
				told = append(told, "left out a rollup: "+broken.Error())
				continue
			}
			s.files = append(s.files, f)
		}
		if err != nil {
			return nil, nil, errors.Join(err, s.Close())
		}
	}
	if err := s.dropMerged(); err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	return s, told, nil
}

// dropMerged sorts the files and deletes those whose cuts another one covers.
func (s *Set) dropMerged() error {
	slices.SortFunc(s.files, func(x, y *File) int { return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(y.to, x.to)) })
	var err error
	end := uint64(0)
	s.files = slices.DeleteFunc(s.files, func(f *File) bool {
		if f.to > end {
			end = f.to
			return false
		}
		err = cmp.Or(err, os.Remove(f.path))
		f.release()
		return true
	})
	return err
}

// Close gives the files back.
func (s *Set) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		f.release()
	}
	s.files = nil
	return nil
}

// Last is the number of the newest cut; 0: there is none.
func (s *Set) Last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.files) == 0 {
		return 0
	}
	return s.files[len(s.files)-1].to
}

// Unsettled tells of the newest file when it is a single cut whose spans should
// be in a block: if that block is not there, the cut was never finished.
func (s *Set) Unsettled() (cut uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.files) == 0 {
		return 0, false
	}
	f := s.files[len(s.files)-1]
	block := slices.ContainsFunc(f.covers, func(c Cover) bool { return c.Block })
	return f.to, block && !f.settled && f.from == f.to
}

// Covers lists the stretches of the span log that the files add up.
func (s *Set) Covers() (all []Cover) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		all = append(all, f.covers...)
	}
	return all
}

// Cut is what one cut of the head adds.
type Cut struct {
	Number  uint64 // greater than Last
	Covers  []Cover
	Arrival int64 // of its newest span
	Table   *Table
	Settled bool // finished as it is: no block is made of it
}

// Write makes the file of a cut; nothing of the set changes. Writing the same
// number again replaces it. Add or Discard comes next.
func (s *Set) Write(c Cut) (*File, error) {
	path := s.path(c.Number, c.Number)
	err := create(path, func(w io.Writer) error {
		return writeTable(w, c.Table, footer{covers: c.Covers, arrival: c.Arrival, settled: c.Settled})
	})
	if err != nil {
		return nil, fmt.Errorf("writing rollup: %w", err)
	}
	return openFile(path)
}

// Add puts a written file into the set.
func (s *Set) Add(f *File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files = append(s.files, f)
}

// Discard deletes a file that was written and not added.
func (s *Set) Discard(f *File) error {
	f.release()
	return os.Remove(f.path)
}

// DiscardLast deletes the newest file.
func (s *Set) DiscardLast() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.files[len(s.files)-1]
	s.files = s.files[:len(s.files)-1]
	return s.Discard(f)
}

func (s *Set) path(from, to uint64) string {
	return filepath.Join(s.dir, fmt.Sprintf(nameFormat, from, to))
}

// View is the files as they were at one moment. Release it.
type View []*File

// View holds the present files.
func (s *Set) View() View {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := make(View, len(s.files))
	for i, f := range s.files {
		v[i] = f.hold()
	}
	return v
}

// Release lets the files go.
func (v View) Release() {
	for _, f := range v {
		f.release()
	}
}

// Add adds the files to a sum.
func (v View) Add(ctx context.Context, s *Sum) error {
	for _, f := range v {
		if err := f.sum(ctx, s); err != nil {
			return fmt.Errorf("reading rollup: %w", err)
		}
	}
	return nil
}

// Kept says since when there are sums (zero: there are none), and the bytes of
// all files together.
func (s *Set) Kept() (since time.Time, files int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		if first, _, ok := f.span(); ok && (since.IsZero() || first*3600 < since.Unix()) {
			since = time.Unix(first*3600, 0)
		}
		bytes += f.size
	}
	return since, len(s.files), bytes
}
