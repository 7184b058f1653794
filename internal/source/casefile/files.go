package casefile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pitwall/pitwall"
)

// What a case may hold. A recording of an hour stays far below; a folder made to
// harm does not, and costs no more than this.
const (
	mostBytes  = 2 << 30  // that one sort of file unpacks to; they are read as they come
	mostObject = 64 << 20 // of one JSON file, or one profile: those are held in memory
	mostFiles  = 100      // that case.json names of one sort
	mostLine   = 32 << 20 // of one request
	mostTokens = 1 << 20  // commas and openings in one request: each may become an object
	mostDepth  = 256      // the decoder goes down with every level
)

// open gives one regular file: of the folder, or, as "../name", beside it. Links
// are followed, for large recordings are linked into many folders; what a file
// holds never stands in an error.
func (c *Case) open(name string) (*os.File, error) {
	if !filepath.IsLocal(strings.TrimPrefix(name, "../")) || strings.HasPrefix(name, "../") && filepath.Base(name) != name[len("../"):] {
		return nil, bad(c.dir, "case.json", "file %q is neither in the folder nor, as ../name, beside it", name)
	}
	dir, err := filepath.EvalSymlinks(c.dir) // what is beside it is beside the folder itself
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for
		return nil, bad(c.dir, name, "it is no regular file")
	}
	return os.Open(path)
}

// files gives the paths of one sort of file: those that case.json names, or the
// usual one, packed or not; none when the case has none.
func (c *Case) files(named []string, usual string) ([]string, error) {
	ending := filepath.Ext(usual)
	if len(named) > mostFiles {
		return nil, bad(c.dir, "case.json", "it names %d %s files; at most %d", len(named), ending, mostFiles)
	}
	for _, name := range named {
		if filepath.Ext(strings.TrimSuffix(name, ".gz")) != ending {
			return nil, bad(c.dir, "case.json", "file %q: its name must end in %s or %s.gz", name, ending, ending)
		}
	}
	if len(named) > 0 {
		return named, nil
	}
	for _, name := range []string{usual, usual + ".gz"} {
		if _, err := os.Lstat(filepath.Join(c.dir, name)); err == nil {
			return []string{name}, nil
		}
	}
	return nil, nil
}

// flow is the bytes of a case's files of one sort. It ends when there are too
// many, or when nobody waits any more.
type flow struct {
	ctx  context.Context
	in   io.Reader
	left int64
}

var errTooMuch = fmt.Errorf("the files of this sort unpack to more than %d GiB", mostBytes>>30)

func (f *flow) Read(p []byte) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := f.in.Read(p)
	if f.left -= int64(n); f.left < 0 {
		return 0, errTooMuch
	}
	return n, err
}

// each gives the content of each file, unpacked when its name says so.
func (c *Case) each(ctx context.Context, names []string, read func(name string, in io.Reader) error) error {
	f := &flow{ctx: ctx, left: mostBytes}
	for _, name := range names {
		if err := c.one(name, f, read); err != nil {
			return err
		}
	}
	return nil
}

func (c *Case) one(name string, f *flow, read func(name string, in io.Reader) error) (err error) {
	file, err := c.open(name)
	if err != nil {
		return c.unread("case.json", name, err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	f.in = file
	if strings.HasSuffix(name, ".gz") {
		if f.in, err = gzip.NewReader(file); err != nil {
			return bad(c.dir, name, "unpacking: %w", err)
		}
	}
	err = read(name, f)
	var told *pitwall.Error
	if err == nil || errors.As(err, &told) {
		return err
	}
	return bad(c.dir, name, "%w", err)
}

// unread says that a file named in another cannot be read.
func (c *Case) unread(in, name string, err error) error {
	var told *pitwall.Error
	switch {
	case errors.As(err, &told):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return &pitwall.Error{Op: "reading case", Kind: pitwall.NotFound, Err: err, Hint: in + " names a file that is not there"}
	}
	return &pitwall.Error{Op: "reading case", Kind: pitwall.Invalid, Err: fmt.Errorf("%s: %w", filepath.Join(c.dir, name), err),
		Hint: "a file of a case lies in its folder or beside it, and can be read"}
}

// whole reads a file that is held in memory.
func (c *Case) whole(name string) ([]byte, error) {
	file, err := c.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	raw, err := io.ReadAll(io.LimitReader(file, mostObject+1))
	if err == nil && len(raw) > mostObject {
		err = bad(c.dir, name, "it is larger than %d MiB", mostObject>>20)
	}
	return raw, err
}

// object reads an optional JSON file into v; false: it is not there.
func (c *Case) object(name string, v any) (bool, error) {
	raw, err := c.whole(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, c.unread("the folder", name, err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return false, bad(c.dir, name, "%v", err)
	}
	return true, nil
}

// lines gives each line that is not blank. A line holds until the next.
func lines(in io.Reader, each func([]byte) error) error {
	r := bufio.NewReaderSize(in, 1<<16)
	var line []byte
	for n := 1; ; n++ {
		line = line[:0]
		for {
			part, err := r.ReadSlice('\n')
			line = append(line, part...)
			if len(line) > mostLine {
				return fmt.Errorf("line %d is longer than %d MiB", n, mostLine>>20)
			}
			if errors.Is(err, bufio.ErrBufferFull) {
				continue
			}
			if err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			if len(bytes.TrimSpace(line)) > 0 {
				if err := each(line); err != nil {
					return fmt.Errorf("line %d: %w", n, err)
				}
			}
			if err != nil {
				return nil
			}
			break
		}
	}
}

// sound looks whether the decoder may be given a request: it is neither deeper
// nor of more parts than it can take.
func sound(line []byte) error {
	depth, tokens, quote, slash := 0, 0, false, false
	for _, b := range line {
		switch {
		case slash:
			slash = false
		case quote:
			slash, quote = b == '\\', b != '"'
		case b == '"':
			quote = true
		case b == '{' || b == '[':
			depth++
			tokens++
		case b == ',':
			tokens++
		case b == '}' || b == ']':
			depth--
		}
		if depth < 0 || depth > mostDepth || tokens > mostTokens {
			return fmt.Errorf("it is no JSON, nested deeper than %d, or holds more than %d members", mostDepth, mostTokens)
		}
	}
	return nil
}
