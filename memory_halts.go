package tradeclock

import (
	"cmp"
	"context"
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

// Halt puts a halt in force, replacing one for the same account.
func (m *Memory) Halt(_ context.Context, h Halt) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.ledger(h.Scheduler)
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
		return nil
	}
	delete(l.halts, h.Account)
	l.audit = append(l.audit, AuditEntry{Action: "lift", Account: h.Account, Actor: h.Actor, Reason: h.Reason, At: h.At})
	return nil
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
