package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pitwall/pitwall"
)

// author is the name on every commit.
const (
	authorName  = "Pitwall"
	authorEmail = "pitwall@localhost"
)

// branchPrefix is the corner of the branch names that is ours.
const branchPrefix = "pitwall/"

// Options say how files are delivered.
type Options struct {
	// Main is the branch to start from; empty: the one that is checked out.
	Main string
	// FastForward moves Main on to the delivered commit where that is a plain
	// step forward; otherwise the branch waits for a person.
	FastForward bool
	Now         func() time.Time // dates of commits
}

// Repo is a pitwall.Repository.
type Repo struct {
	dir    string
	gitDir string // of this work tree: its index
	common string // of the whole repository: its refs
	main   string
	o      Options

	mu   sync.Mutex // one delivery at a time; guards lock
	lock *os.File   // held while delivering
}

var _ pitwall.Repository = (*Repo)(nil)

// Init makes a repository with a first commit on main, and its directory, where
// there is none yet. One that is there stays as it is.
func Init(ctx context.Context, dir string, now time.Time) error {
	const op = "making repository"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return trouble(op, dir, err)
	}
	r := &Repo{dir: dir}
	if _, err := os.Stat(filepath.Join(dir, ".git")); errors.Is(err, os.ErrNotExist) {
		if _, err := r.git(ctx, call{args: []string{"init", "--quiet", "--initial-branch=main", "--template=", "."}}); err != nil {
			return trouble(op, dir, err)
		}
	}
	// Killed after git init: the first commit is still missing.
	if tip, err := r.ref(ctx, "HEAD"); err != nil || tip != "" {
		return wrap(op, dir, err)
	}
	tree, err := r.git(ctx, call{args: []string{"mktree"}})
	if err != nil {
		return trouble(op, dir, err)
	}
	commit, err := r.commit(ctx, commit{tree: tree, message: "Start\n", at: now})
	if err != nil {
		return trouble(op, dir, err)
	}
	_, err = r.git(ctx, call{args: []string{"update-ref", "HEAD", commit, strings.Repeat("0", len(commit))}})
	return wrap(op, dir, err)
}

func wrap(op, id string, err error) error {
	if err == nil {
		return nil
	}
	return trouble(op, id, err)
}

// Open takes an existing repository with at least one commit.
func Open(ctx context.Context, dir string, o Options) (*Repo, error) {
	const op = "opening repository"
	if o.Now == nil {
		return nil, pitwall.Errorf(pitwall.Internal, op, "no clock")
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, trouble(op, dir, err)
	}
	if _, err := os.Stat(abs); err != nil {
		return nil, &pitwall.Error{Op: op, Kind: pitwall.NotFound, ID: abs, Err: err, Hint: "git init " + abs}
	}
	r := &Repo{dir: abs, main: o.Main, o: o}
	if err := r.locate(ctx); err != nil {
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: abs, Err: err, Hint: "name the top of a git repository in enforce.repository, or run: git init " + abs}
	}
	if r.main == "" {
		if r.main, err = r.git(ctx, call{args: []string{"symbolic-ref", "--quiet", "--short", "HEAD"}}); err != nil {
			return nil, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: abs, Err: errors.New("no branch is checked out"), Hint: "name the branch to start from"}
		}
	}
	tip, err := r.ref(ctx, "refs/heads/"+r.main)
	switch {
	case err != nil:
		return nil, trouble(op, abs, err)
	case tip == "":
		return nil, &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: abs, Err: fmt.Errorf("the branch %q has no commit", r.main), Hint: "make a first commit"}
	}
	return r, nil
}

// locate finds git's own directories and makes sure that dir is the top: git
// would also find a repository further up, which nobody has named.
func (r *Repo) locate(ctx context.Context) error {
	out, err := r.git(ctx, call{args: []string{"rev-parse", "--path-format=absolute", "--git-dir", "--git-common-dir", "--is-bare-repository", "--show-prefix"}})
	if err != nil {
		return err
	}
	parts := strings.Split(out, "\n")
	if len(parts) < 3 {
		return fmt.Errorf("git rev-parse answers %q", out)
	}
	r.gitDir, r.common = parts[0], parts[1]
	if len(parts) > 3 && parts[3] != "" {
		return fmt.Errorf("it is the directory %q of a repository, not its top", parts[3])
	}
	return nil
}

// Read gives the content of a delivered path: as the newest commit has it that
// touched it, on main or on a branch that waits for a person.
func (r *Repo) Read(ctx context.Context, path string) (string, error) {
	const op = "reading delivered file"
	if err := checkPath(path); err != nil {
		return "", &pitwall.Error{Op: op, Kind: pitwall.Invalid, ID: path, Err: err}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	commit, err := r.git(ctx, call{args: []string{"log", "-1", "--format=%H", "--branches=" + branchPrefix + "*", "refs/heads/" + r.main, "--", path}})
	if err != nil {
		return "", trouble(op, path, err)
	}
	if commit != "" {
		kind, err := r.git(ctx, call{args: []string{"ls-tree", "--format=%(objectmode)", commit, "--", path}})
		if err != nil {
			return "", trouble(op, path, err)
		}
		if strings.HasPrefix(kind, "100") {
			return r.blob(ctx, commit, path)
		}
	}
	return "", &pitwall.Error{Op: op, Kind: pitwall.NotFound, ID: path, Err: errors.New("it was never delivered, or has been removed"), Hint: "git -C " + r.dir + " log -- " + path}
}

// blob gives a file's exact content, with its last line end.
func (r *Repo) blob(ctx context.Context, commit, path string) (string, error) {
	// git() cuts one line end; asking for the size first tells whether it was there.
	size, err := r.git(ctx, call{args: []string{"cat-file", "-s", commit + ":" + path}})
	if err != nil {
		return "", trouble("reading delivered file", path, err)
	}
	text, err := r.git(ctx, call{args: []string{"cat-file", "blob", commit + ":" + path}})
	if err != nil {
		return "", trouble("reading delivered file", path, err)
	}
	if size != fmt.Sprint(len(text)) {
		text += "\n"
	}
	return text, nil
}

// hold takes the repository for this process, waiting a while for an orphan of
// a killed one.
func (r *Repo) hold(ctx context.Context) error {
	f, err := os.OpenFile(filepath.Join(r.common, "pitwall.lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			r.lock = f
			return nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) || wait > 3*time.Second {
			f.Close()
			return &pitwall.Error{Op: "locking repository", Kind: pitwall.Conflict, ID: r.dir, Err: fmt.Errorf("another Pitwall delivers into it: %w", err), Hint: "wait, or stop the other one"}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			f.Close()
			return ctx.Err()
		}
	}
}

func (r *Repo) letGo() {
	_ = r.lock.Close() // gives the lock back
	r.lock = nil
}
