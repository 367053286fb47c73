package tradeclock

import (
	"slices"
	"time"
)

// rangeIndex is the rows of one task and account that stand for more than one
// occurrence. The nil index has none.
type rangeIndex struct {
	rows    []*Run
	through time.Time // the latest due time in any of them
}

func (l *memoryLedger) indexRange(row *Run) {
	key := rangeKey{row.Account, row.Task}
	index := l.ranges[key]
	if index == nil {
		index = new(rangeIndex)
		l.ranges[key] = index
	}
	if !slices.Contains(index.rows, row) {
		index.rows = append(index.rows, row)
	}
	if row.Through().After(index.through) {
		index.through = row.Through()
	}
}

// covering returns the row in whose range due lies, or nil. It looks at no row
// for an instant later than all of them, which is the common case.
func (r *rangeIndex) covering(due time.Time) *Run {
	if r == nil || due.After(r.through) {
		return nil
	}
	for _, row := range r.rows {
		if !due.Before(row.Due) && !due.After(row.Through()) {
			return row
		}
	}
	return nil
}

// sessionFacts are what First and Resumed are told from, of one task, account
// and session.
type sessionFacts struct {
	succeeded bool  // a run has
	claimedIn int64 // the number of the first term under which a run was claimed
}

// noteClaim returns the facts of the row's session, of which it is a claim.
func (l *memoryLedger) noteClaim(row *Run) sessionFacts {
	key := factsKey{row.Account, row.Task, row.Session}
	facts, known := l.facts[key]
	if !known {
		facts.claimedIn = row.Term
		l.facts[key] = facts
	}
	return facts
}

func (l *memoryLedger) noteSuccess(row *Run) {
	facts := l.noteClaim(row)
	facts.succeeded = true
	l.facts[factsKey{row.Account, row.Task, row.Session}] = facts
}
