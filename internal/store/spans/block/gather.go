package block

import (
	"slices"

	"github.com/pitwall/pitwall"
)

// gatherer makes one batch of rows of many pages.
type gatherer struct {
	numberer
	b     *Block
	attrs []attrColumn
}

// numberer translates the numbers of the pages' dictionaries into those of one
// batch.
type numberer struct {
	batch  *pitwall.SpanBatch
	group  int        // that the translations are of
	number [][]uint32 // by leaf: the group's dictionary -> the batch's, plus one
}

func newNumberer(leaves int) numberer {
	n := numberer{batch: &pitwall.SpanBatch{}, group: -1, number: make([][]uint32, leaves)}
	n.batch.Intern("")
	return n
}

// enter forgets the translations of another row group.
func (g *numberer) enter(group int) {
	if g.group == group {
		return
	}
	g.group = group
	for i := range g.number {
		g.number[i] = g.number[i][:0]
	}
}

// numbering gives the translation of a column's dictionary, which lives as long
// as the dictionary.
func (g *numberer) numbering(leaf int, t *textPage) []uint32 {
	n := len(t.words.ends)
	if t.words != &t.own && len(g.number[leaf]) == n {
		return g.number[leaf]
	}
	g.number[leaf] = slices.Grow(g.number[leaf][:0], n)[:n]
	clear(g.number[leaf])
	return g.number[leaf]
}

// intern gives the batch's number of a word of the page.
func (g *numberer) intern(number []uint32, t *textPage, word int32) uint32 {
	if number[word] == 0 {
		number[word] = g.batch.Intern(string(t.words.word(uint32(word)))) + 1
	}
	return number[word] - 1
}

// attrColumn is one attribute of the rows being taken.
type attrColumn struct {
	leaf   int
	key    uint32   // in the batch; plus one, 0: not yet there
	values []uint32 // one per row taken, in the batch, or Absent
	any    bool
}

func newGatherer(b *Block) *gatherer {
	g := &gatherer{numberer: newNumberer(len(b.names)), b: b}
	for leaf := fixedColumns; leaf < len(b.names)-listLeaves; leaf++ {
		g.attrs = append(g.attrs, attrColumn{leaf: leaf})
	}
	return g
}

// take appends the rows of the reader's present page.
func (g *gatherer) take(r *reader, rows []uint32) error {
	g.enter(r.group)
	if err := g.takeIDs(r, rows); err != nil {
		return err
	}
	if err := g.takeNumbers(r, rows); err != nil {
		return err
	}
	if err := g.takeTexts(r, rows); err != nil {
		return err
	}
	return g.takeAttrs(r, rows)
}

func (g *gatherer) takeIDs(r *reader, rows []uint32) (err error) {
	out := g.batch
	ids, of, err := r.traces()
	if err != nil {
		return err
	}
	for _, row := range rows {
		out.TraceID = append(out.TraceID, pitwall.TraceID(ids[16*of[row]:]))
	}
	if out.SpanID, err = r.ids(out.SpanID, colSpan, rows); err != nil {
		return err
	}
	out.ParentID, err = r.ids(out.ParentID, colParent, rows)
	return err
}

func (g *gatherer) takeNumbers(r *reader, rows []uint32) error {
	out := g.batch
	for _, c := range []struct {
		leaf int
		to   *[]int64
	}{{colStart, &out.Start}, {colDuration, &out.Duration}, {colReq, &out.ReqBytes}, {colResp, &out.RespBytes}} {
		values, err := r.ints(c.leaf)
		if err != nil {
			return err
		}
		for _, row := range rows {
			*c.to = append(*c.to, values[row])
		}
	}
	bits, err := r.bools(colFailed)
	if err != nil {
		return err
	}
	for _, row := range rows {
		out.Failed = append(out.Failed, bit(bits, row))
	}
	return nil
}

func (g *gatherer) takeTexts(r *reader, rows []uint32) error {
	out := g.batch
	for _, c := range []struct {
		leaf int
		to   *[]uint32
	}{{colService, &out.Service}, {colVersion, &out.Version}, {colOperation, &out.Operation}, {colPeer, &out.Peer}, {colStatement, &out.Statement}} {
		t, err := r.text(c.leaf)
		if err != nil {
			return err
		}
		number := g.numbering(c.leaf, t)
		for _, row := range rows {
			*c.to = append(*c.to, g.intern(number, t, t.of[row]))
		}
	}
	t, err := r.text(colKind)
	if err != nil {
		return err
	}
	kinds, err := kindsOf(t)
	if err != nil {
		return r.where(colKind, err)
	}
	for _, row := range rows {
		out.Kind = append(out.Kind, kinds[t.of[row]])
	}
	return nil
}

// kindsOf reads the words of a page as kinds.
func kindsOf(t *textPage) ([]pitwall.SpanKind, error) {
	kinds := make([]pitwall.SpanKind, len(t.words.ends))
	for i := range kinds {
		kind, ok := kindOf(string(t.words.word(uint32(i))))
		if !ok {
			return nil, damaged("kind %q", t.words.word(uint32(i)))
		}
		kinds[i] = kind
	}
	return kinds, nil
}

// takeAttrs appends the attributes: those with a column first, in the order of
// the columns, then the others.
func (g *gatherer) takeAttrs(r *reader, rows []uint32) error {
	for i := range g.attrs {
		if err := g.takeColumn(r, rows, &g.attrs[i]); err != nil {
			return err
		}
	}
	var rest *listPage
	if !r.listEmpty() {
		var err error
		if rest, err = r.list(); err != nil {
			return err
		}
	}
	var keys, values []uint32
	if rest != nil {
		keys = g.numbering(len(g.b.names)-2, &rest.key)
		values = g.numbering(len(g.b.names)-1, &rest.value)
	}
	out := g.batch
	for k, row := range rows {
		for i := range g.attrs {
			if c := &g.attrs[i]; c.any && c.values[k] != Absent {
				out.AttrKey, out.AttrValue = append(out.AttrKey, c.key-1), append(out.AttrValue, c.values[k])
			}
		}
		if rest != nil {
			from := uint32(0)
			if row > 0 {
				from = rest.end[row-1]
			}
			for ; from < rest.end[row]; from++ {
				out.AttrKey = append(out.AttrKey, g.intern(keys, &rest.key, rest.key.of[from]))
				out.AttrValue = append(out.AttrValue, g.intern(values, &rest.value, rest.value.of[from]))
			}
		}
		out.AttrEnd = append(out.AttrEnd, uint32(len(out.AttrKey)))
	}
	return nil
}

// takeColumn reads one attribute of the rows.
func (g *gatherer) takeColumn(r *reader, rows []uint32, c *attrColumn) error {
	if c.any = false; r.empty(c.leaf) {
		return nil
	}
	t, err := r.text(c.leaf)
	if err != nil {
		return err
	}
	number := g.numbering(c.leaf, t)
	c.values = c.values[:0]
	for _, row := range rows {
		value := Absent
		if word := t.of[row]; word != none {
			value, c.any = g.intern(number, t, word), true
		}
		c.values = append(c.values, value)
	}
	if c.any && c.key == 0 {
		c.key = g.batch.Intern(g.b.names[c.leaf][len(attrPrefix):]) + 1
	}
	return nil
}
