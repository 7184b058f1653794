//go:build linux || darwin

package metrics

import "syscall"

// free is how many bytes may still be written to the disk of a directory.
func free(dir string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}
