package synthetic

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// hiddenFrom is how long a saved value must be to be hidden: a number of items
// helps to understand a result, a session's token is nobody's business.
const hiddenFrom = 8

// words are the values of one run, and how to hide those that are secret.
type words struct {
	secrets func(name string) (string, error)
	vars    map[string]string
	hide    map[string]string // value -> what stands in its place
	trouble error             // a secret that cannot be had
}

func newWords(vars map[string]string, secrets func(string) (string, error)) *words {
	w := &words{secrets: secrets, vars: map[string]string{}, hide: map[string]string{}}
	for name, value := range vars {
		w.vars[name] = value
	}
	return w
}

// value gives what stands for a name. A secret is read each time anew, so that
// a changed one is used from the next run on.
func (w *words) value(name string) string {
	secret, isSecret := strings.CutPrefix(name, "secret:")
	if !isSecret {
		return w.vars[name]
	}
	v, err := w.secrets(secret)
	if err != nil {
		w.trouble = err
		return ""
	}
	w.hideValue(v, "${"+name+"}")
	return v
}

// keep remembers a value of an answer for the steps that follow.
func (w *words) keep(name, value string) {
	w.vars[name] = value
	if len(value) >= hiddenFrom {
		w.hideValue(value, "${"+name+"}")
	}
}

// hideValue hides a value in each form in which it may come back: plain, in an
// address, in JSON.
func (w *words) hideValue(value, instead string) {
	if value == "" {
		return
	}
	quoted, err := json.Marshal(value)
	if err == nil {
		w.hide[strings.Trim(string(quoted), `"`)] = instead
	}
	w.hide[url.QueryEscape(value)], w.hide[url.PathEscape(value)] = instead, instead
	w.hide[value] = instead
}

// shownMost bounds a text in a result, in bytes.
const shownMost = 300

// show makes a text fit for a result: without secrets, and short.
func (w *words) show(text string) string {
	values := make([]string, 0, len(w.hide))
	for v := range w.hide {
		values = append(values, v)
	}
	// The longest first: one may be part of another.
	slices.SortFunc(values, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	for _, v := range values {
		text = strings.ReplaceAll(text, v, w.hide[v])
	}
	if len(text) > shownMost {
		text = text[:shownMost] + "…"
	}
	return strings.ToValidUTF8(text, "")
}

// SecretsIn reads secrets from the files of a directory, each named as the
// secret, without the white space around it.
func SecretsIn(dir string) func(name string) (string, error) {
	return func(name string) (string, error) {
		const op = "reading secret"
		if !secretName.MatchString(name) {
			return "", pitwall.Errorf(pitwall.Invalid, op, "%q cannot be the name of a secret", name)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return "", &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: name, Err: err, Hint: "name the directory with the secrets"}
		}
		defer root.Close()
		data, err := root.ReadFile(name)
		value := strings.TrimSpace(string(data))
		if err == nil && value == "" {
			err = fmt.Errorf("the file is empty")
		}
		if err != nil {
			return "", &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: name, Err: err, Hint: "put it into a file of that name in the directory with the secrets"}
		}
		return value, nil
	}
}
