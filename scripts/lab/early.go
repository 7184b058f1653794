package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pitwall/pitwall/scripts/exam"
)

// What a loop that looks again and again sees of a case: the first of its
// window, then more and more.
const (
	firstLook = 20 * time.Second
	nextLook  = 10 * time.Second
)

// looked counts how the looks of one length went.
type looked struct{ looks, right, coarse, nameless, wrong, silent int }

// mark files one answer: right in all; of another class; no change named; a
// wrong one, or a wrong place; or nothing said yet.
func (l *looked) mark(r exam.Result) {
	l.looks++
	switch m := r.Mark; {
	case r.Right():
		l.right++
	case !likely(r):
		l.silent++
	case !m.Truth.None && m.Rank == 1 && (m.Truth.Change == "" || m.Change):
		l.coarse++
	case m.Blamed == "" && m.Truth.Change != "":
		l.nameless++
	default:
		l.wrong++
	}
}

func likely(r exam.Result) bool {
	return r.Answer.Verdict == "likely" || r.Answer.Verdict == "confirmed"
}

// lookEarly asks about the first part of each case's window, as a live engine
// does while it waits for more, and prints how often each length was right.
func lookEarly(ctx context.Context, o options, all []entry) error {
	tmp, err := os.MkdirTemp(o.out, "early-") // beside the cases, whose files are linked
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	byLength, first := map[time.Duration]*looked{}, map[bool]*looked{false: {}, true: {}}
	var longest time.Duration
	for _, e := range all {
		if e.Part != o.part() || e.LeftOut != "" || !wanted(e, o.only) {
			continue
		}
		quiet, settled := false, false
		for length := firstLook; ; length += nextLook {
			dir := filepath.Join(tmp, fmt.Sprintf("%s-%.0f", e.ID, length.Seconds()))
			whole, err := cut(e.Dir, dir, length)
			if err != nil {
				return err
			}
			r, err := exam.Take(ctx, o.pitwall, dir)
			if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
				return err
			}
			if byLength[length] == nil {
				byLength[length] = &looked{}
			}
			byLength[length].mark(r)
			if quiet = r.Mark.Truth.None && r.Mark.Truth.External == ""; likely(r) && !settled {
				settled = true
				first[quiet].mark(r)
			}
			if o.verbose {
				fmt.Printf("%2.0f s ", length.Seconds())
				line(e, r)
			}
			longest = max(longest, length)
			if whole {
				break
			}
		}
		if !settled {
			first[quiet].looks++
			first[quiet].silent++
		}
	}
	fmt.Print(earlyText(byLength, first, longest))
	return nil
}

// earlyText is the table: a line for each length, then the first likely answers,
// with which a loop would have gone on.
func earlyText(byLength map[time.Duration]*looked, first map[bool]*looked, longest time.Duration) string {
	var b strings.Builder
	row := func(name string, l looked) {
		fmt.Fprintf(&b, "%-24s %6d %6d %12d %10d %6d %8d\n", name, l.looks, l.right, l.coarse, l.nameless, l.wrong, l.silent)
	}
	fmt.Fprintf(&b, "%-24s %6s %6s %12s %10s %6s %8s\n", "window", "cases", "right", "other class", "no change", "wrong", "nothing")
	for length := firstLook; length <= longest; length += nextLook {
		row(fmt.Sprintf("first %.0f s", length.Seconds()), *byLength[length])
	}
	row("first likely, faults", *first[false])
	row("first likely, quiet", *first[true])
	return b.String()
}

// cut makes the case in from again in to, with the first of its window only; it
// says whether that is all of it.
func cut(from, to string, length time.Duration) (whole bool, err error) {
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || rel == "case.json" {
			return err
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, rel), 0o755)
		}
		return os.Link(path, filepath.Join(to, rel))
	})
	if err != nil {
		return false, err
	}
	raw, err := os.ReadFile(filepath.Join(from, "case.json"))
	if err != nil {
		return false, err
	}
	var all map[string]json.RawMessage
	var window struct {
		From time.Time `json:"from"`
		To   time.Time `json:"to"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return false, fmt.Errorf("%s: %w", from, err)
	}
	if err := json.Unmarshal(all["window"], &window); err != nil {
		return false, fmt.Errorf("%s: window: %w", from, err)
	}
	until := window.From.Add(length)
	if whole = !until.Before(window.To); !whole {
		window.To = until
	}
	if all["window"], err = json.Marshal(window); err != nil {
		return false, err
	}
	if raw, err = json.Marshal(all); err != nil {
		return false, err
	}
	return whole, os.WriteFile(filepath.Join(to, "case.json"), raw, 0o644)
}
