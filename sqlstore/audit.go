package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/tradeclock/tradeclock/store"
)

// note keeps an intervention, with a scheduler or, of an edit, with none.
func (s *Store) note(ctx context.Context, conn *sql.Conn, scheduler string, e store.AuditEntry) error {
	return s.exec(ctx, conn, `
		INSERT INTO tradeclock_audit (scheduler, account, action, actor, reason, at, task, slot, moved_to, row_before, row_after)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		scheduler, e.Account, e.Action, e.Actor, e.Reason, instantText(e.At), e.Task, e.Slot, instantText(e.To), string(e.Before), string(e.After))
}

// Audit returns the selected entries, the newest first.
func (s *Store) Audit(ctx context.Context, q store.AuditQuery) (entries []store.AuditEntry, err error) {
	limit := q.Limit
	if limit <= 0 {
		limit = store.DefaultAuditLimit
	}
	scan := func(rows *sql.Rows) error {
		e, err := scanAudit(rows)
		entries = append(entries, e)
		return err
	}
	err = s.read(ctx, "read the audit", func(conn *sql.Conn) error {
		entries = nil
		return s.each(ctx, conn, scan, `
			SELECT id, action, account, actor, reason, at, task, slot, moved_to, row_before, row_after FROM tradeclock_audit
			WHERE ($1 = '' OR scheduler = $1 OR scheduler = '') AND ($2 = 0 OR id < $2) ORDER BY id DESC LIMIT $3`, q.Scheduler, q.Before, limit)
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

func scanAudit(rows *sql.Rows) (e store.AuditEntry, err error) {
	var at, to, before, after string
	if err := rows.Scan(&e.ID, &e.Action, &e.Account, &e.Actor, &e.Reason, &at, &e.Task, &e.Slot, &to, &before, &after); err != nil {
		return e, err
	}
	if before != "" {
		e.Before = json.RawMessage(before)
	}
	if after != "" {
		e.After = json.RawMessage(after)
	}
	if e.At, err = parseInstant(at); err == nil {
		e.To, err = parseInstant(to)
	}
	return e, err
}
