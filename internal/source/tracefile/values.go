package tracefile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// What a file may hold. An hour of a busy system as one request a line is
// within it; a single value is held in memory while it is read.
const (
	maxBytes  = 4 << 30   // decompressed
	maxValue  = 128 << 20 // of one value
	maxTokens = 1 << 23   // commas and openings in one value: each may become an object
	maxDepth  = 256       // the decoders go down with every level
)

// value is one object of the file, not decoded yet.
type value struct {
	body   []byte // holds until the next
	line   int    // on which it begins, from 1
	tokens int
}

// splitter cuts a stream into the objects at its top, which may stand one a
// line, one after the other, or in a list.
type splitter struct {
	r     *bufio.Reader
	line  int // of the next byte
	read  int64
	buf   []byte
	depth int
	quote bool // inside a text
	slash bool // after a backslash in a text
}

func newSplitter(r io.Reader) *splitter {
	return &splitter{r: bufio.NewReaderSize(r, 1<<16), line: 1}
}

// next gives the next object; io.EOF after the last.
func (s *splitter) next() (value, error) {
	if err := s.skip(); err != nil {
		return value{}, err
	}
	v := value{line: s.line}
	s.buf = s.buf[:0]
	for {
		chunk, err := s.chunk()
		if errors.Is(err, io.EOF) {
			return v, fmt.Errorf("the file ends within the value that begins on line %d: it was cut off", v.line)
		}
		if err != nil {
			return v, err
		}
		n, done := s.scan(chunk, &v)
		s.buf = append(s.buf, chunk[:n]...)
		s.take(n)
		switch {
		case len(s.buf) > maxValue || v.tokens > maxTokens:
			return v, errTooLarge
		case s.depth > maxDepth:
			return v, fmt.Errorf("it is nested deeper than %d", maxDepth)
		case done:
			v.body = s.buf
			return v, nil
		}
	}
}

var errTooLarge = fmt.Errorf("one value is larger than %d MiB or holds more than %d members", maxValue>>20, maxTokens)

// chunk is what is buffered, at least one byte.
func (s *splitter) chunk() ([]byte, error) {
	if s.read > maxBytes {
		return nil, fmt.Errorf("it holds more than %d GiB", maxBytes>>30)
	}
	if _, err := s.r.Peek(1); err != nil {
		return nil, err
	}
	return s.r.Peek(s.r.Buffered())
}

func (s *splitter) take(n int) {
	taken, _ := s.r.Peek(n)
	s.line += bytes.Count(taken, []byte{'\n'})
	s.read += int64(n)
	_, _ = s.r.Discard(n) // it is buffered
}

// skip goes to the next object, over blanks and what lists put around them.
func (s *splitter) skip() error {
	for {
		chunk, err := s.chunk()
		if err != nil {
			return err
		}
		n := 0
		for n < len(chunk) && between(chunk[n]) {
			n++
		}
		first := append([]byte{}, chunk[n:min(len(chunk), n+40)]...)
		s.take(n)
		if len(first) == 0 {
			continue
		}
		if first[0] == '{' {
			return nil
		}
		return fmt.Errorf("this is no JSON of traces: %q", first)
	}
}

// between says whether a byte may stand between objects: blanks, what lists put
// around them, and the bytes of a mark of byte order.
func between(c byte) bool {
	switch c {
	case ' ', '\n', '\t', '\r', ',', '[', ']', 0xef, 0xbb, 0xbf:
		return true
	}
	return false
}

// scan walks over a chunk of an object, and says where in it the object ends.
func (s *splitter) scan(chunk []byte, v *value) (n int, done bool) {
	for i, c := range chunk {
		switch {
		case s.slash:
			s.slash = false
		case s.quote:
			s.slash, s.quote = c == '\\', c != '"'
		case c == '"':
			s.quote = true
		case c == '{' || c == '[':
			s.depth++
			v.tokens++
		case c == ',':
			v.tokens++
		case c == '}' || c == ']':
			if s.depth--; s.depth == 0 {
				return i + 1, true
			}
		}
	}
	return len(chunk), false
}

// member is one name of an object with its value, not decoded yet.
type member struct {
	name string
	text []byte
}

// members lists what stands at the top of an object. It only looks for where
// texts and values end; whether the whole is sound, the decoders say.
func members(body []byte) []member {
	var list []member
	depth, quote, slash := 0, false, false
	text, begin := 0, -1 // where the last text at the top, and the value under way, begin
	var name []byte
	for i, c := range body {
		switch {
		case slash:
			slash = false
		case quote:
			slash, quote = c == '\\', c != '"'
			if !quote && depth == 1 && begin < 0 {
				name = body[text:i]
			}
		case c == '"':
			quote = true
			text = i + 1
		case c == ':' && depth == 1 && begin < 0:
			begin = i + 1
		case c == '{' || c == '[':
			depth++
		case (c == ',' || c == '}') && depth == 1 && begin >= 0:
			list = append(list, member{string(name), bytes.TrimSpace(body[begin:i])})
			begin = -1
			if c == '}' {
				return list
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return list
}
