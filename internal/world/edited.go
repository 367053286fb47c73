package world

import "time"

// mustBeKept reports whether an occurrence must be in the ledger although its row has
// changed since: an edit holds from its own instant on, and there was one process, which
// knew the rule of before and read of the edit later, as a host does that slept. What the
// edit disabled is not run any more.
func (b *book) mustBeKept(account string, o occurrence, due, accounted time.Duration) bool {
	if o.moved || o.why != "" || b.w.script.replicas > 1 || b.failing.touch(due-near, accounted) || b.calendars.uncertain(due-poll, accounted) {
		return false
	}
	before := b.rows.at(due)
	for r := before; r <= b.rows.at(accounted); r++ {
		if t, usable := rowFor(b.rows.all[r-1], account, o.task); !usable || t.Disabled {
			return false
		}
	}
	for p := range b.rows.seen {
		if p.born <= due-near && (p.leaves == 0 || p.leaves > accounted) {
			return b.rows.given(p, due, 1)[0] == before
		}
	}
	return false
}
