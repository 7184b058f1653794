package rollup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
)

// File is a finished rollup file, open for reading. It stays open until the
// last who uses it releases it.
type File struct {
	path     string
	from, to uint64 // the cuts it adds up, both included
	footer
	size int64
	r    *os.File
	uses atomic.Int32
	bad  atomic.Bool // damage was found
}

func openFile(path string) (*File, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, r: r}
	f.uses.Store(1)
	if _, err := fmt.Sscanf(filepath.Base(path), nameFormat, &f.from, &f.to); err != nil || f.from > f.to {
		f.release()
		return nil, fmt.Errorf("%s is not the name of a rollup file", filepath.Base(path))
	}
	info, err := r.Stat()
	if err == nil {
		f.size = info.Size()
		f.footer, err = readFooter(r, f.size)
	}
	if err != nil {
		f.release()
		return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return f, nil
}

func (f *File) hold() *File {
	f.uses.Add(1)
	return f
}

func (f *File) release() {
	if f.uses.Add(-1) == 0 {
		_ = f.r.Close() // it was only read
	}
}

// span is the hours the file has, both included; ok is false when it has none.
func (f *File) span() (first, last int64, ok bool) {
	if len(f.hours) == 0 {
		return 0, 0, false
	}
	return f.hours[0].hour, f.hours[len(f.hours)-1].hour, true
}

func (f *File) readKeys() (keys []Key, err error) {
	data, err := readSection(f.r, f.size, f.keys)
	if err == nil {
		keys, err = decodeKeys(data)
	}
	return keys, f.told(err)
}

// told names the file in an error, and remembers damage.
func (f *File) told(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrDamaged) {
		f.bad.Store(true)
	}
	return fmt.Errorf("%s: %w", filepath.Base(f.path), err)
}

// sum adds what the file has to a sum: whole hours where they lie in the asked
// stretch, minutes at its ends.
func (f *File) sum(ctx context.Context, s *Sum) error {
	first, last, ok := f.span()
	if !ok || last*60+60 <= s.from || first*60 >= s.to {
		return nil
	}
	keys, err := f.readKeys()
	if err != nil {
		return err
	}
	of := s.numbers(keys)
	wanted := func(k uint32) bool { return of[k] != none }
	for _, h := range f.hours {
		if err := ctx.Err(); err != nil {
			return err
		}
		base := h.hour * 60
		at := h.minutes
		if s.from <= base && base+60 <= s.to || h.minutes.size == 0 {
			at = h.whole
		}
		if base+60 <= s.from || base >= s.to {
			continue
		}
		data, err := readSection(f.r, f.size, at)
		if err == nil {
			err = decodeRows(data, base, len(keys), wanted, func(r Row) {
				if s.from <= r.Minute && r.Minute < s.to {
					s.addRow(of[r.Key], r)
				}
			})
		}
		if err != nil {
			return f.told(err)
		}
	}
	return nil
}

// table reads the rows of one hour: its minutes, or when they are gone, or with
// whole, those of the hour.
func (f *File) table(h hour, keys []Key, whole bool) (*Table, error) {
	at := h.minutes
	if whole || at.size == 0 {
		at = h.whole
	}
	t := &Table{Keys: keys}
	data, err := readSection(f.r, f.size, at)
	if err == nil {
		err = decodeRows(data, h.hour*60, len(keys), func(uint32) bool { return true }, func(r Row) {
			r.Bins = append([]Bin(nil), r.Bins...)
			t.Rows = append(t.Rows, r)
		})
	}
	return t, f.told(err)
}

// nameFormat is a file's name: its first and its last cut.
const nameFormat = "%020d-%020d.rollup"

// create writes a file under its name, whole or not at all.
func create(path string, fill func(io.Writer) error) (err error) {
	tmp := path + ".tmp"
	w, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	err = fill(w)
	if err == nil {
		err = w.Sync()
	}
	err = cmp.Or(err, w.Close())
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = os.Remove(tmp) // the first error is the one to tell
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return cmp.Or(d.Sync(), d.Close())
}
