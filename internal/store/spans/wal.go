package spans

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A segment file is a row of frames:
//
//	magic "PWS1" | payload length, 4 bytes | CRC-32C, 4 | position, 8 | arrival, 8 | payload
//
// all little-endian; the checksum covers the payload, then length, position and
// arrival (unix nanoseconds). After damage the reader looks for the next magic
// whose frame checks.
const (
	frameMagic  = "PWS1"
	frameHeader = 28
	maxFrame    = 1 << 30
	segmentExt  = ".spans"
)

type frame struct {
	position uint64
	arrival  int64
	payload  []byte
}

// segment is one file of the log.
type segment struct {
	path        string
	first, last uint64 // positions; last 0: empty
	arrival     int64  // of the last frame
	size        int64
}

// wal is the log: full segments and the one being written.
type wal struct {
	dir      string
	limit    int64 // bytes at which a segment is full
	segments []segment
	file     *os.File // of the last segment; nil: the next frame begins a new one
	position uint64   // of the last frame
	table    *crc32.Table
	buf      []byte
}

// scanned is what reading a segment found besides its frames.
type scanned struct {
	good    int64 // end of the last good frame
	damaged int64 // bytes skipped before it
	torn    int64 // bytes after it
}

// sealFrame fills in the header of a frame whose payload follows the header's room.
func (w *wal) sealFrame(buf []byte, position uint64, arrival int64) {
	payload := buf[frameHeader:]
	copy(buf, frameMagic)
	binary.LittleEndian.PutUint32(buf[4:], uint32(len(payload)))
	binary.LittleEndian.PutUint64(buf[12:], position)
	binary.LittleEndian.PutUint64(buf[20:], uint64(arrival))
	binary.LittleEndian.PutUint32(buf[8:], w.sum(buf[:frameHeader], payload))
}

func (w *wal) sum(header, payload []byte) uint32 {
	sum := crc32.Checksum(payload, w.table)
	sum = crc32.Update(sum, w.table, header[4:8])
	return crc32.Update(sum, w.table, header[12:])
}

// frameAt reads the frame at the beginning of data.
func (w *wal) frameAt(data []byte) (f frame, size int, ok bool) {
	if len(data) < frameHeader || string(data[:4]) != frameMagic {
		return f, 0, false
	}
	length := uint64(binary.LittleEndian.Uint32(data[4:]))
	if length > uint64(len(data)-frameHeader) {
		return f, 0, false
	}
	size = frameHeader + int(length)
	payload := data[frameHeader:size]
	if binary.LittleEndian.Uint32(data[8:]) != w.sum(data[:frameHeader], payload) {
		return f, 0, false
	}
	return frame{
		position: binary.LittleEndian.Uint64(data[12:]), arrival: int64(binary.LittleEndian.Uint64(data[20:])), payload: payload,
	}, size, true
}

// scan gives every good frame of a segment's bytes in order.
func (w *wal) scan(data []byte, each func(frame)) (s scanned) {
	for at := 0; at < len(data); {
		f, size, ok := w.frameAt(data[at:])
		if ok {
			s.damaged += int64(at) - s.good
			each(f)
			at += size
			s.good = int64(at)
			continue
		}
		next := bytes.Index(data[at+1:], []byte(frameMagic))
		if next < 0 {
			break
		}
		at += 1 + next
	}
	s.torn = int64(len(data)) - s.good
	return s
}

// open lists the segments, oldest first.
func (w *wal) open() error {
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return err
	}
	for _, e := range entries { // sorted by name, hence by position
		name, isSegment := strings.CutSuffix(e.Name(), segmentExt)
		first, err := strconv.ParseUint(name, 10, 64)
		if !isSegment || err != nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		w.segments = append(w.segments, segment{path: filepath.Join(w.dir, e.Name()), first: first, size: info.Size()})
	}
	return nil
}

// load reads segment i, notes its extent, and gives its frames in rising order
// of position.
func (w *wal) load(i int, each func(frame)) (scanned, error) {
	s := &w.segments[i]
	data, err := os.ReadFile(s.path)
	if err != nil {
		return scanned{}, err
	}
	found := w.scan(data, func(f frame) {
		if f.position <= w.position {
			return // written twice by a log that was restored from a copy
		}
		w.position, s.last, s.arrival = f.position, f.position, f.arrival
		each(f)
	})
	return found, nil
}

// resume cuts the torn tail of the last segment and goes on writing there.
func (w *wal) resume(good int64) error {
	s := &w.segments[len(w.segments)-1]
	file, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	if err := file.Truncate(good); err != nil {
		return errors.Join(err, file.Close())
	}
	s.size, w.file = good, file
	return nil
}

// write appends one frame: buf holds room for the header and the payload.
// After an error nothing of the frame is left in the log.
func (w *wal) write(buf []byte, arrival int64) error {
	if len(buf) > maxFrame {
		return fmt.Errorf("a batch of %d bytes is more than a frame of %d holds", len(buf), maxFrame)
	}
	if w.file != nil && w.segments[len(w.segments)-1].size >= w.limit {
		if err := w.seal(); err != nil {
			return err
		}
	}
	if w.file == nil {
		if err := w.begin(); err != nil {
			return err
		}
	}
	s := &w.segments[len(w.segments)-1]
	w.sealFrame(buf, w.position+1, arrival)
	if _, err := w.file.Write(buf); err != nil {
		if cut := w.file.Truncate(s.size); cut != nil { // leave the half frame to the reader, who skips it
			err = errors.Join(err, cut, w.file.Close())
			w.file = nil
		}
		return err
	}
	w.position++
	s.size += int64(len(buf))
	s.last, s.arrival = w.position, arrival
	return nil
}

// begin starts a new segment for the next position.
func (w *wal) begin() error {
	path := filepath.Join(w.dir, fmt.Sprintf("%020d%s", w.position+1, segmentExt))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	if n := len(w.segments); n > 0 && w.segments[n-1].path == path {
		w.segments = w.segments[:n-1] // it held nothing but a half frame
	}
	w.file = file
	w.segments = append(w.segments, segment{path: path, first: w.position + 1})
	return syncDir(w.dir)
}

// seal closes the segment being written.
func (w *wal) seal() error {
	if w.file == nil {
		return nil
	}
	err := errors.Join(w.file.Sync(), w.file.Close())
	w.file = nil
	return err
}

// forget deletes full segments whose last frame came before the given time, and
// the oldest beyond the budget of bytes. The segment being written stays.
func (w *wal) forget(before, budget int64) error {
	total := int64(0)
	for _, s := range w.segments {
		total += s.size
	}
	for len(w.segments) > 1 && (w.segments[0].arrival < before || total > budget) {
		if e := os.Remove(w.segments[0].path); e != nil && !errors.Is(e, os.ErrNotExist) {
			return e
		}
		total -= w.segments[0].size
		w.segments = w.segments[1:]
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
