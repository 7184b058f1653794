package logs

// head is the newest records, in memory, oldest chunk first; guarded by the
// store's lock. Only the last chunk grows; readers hold copies whose rows do
// not change.
type head struct {
	chunks []*chunk
	full   int // bytes of all chunks but the last
	rows   int // after which a chunk is full
	t      translation
}

// newHead makes a head of so many bytes, in some tens of chunks.
func newHead(bytes int) head { return head{rows: min(chunkRows, max(1, bytes/32/bytesPerRow))} }

func (h *head) newChunk() *chunk { return newChunk(h.rows, h.rows*bytesPerRow/2) }

func (h *head) isFull(c *chunk) bool {
	return c.wordOf == nil || c.rows() >= h.rows || len(c.text) >= h.rows*bytesPerRow
}

// batch is what came in one delivery, on its way into the head.
type batch struct {
	rows     *chunk
	from     delivery
	position uint64
}

// add copies a batch to the end; it may fill several chunks.
func (h *head) add(b batch) {
	src, n := b.rows, b.rows.rows()
	for from := 0; from < n; {
		c := h.open()
		to := from
		for text := len(c.text); to < n && c.rows()+to-from < h.rows && text < h.rows*bytesPerRow; to++ {
			text += int(src.textEnd[to] - start(src.textEnd, to))
		}
		h.t.reset(src)
		c.take(src, from, to, &h.t)
		c.arrival, c.position, c.whole = max(c.arrival, b.from.arrival), b.position, to == n
		if c.whole && b.from.number != 0 {
			c.deliveries = append(c.deliveries, b.from)
		}
		from = to
	}
}

// open gives the chunk that takes the next row.
func (h *head) open() *chunk {
	n := len(h.chunks)
	if n > 0 && !h.isFull(h.chunks[n-1]) {
		return h.chunks[n-1]
	}
	if n > 0 {
		h.closeLast()
	}
	c := h.newChunk()
	h.chunks = append(h.chunks, c)
	return c
}

// closeLast makes the last chunk one that does not grow any more.
func (h *head) closeLast() {
	c := h.chunks[len(h.chunks)-1]
	if c.wordOf != nil {
		c.close()
	}
	h.full += c.bytes()
}

// bytes is what the head takes in memory, roughly.
func (h *head) bytes() int {
	if n := len(h.chunks); n > 0 {
		return h.full + h.chunks[n-1].bytes()
	}
	return 0
}

// oldest gives at least so many bytes of the oldest chunks, or all there are,
// up to the end of a batch, as chunks that do not grow any more.
func (h *head) oldest(atLeast int) []*chunk {
	size := 0
	for i, c := range h.chunks {
		if i == len(h.chunks)-1 {
			if c.rows() == 0 {
				return h.chunks[:i:i]
			}
			h.closeLast() // it is whole: a batch is added at once
			h.chunks = append(h.chunks, h.newChunk())
			return h.chunks[: i+1 : i+1]
		}
		if size += c.bytes(); size >= atLeast && c.whole {
			return h.chunks[: i+1 : i+1]
		}
	}
	return nil
}

// drop lets go of the n oldest chunks.
func (h *head) drop(n int) (records int) {
	for _, c := range h.chunks[:n] {
		if c != h.chunks[len(h.chunks)-1] {
			h.full -= c.bytes()
		}
		records += c.rows()
	}
	clear(h.chunks[:n])
	h.chunks = h.chunks[n:]
	return records
}

// older counts the oldest chunks whose newest record came before a time.
func (h *head) older(before int64) (n int) {
	for n < len(h.chunks) && h.chunks[n].rows() > 0 && h.chunks[n].arrival < before {
		n++
	}
	return n
}
