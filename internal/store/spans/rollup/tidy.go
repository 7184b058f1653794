package rollup

import (
	"context"
	"fmt"
	"io"
	"math/bits"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	// together is how many neighbours of one size become one file.
	together = 8
	// slack is how much longer than asked something may stay in a file, so that
	// a file is not written anew each minute.
	slack = 6 // hours
)

// writeTable writes the file of one cut.
func writeTable(dst io.Writer, t *Table, f footer) error {
	w := newWriter(dst)
	for from := 0; from < len(t.Rows); {
		of, to := floorHour(t.Rows[from].Minute), from
		for to < len(t.Rows) && floorHour(t.Rows[to].Minute) == of {
			to++
		}
		minutes := &Table{Keys: t.Keys, Rows: t.Rows[from:to]}
		f.hours = append(f.hours, hour{
			hour: of, minutes: w.rows(minutes, of), whole: w.rows(merge([]*Table{minutes}, Limits{}, true), of),
		})
		from = to
	}
	return w.finish(f)
}

func floorHour(minute int64) int64 { return (minute - mod(minute, 60)) / 60 }

// Tidy does one piece of upkeep: it deletes a file that is too old, merges
// neighbours, or makes hours of old minutes. did is false when all is tidy. A
// file that was found damaged is set aside, which ErrDamaged tells.
func (s *Set) Tidy(ctx context.Context, now time.Time) (did bool, err error) {
	s.mu.Lock()
	files := slices.Clone(s.files)
	s.mu.Unlock()
	oldest, minutes := s.bounds(now)
	for _, f := range files {
		if f.bad.Load() {
			return true, s.setAside(f)
		}
		if _, last, ok := f.span(); ok && last < oldest {
			return true, s.replace([]*File{f}, nil)
		}
	}
	if run := neighbours(files); run != nil {
		return true, s.rewrite(ctx, run, now, true)
	}
	for _, f := range files {
		first, _, ok := f.span()
		stale := ok && first < oldest-slack || slices.ContainsFunc(f.hours, func(h hour) bool {
			return h.minutes.size > 0 && h.hour < minutes-slack
		})
		if stale {
			return true, s.rewrite(ctx, []*File{f}, now, f.settled)
		}
	}
	return false, nil
}

// setAside takes a damaged file out of the set and keeps it for a person.
func (s *Set) setAside(f *File) error {
	if err := os.Rename(f.path, f.path+".damaged"); err != nil {
		return fmt.Errorf("setting a damaged rollup aside: %w", err)
	}
	_ = s.replace([]*File{f}, nil) // under its old name there is nothing to delete
	return fmt.Errorf("rollup %s set aside: %w", filepath.Base(f.path), ErrDamaged)
}

// Settle makes sure that the newest cut counts as finished, whatever becomes of
// its block.
func (s *Set) Settle(ctx context.Context, now time.Time) error {
	if _, ok := s.Unsettled(); !ok {
		return nil
	}
	s.mu.Lock()
	last := s.files[len(s.files)-1]
	s.mu.Unlock()
	return s.rewrite(ctx, []*File{last}, now, true)
}

// bounds gives the first hour that is kept, and the first kept by minute.
func (s *Set) bounds(now time.Time) (oldest, minutes int64) {
	hour := func(keep time.Duration) int64 { return floorHour(now.Add(-keep).Unix() / 60) }
	return hour(s.opt.Retention), hour(s.opt.Minutes)
}

// level is how often the cuts of a file were merged.
func (f *File) level() int { return (bits.Len64(f.to-f.from+1) - 1) / 3 }

// neighbours finds the first run of files of one level long enough to merge.
func neighbours(files []*File) []*File {
	for from := 0; from < len(files); {
		to := from
		for to < len(files) && files[to].level() == files[from].level() {
			to++
		}
		if to-from >= together {
			return files[from : from+together]
		}
		from = to
	}
	return nil
}

// rewrite makes one file of neighbours.
func (s *Set) rewrite(ctx context.Context, files []*File, now time.Time, settled bool) error {
	f := footer{settled: settled}
	for _, old := range files {
		f.covers = joinCovers(f.covers, old.covers)
		f.arrival = max(f.arrival, old.arrival)
	}
	path := s.path(files[0].from, files[len(files)-1].to)
	if err := create(path, func(dst io.Writer) error { return s.mergeInto(ctx, dst, files, f, now) }); err != nil {
		return fmt.Errorf("merging rollups: %w", err)
	}
	merged, err := openFile(path)
	if err != nil {
		return fmt.Errorf("merging rollups: %w", err)
	}
	return s.replace(files, merged)
}

func (s *Set) mergeInto(ctx context.Context, dst io.Writer, files []*File, f footer, now time.Time) error {
	oldest, minutes := s.bounds(now)
	w := newWriter(dst)
	keys := make([][]Key, len(files))
	var hours []int64
	for i, old := range files {
		var err error
		if keys[i], err = old.readKeys(); err != nil {
			return err
		}
		for _, h := range old.hours {
			if h.hour >= oldest {
				hours = append(hours, h.hour)
			}
		}
	}
	slices.Sort(hours)
	limits := Limits{PerMinute: s.opt.PerMinute}
	for _, of := range slices.Compact(hours) {
		if err := ctx.Err(); err != nil {
			return err
		}
		tables, byMinute, err := tablesOf(files, keys, of, of >= minutes)
		if err != nil {
			return err
		}
		h := hour{hour: of}
		if byMinute {
			t := merge(tables, limits, false)
			h.minutes = w.rows(t, of)
			tables = []*Table{t}
		}
		h.whole = w.rows(merge(tables, limits, true), of)
		f.hours = append(f.hours, h)
	}
	return w.finish(f)
}

// tablesOf reads one hour of the files that have it: by minute when that is
// wanted and all of them can.
func tablesOf(files []*File, keys [][]Key, of int64, byMinute bool) (tables []*Table, minutes bool, err error) {
	var have []int
	for i, f := range files {
		if at, ok := f.find(of); ok {
			have = append(have, i)
			byMinute = byMinute && f.hours[at].minutes.size > 0
		}
	}
	for _, i := range have {
		at, _ := files[i].find(of)
		t, err := files[i].table(files[i].hours[at], keys[i], !byMinute)
		if err != nil {
			return nil, false, err
		}
		tables = append(tables, t)
	}
	return tables, byMinute, nil
}

func (f *File) find(of int64) (at int, ok bool) {
	return slices.BinarySearchFunc(f.hours, of, func(h hour, of int64) int { return int(min(max(h.hour-of, -1), 1)) })
}

// replace puts one file, or none, in the place of some and deletes those.
func (s *Set) replace(old []*File, by *File) error {
	s.mu.Lock()
	at := slices.Index(s.files, old[0])
	s.files = slices.Delete(s.files, at, at+len(old))
	if by != nil {
		s.files = slices.Insert(s.files, at, by)
	}
	s.mu.Unlock()
	var err error
	for _, f := range old {
		if by == nil || f.path != by.path {
			if gone := os.Remove(f.path); gone != nil && !os.IsNotExist(gone) && err == nil {
				err = fmt.Errorf("deleting rollup: %w", gone)
			}
		}
		f.release()
	}
	return err
}

// joinCovers appends stretches, growing the last one where they follow it.
func joinCovers(to, from []Cover) []Cover {
	for _, c := range from {
		if n := len(to); n > 0 && to[n-1].Last+1 == c.First && to[n-1].Block == c.Block {
			to[n-1].Last = c.Last
			continue
		}
		to = append(to, c)
	}
	return to
}
