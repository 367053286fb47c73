package memstore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
)

// Runs returns the selected runs by due time, then account, task, slot and scheduler, or
// in the opposite order.
func (s *Store) Runs(_ context.Context, q store.Query) ([]store.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := selection{query: q}
	for scheduler, l := range s.ledgers {
		if q.Scheduler != "" && q.Scheduler != scheduler {
			continue
		}
		for row := range l.rows.within(q) {
			if selects(q, row) {
				found.add(row)
			}
		}
	}
	found.cut()
	var runs []store.Run
	for _, row := range found.rows {
		runs = append(runs, copyOf(row))
	}
	return runs, nil
}

// selection is the rows that a query selects. Of many more than its Limit it does not keep
// all: a page of a long history takes the memory of a page.
type selection struct {
	query store.Query
	rows  []*store.Run
	last  *store.Run // of the page as far as it is known, once it is full
}

func (s *selection) add(row *store.Run) {
	const kept = 4096
	if s.last != nil && s.compare(row, s.last) > 0 {
		return
	}
	if s.rows = append(s.rows, row); s.query.Limit > 0 && len(s.rows) >= s.query.Limit+kept {
		s.cut()
	}
}

// cut puts the rows in order, and keeps those that the query asks for.
func (s *selection) cut() {
	slices.SortFunc(s.rows, s.compare)
	if n := s.query.Limit; n > 0 && len(s.rows) >= n {
		s.rows, s.last = s.rows[:n], s.rows[n-1]
	}
}

// compare orders rows as the query asks.
func (s *selection) compare(a, b *store.Run) int {
	if s.query.NewestFirst {
		a, b = b, a
	}
	if c := a.Due.Compare(b.Due); c != 0 {
		return c
	}
	return a.Cursor().Compare(b.Cursor())
}

// selects reports whether a query selects a run of a scheduler that it is about.
func selects(q store.Query, r *store.Run) bool {
	return (q.Account == "" || q.Account == r.Account) &&
		(q.Task == "" || q.Task == r.Task) &&
		(q.Slot == "" || q.Slot == r.Slot) &&
		(len(q.Outcomes) == 0 || slices.Contains(q.Outcomes, r.Outcome)) &&
		(q.From.IsZero() || !r.Session.Before(q.From)) &&
		(q.To.IsZero() || !r.Session.After(q.To)) &&
		(q.After.IsZero() || isAfter(q, r))
}

func isAfter(q store.Query, r *store.Run) bool {
	order := r.Cursor().Compare(q.After)
	return order > 0 && !q.NewestFirst || order < 0 && q.NewestFirst
}

// ResetWatermark sets the watermark back to an instant, or to before the ranges
// that go on beyond it.
func (s *Store) ResetWatermark(_ context.Context, t store.Term, to time.Time, reason, actor string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.fenced(t)
	if err != nil {
		return err
	}
	if to.After(l.watermark) {
		return fmt.Errorf("reset the watermark of %s to %v: it is at %v, and can only be set back", t.Scheduler, to, l.watermark)
	}
	end := to
	goes := func(row *store.Run) bool { return neverStarted(row) && row.Through().After(end) }
	for row := range l.rows.all() {
		if goes(row) && !row.Due.After(to) {
			to = row.Due.Add(-time.Second)
		}
	}
	l.watermark = to
	for i, start := range l.starts {
		if start.After(to) {
			l.starts[i] = to
		}
	}
	for account, e := range l.enrolments {
		if e.From.After(to) {
			e.From = to
			l.enrolments[account] = e
		}
	}
	l.remove(goes)
	s.note(t.Scheduler, store.AuditEntry{Action: "reset", Actor: actor, Reason: reason, At: s.clock.Now().UTC()})
	return nil
}

// Prune removes the final rows that are due before before. A range stays until
// all of it is due before.
func (s *Store) Prune(_ context.Context, scheduler string, before time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.ledger(scheduler)
	if limit := l.watermark.Add(-store.MinRetention); before.After(limit) {
		return 0, fmt.Errorf("prune %s before %v: what is due after %v may still be needed", scheduler, before, limit)
	}
	if before.After(l.floor) {
		l.floor = before
	}
	// A session of an earlier date has no more runs.
	maps.DeleteFunc(l.facts, func(key factsKey, _ sessionFacts) bool { return key.session.Before(calendar.DateOf(before.UTC())) })
	maps.DeleteFunc(l.single, func(_ string, last calendar.Date) bool { return last.Before(calendar.DateOf(before.UTC())) })
	l.overrides = slices.DeleteFunc(l.overrides, func(o store.Override) bool { return o.Session.Before(calendar.DateOf(before.UTC())) })
	l.requests = slices.DeleteFunc(l.requests, func(r *request.Request) bool {
		old := !r.Open() && r.Answered.Before(before)
		if old {
			delete(s.requests, r.ID)
		}
		return old
	})
	return l.remove(func(row *store.Run) bool {
		return row.Outcome.Final() && row.Through().Before(before) && !row.Through().After(l.aheadOf(row.Account))
	}), nil
}

// remove removes the rows that match and returns their number.
func (l *ledger) remove(match func(*store.Run) bool) int {
	removed := l.rows.remove(match)
	maps.DeleteFunc(l.ranges, func(_ rangeKey, r *rangeIndex) bool {
		r.rows = slices.DeleteFunc(r.rows, match)
		return len(r.rows) == 0
	})
	return removed
}

func inOrder(a, b store.Run) int { return a.Cursor().Compare(b.Cursor()) }
