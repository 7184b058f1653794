// Command cases diagnoses every recorded incident below a folder with a pitwall
// and prints how good the answers are, by data set.
//
//	go run ./scripts/cases -pitwall ./pitwall ../shared/bench/diagnosis
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pitwall/pitwall/internal/diagnose/score"
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
			m, err := one(bin, dir, verbose)
			if err != nil {
				return nil, err
			}
			marks = append(marks, m)
		}
	}
	if len(marks) == 0 {
		return nil, fmt.Errorf("no case with a truth.json below %s: %w", strings.Join(roots, ", "), fs.ErrNotExist)
	}
	return marks, nil
}

func one(bin, dir string, verbose bool) (score.Mark, error) {
	truth, err := score.ReadTruth(dir)
	if err != nil {
		return score.Mark{}, err
	}
	cmd := exec.Command(bin, "diagnosis", "run", "--case", dir, "-o", "json")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	err = cmd.Run()
	took := time.Since(began)
	var a score.Answer
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit): // an answer all the same, and a wrong one
		fmt.Fprintf(os.Stderr, "%s: exit code %d: %s", filepath.Base(dir), exit.ExitCode(), errs.String())
	case err != nil:
		return score.Mark{}, err
	default:
		if err := json.Unmarshal(out.Bytes(), &a); err != nil {
			return score.Mark{}, fmt.Errorf("%s: %w", dir, err)
		}
	}
	m := score.One(filepath.Base(dir), truth, a)
	if verbose {
		line(m, a, took)
	}
	return m, nil
}

func line(m score.Mark, a score.Answer, took time.Duration) {
	right := m.Rank == 1 && (m.Truth.Change == "" || m.Change) && m.Class
	if m.Truth.None {
		right = m.NoneOK
	}
	mark := "WRONG"
	if right {
		mark = "ok   "
	}
	said := "nothing"
	if len(a.Ranked) > 0 {
		said = fmt.Sprintf("%s %s %.7s", a.Ranked[0].Service, a.Ranked[0].Class, strings.TrimPrefix(m.Blamed, "flag:"))
	}
	fmt.Printf("%s %-22s rank %d %-12s said %-50s truth %s %s %.7s (%.2f s)\n", mark, m.Case, m.Rank, m.Verdict, said,
		m.Truth.Service, m.Truth.Class, m.Truth.Change, took.Seconds())
}
