package record

import (
	"go.opentelemetry.io/collector/pdata/plog"
)

// logsOf leaves the records of a period, at most so many. Where there are more,
// every n-th is kept over the whole run, so that the proportions of before and
// after stay. It says how many were kept and how many left out.
func logsOf(all []plog.Logs, p period, most int) (out []plog.Logs, kept, left int) {
	total := 0
	inside := func(r plog.LogRecord) bool {
		at := r.Timestamp()
		if at == 0 {
			at = r.ObservedTimestamp()
		}
		return p.holds(int64(at))
	}
	for _, ld := range all {
		for _, rl := range ld.ResourceLogs().All() {
			for _, sl := range rl.ScopeLogs().All() {
				for _, r := range sl.LogRecords().All() {
					if inside(r) {
						total++
					}
				}
			}
		}
	}
	nth, seen := 1, 0
	if total > most {
		nth = (total + most - 1) / most
	}
	for _, ld := range all {
		c := plog.NewLogs()
		ld.CopyTo(c)
		c.ResourceLogs().RemoveIf(func(rl plog.ResourceLogs) bool {
			rl.ScopeLogs().RemoveIf(func(sl plog.ScopeLogs) bool {
				sl.LogRecords().RemoveIf(func(r plog.LogRecord) bool {
					if !inside(r) {
						return true
					}
					seen++
					return (seen-1)%nth != 0
				})
				kept += sl.LogRecords().Len()
				return sl.LogRecords().Len() == 0
			})
			return rl.ScopeLogs().Len() == 0
		})
		if c.ResourceLogs().Len() > 0 {
			out = append(out, c)
		}
	}
	return out, kept, total - kept
}
