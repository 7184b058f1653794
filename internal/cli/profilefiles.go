package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/prof"
)

const profileOp = "reading profiles"

// maxProfileFile bounds a file of one profile; real ones have some megabytes.
const maxProfileFile = 64 << 20

// profileFile is one file before it is a window.
type profileFile struct {
	name     string
	data     []byte
	what     prof.Description
	requests int64 // 0: unknown
	period   pitwall.Period
	indexed  bool // profiles.json speaks of it, so it is a window of its own
}

// indexed is one entry of profiles.json.
type indexedProfile struct {
	File     string    `json:"file"`
	Type     string    `json:"type"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Requests int64     `json:"requests"`
}

// profileSide reads the profiles of one side: files, folders and patterns, in
// the order of their names.
func profileSide(side string, patterns []string, counts string) ([]profileFile, error) {
	names, err := profileNames(side, patterns)
	if err != nil {
		return nil, err
	}
	given, err := requestCounts(side, counts, len(names))
	if err != nil {
		return nil, err
	}
	indexes := map[string][]indexedProfile{}
	var out []profileFile
	for i, name := range names {
		f, err := openProfile(name)
		if err != nil {
			return nil, err
		}
		if err := f.lookUp(indexes); err != nil {
			return nil, err
		}
		if given != nil {
			f.requests = given[i]
		}
		out = append(out, f)
	}
	return out, nil
}

// profileNames resolves what stands behind --base or --head.
func profileNames(side string, patterns []string) ([]string, error) {
	var names []string
	for _, p := range patterns {
		found := []string{p}
		info, err := os.Stat(p)
		switch {
		case err == nil && info.IsDir():
			if found, err = profilesIn(p); err != nil {
				return nil, err
			}
		case err != nil && strings.ContainsAny(p, "*?["):
			if found, err = filepath.Glob(p); err != nil {
				return nil, pitwall.Errorf(pitwall.Invalid, profileOp, "--%s %q: %v", side, p, err)
			}
		case err != nil:
			return nil, &pitwall.Error{Op: profileOp, Kind: pitwall.NotFound, ID: p, Err: fmt.Errorf("--%s: no such file or folder", side)}
		}
		if len(found) == 0 {
			return nil, &pitwall.Error{Op: profileOp, Kind: pitwall.NotFound, ID: p, Err: fmt.Errorf("--%s: no profile there", side), Hint: "profiles end in .pb.gz, .pb or .pprof; give others by name"}
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// profilesIn lists the profiles of a folder, and of the folder profiles in it,
// as a recorded case has one.
func profilesIn(dir string) ([]string, error) {
	var names []string
	for _, at := range []string{dir, filepath.Join(dir, "profiles")} {
		entries, err := os.ReadDir(at)
		if err != nil && at == dir {
			return nil, &pitwall.Error{Op: profileOp, Kind: pitwall.Invalid, ID: dir, Err: err}
		}
		for _, e := range entries {
			if n := e.Name(); !e.IsDir() && (strings.HasSuffix(n, ".pb.gz") || strings.HasSuffix(n, ".pb") || strings.HasSuffix(n, ".pprof")) {
				names = append(names, filepath.Join(at, n))
			}
		}
	}
	return names, nil
}

// requestCounts reads --requests-base and --requests-head; nil when not given.
func requestCounts(side, text string, files int) ([]int64, error) {
	if text == "" {
		return nil, nil
	}
	var counts []int64
	for _, part := range strings.Split(text, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(part), 10, 64)
		if err != nil || n <= 0 {
			return nil, pitwall.Errorf(pitwall.Invalid, profileOp, "--requests-%s: %q is no number of requests above 0", side, part)
		}
		counts = append(counts, n)
	}
	if len(counts) != files {
		return nil, pitwall.Errorf(pitwall.Invalid, profileOp, "--requests-%s has %d counts for %d files; give one for each, in the order of their names", side, len(counts), files)
	}
	return counts, nil
}

// requestsInName is how many requests were served, as "_req1546." in a name.
var requestsInName = regexp.MustCompile(`(?:^|[^A-Za-z])req(\d+)(?:\D|$)`)

func openProfile(name string) (f profileFile, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return f, &pitwall.Error{Op: profileOp, Kind: pitwall.NotFound, ID: name, Err: err}
	}
	if info.IsDir() || info.Size() > maxProfileFile {
		return f, pitwall.Errorf(pitwall.Invalid, profileOp, "%s is no profile: a folder, or larger than %s", name, pitwall.Bytes(maxProfileFile))
	}
	f.name = name
	if f.data, err = os.ReadFile(name); err != nil {
		return f, &pitwall.Error{Op: profileOp, Kind: pitwall.Invalid, ID: name, Err: err}
	}
	if f.what, err = prof.Describe(f.data); err != nil {
		return f, &pitwall.Error{Op: profileOp, Kind: pitwall.Invalid, ID: name, Err: err}
	}
	if !f.what.At.IsZero() {
		f.period = pitwall.Period{From: f.what.At, To: f.what.At.Add(f.what.Length)}
	}
	if m := requestsInName.FindStringSubmatch(filepath.Base(name)); m != nil {
		f.requests, _ = strconv.ParseInt(m[1], 10, 64) // digits; too many are unknown
	}
	return f, nil
}

// lookUp takes what a profiles.json beside the file, or one folder above it,
// says of it.
func (f *profileFile) lookUp(indexes map[string][]indexedProfile) error {
	for _, dir := range []string{filepath.Dir(f.name), filepath.Dir(filepath.Dir(f.name))} {
		list, known := indexes[dir]
		if !known {
			name := filepath.Join(dir, "profiles.json")
			if data, err := os.ReadFile(name); err == nil {
				if err := json.Unmarshal(data, &list); err != nil {
					return &pitwall.Error{Op: profileOp, Kind: pitwall.Invalid, ID: name, Err: err}
				}
			}
			indexes[dir] = list
		}
		for _, e := range list {
			if filepath.Clean(filepath.Join(dir, e.File)) == filepath.Clean(f.name) {
				f.requests, f.period, f.indexed = e.Requests, pitwall.Period{From: e.From, To: e.To}, true
				return nil
			}
		}
	}
	return nil
}

// profileType settles what the files are read as.
func profileType(asked string, files []profileFile) (pitwall.ProfileType, error) {
	if asked != "" {
		t := pitwall.ProfileType(asked)
		if !slices.Contains(pitwall.ProfileTypes(), t) {
			return "", pitwall.Errorf(pitwall.Invalid, profileOp, "--type %q: there are %v", asked, pitwall.ProfileTypes())
		}
		return t, nil
	}
	types := files[0].what.Types
	switch {
	case len(types) == 0:
		return "", pitwall.Errorf(pitwall.Invalid, profileOp, "%s counts %s, which is no known type of profile", files[0].name, strings.Join(files[0].what.Counts, ", "))
	case types[0] == pitwall.ProfileMutex:
		return "", &pitwall.Error{Op: profileOp, Kind: pitwall.Invalid, ID: files[0].name,
			Err: fmt.Errorf("mutex and block profiles look alike"), Hint: "say which it is: --type mutex or --type block"}
	}
	return types[0], nil
}

// profileWindows makes windows of files. Profiles that count since the process
// started, as /debug/pprof/allocs, mutex and block answer without ?seconds=, are
// subtracted from each other in order of time: n of them are n-1 windows, and
// the requests of a file are those since the one before.
func profileWindows(t pitwall.ProfileType, files []profileFile) (out []pitwall.ProfileWindow, notes []string, err error) {
	var scrapes []profileFile
	for _, f := range files {
		if prof.Cumulative(t) && f.what.Length == 0 && !f.indexed {
			scrapes = append(scrapes, f)
			continue
		}
		out = append(out, pitwall.ProfileWindow{Type: t, Period: f.period, Requests: f.requests, Data: f.data})
	}
	switch {
	case len(scrapes) == 0:
		return out, nil, nil
	case len(out) > 0:
		return nil, nil, pitwall.Errorf(pitwall.Invalid, profileOp, "%s counts since the start of the process, other files of this side over a period: give one sort only", scrapes[0].name)
	}
	slices.SortStableFunc(scrapes, func(a, b profileFile) int {
		return cmp.Or(a.what.At.Compare(b.what.At), cmp.Compare(a.name, b.name))
	})
	for i, f := range scrapes[1:] {
		added, err := prof.Delta(scrapes[i].data, f.data, t)
		if pitwall.KindOf(err) == pitwall.Conflict {
			notes = append(notes, fmt.Sprintf("the process started anew between %s and %s; what lies between is left out", filepath.Base(scrapes[i].name), filepath.Base(f.name)))
			continue
		}
		if err != nil {
			return nil, nil, &pitwall.Error{Op: profileOp, Kind: pitwall.Invalid, ID: f.name, Err: err}
		}
		out = append(out, pitwall.ProfileWindow{Type: t, Period: pitwall.Period{From: scrapes[i].what.At, To: f.what.At}, Requests: f.requests, Data: added})
	}
	return out, notes, nil
}
