package logs

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A block file is a row of frames, one for each chunk and one for the index,
// then the filter, then the trailer:
//
//	magic, 4 bytes | CRC-32C of the rest, 4 | length, 4 | length unpacked, 4 | arrival, 8 | payload
//
// all little-endian, the payloads of chunks packed with DEFLATE unless that makes
// them longer. Its name is the position of
// the last batch in it. A file appears whole, by renaming; when its index is
// damaged all the same, the chunks that check make a new one.
const (
	chunkMagic   = "PLC1"
	indexMagic   = "PLI1"
	trailerMagic = "PLT1"

	frameHeader  = 24
	trailerBytes = 84
	maxUnpacked  = 256 << 20
	extension    = ".logs"
	unfinished   = ".new"
)

// block is what is kept in memory of a block file.
type block struct {
	path         string
	through      uint64 // position of the last batch in it
	size         int64
	indexAt      int64
	indexSize    int
	filterAt     int64
	filterRows   int
	chunks       int
	records      int64
	minAt, maxAt int64
	arrival      int64 // of the newest record
}

func blockPath(dir string, through uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d%s", through, extension))
}

// blockThrough reads a block's name.
func blockThrough(name string) (uint64, bool) {
	base, is := strings.CutSuffix(filepath.Base(name), extension)
	through, err := strconv.ParseUint(base, 10, 64)
	return through, is && err == nil
}

// packer compresses frames; it is used again and again.
type packer struct {
	raw   []byte
	out   bytes.Buffer
	flate *flate.Writer
}

func newPacker() *packer {
	w, _ := flate.NewWriter(io.Discard, flate.BestSpeed) // only a wrong level is an error
	return &packer{flate: w}
}

// frame makes a frame of p.raw, packed or as it is.
func (p *packer) frame(magic string, arrival int64, pack bool) ([]byte, error) {
	p.out.Reset()
	p.out.Write(make([]byte, frameHeader))
	if pack {
		p.flate.Reset(&p.out)
		if _, err := p.flate.Write(p.raw); err != nil {
			return nil, err
		}
		if err := p.flate.Close(); err != nil {
			return nil, err
		}
	}
	if !pack || p.out.Len()-frameHeader >= len(p.raw) {
		p.out.Truncate(frameHeader)
		p.out.Write(p.raw)
	}
	f := p.out.Bytes()
	copy(f, magic)
	binary.LittleEndian.PutUint32(f[8:], uint32(len(f)-frameHeader))
	binary.LittleEndian.PutUint32(f[12:], uint32(len(p.raw)))
	binary.LittleEndian.PutUint64(f[16:], uint64(arrival))
	binary.LittleEndian.PutUint32(f[4:], crc32.Checksum(f[8:], castagnoli))
	return f, nil
}

// frameAt finds the frame at the beginning of data.
func frameAt(data []byte, magic string) (frame []byte, ok bool) {
	if len(data) < frameHeader || string(data[:4]) != magic {
		return nil, false
	}
	size := uint64(binary.LittleEndian.Uint32(data[8:])) + frameHeader
	if size > uint64(len(data)) || binary.LittleEndian.Uint32(data[4:]) != crc32.Checksum(data[8:size], castagnoli) {
		return nil, false
	}
	return data[:size], true
}

func frameArrival(frame []byte) int64 { return int64(binary.LittleEndian.Uint64(frame[16:])) }

// writeBlock writes full chunks to a file that is whole or not there.
func writeBlock(dir string, through uint64, chunks []*chunk) (b block, err error) {
	path := blockPath(dir, through)
	file, err := os.OpenFile(path+unfinished, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640)
	if err != nil {
		return block{}, err
	}
	w := bufio.NewWriterSize(file, 1<<18)
	b, err = writeFrames(w, through, chunks)
	err = errors.Join(err, w.Flush())
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(path+unfinished, path)
	}
	if err != nil {
		return block{}, errors.Join(err, os.Remove(path+unfinished)) // room for the log
	}
	b.path = path
	return b, syncDir(dir)
}

func writeFrames(w io.Writer, through uint64, chunks []*chunk) (block, error) {
	b := block{through: through, chunks: len(chunks), minAt: 1<<63 - 1, maxAt: -1 << 63, arrival: -1 << 63}
	ix, p := indexOf(chunks), newPacker()
	for i, c := range chunks {
		p.raw = encodeChunk(p.raw[:0], c)
		frame, err := p.frame(chunkMagic, c.arrival, true)
		if err != nil {
			return b, err
		}
		if _, err := w.Write(frame); err != nil {
			return b, err
		}
		ix.chunks[i].at, ix.chunks[i].size = b.size, len(frame)
		b.size += int64(len(frame))
		b.records += int64(c.rows())
		b.minAt, b.maxAt, b.arrival = min(b.minAt, c.minAt), max(b.maxAt, c.maxAt), max(b.arrival, c.arrival)
	}
	p.raw = encodeIndex(p.raw[:0], ix)
	frame, err := p.frame(indexMagic, b.arrival, false) // read often, and whole
	if err != nil {
		return b, err
	}
	filter, rows := filterOf(chunks)
	b.indexAt, b.indexSize = b.size, len(frame)
	b.filterAt, b.filterRows = b.size+int64(len(frame)), rows
	b.size = b.filterAt + int64(len(filter)) + trailerBytes
	for _, part := range [][]byte{frame, filter, b.trailer()} {
		if _, err := w.Write(part); err != nil {
			return b, err
		}
	}
	return b, nil
}

// trailer is the end of the file, from which everything is found.
func (b *block) trailer() []byte {
	t := []byte(trailerMagic + "\x00\x00\x00\x00")
	for _, v := range []int64{b.indexAt, int64(b.indexSize), b.filterAt, int64(b.filterRows), int64(b.chunks), b.records, b.minAt, b.maxAt, b.arrival} {
		t = binary.LittleEndian.AppendUint64(t, uint64(v))
	}
	t = append(t, 0, 0, 0, 0) // room to grow
	binary.LittleEndian.PutUint32(t[4:], crc32.Checksum(t[8:], castagnoli))
	return t
}

var errTrailer = errors.New("the trailer is damaged")

func (b *block) readTrailer(t []byte) error {
	if len(t) != trailerBytes || string(t[:4]) != trailerMagic || binary.LittleEndian.Uint32(t[4:]) != crc32.Checksum(t[8:], castagnoli) {
		return errTrailer
	}
	v := func(i int) int64 { return int64(binary.LittleEndian.Uint64(t[8+8*i:])) }
	b.indexAt, b.indexSize, b.filterAt, b.filterRows, b.chunks = v(0), int(v(1)), v(2), int(v(3)), int(v(4))
	b.records, b.minAt, b.maxAt, b.arrival = v(5), v(6), v(7), v(8)
	for _, n := range []int64{b.indexAt, int64(b.indexSize), b.filterAt, int64(b.filterRows), int64(b.chunks)} {
		if n < 0 || n > b.size { // so that what follows cannot overflow
			return errTrailer
		}
	}
	row := int64(filterRowBytes(b.chunks))
	if b.indexSize < frameHeader || b.indexAt+int64(b.indexSize) != b.filterAt || int64(b.filterRows) > b.size/row ||
		b.filterAt+int64(b.filterRows)*row+trailerBytes != b.size {
		return errTrailer
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
