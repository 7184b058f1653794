package logs

import "strconv"

// Sum is the 64-bit FNV-1a hash of a template: the pattern's id as a number.
// It is the same for ever.
func Sum(template []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range template {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// FormatID words a pattern's id as people and LogPattern carry it.
func FormatID(sum uint64) string {
	const zeros = "0000000000000000"
	s := strconv.FormatUint(sum, 16)
	return zeros[len(s):] + s
}

// ParseID reads what FormatID wrote; ok is false for anything else.
func ParseID(id string) (sum uint64, ok bool) {
	if len(id) != 16 {
		return 0, false
	}
	sum, err := strconv.ParseUint(id, 16, 64)
	return sum, err == nil && FormatID(sum) == id
}
