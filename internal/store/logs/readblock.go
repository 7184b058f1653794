package logs

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// unpack gives the payload of a frame that was checked.
func unpack(frame []byte) ([]byte, error) {
	size := binary.LittleEndian.Uint32(frame[12:])
	if size > maxUnpacked {
		return nil, fmt.Errorf("a frame of %d bytes unpacked is more than one holds", size)
	}
	if int(size) == len(frame)-frameHeader {
		return frame[frameHeader:], nil
	}
	r := flate.NewReader(bytes.NewReader(frame[frameHeader:]))
	payload := make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	return payload, nil
}

// openBlock reads the end of a block file and checks its index.
func openBlock(path string) (b block, err error) {
	b.path = path
	b.through, _ = blockThrough(path)
	file, err := os.Open(path)
	if err != nil {
		return b, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return b, err
	}
	if b.size = info.Size(); b.size < trailerBytes {
		return b, errTrailer
	}
	t := make([]byte, trailerBytes)
	if _, err := file.ReadAt(t, b.size-trailerBytes); err != nil {
		return b, err
	}
	if err := b.readTrailer(t); err != nil {
		return b, err
	}
	_, err = b.readFrame(file, b.indexAt, b.indexSize, indexMagic)
	return b, err
}

func (b *block) readFrame(file io.ReaderAt, at int64, size int, magic string) ([]byte, error) {
	if at < 0 || size < frameHeader || int64(size) > b.size || at > b.size-int64(size) {
		return nil, errors.New("a frame lies outside the file")
	}
	data := make([]byte, size)
	if _, err := file.ReadAt(data, at); err != nil {
		return nil, err
	}
	frame, ok := frameAt(data, magic)
	if !ok {
		return nil, errors.New("a frame is damaged")
	}
	return frame, nil
}

func (b *block) readIndex(file io.ReaderAt) (*index, error) {
	frame, err := b.readFrame(file, b.indexAt, b.indexSize, indexMagic)
	if err != nil {
		return nil, err
	}
	payload, err := unpack(frame)
	if err != nil {
		return nil, err
	}
	ix, err := decodeIndex(payload)
	if err == nil && len(ix.chunks) != b.chunks {
		err = fmt.Errorf("an index of %d chunks, the trailer says %d", len(ix.chunks), b.chunks)
	}
	return ix, err
}

// readChunk reads a chunk and gives its series the names the index knows.
func (b *block) readChunk(file io.ReaderAt, ix *index, i int) (*chunk, error) {
	info := &ix.chunks[i]
	frame, err := b.readFrame(file, info.at, info.size, chunkMagic)
	if err != nil {
		return nil, err
	}
	c, err := chunkOf(frame)
	if err != nil {
		return nil, err
	}
	if len(c.series) != len(info.series) || c.rows() != info.rows {
		return nil, errors.New("a chunk is not as the index says")
	}
	for k, n := range info.series {
		c.series[k] = ix.series[n]
	}
	return c, nil
}

func chunkOf(frame []byte) (*chunk, error) {
	payload, err := unpack(frame)
	if err != nil {
		return nil, err
	}
	c, err := decodeChunk(payload)
	if err != nil {
		return nil, err
	}
	c.arrival = frameArrival(frame)
	return c, nil
}

// repair makes a block again of the chunks in a file that check; lost are the
// bytes that belong to none.
func repair(dir, path string) (b block, lost int64, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return block{}, 0, err
	}
	lost = int64(len(data))
	var chunks []*chunk
	for at := 0; ; {
		next := bytes.Index(data[at:], []byte(chunkMagic))
		if next < 0 {
			break
		}
		at += next
		frame, ok := frameAt(data[at:], chunkMagic)
		if !ok {
			at++
			continue
		}
		if c, err := chunkOf(frame); err == nil && c.rows() > 0 {
			c.name()
			chunks = append(chunks, c)
			lost -= int64(len(frame))
		}
		at += len(frame)
	}
	through, _ := blockThrough(path)
	if len(chunks) == 0 {
		info, err := os.Stat(path)
		if err != nil {
			return block{}, lost, err
		}
		return block{path: path, through: through, size: info.Size(), minAt: 1<<63 - 1, maxAt: -1 << 63, arrival: info.ModTime().UnixNano()}, lost, nil
	}
	b, err = writeBlock(dir, through, chunks)
	return b, lost, err
}
