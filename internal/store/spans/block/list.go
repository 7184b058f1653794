package block

import (
	"slices"
)

// listPage is the present page of attrs: row i has the entries from end[i-1] to
// end[i].
type listPage struct {
	group, page int // where it was read, plus one
	end         []uint32
	key, value  textPage
}

// list reads the present page of attrs.
func (r *reader) list() (*listPage, error) {
	l := &r.rest
	if l.group == r.group+1 && l.page == r.page+1 {
		return l, nil
	}
	for i, t := range []*textPage{&l.key, &l.value} {
		leaf := len(r.b.names) - listLeaves + i
		shared, err := r.words(leaf)
		if err != nil {
			return nil, err
		}
		p, err := r.data(leaf)
		if err == nil {
			err = r.readEntries(l, t, p, entryOptions{words: shared, first: i == 0})
		}
		if err != nil {
			return nil, r.where(leaf, err)
		}
	}
	l.group, l.page = r.group+1, r.page+1
	return l, nil
}

type entryOptions struct {
	words *dictionary
	first bool // of the two leaves
}

// readEntries decodes one leaf; the second must have the levels of the first.
func (r *reader) readEntries(l *listPage, t *textPage, p body, o entryOptions) (err error) {
	// Each entry takes at least a bit of the page, so what is allocated here is
	// bounded by what was read: checkRuns comes first.
	repeated, again := []byte(nil), 0
	if repeated, again, err = r.unpackLevels(r.levels, p.repetition, p.values); err != nil {
		return err
	}
	r.levels = repeated
	if p.values-again != r.rows {
		return damaged("%d rows where %d belong", p.values-again, r.rows)
	}
	defined, ones := []byte(nil), 0
	if defined, ones, err = r.unpackLevels(r.defined, p.definition, p.values); err != nil {
		return err
	}
	r.defined = defined
	if ones != p.values-p.nulls {
		return damaged("%d entries, %d by its levels", p.values-p.nulls, ones)
	}
	if o.first {
		l.end = slices.Grow(l.end[:0], r.rows)
	}
	n, row := uint32(0), -1
	for i, on := range defined {
		if repeated[i] == 0 {
			row++
		} else if i == 0 || on == 0 || defined[i-1] == 0 {
			return damaged("an entry without its row")
		}
		n += uint32(on)
		switch {
		case !o.first:
			if i+1 == len(defined) || repeated[i+1] == 0 {
				if l.end[row] != n {
					return damaged("keys and values do not fit together")
				}
			}
		case repeated[i] == 0:
			l.end = append(l.end, n)
		default:
			l.end[row] = n
		}
	}
	return r.readWords(t, p.data, ones, o.words)
}
