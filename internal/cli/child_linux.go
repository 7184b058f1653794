package cli

import "syscall"

// dieWithParent makes the kernel kill the child when this process ends, however
// it ends. A Ctrl-C reaches only this process, which stops its children in order.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
