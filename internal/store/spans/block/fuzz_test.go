package block

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/pitwall/pitwall"
)

// reseal gives a changed file the checksum of its footer again, so that what
// stands behind the checksum is tried too.
func reseal(data []byte) []byte {
	end := len(data) - len(magic) - 4
	if end < 0 {
		return data
	}
	size := int64(binary.LittleEndian.Uint32(data[end:]))
	seal := int64(end) - size - int64(sealBytes)
	if seal < 0 {
		return data
	}
	copy(data[seal:], sealMagic)
	binary.LittleEndian.PutUint32(data[seal+int64(len(sealMagic)):], crc32.ChecksumIEEE(data[int64(end)-size:end]))
	return data
}

// FuzzOpen reads files that somebody made: an error or an answer, no panic, and
// memory in proportion to the file.
func FuzzOpen(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "v1.parquet"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden, 0, byte(0))
	f.Add(golden, 400, byte(1))
	f.Add(golden, len(golden)-40, byte(200))
	f.Add([]byte("PAR1"), 1, byte(3))
	f.Fuzz(func(_ *testing.T, data []byte, at int, with byte) {
		data = bytes.Clone(data)
		if len(data) > 0 {
			data[max(0, at)%len(data)] ^= with
		}
		b, err := openBytes(reseal(data))
		if err != nil {
			return
		}
		_, _ = askAll(b, "cart", pitwall.TraceID{7})
	})
}

// FuzzPage decodes pages with a checksum that is right, as every kind of column.
func FuzzPage(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "v1.parquet"))
	if err != nil {
		f.Fatal(err)
	}
	b, err := openBytes(golden)
	if err != nil {
		f.Fatal(err)
	}
	for leaf, c := range b.groups[0].columns {
		p := c.pages[0]
		f.Add(golden[p.offset:p.offset+int64(p.size)], byte(leaf))
		if d := c.dictionary; d.size > 0 {
			f.Add(golden[d.offset:d.offset+int64(d.size)], byte(leaf|0x80))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, which byte) {
		k, err := openBytes(golden)
		if err != nil {
			t.Fatal(err)
		}
		// The page goes behind the file, where the column's page or dictionary is
		// then said to be.
		page := checked(raw)
		if len(page) == 0 {
			return
		}
		k.file = memory{bytes.NewReader(append(bytes.Clone(golden), page...))}
		at := span{int64(len(golden)), int32(len(page))}
		leaf := int(which&0x7f) % len(k.names)
		if which&0x80 != 0 {
			k.groups[0].columns[leaf].dictionary = at
		} else {
			k.groups[0].columns[leaf].pages[0] = at
		}
		_, _ = askAll(k, "cart", pitwall.TraceID{7})
	})
}

// checked gives a page the sizes and the checksum that its header must say.
func checked(raw []byte) []byte {
	reader := new(thrift.CompactProtocol).NewReaderFromBytes(bytes.Clone(raw))
	var h format.PageHeader
	if err := thrift.NewDecoder(reader).Decode(&h); err != nil {
		return raw
	}
	body := raw[reader.BytesRead():]
	h.CompressedPageSize, h.CRC = int32(len(body)), int32(crc32.ChecksumIEEE(body))
	header, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
	if err != nil {
		return raw
	}
	return append(header, body...)
}

// FuzzRuns: what checkRuns lets pass is decoded to exactly as many numbers.
func FuzzRuns(f *testing.F) {
	f.Add([]byte{3, 6, 5, 5, 1, 2, 3}, 11, 8)
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1}, 8192, 2)
	f.Fuzz(func(t *testing.T, src []byte, n, limit int) {
		n, limit = max(0, n)%8193, max(0, limit)%100_000
		got, err := unpackNumbers(nil, src, numbers{n, limit})
		if err == nil && len(got) != n {
			t.Fatalf("%d numbers, want %d", len(got), n)
		}
		for _, v := range got {
			if err == nil && int(v) >= limit {
				t.Fatalf("number %d of %d", v, limit)
			}
		}
		if ints, err := unpackDeltas(nil, src, n); err == nil && len(ints) != n {
			t.Fatalf("%d numbers, want %d", len(ints), n)
		}
		var d dictionary
		if d.parse(src, n) == nil && n > 0 {
			_ = d.word(uint32(n - 1))
			_ = d.find("x")
		}
	})
}
