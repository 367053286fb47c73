package tradeclock

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
)

// Halts returns the halts in force for the scheduler, by account.
func (m *Memory) Halts(_ context.Context, scheduler string) ([]Halt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.ledgers[scheduler]
	if l == nil || len(l.halts) == 0 {
		return nil, nil
	}
	halts := slices.Collect(maps.Values(l.halts))
	slices.SortFunc(halts, func(a, b Halt) int { return cmp.Compare(a.Account, b.Account) })
	return halts, nil
}

// Enrolled reports whether the account was ever enrolled.
func (m *Memory) Enrolled(_ context.Context, scheduler, account string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ledgers[scheduler].knows(account), nil
}

func (l *memoryLedger) knows(account string) bool {
	if l == nil {
		return false
	}
	_, known := l.enrolments[account]
	return known
}

// Halt puts a halt in force, replacing one for the same account.
func (m *Memory) Halt(_ context.Context, h Halt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := h.check(m.ledgers[h.Scheduler].knows); err != nil {
		return fmt.Errorf("halt: %w", err)
	}
	l := m.ledger(h.Scheduler)
	h.Serving = false
	l.halts[h.Account] = h
	l.audit = append(l.audit, AuditEntry{Action: "halt", Account: h.Account, Actor: h.Actor, Reason: h.Reason, At: h.At})
	return nil
}

// Lift ends the halt for the account that h names, if one is in force.
func (m *Memory) Lift(_ context.Context, h Halt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.ledger(h.Scheduler)
	if _, ok := l.halts[h.Account]; !ok {
		if err := h.check(l.knows); err != nil {
			return fmt.Errorf("lift: %w", err)
		}
		return nil
	}
	delete(l.halts, h.Account)
	l.audit = append(l.audit, AuditEntry{Action: "lift", Account: h.Account, Actor: h.Actor, Reason: h.Reason, At: h.At})
	return nil
}

// check refuses an account that nobody knows.
func (h Halt) check(known func(account string) bool) error {
	if h.Account == "" || h.Serving || known(h.Account) {
		return nil
	}
	return fmt.Errorf("%w: %q was never enrolled", ErrUnknownAccount, h.Account)
}

// Audit returns the interventions that were made with the scheduler, the oldest
// first.
func (m *Memory) Audit(_ context.Context, scheduler string) ([]AuditEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.ledgers[scheduler]
	if l == nil {
		return nil, nil
	}
	return slices.Clone(l.audit), nil
}
