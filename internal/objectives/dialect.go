package objectives

import (
	"strings"

	"github.com/pitwall/pitwall"
	"github.com/pitwall/pitwall/internal/objectives/openslo"
	"github.com/pitwall/pitwall/internal/objectives/pyrra"
	"github.com/pitwall/pitwall/internal/objectives/slogen"
	"github.com/pitwall/pitwall/internal/objectives/sloth"
	"github.com/pitwall/pitwall/internal/strict"
	"gopkg.in/yaml.v3"
)

// The words by which dialects are known.
const (
	ownVersion  = "pitwall.dev/v1"
	slothFile   = "prometheus/v1" // its version, in a file of its own
	slothObject = "sloth.slok.dev/v1"
	pyrraObject = "pyrra.dev/v1alpha1"
	slogenFile  = "sre.google.com/v2"
)

// parse is what the package of a dialect offers.
type parse func(doc strict.Doc, n *yaml.Node) (slos []pitwall.SLO, warnings []string, err error)

func known() []string {
	return []string{openslo.V1, openslo.V1alpha, openslo.V2alpha, slothObject, pyrraObject, slogenFile, ownVersion}
}

// sort gives an object to those who can read it.
func (r *reader) sort(file string, index int, n *yaml.Node) {
	doc := strict.Doc{Op: readOp, File: file}
	apiVersion, version := topLevel(n, "apiVersion"), topLevel(n, "version")
	switch {
	case n.Kind != yaml.MappingNode:
		r.errs = append(r.errs, doc.Wrong(n.Line, "an objective starts with apiVersion: "+openslo.V1, "expected an object with apiVersion, kind, metadata and spec"))
	case strings.HasPrefix(apiVersion, "openslo"):
		r.openSLO(file, index, n)
	case apiVersion == ownVersion:
		r.own(doc, n)
	case apiVersion == slothObject, apiVersion == "" && version == slothFile:
		r.other(sloth.Parse, doc, n)
	case apiVersion == pyrraObject:
		r.other(pyrra.Parse, doc, n)
	case apiVersion == slogenFile:
		r.other(slogen.Parse, doc, n)
	case apiVersion == "" && version != "":
		r.errs = append(r.errs, doc.Wrong(n.Line, "Sloth's files say version: "+slothFile, "version is %q%s", version, strict.Nearest(version, []string{slothFile})))
	case apiVersion == "":
		r.errs = append(r.errs, doc.Wrong(n.Line, "known: "+strings.Join(known(), ", ")+", and version: "+slothFile, "apiVersion is missing"))
	default:
		r.errs = append(r.errs, doc.Wrong(n.Line, "known: "+strings.Join(known(), ", ")+", and version: "+slothFile, "apiVersion %q is no dialect that is read%s", apiVersion, strict.Nearest(apiVersion, known())))
	}
}

// topLevel is a text at the top of an object.
func topLevel(n *yaml.Node, key string) string {
	if n.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key && n.Content[i+1].Kind == yaml.ScalarNode {
			return n.Content[i+1].Value
		}
	}
	return ""
}

func (r *reader) other(parse parse, doc strict.Doc, n *yaml.Node) {
	doc.Hint = "see docs/reference/objectives.md"
	slos, warnings, err := parse(doc, n)
	for _, w := range warnings {
		place, text, found := strings.Cut(w, ": ")
		if !found || !strings.HasPrefix(place, doc.File) {
			place, text = doc.File, w
		}
		r.set.Warnings = append(r.set.Warnings, Warning{place, text})
	}
	if err != nil {
		r.errs = append(r.errs, Faults(err)...)
		return
	}
	r.foreign = append(r.foreign, slos...)
}
