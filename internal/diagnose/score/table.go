package score

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// Row is one line of a table: what the marks of a group add up to.
type Row struct {
	Group                       string
	Cases                       int
	Culprits, Top1, Top3, Exact int // of the cases with a culprit
	Class                       int
	Changes, Change             int // of the cases with a culprit change
	Decoys                      int // of all cases
	None, NoneOK                int // of the cases where no change is to blame
	reciprocal                  float64
}

// MRR is the mean reciprocal rank of the culprit, [0,1].
func (r Row) MRR() float64 {
	if r.Culprits == 0 {
		return 0
	}
	return r.reciprocal / float64(r.Culprits)
}

func (r *Row) add(m Mark) {
	r.Cases++
	if m.Decoy {
		r.Decoys++
	}
	if m.Truth.Change != "" {
		r.Changes++
		r.Change += one(m.Change)
	}
	if m.Truth.None {
		r.None++
		r.NoneOK += one(m.NoneOK)
		return
	}
	r.Culprits++
	r.Top1 += one(m.Rank == 1)
	r.Top3 += one(m.Rank >= 1 && m.Rank <= 3)
	r.Exact += one(m.Exact)
	r.Class += one(m.Class)
	if m.Rank > 0 {
		r.reciprocal += 1 / float64(m.Rank)
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Rows sums marks by group, groups in order of their names, and the whole last.
func Rows(marks []Mark, group func(Mark) string) []Row {
	byName := map[string]*Row{}
	all := Row{Group: "all"}
	for _, m := range marks {
		name := group(m)
		if byName[name] == nil {
			byName[name] = &Row{Group: name}
		}
		byName[name].add(m)
		all.add(m)
	}
	var rows []Row
	for _, r := range byName {
		rows = append(rows, *r)
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Group, b.Group) })
	if len(rows) > 1 {
		rows = append(rows, all)
	}
	return rows
}

// Text words rows as a table.
func Text(rows []Row) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "group\tn\ttop-1\ttop-3\texact\tMRR\tclass\tchange\tdecoys\tnone ok")
	for _, r := range rows {
		of := func(n, all int) string {
			if all == 0 {
				return "–"
			}
			return fmt.Sprintf("%d/%d", n, all)
		}
		mrr := "–"
		if r.Culprits > 0 {
			mrr = fmt.Sprintf("%.3f", r.MRR())
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", r.Group, r.Cases, of(r.Top1, r.Culprits), of(r.Top3, r.Culprits),
			of(r.Exact, r.Culprits), mrr, of(r.Class, r.Culprits), of(r.Change, r.Changes), r.Decoys, of(r.NoneOK, r.None))
	}
	_ = w.Flush() // a strings.Builder does not fail
	return b.String()
}
