package spans

import "github.com/pitwall/pitwall"

// copyOut appends the hits, with a dictionary of only what they use.
func copyOut(out *pitwall.SpanBatch, views []view, hits []hit) {
	var number []uint32
	for from := 0; from < len(hits); {
		to := from
		for to < len(hits) && hits[to].view == hits[from].view {
			to++
		}
		src := &views[hits[from].view].b
		number = wordsUsed(out, src, hits[from:to], number)
		for _, h := range hits[from:to] {
			appendRows(out, src, h.from, h.to, number)
		}
		from = to
	}
}

// copyRows appends another batch.
func copyRows(out, src *pitwall.SpanBatch) {
	if src.Len() > 0 {
		copyOut(out, []view{{b: *src}}, []hit{{0, 0, src.Len()}})
	}
}

// wordsUsed interns the strings of the hits' rows and gives the translation.
func wordsUsed(out, src *pitwall.SpanBatch, hits []hit, number []uint32) []uint32 {
	const unset = 1<<32 - 1
	number = number[:0]
	for range src.Strings {
		number = append(number, unset)
	}
	use := func(words []uint32) {
		for _, v := range words {
			if number[v] == unset {
				number[v] = out.Intern(src.Strings[v])
			}
		}
	}
	for _, h := range hits {
		use(src.Service[h.from:h.to])
		use(src.Version[h.from:h.to])
		use(src.Operation[h.from:h.to])
		use(src.Peer[h.from:h.to])
		use(src.Statement[h.from:h.to])
		first := uint32(0)
		if h.from > 0 {
			first = src.AttrEnd[h.from-1]
		}
		use(src.AttrKey[first:src.AttrEnd[h.to-1]])
		use(src.AttrValue[first:src.AttrEnd[h.to-1]])
	}
	return number
}
