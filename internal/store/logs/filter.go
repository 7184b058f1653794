package logs

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/pitwall/pitwall"
)

// A block's filter tells which of its chunks may hold a trace, after one small
// read: a split-block Bloom filter for each chunk (Putze, Sanders and Singler
// 2007, as in Parquet), all of one size and laid out row by row, so that the 32
// bytes that decide about one trace lie together for all chunks. About one in
// two thousand says "may" of a chunk that does not; none says "no" of one that
// does. Each row ends with its checksum.

const (
	filterBlock = 32 // bytes of one chunk in one row
	bitsPerID   = 20
)

// salts are those of Parquet's filter; read-only.
var salts = [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}

// castagnoli is read-only.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// hashOf mixes a trace id, which a sender may have chosen badly.
func hashOf(id pitwall.TraceID) uint64 {
	h := binary.LittleEndian.Uint64(id[:8])*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(id[8:])
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// rowOf chooses the row of a hash.
func rowOf(h uint64, rows int) int { return int(h >> 32 * uint64(rows) >> 32) }

func filterRowBytes(chunks int) int { return chunks*filterBlock + 4 }

// filterOf makes the filter of chunks; rows is 0 when none has a trace.
func filterOf(chunks []*chunk) (data []byte, rows int) {
	hashes := make([][]uint64, len(chunks))
	most := 0
	for i, c := range chunks {
		seen := map[pitwall.TraceID]struct{}{{}: {}}
		for _, id := range c.trace {
			if _, old := seen[id]; !old {
				seen[id] = struct{}{}
				hashes[i] = append(hashes[i], hashOf(id))
			}
		}
		most = max(most, len(hashes[i]))
	}
	rows = (most*bitsPerID + 8*filterBlock - 1) / (8 * filterBlock)
	width := filterRowBytes(len(chunks))
	data = make([]byte, rows*width)
	for i := range chunks {
		for _, h := range hashes[i] {
			block := data[rowOf(h, rows)*width+i*filterBlock:]
			for k, salt := range salts {
				bit := uint32(h) * salt >> 27
				word := binary.LittleEndian.Uint32(block[4*k:])
				binary.LittleEndian.PutUint32(block[4*k:], word|1<<bit)
			}
		}
	}
	for r := range rows {
		row := data[r*width : (r+1)*width]
		binary.LittleEndian.PutUint32(row[width-4:], crc32.Checksum(row[:width-4], castagnoli))
	}
	return data, rows
}

// mayHold says whether a chunk may hold the hash, from the row of the filter
// that decides about it.
func mayHold(row []byte, chunk int, h uint64) bool {
	block := row[chunk*filterBlock:]
	for k, salt := range salts {
		if binary.LittleEndian.Uint32(block[4*k:])&(1<<(uint32(h)*salt>>27)) == 0 {
			return false
		}
	}
	return true
}

func soundRow(row []byte) bool {
	n := len(row) - 4
	return n >= 0 && binary.LittleEndian.Uint32(row[n:]) == crc32.Checksum(row[:n], castagnoli)
}
