package memstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tradeclock/tradeclock/store"
)

// Halts returns the halts in force for the scheduler, by account.
func (s *Store) Halts(_ context.Context, scheduler string) ([]store.Halt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.ledgers[scheduler]
	if l == nil || len(l.halts) == 0 {
		return nil, nil
	}
	halts := slices.Collect(maps.Values(l.halts))
	slices.SortFunc(halts, func(a, b store.Halt) int { return cmp.Compare(a.Account, b.Account) })
	return halts, nil
}

func (l *ledger) knows(account string) bool {
	if l == nil {
		return false
	}
	_, known := l.enrolments[account]
	return known
}

// Halt puts a halt in force, replacing one for the same account.
func (s *Store) Halt(_ context.Context, h store.Halt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ledgers[h.Scheduler].checkAccount(h); err != nil {
		return fmt.Errorf("halt: %w", err)
	}
	l := s.ledger(h.Scheduler)
	h.Serving = false
	l.halts[h.Account] = h
	s.note(h.Scheduler, store.AuditEntry{Action: "halt", Account: h.Account, Actor: h.Actor, Reason: h.Reason, At: h.At})
	return nil
}

// Lift ends the halt for the account that h names, if one is in force.
func (s *Store) Lift(_ context.Context, h store.Halt) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.ledger(h.Scheduler)
	if _, ok := l.halts[h.Account]; !ok {
		if err := l.checkAccount(h); err != nil {
			return fmt.Errorf("lift: %w", err)
		}
		return nil
	}
	delete(l.halts, h.Account)
	s.note(h.Scheduler, store.AuditEntry{Action: "lift", Account: h.Account, Actor: h.Actor, Reason: h.Reason, At: h.At})
	return nil
}

// checkAccount refuses an account that was never enrolled, unless its scheduler serves it.
func (l *ledger) checkAccount(h store.Halt) error {
	if h.Account == "" || h.Serving || l.knows(h.Account) {
		return nil
	}
	return fmt.Errorf("%w: %q was never enrolled", store.ErrUnknownAccount, h.Account)
}
