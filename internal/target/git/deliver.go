package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/pitwall/pitwall"
)

// Deliver commits the files on the branch pitwall/<plan>. Files that are there
// already make no commit; delivering the same again gives the same answer. The
// answer names main as the branch where that was moved on.
func (r *Repo) Deliver(ctx context.Context, plan pitwall.PlanID, message string, files []pitwall.EnforcedFile) (pitwall.EnforcedData, error) {
	const op = "delivering files"
	if err := check(plan, files); err != nil {
		return pitwall.EnforcedData{}, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: string(plan), Err: err}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.hold(ctx); err != nil {
		return pitwall.EnforcedData{}, trouble(op, r.dir, err)
	}
	defer r.letGo()
	d := delivery{plan: plan, branch: branchPrefix + string(plan), message: message, files: files}
	data, err := r.deliver(ctx, d)
	return data, wrap(op, r.dir, err)
}

type delivery struct {
	plan    pitwall.PlanID
	branch  string
	message string
	files   []pitwall.EnforcedFile
}

func (r *Repo) deliver(ctx context.Context, d delivery) (pitwall.EnforcedData, error) {
	tip, base, err := r.start(ctx, d)
	if err != nil {
		return pitwall.EnforcedData{}, err
	}
	tree, err := r.tree(ctx, base, d.files)
	if err != nil {
		return pitwall.EnforcedData{}, fmt.Errorf("building tree: %w", err)
	}
	had, err := r.git(ctx, call{args: []string{"rev-parse", base + "^{tree}"}})
	if err != nil {
		return pitwall.EnforcedData{}, err
	}
	done, branch := tip, d.branch
	switch {
	case tree != had:
		text := strings.TrimSpace(d.message) + "\n\nPitwall-Plan: " + string(d.plan) + "\n"
		if done, err = r.commit(ctx, commit{tree: tree, parent: base, message: text, at: r.o.Now()}); err != nil {
			return pitwall.EnforcedData{}, err
		}
		if err := r.point(ctx, "refs/heads/"+d.branch, done, tip); err != nil {
			return pitwall.EnforcedData{}, err
		}
	case tip == "": // main has it all already
		if done, err = r.touched(ctx, base, d.files); err != nil {
			return pitwall.EnforcedData{}, err
		}
		branch = r.main
	}
	data := pitwall.EnforcedData{Repository: r.dir, Branch: branch, Commit: done}
	if r.o.FastForward {
		moved, err := r.forward(ctx, done, d.files)
		if err != nil {
			return pitwall.EnforcedData{}, fmt.Errorf("moving %s on: %w", r.main, err)
		}
		if moved {
			data.Branch = r.main
		}
	}
	data.Files, err = r.explain(ctx, done, d.files)
	return data, err
}

// touched gives the newest commit that changed one of the files.
func (r *Repo) touched(ctx context.Context, from string, files []pitwall.EnforcedFile) (string, error) {
	args := []string{"log", "-1", "--format=%H", from, "--"}
	for _, f := range files {
		args = append(args, f.Path)
	}
	return r.git(ctx, call{args: args})
}

// start gives the tip of the plan's branch ("" when it is new) and the commit
// to build on: the branch while it waits for a person, main otherwise.
func (r *Repo) start(ctx context.Context, d delivery) (tip, base string, err error) {
	ref := "refs/heads/" + d.branch
	// Nobody but us makes this ref, and we hold the lock: a leftover is ours.
	if err := os.Remove(filepath.Join(r.common, filepath.FromSlash(ref)+".lock")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", "", fmt.Errorf("removing leftover lock: %w", err)
	}
	main, err := r.ref(ctx, "refs/heads/"+r.main)
	if err != nil {
		return "", "", err
	}
	tip, err = r.ref(ctx, ref)
	if err != nil || tip == "" {
		return "", main, err
	}
	merged, err := r.ancestor(ctx, tip, main)
	if err != nil {
		return "", "", err
	}
	if merged {
		return tip, main, nil
	}
	return tip, tip, nil
}

// tree writes base's tree with the files in it, using an index of its own.
func (r *Repo) tree(ctx context.Context, base string, files []pitwall.EnforcedFile) (string, error) {
	tmp, err := os.MkdirTemp("", "pitwall-index-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	env := []string{"GIT_INDEX_FILE=" + filepath.Join(tmp, "index")}
	if _, err := r.git(ctx, call{args: []string{"read-tree", base}, env: env}); err != nil {
		return "", err
	}
	var lines strings.Builder
	for _, f := range files {
		if err := r.fits(ctx, base, f.Path); err != nil {
			return "", err
		}
		blob, err := r.git(ctx, call{args: []string{"hash-object", "-w", "--stdin"}, stdin: f.Content})
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&lines, "100644 %s\t%s\x00", blob, f.Path)
	}
	if _, err := r.git(ctx, call{args: []string{"update-index", "-z", "--add", "--index-info"}, stdin: lines.String(), env: env}); err != nil {
		return "", err
	}
	return r.git(ctx, call{args: []string{"write-tree"}, env: env})
}

// fits refuses a path that would go through a symbolic link or a submodule, or
// would replace something that is no plain file.
func (r *Repo) fits(ctx context.Context, base, file string) error {
	for p := file; p != "."; p = path.Dir(p) {
		mode, err := r.git(ctx, call{args: []string{"ls-tree", "--format=%(objectmode)", base, "--", p}})
		if err != nil {
			return err
		}
		plain := strings.HasPrefix(mode, "100") && p == file
		if mode != "" && !plain && (mode != "040000" || p == file) {
			return &pitwall.Error{Op: "checking path", Kind: pitwall.Invalid, ID: file,
				Err: fmt.Errorf("%q is in the way: it is no plain file or directory (mode %s)", p, mode), Hint: "choose another path, or remove what is there"}
		}
	}
	return nil
}

type commit struct {
	tree, parent, message string
	at                    time.Time
}

func (r *Repo) commit(ctx context.Context, c commit) (string, error) {
	args := []string{"commit-tree", c.tree, "-F", "-"}
	if c.parent != "" {
		args = append(args, "-p", c.parent)
	}
	date := fmt.Sprintf("%d +0000", c.at.Unix())
	return r.git(ctx, call{args: args, stdin: c.message, env: []string{
		"GIT_AUTHOR_NAME=" + authorName, "GIT_AUTHOR_EMAIL=" + authorEmail, "GIT_AUTHOR_DATE=" + date,
		"GIT_COMMITTER_NAME=" + authorName, "GIT_COMMITTER_EMAIL=" + authorEmail, "GIT_COMMITTER_DATE=" + date,
	}})
}

// point moves a ref from old ("" for a new one), or refuses if it has moved.
func (r *Repo) point(ctx context.Context, ref, to, old string) error {
	if old == "" {
		old = strings.Repeat("0", len(to))
	}
	_, err := r.git(ctx, call{args: []string{"update-ref", "-m", "pitwall: deliver", ref, to, old}})
	return err
}

// explain gives each file the commit that last touched it and that commit's
// diff of it, so a second delivery explains the same as the first.
func (r *Repo) explain(ctx context.Context, tip string, files []pitwall.EnforcedFile) ([]pitwall.EnforcedFile, error) {
	out := make([]pitwall.EnforcedFile, 0, len(files))
	for _, f := range files {
		commit, err := r.touched(ctx, tip, []pitwall.EnforcedFile{f})
		if err != nil {
			return nil, err
		}
		diff, err := r.git(ctx, call{args: []string{"show", "--format=", "--first-parent", "--no-color", "--no-ext-diff", "--no-textconv", "-U3", "-m", commit, "--", f.Path}})
		if err != nil {
			return nil, err
		}
		f.Commit, f.Diff = commit, diff+"\n"
		out = append(out, f)
	}
	return out, nil
}
