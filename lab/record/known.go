package record

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// change is one entry of changes.json.
type change struct {
	ID        string            `json:"id"`
	Kind      string            `json:"kind"`
	Service   string            `json:"service"`
	At        time.Time         `json:"at"`
	Title     string            `json:"title"`
	Author    string            `json:"author"`
	Diff      string            `json:"diff"`
	Version   string            `json:"version"`
	Files     []string          `json:"files,omitempty"`
	Committed *time.Time        `json:"committed_at,omitempty"`
	DiffHints []string          `json:"diff_hints,omitempty"`
	Config    map[string]string `json:"config,omitempty"`
	Flags     map[string]string `json:"flags,omitempty"`
}

// named gives the changes the names a case knows them by, oldest first, and
// says which id of the lab became which. The lab numbers its changes by kind,
// service and time, so a short form of an id would name them all; a case has
// commit ids, and flag:name for flags.
func named(all []announced) (list []change, ids map[string]string) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b announced) int { return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.ID, b.ID)) })
	ids = map[string]string{}
	taken := map[string]bool{}
	for _, a := range all {
		if ids[a.ID] != "" {
			continue // announced twice: the sender did not hear our answer
		}
		id := a.newID()
		for n := 2; taken[id]; n++ {
			id = fmt.Sprintf("%s#%d", a.newID(), n)
		}
		taken[id], ids[a.ID] = true, id
		list = append(list, change{
			ID: id, Kind: a.Kind, Service: a.Service, At: a.Time, Title: a.Summary, Author: a.Actor, Diff: a.Diff, Version: a.Version,
			Files: a.Files, Committed: a.Committed, DiffHints: a.DiffHints, Config: a.Config, Flags: a.Flags,
		})
	}
	return list, ids
}

func (a announced) newID() string {
	if a.Kind == "flag" && len(a.Flags) == 1 {
		for name := range a.Flags {
			return "flag:" + name + "@" + a.Service
		}
	}
	sum := sha1.Sum([]byte(a.ID))
	return hex.EncodeToString(sum[:])
}

// labTruth is what the lab says really happened, as its controller serves it.
type labTruth struct {
	Story       string   `json:"story"`
	Injected    bool     `json:"injected"`
	Service     string   `json:"service"`
	Accept      []string `json:"accept"`
	Class       string   `json:"class"`
	ClassAccept []string `json:"class_accept"`
	Change      string   `json:"change"`   // an id of the lab
	External    bool     `json:"external"` // nobody's change did it
	Question    question `json:"question"`

	At      *time.Time `json:"injected_at"`
	OnsetAt *time.Time `json:"onset_at"`
}

// question is what a case asks.
type question struct {
	Service   string `json:"service"`
	Operation string `json:"operation,omitempty"`
	SLI       string `json:"sli"`
}

// truth is truth.json.
type truth struct {
	Service     string   `json:"service"`
	Accept      []string `json:"accept"`
	Class       string   `json:"class"`
	ClassAccept []string `json:"class_accept"`
	Change      string   `json:"change"`
	None        bool     `json:"none"`
	External    string   `json:"external"`
	Decoys      []string `json:"decoys"`
	Source      string   `json:"source"`
	Note        string   `json:"note"`
}

// answer writes the known answer with the ids of the case. Every change that
// is not to blame is a decoy. An id the recorder never heard of is an error:
// the case could not be judged.
func answer(lab labTruth, list []change, ids map[string]string, note string) (truth, error) {
	t := truth{
		Service: lab.Service, Accept: orEmpty(lab.Accept), Class: lab.Class, ClassAccept: orEmpty(lab.ClassAccept),
		Decoys: []string{}, Source: "lab", Note: note,
	}
	switch {
	case !lab.Injected:
		t.Service, t.Class, t.Accept, t.ClassAccept = "", "none", []string{}, []string{}
	case lab.External:
		t.External = lab.Class
	default:
		if t.Change = ids[lab.Change]; t.Change == "" {
			return t, fmt.Errorf("the culprit %q was never announced: the lab and the recorder disagree", lab.Change)
		}
	}
	t.None = t.Change == ""
	for _, c := range list {
		if c.ID != t.Change {
			t.Decoys = append(t.Decoys, c.ID)
		}
	}
	return t, nil
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
