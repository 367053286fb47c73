package memstore

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tradeclock/tradeclock/store"
)

// Schedulers returns how the term of each scheduler stands that ever had one, by name.
func (s *Store) Schedulers(context.Context) ([]store.TermState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []store.TermState
	for _, name := range slices.Sorted(maps.Keys(s.ledgers)) {
		l := s.ledgers[name]
		if l.term.Number == 0 {
			continue
		}
		state := store.TermState{Term: l.term, Watermark: l.watermark}
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
func (s *Store) Enrolments(_ context.Context, q store.EnrolmentQuery) ([]store.EnrolledAccount, error) {
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
	found := make([]store.EnrolledAccount, len(names))
	for i, name := range names {
		e := l.enrolments[name]
		found[i] = store.EnrolledAccount{Enrolment: e.Enrolment, Term: e.term}
	}
	return found, nil
}
