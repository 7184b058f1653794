package record

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// profileEntry is one entry of profiles.json.
type profileEntry struct {
	File     string    `json:"file"`
	Service  string    `json:"service"`
	Version  string    `json:"version"`
	Type     string    `json:"type"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Requests int64     `json:"requests"`
}

// profiles writes profiles.json and the files it names; equal ones, as those of
// a mutex nobody waited for, are one file.
func (w writing) profiles(ps periods) error {
	shots := slices.Clone(w.tk.shots)
	count(shots, w.all)
	shots = slices.DeleteFunc(shots, func(s shot) bool {
		return s.requests == 0 || s.from.Before(ps.baseline.from) || s.to.After(ps.window.to)
	})
	slices.SortStableFunc(shots, func(a, b shot) int {
		return cmp.Or(cmp.Compare(a.service, b.service), cmp.Compare(a.kind, b.kind), a.from.Compare(b.from))
	})
	if w.tk.opt.Small {
		var err error
		if shots, err = fewer(shots, ps); err != nil {
			return err
		}
	}
	w.rep.Profiles = len(shots)
	return writeShots(w.dir, shots)
}

// writeShots writes windows with their index; equal ones are one file.
func writeShots(dir string, shots []shot) error {
	index := []profileEntry{}
	have := map[string]bool{}
	for _, s := range shots {
		data, err := pack(s.prof)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		name := "profiles/" + hex.EncodeToString(sum[:6]) + ".pb.gz"
		if !have[name] {
			have[name] = true
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				return err
			}
		}
		index = append(index, profileEntry{name, s.service, s.version, s.kind, millis(s.from), millis(s.to), s.requests})
	}
	return writeLines(filepath.Join(dir, "profiles.json"), index)
}

// writeLines writes a list with one entry on each line: a diff shows windows.
func writeLines(path string, index []profileEntry) error {
	buf := []byte("[")
	for i, e := range index {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(append(buf, '\n'), line...)
	}
	return os.WriteFile(path, append(buf, "\n]\n"...), 0o644)
}

// count gives each shot the number of requests its version of the service
// answered meanwhile.
func count(shots []shot, all []span) {
	type key struct{ service, version string }
	ends := map[key][]int64{}
	for _, s := range all {
		if s.kind == serverKind {
			k := key{s.service, s.version}
			ends[k] = append(ends[k], s.end)
		}
	}
	for _, v := range ends {
		slices.Sort(v)
	}
	for i, s := range shots {
		v := ends[key{s.service, s.version}]
		lo, _ := slices.BinarySearch(v, s.from.UnixNano())
		hi, _ := slices.BinarySearch(v, s.to.UnixNano())
		shots[i].requests = int64(hi - lo)
	}
}

// millis is a moment to the millisecond, which is as exact as a profile's edge.
func millis(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
