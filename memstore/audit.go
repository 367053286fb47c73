package memstore

import (
	"context"
	"slices"

	"github.com/tradeclock/tradeclock"
)

// audited is an entry of the audit: of a scheduler, or, of an edit, what the entry is made
// of when somebody reads it.
type audited struct {
	scheduler string
	entry     tradeclock.AuditEntry
	edit      *tradeclock.RowEdit
}

// note keeps an intervention with a scheduler.
func (s *Store) note(scheduler string, e tradeclock.AuditEntry) {
	s.audit = append(s.audit, audited{scheduler: scheduler, entry: e})
}

// Audit returns the selected entries, the newest first.
func (s *Store) Audit(_ context.Context, q tradeclock.AuditQuery) ([]tradeclock.AuditEntry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := q.Limit
	if limit <= 0 {
		limit = tradeclock.DefaultAuditLimit
	}
	var found []tradeclock.AuditEntry
	for i, a := range slices.Backward(s.audit) {
		id := int64(i + 1)
		if q.Before > 0 && id >= q.Before || q.Scheduler != "" && a.edit == nil && a.scheduler != q.Scheduler {
			continue
		}
		if len(found) == limit {
			break
		}
		if a.edit != nil {
			a.entry = a.edit.AuditEntry()
		}
		a.entry.ID = id
		found = append(found, a.entry)
	}
	return found, nil
}
