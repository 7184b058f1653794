//go:build !unix

package wal

import "os"

// lockFile only marks the directory: here two processes are not kept apart.
func lockFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o640)
}
