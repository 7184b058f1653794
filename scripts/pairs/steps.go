package main

import (
	"bytes"
	"cmp"
	"compress/flate"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// step is one kind of work a request does, in units of a few microseconds.
type step struct {
	culprit string // the function that does the units, as profiles name it
	do      func(units int)
}

// item is what the steps work on.
type item struct {
	ID    string   `json:"id" xml:"id,attr"`
	Name  string   `json:"name" xml:"name"`
	Price float64  `json:"price" xml:"price"`
	Tags  []string `json:"tags" xml:"tags>tag"`
}

// work holds what the steps need, so that none has to make it first.
type work struct {
	items []item
	text  string
	blob  []byte
	index map[string]int
	keys  []string
	words *regexp.Regexp
	page  *template.Template
	null  *os.File // read again and again, for the system call
	kept  []*node  // what is allocated lives for a while, as caches do
	at    int
	sink  int
}

// node is one small allocation.
type node struct {
	next *node
	pad  [48]byte
}

func newWork() (*work, error) {
	w := &work{index: map[string]int{}, kept: make([]*node, 256)}
	for i := range 64 {
		w.items = append(w.items, item{
			ID: fmt.Sprintf("sku-%04d", i*7919%1000), Name: strings.Repeat("part ", i%5+1), Price: float64(i) * 1.25,
			Tags: []string{"red", "large", strconv.Itoa(i)},
		})
	}
	for i := range 1 << 16 { // more than fits a cache, so that twice as many take twice as long
		key := fmt.Sprintf("customer-%d", i*2654435761%10_000_019)
		w.index[key] = i
		w.keys = append(w.keys, key)
	}
	w.text = strings.Repeat("order 4711 of anna@example.org at 2024-05-01 for 12.50 EUR; ", 4)
	w.blob = []byte(strings.Repeat(w.text, 4))
	w.words = regexp.MustCompile(`[a-z]+@[a-z]+\.(org|com)`)
	w.page = template.Must(template.New("page").Parse(`<ul>{{range .}}<li id="{{.ID}}">{{.Name}} {{.Price}}</li>{{end}}</ul>`))
	f, err := os.Open(os.DevNull)
	w.null = f
	return w, err
}

// steps lists every kind of work.
func (w *work) steps() []step {
	return []step{
		{"main.(*work).stepJSON", w.stepJSON}, {"main.(*work).stepDecode", w.stepDecode}, {"main.(*work).stepSort", w.stepSort},
		{"main.(*work).stepMatch", w.stepMatch}, {"main.(*work).stepPack", w.stepPack}, {"main.(*work).stepHash", w.stepHash},
		{"main.(*work).stepLookup", w.stepLookup}, {"main.(*work).stepWords", w.stepWords}, {"main.(*work).stepAllocate", w.stepAllocate},
		{"main.(*work).stepRead", w.stepRead}, {"main.(*work).stepPage", w.stepPage}, {"main.(*work).stepXML", w.stepXML},
		{"main.(*work).roundTotals", w.stepQuote},
	}
}

//go:noinline
func (w *work) stepJSON(units int) {
	for i := range units {
		b, _ := json.Marshal(w.items[i%8 : i%8+4])
		w.sink += len(b)
	}
}

//go:noinline
func (w *work) stepDecode(units int) {
	for i := range units {
		var x item
		_ = json.Unmarshal([]byte(`{"id":"sku-1","name":"part","price":12.5,"tags":["red","large","7"]}`), &x)
		w.sink += len(x.Name) + i
	}
}

//go:noinline
func (w *work) stepSort(units int) {
	for range units {
		list := slices.Clone(w.items)
		slices.SortFunc(list, func(a, b item) int { return cmp.Compare(a.ID, b.ID) })
		w.sink += len(list[0].ID)
	}
}

//go:noinline
func (w *work) stepMatch(units int) {
	for range units {
		w.sink += len(w.words.FindAllStringIndex(w.text, -1))
	}
}

//go:noinline
func (w *work) stepPack(units int) {
	for range units {
		var buf bytes.Buffer
		z := packers.Get().(*flate.Writer)
		z.Reset(&buf)
		_, _ = z.Write(w.blob)
		_ = z.Close()
		packers.Put(z)
		w.sink += buf.Len()
	}
}

//go:noinline
func (w *work) stepHash(units int) {
	for range units {
		sum := sha256.Sum256(w.blob)
		w.sink += int(sum[0])
	}
}

//go:noinline
func (w *work) stepLookup(units int) {
	for range units {
		for range 32 {
			w.at = (w.at + 11_117) % len(w.keys)
			w.sink += w.index[w.keys[w.at]]
		}
	}
}

//go:noinline
func (w *work) stepWords(units int) {
	for range units {
		var b strings.Builder
		for _, word := range strings.Fields(w.text) {
			b.WriteString(strings.ToUpper(word))
			b.WriteByte(' ')
		}
		w.sink += b.Len()
	}
}

//go:noinline
func (w *work) stepAllocate(units int) {
	for range units {
		var head *node
		for range 32 {
			head = &node{next: head}
		}
		w.at++
		w.kept[w.at%len(w.kept)] = head
	}
}

//go:noinline
func (w *work) stepRead(units int) {
	var b [1]byte
	for range units {
		n, _ := w.null.ReadAt(b[:], 0)
		w.sink += n
	}
}

//go:noinline
func (w *work) stepPage(units int) {
	for range units {
		_ = w.page.Execute(io.Discard, w.items[:2])
	}
}

//go:noinline
func (w *work) stepXML(units int) {
	for range units {
		b, _ := xml.Marshal(w.items[:1])
		w.sink += len(b)
	}
}

// stepQuote does as much work of its own as roundTotals has at factor 1: its
// change lies in a function of the service one deeper.
//
//go:noinline
func (w *work) stepQuote(units int) {
	for i := range 6 {
		for _, it := range w.items {
			w.sink += len(strconv.FormatFloat(it.Price*float64(i), 'f', 2, 64))
		}
	}
	w.roundTotals(units)
}

//go:noinline
func (w *work) roundTotals(units int) {
	for range units {
		for _, it := range w.items[:32] {
			x, _ := strconv.ParseFloat(strconv.FormatFloat(it.Price*1.19, 'f', 3, 64), 64)
			w.sink += int(x)
		}
	}
}
