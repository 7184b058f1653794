package profiles

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

const (
	indexName = "index.jsonl"
	suffix    = ".pb.gz"
	// slack is how many dead lines the index may hold before it is written anew.
	slack = 256
)

// entry is one line of the index. Times are unix milliseconds.
type entry struct {
	File     string              `json:"file"`
	Service  pitwall.ServiceName `json:"service"`
	Version  pitwall.Version     `json:"version"`
	Instance string              `json:"instance"`
	Type     pitwall.ProfileType `json:"type"`
	From     int64               `json:"from"`
	To       int64               `json:"to"`
	Requests int64               `json:"requests"`
	Bytes    int64               `json:"bytes"`
	Sum      string              `json:"sum"` // of the window with its data
}

// describe gives the entry of a window, yet without a file.
func describe(w pitwall.ProfileWindow) entry {
	e := entry{
		Service: w.Service, Version: w.Version, Instance: w.Instance, Type: w.Type,
		From: w.Period.From.UnixMilli(), To: w.Period.To.UnixMilli(), Requests: w.Requests, Bytes: int64(len(w.Data)),
	}
	e.Sum = e.sum(w.Data)
	return e
}

// sum is the checksum by which a window is known again. The requests are not in
// it: they may be counted differently the second time.
func (e entry) sum(data []byte) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q %q %q %q %d %d\n", e.Service, e.Version, e.Instance, e.Type, e.From, e.To)
	_, _ = h.Write(data)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (e entry) matches(q pitwall.ProfileQuery) bool {
	switch {
	case q.Service != "" && q.Service != e.Service,
		q.Version != "" && q.Version != e.Version,
		q.Type != "" && q.Type != e.Type:
		return false
	case q.Period.IsZero():
		return true
	}
	return e.From >= q.Period.From.UnixMilli() && e.To <= q.Period.To.UnixMilli()
}

func (e entry) window(data []byte) pitwall.ProfileWindow {
	return pitwall.ProfileWindow{
		Service: e.Service, Version: e.Version, Instance: e.Instance, Type: e.Type,
		Period:   pitwall.Period{From: time.UnixMilli(e.From).UTC(), To: time.UnixMilli(e.To).UTC()},
		Requests: e.Requests, Data: data,
	}
}

// load reads the index and squares it with the files that are there.
func (s *Store) load() error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(s.dir, indexName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	sizes, err := s.files()
	if err != nil {
		return err
	}
	for line := range bytes.Lines(raw) {
		var e entry
		whole := bytes.HasSuffix(line, []byte("\n"))
		if !whole || json.Unmarshal(line, &e) != nil || sizes[e.File] == 0 {
			s.dead++
			continue
		}
		e.Bytes = sizes[e.File]
		delete(sizes, e.File)
		s.keep(e)
	}
	for name := range sizes { // no line: its writer was killed in between
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
			return err
		}
	}
	if s.dead > 0 { // a torn line must not run into the next one
		if err := s.rewrite(); err != nil {
			return err
		}
	}
	return errors.Join(s.reopen(), s.prune())
}

// files gives the size of every profile file, and moves the counter that names
// new ones past them.
func (s *Store) files() (map[string]int64, error) {
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, err
	}
	sizes := map[string]int64{}
	for _, f := range list {
		stem, ok := strings.CutSuffix(f.Name(), suffix)
		if !ok {
			continue
		}
		info, err := f.Info()
		if err != nil {
			return nil, err
		}
		sizes[f.Name()] = info.Size()
		if n, err := strconv.ParseUint(stem, 10, 64); err == nil {
			s.next = max(s.next, n+1)
		}
	}
	return sizes, nil
}

// reopen opens the index for appending.
func (s *Store) reopen() error {
	f, err := os.OpenFile(filepath.Join(s.dir, indexName), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	s.index = f
	return nil
}

// keep adds an entry in the order of ends.
func (s *Store) keep(e entry) {
	s.bytes += e.Bytes
	s.types[e.Type] += e.Bytes
	s.sums[e.Sum] = true
	i, _ := slices.BinarySearchFunc(s.entries, e.To, func(have entry, to int64) int {
		if have.To <= to { // equal ends keep the order of arrival
			return -1
		}
		return 1
	})
	s.entries = slices.Insert(s.entries, i, e)
}

// add writes a window's file, then its line.
func (s *Store) add(e entry, data []byte) error {
	e.File = fmt.Sprintf("%012d%s", s.next, suffix)
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	s.next++
	path := filepath.Join(s.dir, e.File)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return errors.Join(err, os.RemoveAll(path))
	}
	before, err := s.index.Seek(0, 2)
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	if _, err := s.index.Write(append(line, '\n')); err != nil {
		// A full disk may have taken half the line; take it back.
		return errors.Join(err, s.index.Truncate(before), os.Remove(path))
	}
	s.keep(e)
	return nil
}

// prune removes windows that are too old, and while there is too much the
// oldest of the type that takes the most.
func (s *Store) prune() error {
	oldest := s.o.Now().Add(-s.o.Retention).UnixMilli()
	for len(s.entries) > 0 && s.entries[0].To < oldest {
		if err := s.forget(0); err != nil {
			return err
		}
	}
	for s.bytes > s.o.MaxBytes && len(s.entries) > 0 {
		greedy := s.greediest()
		i := slices.IndexFunc(s.entries, func(e entry) bool { return e.Type == greedy })
		if err := s.forget(i); err != nil {
			return err
		}
	}
	if s.dead < slack+len(s.entries) {
		return nil
	}
	return errors.Join(s.rewrite(), s.replaced())
}

// greediest is the type with the most bytes; of equals the first by name.
func (s *Store) greediest() (greedy pitwall.ProfileType) {
	most := int64(-1)
	for t, bytes := range s.types {
		if bytes > most || bytes == most && t < greedy {
			greedy, most = t, bytes
		}
	}
	return greedy
}

// forget removes an entry's file and then the entry; its line stays in the
// index, dead.
func (s *Store) forget(i int) error {
	e := s.entries[i]
	if err := os.Remove(filepath.Join(s.dir, e.File)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing an old window: %w", err)
	}
	s.bytes -= e.Bytes
	if s.types[e.Type] -= e.Bytes; s.types[e.Type] <= 0 {
		delete(s.types, e.Type)
	}
	delete(s.sums, e.Sum)
	s.entries = slices.Delete(s.entries, i, i+1)
	s.dead++
	return nil
}

// rewrite replaces the index by one without dead lines, all at once.
func (s *Store) rewrite() error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	for _, e := range slices.SortedFunc(slices.Values(s.entries), func(a, b entry) int { return cmp.Compare(a.File, b.File) }) {
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	tmp := filepath.Join(s.dir, indexName+".new")
	if err := os.WriteFile(tmp, buf.Bytes(), 0o644); err != nil {
		return err
	}
	if err := os.Rename(tmp, filepath.Join(s.dir, indexName)); err != nil {
		return err
	}
	s.dead = 0
	return nil
}

// replaced lets go of the old index after a rewrite and opens the new one.
func (s *Store) replaced() error {
	old := s.index
	if err := s.reopen(); err != nil {
		return err
	}
	return old.Close()
}
