package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

const overrideColumns = "scheduler, task, account, slot, session, due, moved_to, actor, reason, made"

// Overrides returns the selected overrides, by session, task, slot and account.
func (s *Store) Overrides(ctx context.Context, q store.OverrideQuery) (found []store.Override, err error) {
	err = s.read(ctx, "read overrides", func(conn *sql.Conn) error {
		found, err = s.overrides(ctx, conn, `
			WHERE (scheduler = $1 OR $1 = '') AND session >= $2 AND (session <= $3 OR $3 = '')
			ORDER BY session, task, slot, account, scheduler`, q.Scheduler, dateText(q.From), dateText(q.To))
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// overrides reads the rows of a clause.
func (s *Store) overrides(ctx context.Context, conn *sql.Conn, clause string, args ...any) (found []store.Override, err error) {
	scan := func(rows *sql.Rows) error {
		o, err := scanOverride(rows)
		found = append(found, o)
		return err
	}
	err = s.each(ctx, conn, scan, "SELECT "+overrideColumns+" FROM tradeclock_overrides "+clause, args...)
	return found, err
}

func scanOverride(rows *sql.Rows) (o store.Override, err error) {
	var session, due, movedTo, made string
	if err := rows.Scan(&o.Scheduler, &o.Task, &o.Account, &o.Slot, &session, &due, &movedTo, &o.Actor, &o.Reason, &made); err != nil {
		return o, err
	}
	var errs [4]error
	o.Session, errs[0] = calendar.ParseDate(session)
	o.Due, errs[1] = parseInstant(due)
	o.At, errs[2] = parseInstant(movedTo)
	o.Made, errs[3] = parseInstant(made)
	return o, errors.Join(errs[:]...)
}

// Override keeps an override, in place of one that is about the same occurrence and account.
func (s *Store) Override(ctx context.Context, t store.Term, o store.Override) error {
	o.Scheduler = t.Scheduler
	return s.fenced(ctx, "override", t, func(conn *sql.Conn, _ ledgerRow) error {
		known, err := s.overrides(ctx, conn, "WHERE scheduler = $1 AND task = $2 AND account = $3 AND slot = $4",
			o.Scheduler, o.Task, o.Account, o.Slot)
		if err != nil || len(known) == 1 && known[0].SameWord(o) {
			return err
		}
		err = s.exec(ctx, conn, `
			INSERT INTO tradeclock_overrides (`+overrideColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
			ON CONFLICT (scheduler, task, account, slot) DO UPDATE SET session = excluded.session, due = excluded.due,
				moved_to = excluded.moved_to, actor = excluded.actor, reason = excluded.reason, made = excluded.made`,
			o.Scheduler, o.Task, o.Account, o.Slot, dateText(o.Session), instantText(o.Due), instantText(o.At), o.Actor, o.Reason, instantText(o.Made))
		if err != nil {
			return err
		}
		return s.note(ctx, conn, o.Scheduler, o.AuditEntry())
	})
}

// Revoke takes an override back.
func (s *Store) Revoke(ctx context.Context, t store.Term, o store.Override) error {
	return s.fenced(ctx, "take an override back", t, func(conn *sql.Conn, _ ledgerRow) error {
		gone, err := s.change(ctx, conn, `
			DELETE FROM tradeclock_overrides WHERE scheduler = $1 AND task = $2 AND account = $3 AND slot = $4`,
			t.Scheduler, o.Task, o.Account, o.Slot)
		if err != nil || gone == 0 {
			return err
		}
		e := o.AuditEntry()
		e.Action = "restore"
		return s.note(ctx, conn, t.Scheduler, e)
	})
}
