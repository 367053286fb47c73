package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tradeclock/tradeclock/store"
)

// Schedulers returns how the term of each scheduler stands that ever had one, by name.
func (s *Store) Schedulers(ctx context.Context) (all []store.TermState, err error) {
	err = s.read(ctx, "read the terms", func(conn *sql.Conn) error {
		all = nil
		now, err := s.now(ctx, conn)
		if err != nil {
			return err
		}
		scan := func(rows *sql.Rows) error {
			var state store.TermState
			var expires, watermark string
			if err := rows.Scan(&state.Term.Scheduler, &state.Term.Number, &state.Term.Holder, &expires, &watermark); err != nil {
				return err
			}
			var p parser
			state.Expires, state.Watermark = p.instant(expires), p.instant(watermark)
			if !state.Expires.IsZero() {
				state.Left = state.Expires.Sub(now)
			}
			all = append(all, state)
			return p.err
		}
		return s.each(ctx, conn, scan, `
			SELECT scheduler, term, holder, expires_at, watermark
			FROM tradeclock_schedulers WHERE term > 0 ORDER BY scheduler`)
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// afterAllNames comes after every name that begins with what is before it.
const afterAllNames = "\U0010FFFF"

// Enrolments returns accounts that were ever enrolled with a scheduler, by name.
func (s *Store) Enrolments(ctx context.Context, q store.EnrolmentQuery) (found []store.EnrolledAccount, err error) {
	where, args := "WHERE scheduler = $1", []any{q.Scheduler}
	add := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(condition, len(args))
	}
	if q.Account != "" {
		add(" AND account = $%d", q.Account)
	}
	if q.Prefix != "" {
		add(" AND account >= $%d", q.Prefix)
		add(" AND account < $%d", q.Prefix+afterAllNames)
	}
	if q.After != "" {
		add(" AND account > $%d", q.After)
	}
	where += " ORDER BY account"
	if q.Limit > 0 {
		add(" LIMIT $%d", q.Limit)
	}
	scan := func(rows *sql.Rows) error {
		var e store.EnrolledAccount
		var from, withdrawn, returned string
		if err := rows.Scan(&e.Account, &e.Term, &from, &withdrawn, &returned); err != nil {
			return err
		}
		var p parser
		e.From, e.Withdrawn, e.Returned = p.instant(from), p.instant(withdrawn), p.instant(returned)
		found = append(found, e)
		return p.err
	}
	err = s.read(ctx, "read the accounts", func(conn *sql.Conn) error {
		found = nil
		return s.each(ctx, conn, scan, "SELECT account, term, served_from, withdrawn_at, returned_at FROM tradeclock_enrolments "+where, args...)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
