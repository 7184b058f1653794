package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is this same binary running as another process. The demo runs Pitwall
// and the lab as children, so that either can be killed like any process.
type child struct {
	name string
	args []string
	line func(string) // each line of its stdout
	log  io.Writer    // its stderr

	mu   sync.Mutex
	cmd  *exec.Cmd
	done chan struct{}
}

// start runs the child; it dies with its parent.
func (c *child) start() error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding own binary: %w", err)
	}
	cmd := exec.Command(exe, c.args...)
	cmd.Stderr = c.log
	cmd.Env = slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "PITWALL_") }) // the configuration is the demo's own
	cmd.SysProcAttr = dieWithParent()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting %s: %w", c.name, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", c.name, err)
	}
	done := make(chan struct{})
	c.mu.Lock()
	c.cmd, c.done = cmd, done
	c.mu.Unlock()
	go func() {
		defer close(done)
		sc := bufio.NewScanner(out)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			if c.line != nil {
				c.line(sc.Text())
			}
		}
		_ = cmd.Wait() // how it ended shows in its log; whoever waits asks exited
	}()
	return nil
}

// exited is closed when the present process has ended.
func (c *child) exited() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

// kill sends SIGKILL and waits until the process is gone.
func (c *child) kill() {
	c.mu.Lock()
	cmd, done := c.cmd, c.done
	c.mu.Unlock()
	_ = cmd.Process.Kill() // it may be gone already; then there is nothing to do
	<-done
}

// stop asks the child to end, and insists after a while.
func (c *child) stop(ctx context.Context) {
	c.mu.Lock()
	cmd, done := c.cmd, c.done
	c.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		c.kill()
	case <-ctx.Done():
		c.kill()
	}
}
