package trace

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/pitwall/pitwall"
)

// contrasting is two groups of requests with the attributes of their spans.
type contrasting struct {
	requests []request // the slow ones first
	slow     int
	slower   bool // the slow ones are: on average they take longer
	columns  []*column
	byKey    map[columnKey]*column
}

type request struct {
	start  int64
	took   float64 // seconds
	weight float64 // how many of its group it stands for
	slow   bool
	block  int // of time
}

type columnKey struct {
	service pitwall.ServiceName
	key     string
}

// column is one attribute of all requests.
type column struct {
	key     string
	service pitwall.ServiceName
	texts   []string
	number  map[string]int32
	entries []entry // by request
}

type entry struct{ request, text int32 }

func newContrasting(slow, typical Group) *contrasting {
	c := &contrasting{byKey: map[columnKey]*column{}}
	for _, g := range []Group{slow, typical} {
		r := reader{contrasting: c, Group: g, seen: map[uint64]taken{}}
		n := min(len(g.Requests), contrastRequests)
		for i := range n {
			row := int(g.Requests[i*len(g.Requests)/n])
			c.requests = append(c.requests, request{start: g.Batch.Start[row], took: float64(g.Batch.Duration[row]) / 1e9,
				weight: float64(len(g.Requests)) / float64(n), slow: c.slow == 0})
			r.read(row)
		}
		if c.slow == 0 {
			c.slow = n
		}
	}
	c.layBlocks()
	var took [2]sum
	for i, r := range c.requests {
		if i < c.slow {
			took[0].add(r.took, r.weight)
		} else {
			took[1].add(r.took, r.weight)
		}
	}
	c.slower = took[0].mean() > took[1].mean()
	return c
}

func (c *contrasting) layBlocks() {
	first, last := c.requests[0].start, c.requests[0].start
	for _, r := range c.requests {
		first, last = min(first, r.start), max(last, r.start)
	}
	for i := range c.requests {
		if last > first {
			at := float64(c.requests[i].start-first) / float64(last-first)
			c.requests[i].block = min(timeBlocks-1, int(at*timeBlocks))
		}
	}
}

// reader takes the attributes of one group in.
type reader struct {
	*contrasting
	Group
	seen map[uint64]taken // by key and value of the batch's dictionary, and whose span
	todo []int32
}

// taken is what an attribute of the batch is here: no name is looked up twice.
type taken struct {
	col  *column // nil: one key too many
	text int32
}

// entrySpan stands for the service of the entry span: its attributes are the
// request's own.
const entrySpan = 0

func (r *reader) read(head int) {
	r.todo = append(r.todo[:0], int32(head))
	for len(r.todo) > 0 {
		i := int(r.todo[len(r.todo)-1])
		r.todo = append(r.todo[:len(r.todo)-1], r.Forest.Children(i)...)
		service := r.Batch.Service[i]
		if i == head {
			service = entrySpan
		}
		from, to := attributes(r.Batch, i)
		for j := from; j < to; j++ {
			r.take(service, r.Batch.AttrKey[j], r.Batch.AttrValue[j])
		}
		r.columnsOf(i, service)
	}
}

// columnsOf takes what the batch holds as columns for attributes, under their
// OpenTelemetry names.
func (r *reader) columnsOf(i int, service uint32) {
	b := r.Batch
	if b.Version[i] != 0 {
		r.put(service, "service.version", b.Strings[b.Version[i]])
	}
	if b.Statement[i] != 0 {
		r.put(service, "db.query.text", b.Strings[b.Statement[i]])
	}
	if n := b.ReqBytes[i]; n >= 0 {
		r.put(service, "http.request.body.size", strconv.FormatInt(n, 10))
	}
	if n := b.RespBytes[i]; n >= 0 {
		r.put(service, "http.response.body.size", strconv.FormatInt(n, 10))
	}
}

func (r *reader) take(service, key, value uint32) {
	// Three dictionary numbers of 21 bits; a batch with more names more values
	// than any of them could be told apart by.
	const most = 1 << 21
	if service >= most || key >= most || value >= most {
		r.put(service, r.Batch.Strings[key], r.Batch.Strings[value])
		return
	}
	at := uint64(service)<<42 | uint64(key)<<21 | uint64(value)
	t, ok := r.seen[at]
	if !ok {
		t.col, t.text = r.find(service, r.Batch.Strings[key], r.Batch.Strings[value])
		r.seen[at] = t
	}
	r.note(t)
}

func (r *reader) put(service uint32, key, value string) {
	var t taken
	t.col, t.text = r.find(service, key, value)
	r.note(t)
}

func (r *reader) note(t taken) {
	if t.col != nil {
		t.col.entries = append(t.col.entries, entry{int32(len(r.requests) - 1), t.text})
	}
}

func (r *reader) find(service uint32, key, value string) (*column, int32) {
	name := pitwall.ServiceName(r.Batch.Strings[service])
	if service == entrySpan {
		name = ""
	}
	col := r.byKey[columnKey{name, key}]
	if col == nil {
		if len(r.columns) == contrastKeys {
			return nil, 0
		}
		col = &column{key: key, service: name, number: map[string]int32{}}
		r.byKey[columnKey{name, key}] = col
		r.columns = append(r.columns, col)
	}
	no, ok := col.number[value]
	if !ok {
		no = int32(len(col.texts))
		col.number[value] = no
		col.texts = append(col.texts, value)
	}
	return col, no
}

// table counts a column's values; ok is false when it is not worth a test: one
// value only, an id, a clock, or the duration under another name.
func (c *contrasting) table(col *column) (t table2, ok bool) {
	values, bins := col.numbers(len(c.requests))
	if bins {
		ok = c.fair(values)
	} else {
		values, ok = col.sets(len(c.requests))
	}
	if !ok {
		return t, false
	}
	t = table2{slow: c.slow, typical: len(c.requests) - c.slow, level: make([]int, len(c.requests))}
	level := map[string]int{}
	name := c.naming(values, bins)
	for i, r := range c.requests {
		text := name(i)
		l, known := level[text]
		if !known {
			l = len(t.names)
			level[text] = l
			t.names, t.values = append(t.names, text), append(t.values, cell{})
		}
		t.level[i] = l
		v := &t.values[l]
		if r.slow {
			v.slow++
		} else {
			v.typical++
		}
		v.took.add(r.took, r.weight)
	}
	return t, t.levels() > 1
}

// values of all requests: texts, or numbers where text is nil; set says which
// of them have any.
type values struct {
	set    []bool
	text   []string
	number []float64
}

// naming gives each request's value as it is counted: the number's bin, the
// text, or that of all rare texts together; "" without any.
func (c *contrasting) naming(v values, bins bool) func(i int) string {
	if bins {
		return v.binned()
	}
	count := map[string]int{}
	for i, text := range v.text {
		if v.set[i] {
			count[text]++
		}
	}
	frequent := make([]string, 0, len(count))
	for text, n := range count {
		if n >= leastExpected {
			frequent = append(frequent, text)
		}
	}
	slices.SortFunc(frequent, func(x, y string) int { return cmp.Or(cmp.Compare(count[y], count[x]), cmp.Compare(x, y)) })
	keep := map[string]bool{}
	for _, text := range frequent[:min(len(frequent), contrastLevels)] {
		keep[text] = true
	}
	return func(i int) string {
		if !v.set[i] || keep[v.text[i]] {
			return v.text[i]
		}
		return rareValues
	}
}

// sets gives each request its values as one text, in order, without repeats;
// ok is false where half of them or more are unique.
func (col *column) sets(requests int) (v values, ok bool) {
	const told = 3 // values of one request that are named
	v = values{set: make([]bool, requests), text: make([]string, requests)}
	distinct, n := map[string]bool{}, 0
	col.each(func(request int, texts []int32) {
		slices.Sort(texts)
		texts = slices.Compact(texts)
		text := col.texts[texts[0]]
		if len(texts) > 1 {
			var several []string
			for _, no := range texts[:min(len(texts), told)] {
				several = append(several, col.texts[no])
			}
			slices.Sort(several)
			text = strings.Join(several, ", ")
			if len(texts) > told {
				text = "(several)" // which of them come first is chance
			}
		}
		v.set[request], v.text[request] = true, text
		distinct[text] = true
		n++
	})
	return v, 2*len(distinct) < n || len(distinct) == 1
}

// each calls f with the texts of each request that has any.
func (col *column) each(f func(request int, texts []int32)) {
	var texts []int32
	for i, e := range col.entries {
		texts = append(texts, e.text)
		if i+1 == len(col.entries) || col.entries[i+1].request != e.request {
			f(int(e.request), texts)
			texts = texts[:0]
		}
	}
}
