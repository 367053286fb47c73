package memstore

import (
	"context"
	"fmt"
	"slices"

	"github.com/tradeclock/tradeclock/store"
)

// Overrides returns the selected overrides, by session, task, slot and account.
func (s *Store) Overrides(_ context.Context, q store.OverrideQuery) ([]store.Override, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []store.Override
	for _, l := range s.ledgers {
		for _, o := range l.overrides {
			if q.Selects(o) {
				found = append(found, o)
			}
		}
	}
	slices.SortStableFunc(found, store.Override.Compare)
	return found, nil
}

// Override keeps an override, in place of one that is about the same occurrence and account.
func (s *Store) Override(_ context.Context, t store.Term, o store.Override) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.fenced(t)
	if err != nil {
		return fmt.Errorf("override: %w", err)
	}
	o.Scheduler = t.Scheduler
	at, known := slices.BinarySearchFunc(l.overrides, o, store.Override.Compare)
	switch {
	case !known:
		l.overrides = slices.Insert(l.overrides, at, o)
	case l.overrides[at].SameWord(o):
		return nil
	default:
		l.overrides[at] = o
	}
	s.note(t.Scheduler, o.AuditEntry())
	return nil
}

// Revoke takes an override back.
func (s *Store) Revoke(_ context.Context, t store.Term, o store.Override) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, err := s.fenced(t)
	if err != nil {
		return fmt.Errorf("take an override back: %w", err)
	}
	at := slices.IndexFunc(l.overrides, func(known store.Override) bool {
		return known.Task == o.Task && known.Slot == o.Slot && known.Account == o.Account
	})
	if at < 0 {
		return nil
	}
	l.overrides = slices.Delete(l.overrides, at, at+1)
	e := o.AuditEntry()
	e.Action = "restore"
	s.note(t.Scheduler, e)
	return nil
}
