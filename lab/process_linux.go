package lab

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

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

// yield sets the priority of the whole process; its threads of later inherit it.
func yield(nice int) {
	for _, tid := range threads() {
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, tid, nice) // lowering one's own is always allowed
	}
}

// pin binds the process to one processor, or does nothing below 0. Where there
// are fewer it takes the last.
func pin(cpu int) error {
	if cpu < 0 {
		return nil
	}
	cpu = min(cpu, runtime.NumCPU()-1)
	var mask [16]uint64 // 1024 processors, as glibc has it
	mask[cpu/64] = 1 << (cpu % 64)
	for _, tid := range threads() {
		_, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, uintptr(tid), unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask)))
		if errno != 0 && errno != syscall.ESRCH { // a thread may have ended
			return fmt.Errorf("binding to processor %d: %w", cpu, errno)
		}
	}
	return nil
}

// threads are the ids of this process' threads.
func threads() []int {
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return []int{0} // the calling thread
	}
	var out []int
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			out = append(out, tid)
		}
	}
	return out
}
