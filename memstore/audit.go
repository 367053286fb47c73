package memstore

import (
	"context"
	"slices"

	"github.com/tradeclock/tradeclock/store"
)

// audited is an entry of the audit: of a scheduler, or, of an edit, what the entry is made
// of when somebody reads it.
type audited struct {
	scheduler string
	entry     store.AuditEntry
	edit      *store.RowEdit
}

// note keeps an intervention with a scheduler.
func (s *Store) note(scheduler string, e store.AuditEntry) {
	s.audit = append(s.audit, audited{scheduler: scheduler, entry: e})
}

// Audit returns the selected entries, the newest first.
func (s *Store) Audit(_ context.Context, q store.AuditQuery) ([]store.AuditEntry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := q.Limit
	if limit <= 0 {
		limit = store.DefaultAuditLimit
	}
	var found []store.AuditEntry
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
