package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/pitwall/pitwall/lab/shop"
)

const (
	startWithin = 15 * time.Second // a service must say it listens
	stopWithin  = 3 * time.Second  // between asking a process and killing it
)

// child is one started process.
type child struct {
	name string // "inventory@v41"
	cmd  *exec.Cmd
	said shop.Listening
	done chan struct{} // closed when the process has ended

	retired bool // asked to end while the lab goes on; the family's lock guards it
}

// family starts processes and sees to it that none outlives the director.
type family struct {
	exe    string
	stderr io.Writer
	gone   func(*child) // told when one ends by itself; may be nil

	births chan func()
	mu     sync.Mutex
	all    []*child
	ending bool
	wg     sync.WaitGroup
}

// newFamily starts the thread that gives birth. On Linux a death signal fires
// when the parent's *thread* ends, so all children come from one that stays.
func newFamily(stderr io.Writer, gone func(*child)) (*family, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this binary: %w", err)
	}
	f := &family{exe: exe, stderr: stderr, gone: gone, births: make(chan func())}
	go func() { // ends when stop closes births; its thread ends with it
		runtime.LockOSThread()
		favour()
		for b := range f.births {
			b()
		}
	}()
	return f, nil
}

// start runs "lab args…" with env on top of ours and waits until it listens.
func (f *family) start(ctx context.Context, name string, env []string, args ...string) (*child, error) {
	args = append(append([]string{"lab"}, args...), "--watch-parent", strconv.Itoa(os.Getpid()))
	c := &child{name: name, cmd: exec.Command(f.exe, args...), done: make(chan struct{})}
	c.cmd.Stderr = f.stderr
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.SysProcAttr = dieWithParent()
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("preparing %s: %w", name, err)
	}
	if err := f.bear(c); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	said := make(chan error, 1)
	f.wg.Go(func() {
		said <- c.listen(out)
		_, _ = io.Copy(io.Discard, out) // until the process closes it
		_ = c.cmd.Wait()                // the exit code says nothing we act on
		close(c.done)
		f.ended(c)
	})
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	select {
	case err = <-said:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		_ = c.cmd.Process.Kill()
		return nil, fmt.Errorf("waiting for %s to listen: %w", name, err)
	}
	return c, nil
}

// bear starts the process on the family's thread.
func (f *family) bear(c *child) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ending {
		return errors.New("the lab is stopping")
	}
	result := make(chan error)
	f.births <- func() { result <- c.cmd.Start() }
	if err := <-result; err != nil {
		return err
	}
	f.all = append(f.all, c)
	return nil
}

// listen reads the child's first line.
func (c *child) listen(r io.Reader) error {
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("it ended before it listened: %w", err)
	}
	if err := json.Unmarshal(line, &c.said); err != nil {
		return fmt.Errorf("reading its first line: %w", err)
	}
	return nil
}

func (f *family) ended(c *child) {
	f.mu.Lock()
	own := !f.ending && !c.retired
	f.mu.Unlock()
	if own && f.gone != nil {
		f.gone(c)
	}
}

// retire asks one process to end; nobody is told when it has.
func (f *family) retire(pid int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.all {
		if c.cmd.Process.Pid == pid && !c.retired {
			c.retired = true
			_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		}
	}
}

// kill ends one process at once; false if it was asked to end already.
func (f *family) kill(pid int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.all {
		if c.cmd.Process.Pid == pid && !c.retired {
			c.retired = true
			_ = c.cmd.Process.Kill() // it may have ended already
			return true
		}
	}
	return false
}

// stop ends all children, the youngest (the load) first, and waits for them.
func (f *family) stop() {
	f.mu.Lock()
	f.ending = true
	all := f.all
	f.mu.Unlock()
	kill := time.AfterFunc(stopWithin, func() {
		for _, c := range all {
			_ = c.cmd.Process.Kill()
		}
	})
	defer kill.Stop()
	for i := len(all) - 1; i >= 0; i-- {
		_ = all[i].cmd.Process.Signal(syscall.SIGTERM)
	}
	f.wg.Wait()
	close(f.births)
}
