package mask

import (
	"context"

	"github.com/pitwall/pitwall"
)

// Change takes secrets out of all that a change says of itself: its words, its
// settings and its link. What it was given stays as it was. The settings of a
// change are there to be read alone: a plan takes a change back by moving
// traffic to the version before it, and asks no value of it.
func Change(c pitwall.Change) pitwall.Change {
	c.Summary, c.Diff, c.Actor, c.Link = Text(c.Summary), Text(c.Diff), Text(c.Actor), Text(c.Link)
	c.DiffHints, c.Config, c.Flags = texts(c.DiffHints), Values(c.Config), Values(c.Flags)
	return c
}

// Changes is a change log that secrets do not get into: lists, pages, messages
// and the record read from it.
type Changes struct{ pitwall.ChangeLog }

var _ pitwall.ChangeLog = Changes{}

// AppendChange stores a change without its secrets.
func (l Changes) AppendChange(ctx context.Context, c pitwall.Change) (bool, error) {
	return l.ChangeLog.AppendChange(ctx, Change(c))
}
