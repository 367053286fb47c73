package memstore

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock"
)

// Schedulers returns how the term of each scheduler stands that ever had one, by name.
func (s *Store) Schedulers(context.Context) ([]tradeclock.TermState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []tradeclock.TermState
	for _, name := range slices.Sorted(maps.Keys(s.ledgers)) {
		l := s.ledgers[name]
		if l.term.Number == 0 {
			continue
		}
		state := tradeclock.TermState{Term: l.term, Watermark: l.watermark}
		if l.leading {
			state.Expires, state.Left = l.expires.UTC(), l.expires.Sub(s.clock.Now())
		} else {
			state.Term.Holder = ""
		}
		all = append(all, state)
	}
	return all, nil
}

// Enrolments returns accounts that were ever enrolled with a scheduler, by name.
func (s *Store) Enrolments(_ context.Context, q tradeclock.EnrolmentQuery) ([]tradeclock.EnrolledAccount, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.ledgers[q.Scheduler]
	if l == nil {
		return nil, nil
	}
	var names []string
	for name := range l.enrolments {
		if strings.HasPrefix(name, q.Prefix) && (q.Account == "" || name == q.Account) && (q.After == "" || name > q.After) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if q.Limit > 0 && len(names) > q.Limit {
		names = names[:q.Limit]
	}
	found := make([]tradeclock.EnrolledAccount, len(names))
	for i, name := range names {
		e := l.enrolments[name]
		found[i] = tradeclock.EnrolledAccount{Enrolment: e.Enrolment, Term: e.term}
	}
	return found, nil
}
