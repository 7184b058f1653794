package openslo

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// The versions of the format.
const (
	V1      = "openslo/v1"
	V1alpha = "openslo/v1alpha"
	V2alpha = "openslo.com/v2alpha"
)

// The kinds of objects.
const (
	KindSLO                = "SLO"
	KindSLI                = "SLI"
	KindService            = "Service"
	KindDataSource         = "DataSource"
	KindPolicy             = "AlertPolicy"
	KindCondition          = "AlertCondition"
	KindNotificationTarget = "AlertNotificationTarget"
)

// kinds are listed as the format's own documentation does.
func kinds() []string {
	return []string{KindSLO, KindSLI, KindService, KindDataSource, KindPolicy, KindCondition, KindNotificationTarget}
}

// Object is one object of a file.
type Object struct {
	File    string
	Line    int
	Index   int // in its file, from 0
	Version string
	Kind    string
	Name    string
	root    Field
}

// Root is the whole object.
func (o Object) Root() Field { return o.root }

// Spec is the object's spec.
func (o Object) Spec() Field { return o.root.Get("spec") }

// Annotation is a value of metadata.annotations.
func (o Object) Annotation(key string) Field { return o.root.Get("metadata", "annotations").get(key) }

// String names the object in messages.
func (o Object) String() string {
	if o.Name == "" {
		return o.Kind
	}
	return fmt.Sprintf("%s %q", o.Kind, o.Name)
}

// with is the object with another content.
func (o Object) with(n *yaml.Node) Object {
	o.root = Field{node: n, line: o.Line}
	return o
}

// Grade says who refuses a fault.
type Grade string

// The grades. The reference is the published validator of the format.
const (
	// Undecodable: of the wrong type or unknown, so nobody can say what it means.
	Undecodable Grade = "undecodable"
	// Invalid: it breaks a rule of the format that Pitwall holds, too.
	Invalid Grade = "invalid"
	// Tolerated: the reference refuses it, but what is meant is plain. In lenient
	// mode it is a warning.
	Tolerated Grade = "tolerated"
	// Stricter: the reference takes it, Pitwall does not.
	Stricter Grade = "stricter"
)

// Fault is one thing that is wrong with a file.
type Fault struct {
	File   string
	Line   int
	Object string // such as: SLO "checkout-availability"
	Index  int    // of the object in its file
	Path   string // such as spec.objectives[0].op
	Text   string // what is wrong
	Hint   string // what to do
	Grade  Grade
}

// String words a fault without its hint.
func (f Fault) String() string {
	return fmt.Sprintf("%s:%d: %s: %s: %s", f.File, f.Line, f.Object, f.Path, f.Text)
}

// Refused says whether a fault keeps an object from being used.
func (f Fault) Refused(strict bool) bool { return strict || f.Grade != Tolerated }

// Verdict is the reference's own about a file with these faults: "valid",
// "invalid" or "undecodable".
func Verdict(faults []Fault) string {
	verdict := "valid"
	for _, f := range faults {
		switch f.Grade {
		case Undecodable:
			return string(Undecodable)
		case Invalid, Tolerated:
			verdict = string(Invalid)
		}
	}
	return verdict
}
