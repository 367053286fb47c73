package memstore

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/store"
)

// rangeIndex is the rows of one task and account that stand for more than one
// occurrence. The nil index has none.
type rangeIndex struct {
	rows    []*store.Run
	through time.Time // the latest due time in any of them
}

func (l *ledger) indexRange(row *store.Run) {
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
func (r *rangeIndex) covering(due time.Time) *store.Run {
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
	claims    int   // of runs that may have started
}

// noteClaim notes that the row is claimed, and returns the facts of its session if
// it is of a repeating run. Others have no use for them.
func (l *ledger) noteClaim(row *store.Run) sessionFacts {
	if !row.Repeating {
		if row.Session.After(l.single[row.Task]) {
			l.single[row.Task] = row.Session
		}
		return sessionFacts{}
	}
	key := factsKey{row.Account, row.Task, row.Session}
	facts, known := l.facts[key]
	if !known {
		facts = l.factsFromRows(row)
	}
	facts.claims++
	l.facts[key] = facts
	return facts
}

// forgetClaim takes back what noteClaim noted of a run that never started. The facts
// of a session without any other are told from the rows when one is claimed again.
func (l *ledger) forgetClaim(row *store.Run) {
	key := factsKey{row.Account, row.Task, row.Session}
	facts, known := l.facts[key]
	if !known || !row.Repeating {
		return
	}
	facts.claims--
	if facts.claims == 0 && !facts.succeeded {
		delete(l.facts, key)
		return
	}
	l.facts[key] = facts
}

// factsFromRows returns the facts of a session before its first repeating run: the
// task may have had others.
func (l *ledger) factsFromRows(run *store.Run) sessionFacts {
	facts := sessionFacts{claimedIn: run.Term}
	if run.Session.After(l.single[run.Task]) {
		return facts
	}
	for row := range l.rows.ofTask(run.Account, run.Task) {
		if row.Session == run.Session && row.Token != "" {
			facts.succeeded = facts.succeeded || row.Outcome == store.Succeeded
			facts.claimedIn = min(facts.claimedIn, row.Term)
		}
	}
	return facts
}

func (l *ledger) noteSuccess(row *store.Run) {
	key := factsKey{row.Account, row.Task, row.Session}
	if facts, known := l.facts[key]; known && !facts.succeeded {
		facts.succeeded = true
		l.facts[key] = facts
	}
}
