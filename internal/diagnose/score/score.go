package score

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Truth is the known answer of one case.
type Truth struct {
	Service     string   `json:"service"`
	Accept      []string `json:"accept"` // other names that are right as well
	Class       string   `json:"class"`
	ClassAccept []string `json:"class_accept"`
	Change      string   `json:"change"`   // id of the culprit, or empty
	None        bool     `json:"none"`     // no change is to blame
	External    string   `json:"external"` // with None: what it was instead; empty: nothing happened
	Decoys      []string `json:"decoys"`   // changes that look guilty and are not
	Source      string   `json:"source"`   // data set
	Note        string   `json:"note"`
}

// ReadTruth reads truth.json of a case's folder.
func ReadTruth(dir string) (Truth, error) {
	var t Truth
	raw, err := os.ReadFile(filepath.Join(dir, "truth.json"))
	if err != nil {
		return t, fmt.Errorf("reading the known answer: %w", err)
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		return t, fmt.Errorf("reading the known answer of %s: %w", dir, err)
	}
	return t, nil
}

// Answer is what a diagnosis said.
type Answer struct {
	Verdict string  `json:"verdict"` // confirmed, likely, none, inconclusive
	Ranked  []Entry `json:"ranked"`  // the best first; no ties
}

// Entry is one place of the ranking.
type Entry struct {
	Service string `json:"service"`
	Class   string `json:"class"`
	Change  string `json:"change"`
}

// Mark is how one answer did. A field counts only where the case has it.
type Mark struct {
	Case    string
	Truth   Truth
	Rank    int  // of the first entry that names the culprit, from 1; 0: none does
	Exact   bool // the first entry has the one exact name
	Class   bool // the first entry is the culprit and its class is right
	Change  bool // the first change named is the culprit
	Decoy   bool // the first change named is a decoy
	NoneOK  bool // nothing was blamed where nothing is to blame
	Blamed  string
	Verdict string
}

// One marks an answer.
func One(name string, t Truth, a Answer) Mark {
	m := Mark{Case: name, Truth: t, Verdict: a.Verdict}
	for i, e := range a.Ranked {
		if m.Rank == 0 && t.names(e.Service) {
			m.Rank = i + 1
		}
		if m.Blamed == "" {
			m.Blamed = e.Change
		}
	}
	if len(a.Ranked) > 0 {
		first := a.Ranked[0]
		m.Exact = first.Service == t.Service
		m.Class = m.Rank == 1 && t.is(first.Class)
	}
	m.Change = t.Change != "" && sameChange(m.Blamed, t.Change)
	m.Decoy = slices.ContainsFunc(t.Decoys, func(d string) bool { return sameChange(m.Blamed, d) })
	m.NoneOK = t.None && noneOK(t, a, m.Blamed)
	return m
}

func noneOK(t Truth, a Answer, blamed string) bool {
	switch {
	case a.Verdict == "none":
		return true
	case t.External == "" || blamed != "" || len(a.Ranked) == 0:
		return false
	}
	return t.is(a.Ranked[0].Class) || a.Ranked[0].Class == "external"
}

func (t Truth) names(service string) bool {
	return service == t.Service || slices.Contains(t.Accept, service)
}

func (t Truth) is(class string) bool {
	return class == t.Class || slices.Contains(t.ClassAccept, class)
}

// shortID is how much of an id an answer must give.
const shortID = 7

func sameChange(said, id string) bool {
	return said != "" && (said == id || len(said) >= shortID && strings.HasPrefix(id, said))
}
