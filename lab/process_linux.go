package lab

import "syscall"

// shopNice is the priority of the shop's processes where the system allows it.
const shopNice = -5

// favour raises the calling thread's priority, which its children inherit. A
// real shop does not share its machines with whoever watches it; here it does,
// and this keeps the watcher's work out of the shop's latencies. Without the
// right to do so nothing happens.
func favour() { _ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, shopNice) }

// dieWithParent has the kernel kill a child when the director dies, however it
// dies; an own group keeps a terminal's Ctrl-C with the director, who stops
// the shop in order.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
