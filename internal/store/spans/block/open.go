package block

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/pitwall/pitwall"
)

const (
	tailGuess = 1 << 16 // most footers with their index are shorter
	maxFooter = 1 << 26
)

// errDamaged marks what cannot be the file that Write wrote.
var errDamaged = errors.New("the block is damaged")

func damaged(text string, args ...any) error {
	return fmt.Errorf("%w: "+text, append([]any{errDamaged}, args...)...)
}

// Block is an open block: its footer in memory, its pages on the disk. Its
// methods may be called by several goroutines.
type Block struct {
	file interface {
		io.ReaderAt
		io.Closer
	}
	size int64
	meta Meta

	notes  notes
	names  []string       // of the leaves
	attrs  map[string]int // attribute key -> leaf
	groups []rowGroup

	using  sync.RWMutex // readers hold it, Close takes it
	closed bool
}

// rowGroup is where the columns of a row group are.
type rowGroup struct {
	rows      int
	firstPage int // number of its first page in the file
	filter    span
	columns   []columnChunk
}

// span is a stretch of the file.
type span struct {
	offset int64
	size   int32
}

// columnChunk is where the pages of a column are.
type columnChunk struct {
	encoding   format.Encoding // of data pages
	packed     bool            // its pages may be compressed
	empty      bool            // no row has a value
	dictionary span            // size 0: none
	pages      []span
}

// Open reads the footer of a block. A file that is damaged, or was not written
// by Write, is Invalid.
func Open(path string) (*Block, error) {
	f, err := os.Open(path)
	if err != nil {
		kind := pitwall.Unavailable
		if errors.Is(err, os.ErrNotExist) {
			kind = pitwall.NotFound
		}
		return nil, &pitwall.Error{Op: "opening span block", Kind: kind, ID: path, Err: err}
	}
	b := &Block{file: f, attrs: map[string]int{}}
	info, err := f.Stat()
	if err == nil {
		b.size = info.Size()
		err = b.open(path)
	}
	if err != nil {
		_ = f.Close()
		return nil, wrap("opening span block", path, err)
	}
	return b, nil
}

// wrap words an error at the border.
func wrap(op, path string, err error) error {
	var ours *pitwall.Error
	if errors.As(err, &ours) { // says more than this could
		ours.Op, ours.ID = op, path
		return ours
	}
	e := &pitwall.Error{Op: op, Kind: pitwall.Unavailable, ID: path, Err: err}
	if errors.Is(err, errDamaged) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		e.Kind, e.Hint = pitwall.Invalid, "move the file away; its spans are lost, all others are not"
	}
	return e
}

func (b *Block) open(path string) error {
	body, err := b.footer()
	if err != nil {
		return err
	}
	meta := &format.FileMetaData{}
	if err := decode(body, meta); err != nil {
		return damaged("its footer cannot be read: %v", err)
	}
	if err := b.takeNotes(meta); err != nil {
		return err
	}
	if err := b.takeSchema(meta); err != nil {
		return err
	}
	if err := b.takeGroups(meta); err != nil {
		return err
	}
	n := &b.notes
	b.meta = Meta{Path: path, Spans: int(meta.NumRows), Bytes: b.size, First: n.First, Last: n.Last, Arrival: n.Arrival}
	b.meta.MinEnd, b.meta.MaxEnd = boundsOf(n)
	return nil
}

// footer reads the end of the file and checks its seal.
func (b *Block) footer() ([]byte, error) {
	if b.size < int64(2*len(magic)+4+sealBytes) {
		return nil, damaged("%d bytes are no Parquet file", b.size)
	}
	head := make([]byte, len(magic))
	if _, err := b.file.ReadAt(head, 0); err != nil {
		return nil, err
	}
	tail := make([]byte, min(b.size-int64(len(magic)), tailGuess))
	if _, err := b.file.ReadAt(tail, b.size-int64(len(tail))); err != nil {
		return nil, err
	}
	end := len(tail) - len(magic) - 4
	if string(head) != magic || string(tail[end+4:]) != magic {
		return nil, damaged("it neither begins nor ends as a Parquet file")
	}
	size := int64(binary.LittleEndian.Uint32(tail[end:]))
	need := size + int64(4+len(magic)+sealBytes)
	if need > b.size-int64(len(magic)) || size > maxFooter {
		return nil, damaged("a footer of %d bytes does not fit in", size)
	}
	if need > int64(len(tail)) {
		tail = make([]byte, need)
		if _, err := b.file.ReadAt(tail, b.size-need); err != nil {
			return nil, err
		}
		end = len(tail) - len(magic) - 4
	}
	body, seal := tail[int64(end)-size:end], tail[int64(end)-size-int64(sealBytes):int64(end)-size]
	if string(seal[:len(sealMagic)]) != sealMagic {
		return nil, damaged("it is not one of Pitwall's, or its footer is")
	}
	if binary.LittleEndian.Uint32(seal[len(sealMagic):]) != crc32.ChecksumIEEE(body) {
		return nil, damaged("its footer has the wrong checksum")
	}
	return body, nil
}

// cautious bounds the lists of a footer by its size, so that a forged length
// allocates little.
type cautious struct {
	thriftReader
	most int32
}

// thriftReader gives the embedded reader a name unlike its method.
type thriftReader interface{ thrift.Reader }

// ReadList refuses a list longer than its bytes.
func (c cautious) ReadList() (thrift.List, error) {
	l, err := c.thriftReader.ReadList()
	if err == nil && (l.Size < 0 || l.Size > c.most) {
		err = fmt.Errorf("a list of %d in %d bytes", l.Size, c.most)
	}
	return l, err
}

// decode reads one Thrift structure; the result shares no memory with data.
func decode(data []byte, into any) (err error) {
	defer rescue(&err)
	data = append([]byte(nil), data...)
	r := new(thrift.CompactProtocol).NewReaderFromBytes(data)
	return thrift.NewDecoder(cautious{r, int32(len(data))}).Decode(into)
}

// rescue turns a panic of a decoder into an error: the library trusts its input
// in a few places.
func rescue(err *error) {
	if trouble := recover(); trouble != nil {
		*err = damaged("%v", trouble)
	}
}

func (b *Block) takeNotes(meta *format.FileMetaData) error {
	for _, kv := range meta.KeyValueMetadata {
		if kv.Key != metaKey {
			continue
		}
		if err := json.Unmarshal([]byte(kv.Value), &b.notes); err != nil {
			return damaged("its entry %s: %v", metaKey, err)
		}
		n := &b.notes
		if n.Format != formatVersion {
			return &pitwall.Error{Kind: pitwall.Invalid, Err: fmt.Errorf("block format %d, this binary reads %d", n.Format, formatVersion),
				Hint: "use the Pitwall that wrote it, or a newer one"}
		}
		if n.PageRows <= 0 || n.PageRows > pageRows || n.GroupRows < n.PageRows || n.GroupRows > groupRows {
			return damaged("pages of %d rows in groups of %d", n.PageRows, n.GroupRows)
		}
		return nil
	}
	return damaged("its footer has no entry %s", metaKey)
}

// Meta describes the block.
func (b *Block) Meta() Meta { return b.meta }

// Close waits for those who read, and closes the file.
func (b *Block) Close() error {
	b.using.Lock()
	defer b.using.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	return b.file.Close()
}
