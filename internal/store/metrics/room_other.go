//go:build !linux && !darwin

package metrics

import "errors"

// free cannot be told here.
func free(string) (uint64, error) { return 0, errors.ErrUnsupported }
