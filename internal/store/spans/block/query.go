package block

import (
	"context"
	"hash/crc32"
	"os"

	"github.com/parquet-go/parquet-go/bloom"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/pitwall/pitwall"
)

// read runs one question with a reader of its own and words its error.
func (b *Block) read(ctx context.Context, f func(r *reader) error) error {
	b.using.RLock()
	defer b.using.RUnlock()
	if b.closed {
		return &pitwall.Error{Op: "reading span block", Kind: pitwall.Unavailable, ID: b.meta.Path, Err: os.ErrClosed}
	}
	if err := f(b.newReader(ctx)); err != nil {
		return wrap("reading span block", b.meta.Path, err)
	}
	return nil
}

// Spans gives the spans that match, in the order of the file: by trace, within a
// trace by start. WholeTraces and Limit are the caller's.
func (b *Block) Spans(ctx context.Context, q pitwall.SpanQuery) (*pitwall.SpanBatch, error) {
	out := newGatherer(b)
	err := b.read(ctx, func(r *reader) error {
		return b.each(r, b.question(q), func(rows []uint32) error { return out.take(r, rows) })
	})
	if err != nil {
		return nil, err
	}
	return out.batch, nil
}

// Matches gives the id of every trace that has a matching span, each once, in
// the order of the file. It reads no column but those asked about and the ids.
func (b *Block) Matches(ctx context.Context, q pitwall.SpanQuery, each func(id pitwall.TraceID)) error {
	var last pitwall.TraceID
	first := true
	return b.read(ctx, func(r *reader) error {
		return b.each(r, b.question(q), func(rows []uint32) error {
			ids, of, err := r.traces()
			if err != nil {
				return err
			}
			before := int32(-1)
			for _, row := range rows {
				n := of[row]
				if n == before {
					continue
				}
				before = n
				if id := pitwall.TraceID(ids[16*n:]); first || id != last {
					first, last = false, id
					each(id)
				}
			}
			return nil
		})
	})
}

// Traces gives every span of the traces in keep, in the order of the file.
func (b *Block) Traces(ctx context.Context, keep map[pitwall.TraceID]struct{}) (*pitwall.SpanBatch, error) {
	out := newGatherer(b)
	err := b.read(ctx, func(r *reader) error {
		for g := range b.groups {
			r.enter(g)
			w, err := r.wanted(keep)
			if err == nil && w.numbers != nil {
				err = out.takeTraces(r, w)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out.batch, nil
}

// wanted are traces of a row group by their number; nil: none.
type wanted struct {
	numbers     []bool
	first, last int32
}

// takeTraces appends all rows of the wanted traces of the present group.
func (g *gatherer) takeTraces(r *reader, w wanted) error {
	for p := range r.b.groups[r.group].pageCount(r.b.notes.PageRows) {
		if err := r.turn(p); err != nil {
			return err
		}
		_, of, err := r.traces()
		if err != nil {
			return err
		}
		// Traces are numbered in the order of their rows.
		if of[len(of)-1] < w.first {
			continue
		}
		if of[0] > w.last {
			return nil
		}
		r.matched = r.matched[:0]
		for row, n := range of {
			if w.numbers[n] {
				r.matched = append(r.matched, uint32(row))
			}
		}
		if len(r.matched) == 0 {
			continue
		}
		if err := g.take(r, r.matched); err != nil {
			return err
		}
	}
	return nil
}

// wanted finds the traces of the group that are in keep.
func (r *reader) wanted(keep map[pitwall.TraceID]struct{}) (w wanted, err error) {
	possible, err := r.maybe(keep)
	if err != nil || !possible {
		return w, err
	}
	d, err := r.fixedDictionary(colTrace, 16)
	if err != nil {
		return w, err
	}
	var only pitwall.TraceID // of one trace no map need be asked
	for only = range keep {
		break
	}
	for n := range len(d.data) / 16 {
		id := pitwall.TraceID(d.data[16*n:])
		if len(keep) == 1 && id != only {
			continue
		}
		if _, ok := keep[id]; !ok {
			continue
		}
		if w.numbers == nil {
			w.numbers, w.first = make([]bool, len(d.data)/16), int32(n)
		}
		w.numbers[n], w.last = true, int32(n)
	}
	return w, nil
}

// maybe asks the group's Bloom filter whether it may have one of the traces.
func (r *reader) maybe(keep map[pitwall.TraceID]struct{}) (_ bool, err error) {
	defer rescue(&err)
	at := r.b.groups[r.group].filter
	raw := make([]byte, at.size)
	if _, err := r.b.file.ReadAt(raw, at.offset); err != nil {
		return false, err
	}
	if crc32.ChecksumIEEE(raw) != r.b.notes.Filters[r.group] {
		return false, r.where(colTrace, damaged("its filter has the wrong checksum"))
	}
	var h format.BloomFilterHeader
	reader := new(thrift.CompactProtocol).NewReaderFromBytes(raw)
	if err := thrift.NewDecoder(reader).Decode(&h); err != nil {
		return false, r.where(colTrace, damaged("its filter: %v", err))
	}
	bits := append([]byte(nil), raw[reader.BytesRead():]...)
	if len(bits) == 0 || len(bits)%bloom.BlockSize != 0 || int(h.NumBytes) != len(bits) {
		return false, r.where(colTrace, damaged("its filter has %d bytes", len(bits)))
	}
	filter := bloom.MakeSplitBlockFilter(bits)
	for id := range keep {
		if filter.Check(hashOf(id)) {
			return true, nil
		}
	}
	return false, nil
}
