// Package wal is a write-ahead log in one directory: what a store writes down
// before it says "accepted".
//
// In come payloads; each is framed with a checksum, a position that rises by one
// from 1 across restarts, and its time of arrival, and is written to a segment
// file before Append returns, so it survives the death of the process; Sync
// makes it survive the machine's. Out come the frames again, in order. A torn
// tail is cut off, damage in the middle is skipped and told. Whole segments are
// forgotten by age, size or position.
//
// The package refuses to know what a payload says.
package wal

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// ErrLocked says that another process has the directory open.
var ErrLocked = errors.New("another process has the directory open")

// Options of a log. Zero values mean the defaults.
type Options struct {
	// Extension of segment files; ".wal".
	Extension string
	// SegmentBytes is when the next segment is begun; 32 MiB.
	SegmentBytes int64
}

// segment is one file of the log.
type segment struct {
	path        string
	first, last uint64 // positions; last 0: empty
	arrival     int64  // of the last frame
	size        int64
}

// Log is an open log: full segments and the one being written. Its methods may
// be called by several goroutines.
type Log struct {
	dir  string
	opt  Options
	lock *os.File

	mu       sync.Mutex
	segments []segment
	file     *os.File // of the last segment; nil: the next frame begins a new one
	position uint64   // of the last frame
	closed   bool
}

// Open takes the directory for this process (ErrLocked if another has it), makes
// it if it is not there, gives every frame to each, and cuts off a torn tail.
// found tells of segments with damage. An error of each ends it.
func Open(dir string, o Options, each func(Frame) error) (l *Log, found []Found, err error) {
	o.Extension = cmp.Or(o.Extension, ".wal")
	o.SegmentBytes = cmp.Or(max(0, o.SegmentBytes), 32<<20)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, nil, err
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, nil, err
	}
	l = &Log{dir: dir, opt: o, lock: lock}
	if found, err = l.recover(each); err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	return l, found, nil
}

func (l *Log) recover(each func(Frame) error) (damaged []Found, err error) {
	if err := l.list(); err != nil {
		return nil, err
	}
	for i := range l.segments {
		found, err := l.load(i, each)
		if err != nil {
			return nil, err
		}
		found.Last = i == len(l.segments)-1
		if found.Damaged > 0 || found.Torn > 0 {
			damaged = append(damaged, found)
		}
		if found.Last {
			return damaged, l.resume(found.good)
		}
	}
	return damaged, nil
}

// list finds the segments, oldest first.
func (l *Log) list() error {
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, e := range entries { // sorted by name, hence by position
		name, isSegment := strings.CutSuffix(e.Name(), l.opt.Extension)
		first, err := strconv.ParseUint(name, 10, 64)
		if !isSegment || err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		l.segments = append(l.segments, segment{path: filepath.Join(l.dir, e.Name()), first: first, size: info.Size()})
	}
	return nil
}

// load reads segment i, notes its extent, and gives its frames in rising order
// of position.
func (l *Log) load(i int, each func(Frame) error) (Found, error) {
	s := &l.segments[i]
	data, err := os.ReadFile(s.path)
	if err != nil {
		return Found{}, err
	}
	found, err := scan(data, func(f Frame) error {
		if f.Position <= l.position {
			return nil // written twice by a log that was restored from a copy
		}
		l.position, s.last, s.arrival = f.Position, f.Position, f.Arrival
		return each(f)
	})
	found.Path = s.path
	return found, err
}

// resume cuts the torn tail of the last segment and goes on writing there.
func (l *Log) resume(good int64) error {
	s := &l.segments[len(l.segments)-1]
	file, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	if err := file.Truncate(good); err != nil {
		return errors.Join(err, file.Close())
	}
	s.size, l.file = good, file
	return nil
}

// Append writes one frame and gives its position. buf begins with Header bytes
// of room, the payload follows. After an error nothing of the frame is left in
// the log.
func (l *Log) Append(buf []byte, arrival int64) (position uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return 0, os.ErrClosed
	}
	if len(buf) > maxFrame {
		return 0, fmt.Errorf("a batch of %d bytes is more than a frame of %d holds", len(buf), maxFrame)
	}
	if l.file != nil && l.segments[len(l.segments)-1].size >= l.opt.SegmentBytes {
		if err := l.sealSegment(); err != nil {
			return 0, err
		}
	}
	if l.file == nil {
		if err := l.begin(); err != nil {
			return 0, err
		}
	}
	s := &l.segments[len(l.segments)-1]
	seal(buf, l.position+1, arrival)
	if _, err := l.file.Write(buf); err != nil {
		if cut := l.file.Truncate(s.size); cut != nil { // leave the half frame to the reader, who skips it
			err = errors.Join(err, cut, l.file.Close())
			l.file = nil
		}
		return 0, err
	}
	l.position++
	s.size += int64(len(buf))
	s.last, s.arrival = l.position, arrival
	return l.position, nil
}

// begin starts a new segment for the next position.
func (l *Log) begin() error {
	path := filepath.Join(l.dir, fmt.Sprintf("%020d%s", l.position+1, l.opt.Extension))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	if n := len(l.segments); n > 0 && l.segments[n-1].path == path {
		l.segments = l.segments[:n-1] // it held nothing but a half frame
	}
	l.file = file
	l.segments = append(l.segments, segment{path: path, first: l.position + 1})
	return syncDir(l.dir)
}

// sealSegment closes the segment being written.
func (l *Log) sealSegment() error {
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.file.Sync(), l.file.Close())
	l.file = nil
	return err
}

// Replay gives every frame after position from that the log still holds.
// Appending waits meanwhile. An error of each ends it.
func (l *Log) Replay(from uint64, each func(Frame) error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	reader := Log{segments: append([]segment(nil), l.segments...), position: from}
	for i, s := range reader.segments {
		if s.last <= from {
			continue
		}
		if _, err := reader.load(i, each); err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
	}
	return nil
}

// Position is that of the last frame; 0 when there never was one.
func (l *Log) Position() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.position
}

// GoOnAfter makes the next position greater than the given one.
func (l *Log) GoOnAfter(position uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.position = max(l.position, position)
}

// Bytes is the size of all segments together.
func (l *Log) Bytes() (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.segments {
		n += s.size
	}
	return n
}

// Forget deletes full segments whose last frame came before the given time
// (unix nanoseconds) or has at most the given position, and the oldest beyond
// the budget of bytes (0: none). The segment being written stays.
func (l *Log) Forget(before int64, through uint64, budget int64) error {
	total := l.Bytes()
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.segments) > 1 {
		s := l.segments[0]
		if s.arrival >= before && s.last > through && (budget <= 0 || total <= budget) {
			return nil
		}
		if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		total -= s.size
		l.segments = l.segments[1:]
	}
	return nil
}

// Sync forces what was appended to the disk; appending goes on meanwhile.
func (l *Log) Sync() error {
	l.mu.Lock()
	file := l.file
	l.mu.Unlock()
	if file == nil {
		return nil
	}
	if err := file.Sync(); !errors.Is(err, os.ErrClosed) { // closing a full segment has synced it
		return err
	}
	return nil
}

// Close forces everything to the disk and gives the directory back.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	return errors.Join(l.sealSegment(), l.lock.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
