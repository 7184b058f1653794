package block

import (
	"hash/crc32"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/format"
)

// takeSchema notes the columns, which must be those that Write writes.
func (b *Block) takeSchema(meta *format.FileMetaData) error {
	var keys []string
	for _, e := range meta.Schema {
		if key, ok := strings.CutPrefix(e.Name, attrPrefix); ok {
			keys = append(keys, key)
		}
	}
	if len(keys) > maxAttrColumns {
		return damaged("%d attribute columns, at most %d are possible", len(keys), maxAttrColumns)
	}
	leaves := leavesFor(keys)
	want := schemaOf(leaves)
	same := func(x, y format.SchemaElement) bool {
		return x.Name == y.Name && x.Type == y.Type && x.RepetitionType == y.RepetitionType && x.NumChildren == y.NumChildren &&
			x.TypeLength == y.TypeLength
	}
	if !slices.EqualFunc(meta.Schema, want, same) {
		return damaged("its columns are not those of a block")
	}
	for i, l := range leaves {
		b.names = append(b.names, l.name)
		if i >= fixedColumns && !l.list {
			b.attrs[strings.TrimPrefix(l.name, attrPrefix)] = i
		}
	}
	return nil
}

// takeGroups notes where every page is.
func (b *Block) takeGroups(meta *format.FileMetaData) error {
	n := &b.notes
	if n.Index < 0 || n.IndexBytes < 0 || n.Index+int64(n.IndexBytes) > b.size || n.IndexBytes > maxFooter {
		return damaged("its page index lies outside of it")
	}
	index := make([]byte, n.IndexBytes)
	if _, err := b.file.ReadAt(index, n.Index); err != nil {
		return err
	}
	if crc32.ChecksumIEEE(index) != n.IndexSum {
		return damaged("its page index has the wrong checksum")
	}
	rows, pages := 0, 0
	for i := range meta.RowGroups {
		g := &meta.RowGroups[i]
		if g.NumRows <= 0 || g.NumRows > int64(n.GroupRows) || len(g.Columns) != len(b.names) {
			return damaged("row group %d has %d rows and %d columns", i, g.NumRows, len(g.Columns))
		}
		group := rowGroup{rows: int(g.NumRows), firstPage: pages}
		for c := range g.Columns {
			chunk, err := b.takeChunk(&g.Columns[c], index, group.pageCount(n.PageRows))
			if err != nil {
				return damaged("row group %d, column %s: %v", i, b.names[c], err)
			}
			group.columns = append(group.columns, chunk)
		}
		first := &g.Columns[colTrace].MetaData
		group.filter = span{first.BloomFilterOffset, first.BloomFilterLength}
		if !b.holds(group.filter) {
			return damaged("row group %d has no filter", i)
		}
		b.groups = append(b.groups, group)
		rows, pages = rows+group.rows, pages+group.pageCount(n.PageRows)
	}
	if int64(rows) != meta.NumRows || rows == 0 || len(n.Filters) != len(b.groups) ||
		len(n.MinEnd) != pages || len(n.MaxEnd) != pages || len(n.MaxDuration) != pages {
		return damaged("its footer contradicts itself")
	}
	return nil
}

func (g *rowGroup) pageCount(pageRows int) int { return (g.rows + pageRows - 1) / pageRows }

// takeChunk notes where the pages of one column chunk are.
func (b *Block) takeChunk(c *format.ColumnChunk, index []byte, pages int) (columnChunk, error) {
	from := c.OffsetIndexOffset - b.notes.Index
	if from < 0 || c.OffsetIndexLength < 0 || from+int64(c.OffsetIndexLength) > int64(len(index)) {
		return columnChunk{}, damaged("its page locations lie outside the index")
	}
	var locations format.OffsetIndex
	if err := decode(index[from:from+int64(c.OffsetIndexLength)], &locations); err != nil {
		return columnChunk{}, err
	}
	if len(locations.PageLocations) != pages || len(c.MetaData.Encoding) < 2 {
		return columnChunk{}, damaged("%d pages where %d belong", len(locations.PageLocations), pages)
	}
	chunk := columnChunk{
		encoding: c.MetaData.Encoding[1],
		packed:   c.MetaData.Codec == format.Snappy,
		empty:    c.MetaData.NumValues == c.MetaData.Statistics.NullCount,
		pages:    make([]span, 0, pages),
	}
	if !chunk.packed && c.MetaData.Codec != format.Uncompressed {
		return columnChunk{}, damaged("compressed with %s", c.MetaData.Codec)
	}
	if from := c.MetaData.DictionaryPageOffset; from != 0 {
		chunk.dictionary = span{from, int32(c.MetaData.DataPageOffset - from)}
		if !b.holds(chunk.dictionary) {
			return columnChunk{}, damaged("its dictionary lies outside the file")
		}
	}
	for p, l := range locations.PageLocations {
		at := span{l.Offset, l.CompressedPageSize}
		if !b.holds(at) || l.FirstRowIndex != int64(p*b.notes.PageRows) {
			return columnChunk{}, damaged("page %d is not where it belongs", p)
		}
		chunk.pages = append(chunk.pages, at)
	}
	return chunk, nil
}

// holds says whether a stretch of bytes can hold pages.
func (b *Block) holds(s span) bool {
	return s.offset >= int64(len(magic)) && s.size > 0 && s.offset+int64(s.size) <= b.notes.Index
}
