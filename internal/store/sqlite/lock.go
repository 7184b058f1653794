//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pitwall/pitwall"
)

// lock takes the data directory for this process. The kernel gives the lock
// back when the process ends, however it ends, so a stale one cannot be.
func lock(dir string) (*os.File, error) {
	name := filepath.Join(dir, "LOCK")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, trouble("locking data directory", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		defer f.Close()
		return nil, &pitwall.Error{Op: "locking data directory", Kind: pitwall.Conflict, ID: dir,
			Err: fmt.Errorf("%s uses it", holder(f)), Hint: "stop that process, or choose another directory with --data"}
	case err != nil:
		f.Close()
		return nil, trouble("locking data directory", err)
	}
	// The number is for people; the lock itself does not depend on it.
	if err := writePID(f); err != nil {
		f.Close()
		return nil, trouble("locking data directory", err)
	}
	return f, nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}

func holder(f *os.File) string {
	text, err := io.ReadAll(io.LimitReader(f, 32))
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return "process " + pid
	}
	return "another process"
}
