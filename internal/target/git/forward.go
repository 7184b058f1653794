package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pitwall/pitwall"
)

// forward moves main on to a commit if that is a plain step forward made of the
// delivered files alone. False: it was not, so the branch waits for a person.
// Every part can be repeated after a kill: files first, then the index, then
// the ref, and each accepts what an earlier try has left.
func (r *Repo) forward(ctx context.Context, to string, files []pitwall.EnforcedFile) (bool, error) {
	ref := "refs/heads/" + r.main
	main, err := r.ref(ctx, ref)
	if err != nil {
		return false, err
	}
	if has, err := r.ancestor(ctx, to, main); err != nil || has {
		return has, err
	}
	if ok, err := r.plain(ctx, main, to, files); err != nil || !ok {
		return false, err
	}
	here, elsewhere, err := r.checkedOut(ctx)
	if err != nil || elsewhere {
		return false, err
	}
	if here {
		free, err := r.untouched(ctx, main, to, files)
		if err != nil || !free {
			return false, err
		}
		if err := r.checkOut(ctx, to, files); err != nil {
			return false, err
		}
	}
	return true, r.point(ctx, ref, to, main)
}

// plain says whether going from main to a commit is a step forward that touches
// nothing but the delivered files.
func (r *Repo) plain(ctx context.Context, main, to string, files []pitwall.EnforcedFile) (bool, error) {
	ok, err := r.ancestor(ctx, main, to)
	if err != nil || !ok {
		return false, err
	}
	names, err := r.git(ctx, call{args: []string{"diff", "--name-only", "-z", "--no-ext-diff", main, to}})
	if err != nil {
		return false, err
	}
	for name := range strings.SplitSeq(strings.Trim(names, "\x00"), "\x00") {
		if !slices.ContainsFunc(files, func(f pitwall.EnforcedFile) bool { return f.Path == name }) {
			return false, nil
		}
	}
	return true, nil
}

// checkedOut says whether main is checked out in our work tree, or in another one.
func (r *Repo) checkedOut(ctx context.Context) (here, elsewhere bool, err error) {
	list, err := r.git(ctx, call{args: []string{"worktree", "list", "--porcelain"}})
	if err != nil {
		return false, false, err
	}
	top, err := r.git(ctx, call{args: []string{"rev-parse", "--show-toplevel"}})
	if err != nil { // bare: nothing of ours is checked out
		top = ""
	}
	for tree := range strings.SplitSeq(list, "\n\n") {
		where, what := "", ""
		bare := false
		for line := range strings.SplitSeq(tree, "\n") {
			where = orElse(where, line, "worktree ")
			what = orElse(what, line, "branch ")
			bare = bare || line == "bare"
		}
		if bare || what != "refs/heads/"+r.main {
			continue
		}
		if where == top {
			here = true
		} else {
			elsewhere = true
		}
	}
	return here, elsewhere, nil
}

func orElse(old, line, prefix string) string {
	if rest, ok := strings.CutPrefix(line, prefix); ok {
		return rest
	}
	return old
}

// untouched says whether each delivered path, in the work tree and in the index,
// is either as main has it or already as it shall be. Anything else is a
// person's work, which stays.
func (r *Repo) untouched(ctx context.Context, main, to string, files []pitwall.EnforcedFile) (bool, error) {
	root, err := os.OpenRoot(r.dir)
	if err != nil {
		return false, err
	}
	defer root.Close()
	for _, f := range files {
		was, err := r.object(ctx, "ls-tree", "--format=%(objectname)", main, "--", f.Path)
		if err != nil {
			return false, err
		}
		shall, err := r.object(ctx, "ls-tree", "--format=%(objectname)", to, "--", f.Path)
		if err != nil {
			return false, err
		}
		staged, err := r.object(ctx, "ls-files", "--format=%(objectname)", "--", f.Path)
		if err != nil {
			return false, err
		}
		ours, err := r.onDisk(ctx, root, f.Path)
		if err != nil {
			return false, err
		}
		if staged != was && staged != shall || ours != was && ours != shall {
			return false, nil
		}
	}
	return true, nil
}

// object asks git for one object name; "" when there is no such path.
func (r *Repo) object(ctx context.Context, args ...string) (string, error) {
	return r.git(ctx, call{args: args})
}

// onDisk gives the object name of a file in the work tree, "" when there is
// none, and a name of no object for what is no plain file.
func (r *Repo) onDisk(ctx context.Context, root *os.Root, file string) (string, error) {
	const foreign = "not a plain file"
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		info, err := root.Lstat(dir)
		if err == nil && !info.IsDir() {
			return foreign, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	info, err := root.Lstat(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return foreign, nil
	}
	text, err := root.ReadFile(file)
	if err != nil {
		return "", err
	}
	return r.git(ctx, call{args: []string{"hash-object", "--stdin"}, stdin: string(text)})
}

// checkOut writes the delivered files into the work tree and the index.
func (r *Repo) checkOut(ctx context.Context, to string, files []pitwall.EnforcedFile) error {
	root, err := os.OpenRoot(r.dir) // no link leads out of it
	if err != nil {
		return err
	}
	defer root.Close()
	var lines strings.Builder
	for _, f := range files {
		if err := place(root, f); err != nil {
			return fmt.Errorf("writing %s: %w", f.Path, err)
		}
		blob, err := r.object(ctx, "ls-tree", "--format=%(objectname)", to, "--", f.Path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "100644 %s\t%s\x00", blob, f.Path)
	}
	if err := r.clearIndexLock(); err != nil {
		return err
	}
	if _, err := r.lock.WriteAt([]byte("writing the index\n"), 0); err != nil {
		return err
	}
	_, err = r.git(ctx, call{args: []string{"update-index", "-z", "--add", "--index-info"}, stdin: lines.String()})
	var said *exitError
	if err != nil && !(errors.As(err, &said) && said.code > 0) {
		return err // killed: the mark stays
	}
	return errors.Join(err, r.lock.Truncate(0))
}

// place writes one file whole or not at all.
func place(root *os.Root, f pitwall.EnforcedFile) error {
	if err := root.MkdirAll(path.Dir(f.Path), 0o755); err != nil {
		return err
	}
	tmp := path.Join(path.Dir(f.Path), ".pitwall-"+path.Base(f.Path)+".tmp")
	if err := root.WriteFile(tmp, []byte(f.Content), 0o644); err != nil {
		return err
	}
	return root.Rename(tmp, f.Path)
}

// clearIndexLock removes an index.lock that our own killed git has left. The
// lock file of this package holds a mark while the index is being written; with
// a mark left over and an index.lock from those seconds, it was ours.
func (r *Repo) clearIndexLock() error {
	mark, err := r.lock.Stat()
	if err != nil || mark.Size() == 0 {
		return err
	}
	name := filepath.Join(r.gitDir, "index.lock")
	info, err := os.Stat(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if age := info.ModTime().Sub(mark.ModTime()); age < 0 || age > patience {
		return nil // somebody else's: git will say so
	}
	return os.Remove(name)
}
