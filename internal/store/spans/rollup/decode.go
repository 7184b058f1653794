package rollup

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/pitwall/pitwall"
)

// ErrDamaged says that a file does not hold what was written.
var ErrDamaged = errors.New("damaged: the bytes are not what was written")

// maxSection bounds what a damaged footer can make a reader allocate.
const maxSection = 1 << 30

// readFooter reads the end of a file of the given size.
func readFooter(r io.ReaderAt, size int64) (f footer, err error) {
	var trailer [trailerSize]byte
	if size < trailerSize {
		return f, fmt.Errorf("%d bytes are no rollup file", size)
	}
	if _, err := r.ReadAt(trailer[:], size-trailerSize); err != nil {
		return f, err
	}
	length := int64(binary.LittleEndian.Uint32(trailer[:]))
	if string(trailer[8:]) != magic || length > size-trailerSize {
		return f, errors.New("the end is not that of a rollup file")
	}
	data, err := readSection(r, size, section{size - trailerSize - length, length, binary.LittleEndian.Uint32(trailer[4:])})
	if err != nil {
		return f, fmt.Errorf("footer: %w", err)
	}
	return decodeFooter(data)
}

func decodeFooter(data []byte) (f footer, err error) {
	d := &decoder{data: data}
	for range d.count(3) {
		f.covers = append(f.covers, Cover{d.uvarint(), d.uvarint(), d.byte() == 1})
	}
	f.settled = d.byte() == 1
	f.arrival = d.varint()
	f.keys = d.section()
	for range d.count(13) {
		f.hours = append(f.hours, hour{d.varint(), d.section(), d.section()})
	}
	if d.bad {
		return footer{}, ErrDamaged
	}
	return f, nil
}

// readSection reads and checks a section of a file of the given size.
func readSection(r io.ReaderAt, size int64, s section) ([]byte, error) {
	if s.offset < 0 || s.size < 0 || s.size > maxSection || s.offset > size-s.size {
		return nil, ErrDamaged
	}
	data := make([]byte, s.size)
	if _, err := r.ReadAt(data, s.offset); err != nil {
		return nil, err
	}
	if crc32.Checksum(data, castagnoli) != s.sum {
		return nil, ErrDamaged
	}
	return data, nil
}

func decodeKeys(data []byte) ([]Key, error) {
	d := &decoder{data: data}
	keys := make([]Key, d.count(5))
	for i := range keys {
		keys[i] = Key{
			Service: pitwall.ServiceName(d.string()), Version: pitwall.Version(d.string()),
			Operation: d.string(), Peer: d.string(), Kind: pitwall.SpanKind(d.byte()),
		}
	}
	if d.bad {
		return nil, ErrDamaged
	}
	return keys, nil
}

// decodeRows gives the rows of a section whose hour begins at minute base, in
// order. A row whose key is not wanted comes without bins; bins are valid during
// the call. keys is how many there are.
func decodeRows(data []byte, base int64, keys int, wanted func(key uint32) bool, each func(Row)) error {
	d := &decoder{data: data}
	var bins []Bin
	for range d.count(9) {
		r := Row{Minute: base + int64(d.uvarint()), Key: uint32(d.uvarint())}
		r.Count, r.Failed, r.Closed = d.int(), d.int(), d.int()
		r.Total, r.Self, r.Critical = d.int(), d.int(), d.int()
		n := d.count(2)
		if d.bad || int(r.Key) >= keys {
			return ErrDamaged
		}
		if !wanted(r.Key) {
			for range 2 * n {
				d.uvarint()
			}
			continue
		}
		bins = bins[:0]
		bucket := uint64(0)
		for range n {
			bucket += d.uvarint()
			if bucket >= mostBuckets {
				return ErrDamaged
			}
			bins = append(bins, Bin{int32(bucket), d.int()})
		}
		r.Bins = bins
		if d.bad {
			return ErrDamaged
		}
		each(r)
	}
	if d.bad {
		return ErrDamaged
	}
	return nil
}

// mostBuckets is more than a pitwall.Histogram has.
const mostBuckets = 1 << 10

// decoder reads varints; once something is wrong all is zero and bad.
type decoder struct {
	data []byte
	bad  bool
}

func (d *decoder) uvarint() uint64 {
	if len(d.data) > 0 && d.data[0] < 0x80 {
		v := uint64(d.data[0])
		d.data = d.data[1:]
		return v
	}
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.bad, d.data = true, nil
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) varint() int64 {
	v := d.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (d *decoder) int() int64 { return int64(d.uvarint() & (1<<63 - 1)) }

// count reads a number of things of at least size bytes each.
func (d *decoder) count(size int) int {
	v := d.uvarint()
	if v > uint64(len(d.data)/size) {
		d.bad, d.data = true, nil
		return 0
	}
	return int(v)
}

func (d *decoder) bytes(n int) []byte {
	if n > len(d.data) {
		d.bad, d.data = true, nil
		return nil
	}
	head := d.data[:n]
	d.data = d.data[n:]
	return head
}

func (d *decoder) byte() byte {
	if b := d.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) string() string { return string(d.bytes(d.count(1))) }

func (d *decoder) section() section {
	s := section{offset: d.int(), size: d.int()}
	if raw := d.bytes(4); raw != nil {
		s.sum = binary.LittleEndian.Uint32(raw)
	}
	return s
}
