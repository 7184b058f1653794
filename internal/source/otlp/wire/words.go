package wire

import (
	"hash/maphash"
	"strings"
	"unicode/utf8"
)

// What a walker remembers of the words of earlier requests; beyond it, it
// begins anew.
const (
	warmWords = 1 << 14
	warmBytes = 1 << 20
)

// word is a text met in this request or an earlier one.
type word struct {
	text   string
	epoch  uint32 // of the request that last held it
	number uint32 // in that request's dictionary
	class  class  // what an attribute of this key is for; unknown until asked
}

// slot is a place of the hash table; id is one more than the word's index.
type slot struct{ hash, id uint32 }

// words numbers texts. It finds those it knows without allocating.
type words struct {
	seed  maphash.Seed // of this process, so that nobody can choose texts that collide
	slots []slot       // a power of two, at most half full
	list  []word
	bytes int
	epoch uint32
}

func newWords() words { return words{seed: maphash.MakeSeed()} }

// begin starts a request, forgetting what has become too much.
func (w *words) begin() {
	w.epoch++
	if len(w.list) > warmWords || w.bytes > warmBytes || w.epoch == 0 || len(w.slots) == 0 {
		*w = words{seed: w.seed, slots: make([]slot, 1<<10), list: make([]word, 0, 1<<8), epoch: 1}
	}
}

// find gives the index of a text; -1 and the place it would take when unknown.
func (w *words) find(b []byte) (index int, hash uint64, at uint32) {
	hash = maphash.Bytes(w.seed, b)
	mask := uint32(len(w.slots) - 1)
	for at = uint32(hash) & mask; ; at = (at + 1) & mask {
		s := w.slots[at]
		if s.id == 0 {
			return -1, hash, at
		}
		if s.hash == uint32(hash>>32) && w.list[s.id-1].text == string(b) {
			return int(s.id - 1), hash, at
		}
	}
}

// add takes in a text that find did not know, at the place it gave.
func (w *words) add(text string, hash uint64, at uint32) (index int) {
	w.list = append(w.list, word{text: text})
	w.bytes += len(text)
	w.slots[at] = slot{uint32(hash >> 32), uint32(len(w.list))}
	if 2*len(w.list) > len(w.slots) {
		w.grow()
	}
	return len(w.list) - 1
}

func (w *words) grow() {
	w.slots = make([]slot, 2*len(w.slots))
	mask := uint32(len(w.slots) - 1)
	for i := range w.list {
		hash := maphash.String(w.seed, w.list[i].text)
		at := uint32(hash) & mask
		for w.slots[at].id != 0 {
			at = (at + 1) & mask
		}
		w.slots[at] = slot{uint32(hash >> 32), uint32(i + 1)}
	}
}

// number gives the number of a text, cut to limit bytes of sound UTF-8, in the
// dictionary of the request being walked.
func (w *Walker) number(b []byte, limit int) uint32 {
	if len(b) == 0 {
		return 0
	}
	if len(b) > limit {
		b = []byte(clip(string(b), limit))
	}
	i, hash, at := w.words.find(b)
	if i < 0 {
		if !utf8.Valid(b) {
			return w.number([]byte(clip(string(b), limit)), limit)
		}
		i = w.words.add(string(b), hash, at)
	}
	return w.numberOf(i)
}

// numberOf gives the number of a known word, which it gets when first met.
func (w *Walker) numberOf(index int) uint32 {
	known := &w.words.list[index]
	if known.epoch != w.words.epoch {
		known.epoch, known.number = w.words.epoch, uint32(len(w.strings))
		w.strings = append(w.strings, known.text)
	}
	return known.number
}

// clip cuts a text to at most limit bytes of sound UTF-8.
func clip(s string, limit int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) <= limit {
		return s
	}
	cut := limit - len("…")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
