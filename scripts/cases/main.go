// Command cases diagnoses every recorded incident below a folder with a pitwall
// and prints how good the answers are, by data set.
//
//	go run ./scripts/cases -pitwall ./pitwall ../shared/bench/diagnosis
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pitwall/pitwall/internal/diagnose/score"
	"github.com/pitwall/pitwall/scripts/exam"
)

func main() {
	bin := flag.String("pitwall", "pitwall", "the program to ask")
	only := flag.String("only", "", "cases whose name contains this")
	verbose := flag.Bool("v", false, "a line for each case")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: cases [-pitwall FILE] [-only TEXT] [-v] FOLDER…")
		os.Exit(2)
	}
	marks, err := run(*bin, *only, flag.Args(), *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cases:", err)
		os.Exit(1)
	}
	fmt.Print(score.Text(score.Rows(marks, group)))
}

// group is the data set; quiet times of one are a group of their own.
func group(m score.Mark) string {
	if m.Truth.None && m.Truth.External == "" {
		return cmp.Or(m.Truth.Source, "?") + " quiet"
	}
	return cmp.Or(m.Truth.Source, "?")
}

func run(bin, only string, roots []string, verbose bool) ([]score.Mark, error) {
	var marks []score.Mark
	for _, root := range roots {
		dirs, err := filepath.Glob(filepath.Join(root, "*", "truth.json"))
		if err != nil {
			return nil, err
		}
		slices.Sort(dirs)
		for _, truth := range dirs {
			dir := filepath.Dir(truth)
			if !strings.Contains(filepath.Base(dir), only) {
				continue
			}
			r, err := exam.Take(context.Background(), bin, dir)
			if err != nil {
				return nil, err
			}
			if verbose {
				line(r)
			}
			marks = append(marks, r.Mark)
		}
	}
	if len(marks) == 0 {
		return nil, fmt.Errorf("no case with a truth.json below %s: %w", strings.Join(roots, ", "), fs.ErrNotExist)
	}
	return marks, nil
}

func line(r exam.Result) {
	m := r.Mark
	mark := "WRONG"
	if r.Right() {
		mark = "ok   "
	}
	said := "nothing"
	if all := r.Answer.Ranked; len(all) > 0 {
		said = fmt.Sprintf("%s %s %.7s", all[0].Service, all[0].Class, strings.TrimPrefix(m.Blamed, "flag:"))
	}
	fmt.Printf("%s %-22s rank %d %-12s said %-50s truth %s %s %.7s (%.2f s)\n", mark, m.Case, m.Rank, m.Verdict, said,
		m.Truth.Service, m.Truth.Class, m.Truth.Change, r.Took.Seconds())
}
