// Package exam asks a built pitwall about a recorded case and marks what it says.
//
// In: the binary and a case's folder with its truth.json. Out: the answer, its
// mark, and how long it took. It refuses to know what cases are grouped by or
// how marks are printed.
package exam

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/pitwall/pitwall/internal/diagnose/score"
)

// within is how long one diagnosis may take; the wanted figure is one second.
const within = 60 * time.Second

// Result is one case, answered and marked.
type Result struct {
	Mark   score.Mark
	Answer score.Answer
	Took   time.Duration
}

// Take runs "pitwall diagnosis run" on the case in dir. No answer, a late one,
// or one that is none is a wrong answer, told on stderr; a pitwall that does not
// start, a case without a truth and the end of ctx are errors.
func Take(ctx context.Context, pitwall, dir string) (Result, error) {
	truth, err := score.ReadTruth(dir)
	if err != nil {
		return Result{}, err
	}
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	cmd := exec.CommandContext(limited, pitwall, "diagnosis", "run", "--case", dir, "-o", "json")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	began := time.Now()
	ran := cmd.Run()
	r := Result{Took: time.Since(began)}
	switch {
	case ctx.Err() != nil:
		return Result{}, fmt.Errorf("stopped at %s: %w", dir, ctx.Err())
	case cmd.ProcessState == nil:
		return Result{}, fmt.Errorf("starting %s: %w", pitwall, ran)
	}
	name := filepath.Base(dir)
	if err := json.Unmarshal(out.Bytes(), &r.Answer); err != nil {
		r.Answer = score.Answer{}
		fmt.Fprintf(os.Stderr, "%s: no answer (%v): %.300s\n", name, ran, errs.String())
	}
	r.Mark = score.One(name, truth, r.Answer)
	return r, nil
}

// Right says whether the answer is all that was wanted: the culprit first, its
// class and its change; or nothing blamed where nothing is to blame.
func (r Result) Right() bool {
	m := r.Mark
	if m.Truth.None {
		return m.NoneOK
	}
	return m.Rank == 1 && m.Class && (m.Truth.Change == "" || m.Change)
}
