package memstore

import (
	"context"
	"slices"

	"github.com/tradeclock/tradeclock/store"
)

// Tallies returns the selected tallies. They are counted when they are asked for: rows in
// memory are read faster than a count could be kept beside each write.
func (s *Store) Tallies(_ context.Context, q store.TallyQuery) ([]store.Tally, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	counted := make(map[store.Tally]*store.Tally)
	for scheduler, l := range s.ledgers {
		if q.Scheduler != "" && q.Scheduler != scheduler {
			continue
		}
		for row := range l.rows.ofTasks(q.Task) {
			if !counts(q, row) {
				continue
			}
			tally := store.TallyOf(row)
			if !q.BySlot {
				tally.Slot = ""
			}
			if known := counted[tally.Key()]; known != nil {
				known.Add(tally)
			} else {
				counted[tally.Key()] = &tally
			}
		}
	}
	return page(q, counted), nil
}

// counts reports whether a run is counted in a tally that the query selects.
func counts(q store.TallyQuery, r *store.Run) bool {
	return (len(q.Outcomes) == 0 || slices.Contains(q.Outcomes, r.Outcome)) &&
		(q.From.IsZero() || !r.Session.Before(q.From)) &&
		(q.To.IsZero() || !r.Session.After(q.To))
}

// page returns those of the tallies that the query asks for, in order.
func page(q store.TallyQuery, counted map[store.Tally]*store.Tally) []store.Tally {
	var tallies []store.Tally
	for _, t := range counted {
		if q.After == nil || t.Compare(q.After) > 0 {
			tallies = append(tallies, *t)
		}
	}
	slices.SortFunc(tallies, func(a, b store.Tally) int { return a.Compare(&b) })
	if q.Limit > 0 && len(tallies) > q.Limit {
		tallies = tallies[:q.Limit]
	}
	return tallies
}
