package wal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path/filepath"
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
	frameMagic = "PWS1"
	maxFrame   = 1 << 30
)

// Header is the room a frame's buffer leaves before its payload.
const Header = 28

// Frame is one entry of the log. Payload is valid during the call it is given to.
type Frame struct {
	Position uint64
	Arrival  int64 // unix nanoseconds
	Payload  []byte
}

// Found is what reading a segment found besides its frames.
type Found struct {
	Path    string
	Last    bool  // the segment written last
	Damaged int64 // bytes skipped before the last good frame
	Torn    int64 // bytes after it
	good    int64 // end of the last good frame
}

// String says what was done about it, for people.
func (f Found) String() string {
	name, damaged := filepath.Base(f.Path), f.Damaged
	var said []string
	if !f.Last {
		damaged += f.Torn
	} else if f.Torn > 0 {
		said = append(said, fmt.Sprintf("cut a torn tail of %d bytes off %s", f.Torn, name))
	}
	if damaged > 0 {
		said = append(said, fmt.Sprintf("skipped %d damaged bytes in %s", damaged, name))
	}
	return strings.Join(said, "; ")
}

// castagnoli is read-only.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal fills in the header of a frame whose payload follows the header's room.
func seal(buf []byte, position uint64, arrival int64) {
	payload := buf[Header:]
	copy(buf, frameMagic)
	binary.LittleEndian.PutUint32(buf[4:], uint32(len(payload)))
	binary.LittleEndian.PutUint64(buf[12:], position)
	binary.LittleEndian.PutUint64(buf[20:], uint64(arrival))
	binary.LittleEndian.PutUint32(buf[8:], sum(buf[:Header], payload))
}

func sum(header, payload []byte) uint32 {
	s := crc32.Checksum(payload, castagnoli)
	s = crc32.Update(s, castagnoli, header[4:8])
	return crc32.Update(s, castagnoli, header[12:])
}

// frameAt reads the frame at the beginning of data.
func frameAt(data []byte) (f Frame, size int, ok bool) {
	if len(data) < Header || string(data[:4]) != frameMagic {
		return f, 0, false
	}
	length := uint64(binary.LittleEndian.Uint32(data[4:]))
	if length > uint64(len(data)-Header) {
		return f, 0, false
	}
	size = Header + int(length)
	payload := data[Header:size]
	if binary.LittleEndian.Uint32(data[8:]) != sum(data[:Header], payload) {
		return f, 0, false
	}
	return Frame{
		Position: binary.LittleEndian.Uint64(data[12:]), Arrival: int64(binary.LittleEndian.Uint64(data[20:])), Payload: payload,
	}, size, true
}

// scan gives every good frame of a segment's bytes in order.
func scan(data []byte, each func(Frame) error) (s Found, err error) {
	for at := 0; at < len(data); {
		f, size, ok := frameAt(data[at:])
		if ok {
			s.Damaged += int64(at) - s.good
			if err := each(f); err != nil {
				return s, err
			}
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
	s.Torn = int64(len(data)) - s.good
	return s, nil
}
