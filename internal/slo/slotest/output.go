package slotest

import (
	"fmt"
	"strings"

	"github.com/pitwall/pitwall/internal/junit"
)

// Text words results for a terminal: a line for each test, and below it what was
// not as expected.
func Text(results []Result) string {
	var b strings.Builder
	failed := 0
	for _, r := range results {
		word := "ok  "
		if !r.Passed {
			word = "FAIL"
			failed++
		}
		fmt.Fprintf(&b, "%s %s:%d %s (%s)\n", word, r.File, r.Line, r.Name, checks(len(r.Checks)))
		for _, line := range faults(r) {
			fmt.Fprintf(&b, "       %s\n", line)
		}
	}
	switch {
	case len(results) == 0:
		b.WriteString("no tests\n")
	case failed > 0:
		fmt.Fprintf(&b, "%d of %d tests failed\n", failed, len(results))
	default:
		fmt.Fprintf(&b, "all %d tests passed\n", len(results))
	}
	return b.String()
}

func checks(n int) string {
	if n == 1 {
		return "1 check"
	}
	return fmt.Sprintf("%d checks", n)
}

// faults are what was not as expected.
func faults(r Result) (list []string) {
	if r.Error != "" {
		list = append(list, r.Error)
	}
	for _, c := range r.Checks {
		if !c.Passed {
			list = append(list, fmt.Sprintf("%s:%d after %s: %s is %s, want %s", r.File, c.Line, c.At, c.What, c.Got, c.Want))
		}
	}
	return list
}

// JUnit words results as JUnit XML, a suite for each file, as build servers read.
func JUnit(results []Result) ([]byte, error) {
	var out junit.Report
	at := map[string]int{}
	for _, r := range results {
		i, known := at[r.File]
		if !known {
			i = len(out.Suites)
			at[r.File] = i
			out.Suites = append(out.Suites, junit.Suite{Name: r.File})
		}
		c := junit.Case{Name: r.Name, Class: string(r.SLO), File: r.File, Line: r.Line}
		if list := faults(r); len(list) > 0 {
			fault := &junit.Fault{Message: list[0], Text: strings.Join(list, "\n")}
			if r.Error != "" {
				c.Error = fault
			} else {
				c.Failure = fault
			}
		}
		out.Suites[i].Add(c)
	}
	return out.XML()
}
