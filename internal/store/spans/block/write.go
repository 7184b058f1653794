package block

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pitwall/pitwall"
)

// Rows are spans with what closing their traces computed. Self and Critical are
// nanoseconds, parallel to Batch; -1: the trace is not complete. Nil is -1 for
// all.
type Rows struct {
	Batch    *pitwall.SpanBatch
	Self     []int64
	Critical []int64
}

// WriteOptions say what the writer knows of the spans and the spans do not.
type WriteOptions struct {
	First, Last uint64 // positions of the log that the block covers
	Arrival     int64  // of the newest span, unix nanoseconds
}

// Meta describes a block.
type Meta struct {
	Path           string
	Spans          int
	Bytes          int64
	MinEnd, MaxEnd int64  // of the spans' ends, unix nanoseconds
	First, Last    uint64 // positions of the log that the block covers
	Arrival        int64  // of the newest span, unix nanoseconds
}

const (
	groupRows = 1 << 16
	pageRows  = 1 << 13
)

// Write makes a block of the rows. The file appears under its name only when it
// is whole and forced to the disk; after an error, or on a full disk, there is
// neither the file nor a part of it. The rows are not changed.
func Write(ctx context.Context, path string, r Rows, o WriteOptions) (Meta, error) {
	if err := r.check(); err != nil {
		return Meta{}, &pitwall.Error{Op: "writing span block", Kind: pitwall.Invalid, ID: path, Err: err}
	}
	return write(ctx, path, newWriter(r, groupSize(r.Batch)), o)
}

func write(ctx context.Context, path string, w *writer, o WriteOptions) (Meta, error) {
	m, err := w.file(ctx, path+".tmp", o)
	if err == nil {
		err = publish(path+".tmp", path)
	}
	if err != nil {
		_ = os.Remove(path + ".tmp")
		return Meta{}, &pitwall.Error{Op: "writing span block", Kind: pitwall.Unavailable, ID: path, Err: err,
			Hint: "make room on the disk; the spans are still in the log"}
	}
	m.Path = path
	return m, nil
}

// publish gives a finished file its name. When that cannot be forced to the disk
// nobody may rely on it, so it goes again.
func publish(partial, path string) error {
	if err := os.Rename(partial, path); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		_ = os.Remove(path)
		return err
	}
	return nil
}

// check refuses rows that do not fit together, so that nothing behind it has to.
func (r Rows) check() error {
	b := r.Batch
	if b == nil || b.Len() == 0 {
		return errors.New("there are no spans")
	}
	n := b.Len()
	lengths := []int{
		len(b.TraceID), len(b.ParentID), len(b.Start), len(b.Duration), len(b.Service), len(b.Version), len(b.Operation),
		len(b.Peer), len(b.Statement), len(b.Kind), len(b.Failed), len(b.ReqBytes), len(b.RespBytes), len(b.AttrEnd),
	}
	if slices.ContainsFunc(lengths, func(l int) bool { return l != n }) {
		return fmt.Errorf("the columns of %d spans have unequal lengths", n)
	}
	if r.Self != nil && len(r.Self) != n || r.Critical != nil && len(r.Critical) != n {
		return fmt.Errorf("self or critical times are not those of %d spans", n)
	}
	if len(b.Strings) == 0 || b.Strings[0] != "" {
		return errors.New("the dictionary does not begin with the empty string")
	}
	for _, column := range [][]uint32{b.Service, b.Version, b.Operation, b.Peer, b.Statement, b.AttrKey, b.AttrValue} {
		if len(column) > 0 && int(slices.Max(column)) >= len(b.Strings) {
			return fmt.Errorf("a column points beyond the dictionary of %d strings", len(b.Strings))
		}
	}
	if !slices.IsSorted(b.AttrEnd) || int(b.AttrEnd[n-1]) != len(b.AttrKey) || len(b.AttrKey) != len(b.AttrValue) {
		return errors.New("the attribute columns do not fit together")
	}
	if most := mostAttrs(b); most > maxEntries-pageRows {
		return fmt.Errorf("a span has %d attributes, at most %d are possible", most, maxEntries-pageRows)
	}
	return nil
}

// mostAttrs is how many attributes the span with the most has.
func mostAttrs(b *pitwall.SpanBatch) int {
	most, from := uint32(0), uint32(0)
	for _, end := range b.AttrEnd {
		most, from = max(most, end-from), end
	}
	return int(most)
}

// output is the file being written and how far.
type output struct {
	w      *bufio.Writer
	offset int64
}

func (o *output) write(p []byte) error {
	o.offset += int64(len(p))
	_, err := o.w.Write(p)
	return err
}

// file writes the whole file and forces it to the disk.
func (w *writer) file(ctx context.Context, path string, o WriteOptions) (m Meta, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return Meta{}, err
	}
	defer func() {
		if closing := f.Close(); err == nil {
			err = closing
		}
	}()
	w.out.w = bufio.NewWriterSize(f, 1<<18)
	if m, err = w.write(ctx, o); err != nil {
		return Meta{}, err
	}
	if err := w.out.w.Flush(); err != nil {
		return Meta{}, err
	}
	return m, f.Sync()
}

// syncDir makes the directory's entries survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
