package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/report"
	"github.com/pitwall/pitwall/internal/trace"
)

// paths finds the critical paths of requests.
type paths struct {
	how pathing
	b   *pitwall.SpanBatch
	f   *trace.Forest
	w   *trace.Walker
}

func newPaths(b *pitwall.SpanBatch, how pathing) *paths {
	f := trace.Build(b)
	return &paths{how: how, b: b, f: f, w: trace.NewWalker(b, f)}
}

// warn says what is missing or broken in the traces: paths end there.
func (p *paths) warn(stderr io.Writer) {
	for _, w := range []struct {
		n    int
		what string
	}{
		{p.f.Orphans, "spans whose parent is not there; what they did is on no path"},
		{p.f.Duplicates, "spans that are there twice; they count once"},
		{p.f.Cycles, "circles of spans that are each other's parents; they were cut"},
	} {
		if w.n > 0 {
			fmt.Fprintf(stderr, "warning: %s: %d\n", w.what, w.n)
		}
	}
}

// roots are the requests: of each trace its first top span, or all spans of the
// operation asked for that are not beneath another of them.
func (p *paths) roots() ([]int, error) {
	var list []int
	if p.how.root == "" {
		first := map[int32]int32{}
		for _, r := range p.f.Roots {
			old, ok := first[p.f.TraceOf[r]]
			if !ok || p.b.Start[r] < p.b.Start[old] || p.b.Start[r] == p.b.Start[old] && p.b.Duration[r] > p.b.Duration[old] {
				first[p.f.TraceOf[r]] = r
			}
		}
		for t := range p.f.Traces() {
			list = append(list, int(first[int32(t)]))
		}
		return list, nil
	}
	type step struct {
		span   int32
		inside bool
	}
	var todo []step
	for _, r := range p.f.Roots {
		todo = append(todo, step{r, false})
	}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !at.inside && p.b.Strings[p.b.Operation[at.span]] == p.how.root {
			list, at.inside = append(list, int(at.span)), true
		}
		for _, c := range p.f.Children(int(at.span)) {
			todo = append(todo, step{c, at.inside})
		}
	}
	if len(list) == 0 {
		e := pitwall.Errorf(pitwall.NotFound, "finding critical paths", "no span has the operation %q", p.how.root)
		e.Hint = "one of these: " + p.operations()
		return nil, e
	}
	slices.Sort(list)
	return list, nil
}

// operations names those of the top spans, at most ten.
func (p *paths) operations() string {
	var names []string
	for _, r := range p.f.Roots {
		if name := p.b.Strings[p.b.Operation[r]]; !slices.Contains(names, name) && len(names) < 10 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return printable(strings.Join(names, ", "))
}

// sums adds up what was waited for, by service and operation.
type sums struct {
	index map[[2]uint32]int
	list  []pathOperation
	took  []int64 // nanoseconds: their sum is exact
	last  []int   // the request that was added last
	no    int
}

func (s *sums) add(p *paths, span int, took int64, sections int) {
	key := [2]uint32{p.b.Service[span], p.b.Operation[span]}
	i, ok := s.index[key]
	if !ok {
		i = len(s.list)
		s.index[key] = i
		s.list = append(s.list, pathOperation{Service: pitwall.ServiceName(p.b.Strings[key[0]]), Operation: p.b.Strings[key[1]]})
		s.took, s.last = append(s.took, 0), append(s.last, -1)
	}
	s.took[i] += took
	s.list[i].Sections += sections
	if s.last[i] != s.no {
		s.last[i] = s.no
		s.list[i].Requests++
	}
}

// shares gives the rows with the longest first.
func (s *sums) shares(total int64) []pathOperation {
	for i, took := range s.took {
		s.list[i].Critical = float64(took) / 1e9
		if total > 0 {
			s.list[i].Share = pitwall.Ratio(float64(took) / float64(total))
		}
	}
	slices.SortFunc(s.list, func(x, y pathOperation) int {
		return cmp.Or(cmp.Compare(y.Critical, x.Critical), cmp.Compare(x.Service, y.Service), cmp.Compare(x.Operation, y.Operation))
	})
	return s.list
}

func (p *paths) view(roots []int) pathView {
	v := pathView{Compat: p.how.compat, Requests: len(roots), Slowest: []pathRequest{}}
	all, total := &sums{index: map[[2]uint32]int{}}, int64(0)
	for no, r := range roots {
		all.no = no
		total += p.b.Duration[r]
		p.read(r, all, &v.Failures)
	}
	v.Total, v.Operations = float64(total)/1e9, all.shares(total)
	slices.SortStableFunc(roots, func(x, y int) int { return cmp.Compare(p.b.Duration[y], p.b.Duration[x]) })
	for _, r := range roots[:min(len(roots), p.how.slowest)] {
		v.Slowest = append(v.Slowest, p.request(r))
	}
	v.Repeated = p.repeated()
	return v
}

// A call twice in a row is usual, three times is a loop; more rows than a few
// nobody reads.
const (
	inARow       = 3
	mostRepeated = 10
)

// repeated are the calls made in a loop or again, the most frequent first.
func (p *paths) repeated() []pathRepeat {
	list := []pathRepeat{}
	for _, r := range trace.Repeats(p.b, p.f) {
		if r.Median >= inARow || r.Retries > 0 {
			list = append(list, pathRepeat{Service: r.Service, Operation: r.Operation, Call: cmp.Or(r.Statement, r.Call), Callee: r.Callee,
				Calls: r.Calls, Median: r.Median, P95: r.P95, Same: r.Same, Retries: r.Retries, Retrying: r.RetrySeconds})
		}
	}
	slices.SortStableFunc(list, func(a, b pathRepeat) int { return cmp.Compare(b.Calls, a.Calls) })
	return list[:min(len(list), mostRepeated)]
}

// read adds one request to the sums and gives its sections, if there are any.
func (p *paths) read(root int, to *sums, failures **pathFailures) []trace.Section {
	if p.how.compat == "" {
		path := p.w.CriticalPath(root)
		for _, s := range path {
			to.add(p, s.Span, s.Duration(), 1)
		}
		return path
	}
	c := trace.CriticalPathCRISP(p.b, p.f, root)
	for _, s := range c.Path {
		to.add(p, s.Span, s.Exclusive, 1)
	}
	if *failures == nil {
		*failures = &pathFailures{}
	}
	(*failures).Work += float64(c.Work) / 1e9
	(*failures).WorkSaved += float64(c.WorkSaved) / 1e9
	(*failures).PathSaved += float64(c.PathSaved) / 1e9
	return nil
}

func (p *paths) request(root int) pathRequest {
	b := p.b
	r := pathRequest{TraceID: fmt.Sprintf("%x", b.TraceID[root][:]), Service: pitwall.ServiceName(b.Strings[b.Service[root]]),
		Operation: b.Strings[b.Operation[root]], Start: time.Unix(0, b.Start[root]).UTC(), Duration: float64(b.Duration[root]) / 1e9}
	own := &sums{index: map[[2]uint32]int{}}
	for _, s := range p.read(root, own, &r.Failures) {
		r.Sections = append(r.Sections, pathSection{SpanID: fmt.Sprintf("%016x", b.SpanID[s.Span]), Service: pitwall.ServiceName(b.Strings[b.Service[s.Span]]),
			Operation: b.Strings[b.Operation[s.Span]], From: float64(s.From-b.Start[root]) / 1e9, Duration: float64(s.Duration()) / 1e9})
	}
	r.Operations = own.shares(b.Duration[root])
	return r
}

// print draws the table: what was waited for, and the slowest requests.
func (v pathView) print(g *global) error {
	w := tabwriter.NewWriter(g.env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SERVICE\tOPERATION\tWAITED FOR\tSHARE\tPER REQUEST\tSECTIONS\tREQUESTS")
	for _, o := range v.Operations {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\n", printable(string(o.Service)), printable(o.Operation), report.Seconds(o.Critical),
			report.Percent(float64(o.Share)), report.Seconds(o.Critical/float64(v.Requests)), o.Sections, o.Requests)
	}
	fmt.Fprintf(w, "all\t%s\t%s\n", counted(v.Requests, "request"), report.Seconds(v.Total))
	if f := v.Failures; f != nil {
		fmt.Fprintf(w, "without failures\t\t%s less\n", report.Seconds(f.PathSaved))
	}
	if len(v.Slowest) > 0 && v.Requests > 1 {
		fmt.Fprintln(w, "\nSLOWEST\tREQUEST\tTOOK\tSHARE\tMOST OF IT IN")
		for _, r := range v.Slowest {
			most := pathOperation{}
			if len(r.Operations) > 0 {
				most = r.Operations[0]
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.TraceID, printable(string(r.Service)+" "+r.Operation), report.Seconds(r.Duration),
				report.Percent(float64(most.Share)), printable(string(most.Service)+" "+most.Operation))
		}
	}
	if len(v.Repeated) > 0 {
		fmt.Fprintln(w, "\nREPEATED BY\tCALL\tCALLS\tIN A ROW\tWORD FOR WORD\tRETRIES")
	}
	for _, r := range v.Repeated {
		fmt.Fprintf(w, "%s\t%s\t%d\t%.0f (p95 %.0f)\t%s\t%d\n", printable(string(r.Service)+" "+r.Operation), printable(r.Call),
			r.Calls, r.Median, r.P95, report.Percent(float64(r.Same)), r.Retries)
	}
	return flushThen(w, g.env.Stderr, "the first row is where a faster span helps most; -o json gives every section of the slowest requests")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
