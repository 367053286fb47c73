package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tradeclock/tradeclock/store"
)

// Halts returns the halts in force for the scheduler, by account.
func (s *Store) Halts(ctx context.Context, scheduler string) (halts []store.Halt, err error) {
	scan := func(rows *sql.Rows) error {
		h := store.Halt{Scheduler: scheduler}
		var at string
		if err := rows.Scan(&h.Account, &h.Reason, &h.Actor, &at); err != nil {
			return err
		}
		var err error
		h.At, err = parseInstant(at)
		halts = append(halts, h)
		return err
	}
	err = s.read(ctx, "read halts", func(conn *sql.Conn) error {
		halts = nil
		return s.each(ctx, conn, scan, `
			SELECT account, reason, actor, at FROM tradeclock_halts WHERE scheduler = $1 ORDER BY account`, scheduler)
	})
	if err != nil {
		return nil, err
	}
	return halts, nil
}

// Halt puts a halt in force, replacing one for the same account.
func (s *Store) Halt(ctx context.Context, h store.Halt) error {
	return s.write(ctx, "halt", func(conn *sql.Conn) error {
		if err := s.checkAccount(ctx, conn, h); err != nil {
			return err
		}
		err := s.exec(ctx, conn, `
			INSERT INTO tradeclock_halts (scheduler, account, reason, actor, at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (scheduler, account) DO UPDATE
			SET reason = excluded.reason, actor = excluded.actor, at = excluded.at`,
			h.Scheduler, h.Account, h.Reason, h.Actor, instantText(h.At))
		if err != nil {
			return err
		}
		return s.note(ctx, conn, h.Scheduler, auditOf("halt", h))
	})
}

// Lift ends the halt for the account that h names, if one is in force.
func (s *Store) Lift(ctx context.Context, h store.Halt) error {
	return s.write(ctx, "lift halt", func(conn *sql.Conn) error {
		lifted, err := s.change(ctx, conn, `
			DELETE FROM tradeclock_halts WHERE scheduler = $1 AND account = $2`, h.Scheduler, h.Account)
		if err != nil {
			return err
		}
		if lifted == 0 {
			return s.checkAccount(ctx, conn, h)
		}
		return s.note(ctx, conn, h.Scheduler, auditOf("lift", h))
	})
}

// checkAccount refuses an account that was never enrolled, unless its scheduler
// serves it.
func (s *Store) checkAccount(ctx context.Context, conn *sql.Conn, h store.Halt) error {
	if h.Account == "" || h.Serving {
		return nil
	}
	known, err := s.enrolled(ctx, conn, h.Scheduler, h.Account)
	if err == nil && !known {
		err = fmt.Errorf("%w: %q was never enrolled", store.ErrUnknownAccount, h.Account)
	}
	return err
}

func (s *Store) enrolled(ctx context.Context, conn *sql.Conn, scheduler, account string) (bool, error) {
	var found int
	err := s.one(ctx, conn, `
		SELECT count(*) FROM tradeclock_enrolments WHERE scheduler = $1 AND account = $2`, scheduler, account).Scan(&found)
	return found > 0, err
}

func auditOf(action string, h store.Halt) store.AuditEntry {
	return store.AuditEntry{Action: action, Account: h.Account, Actor: h.Actor, Reason: h.Reason, At: h.At}
}
