package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/store"
)

// connect takes a connection from the pool and makes the settings on it, which
// hold for one connection only. The caller closes it.
func (s *Store) connect(ctx context.Context) (*sql.Conn, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil || s.dialect.settings == "" {
		return conn, err
	}
	if _, err := conn.ExecContext(ctx, s.dialect.settings); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// read calls f in a transaction that sees one state of the database, perhaps more
// than once. An error says that it came of doing this.
func (s *Store) read(ctx context.Context, doing string, f func(*sql.Conn) error) error {
	return s.transact(ctx, doing, s.dialect.read, true, f)
}

// write calls f in a transaction, which is committed if f returns nil. It calls f
// again if it is certain that nothing was stored.
func (s *Store) write(ctx context.Context, doing string, f func(*sql.Conn) error) error {
	return s.writeInTurn(ctx, doing, false, f)
}

// writeAgain is write for what may be stored twice with the effect of once. It
// calls f again too if nobody knows whether the transaction was committed, and f
// answers then from what it finds.
func (s *Store) writeAgain(ctx context.Context, doing string, f func(*sql.Conn) error) error {
	return s.writeInTurn(ctx, doing, true, f)
}

func (s *Store) writeInTurn(ctx context.Context, doing string, repeatable bool, f func(*sql.Conn) error) error {
	if !s.dialect.server {
		select {
		case s.writing <- struct{}{}:
			defer func() { <-s.writing }()
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
		}
	}
	return s.transact(ctx, doing, s.dialect.write, repeatable, f)
}

// attempts is how often a transaction is tried. Each attempt on a connection that
// turns out to be broken takes one away that the pool had kept.
const attempts = 4

// transact calls f in a transaction, and again if that is safe and of use.
func (s *Store) transact(ctx context.Context, doing, begin string, repeatable bool, f func(*sql.Conn) error) error {
	for attempt := 1; ; attempt++ {
		conn, err := s.connect(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", doing, hinted(err))
		}
		failed, err := s.try(ctx, conn, begin, f)
		conn.Close()
		if err == nil {
			return nil
		}
		again := failed == undone || failed == lost || failed == inDoubt && repeatable || failed == stale && attempt == 1
		if !again || attempt == attempts || ctx.Err() != nil {
			return fmt.Errorf("%s: %w", doing, hinted(err))
		}
	}
}

// failure is how a transaction failed.
type failure uint8

const (
	refused failure = iota // another attempt would fail as well, or is for the caller to make
	undone                 // the database undid it, for the sake of another transaction
	lost                   // the connection broke before the commit
	stale                  // the connection may not write, and another one may be able to
	inDoubt                // it broke in the commit, and nobody knows whether it was made
)

// try calls f in one transaction.
func (s *Store) try(ctx context.Context, conn *sql.Conn, begin string, f func(*sql.Conn) error) (failure, error) {
	_, err := conn.ExecContext(ctx, begin)
	if err == nil {
		err = f(conn)
	}
	broken := lost
	if err == nil {
		broken = inDoubt
		_, err = conn.ExecContext(ctx, "COMMIT")
	}
	switch {
	case err == nil:
		return 0, nil
	case !s.rollBack(ctx, conn):
		return broken, err
	case isReadOnly(err):
		return s.readOnly(ctx, conn, err)
	case isUndone(err):
		return undone, err
	default:
		return refused, err
	}
}

// rollBack ends a transaction that failed. It reports false if the connection to
// the server does not even do that, and throws it away then.
func (s *Store) rollBack(ctx context.Context, conn *sql.Conn) bool {
	if !s.dialect.server {
		// SQLite may have rolled back by itself, and then this is an error that means
		// nothing.
		conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return true
	}
	if _, err := conn.ExecContext(ctx, "ROLLBACK"); err == nil {
		return true
	}
	throwAway(conn)
	return false
}

// throwAway takes a connection out of the pool.
func throwAway(conn *sql.Conn) {
	conn.Raw(func(any) error { return driver.ErrBadConn })
}

// isUndone reports whether the database undid a transaction that would succeed
// alone: serialization_failure or deadlock_detected.
func isUndone(err error) bool {
	state := sqlState(err)
	return state == "40001" || state == "40P01"
}

// ledgerRow is the row of a scheduler name in tradeclock_schedulers.
type ledgerRow struct {
	term         int64
	holder       string
	expiresAt    string
	watermark    string
	prunedBefore string
}

const (
	selectLedger = `
		SELECT term, holder, expires_at, watermark, pruned_before
		FROM tradeclock_schedulers WHERE scheduler = $1`
	lockLedger = selectLedger + " {for update}"
)

// ledgerRow returns the row that one of the two statements above selects. Its two
// limits must have the form in which statements compare them with due times: by any
// other text, as of an edit by hand, runs would be taken for claimed and be lost.
func (s *Store) ledgerRow(ctx context.Context, conn *sql.Conn, statement, scheduler string) (row ledgerRow, err error) {
	err = s.one(ctx, conn, statement, scheduler).
		Scan(&row.term, &row.holder, &row.expiresAt, &row.watermark, &row.prunedBefore)
	if err != nil {
		return row, err
	}
	if err := checkInstant(row.watermark); err != nil {
		return row, fmt.Errorf("watermark of %s: %w", scheduler, err)
	}
	if err := checkInstant(row.prunedBefore); err != nil {
		return row, fmt.Errorf("pruned_before of %s: %w", scheduler, err)
	}
	return row, nil
}

// fence returns the row if the term is the current one, and an error that wraps
// store.ErrDeposed else.
func (s *Store) fence(ctx context.Context, conn *sql.Conn, statement string, t store.Term) (ledgerRow, error) {
	row, err := s.ledgerRow(ctx, conn, statement, t.Scheduler)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return ledgerRow{}, err
	}
	if row.holder == "" || row.holder != t.Holder || row.term != t.Number {
		return ledgerRow{}, fmt.Errorf("term %d of %s: %w", t.Number, t.Scheduler, store.ErrDeposed)
	}
	return row, nil
}

// fenced is writeAgain under a term: f is called if the term is the current one,
// and the transaction sees to it that it is so until the commit.
func (s *Store) fenced(ctx context.Context, doing string, t store.Term, f func(*sql.Conn, ledgerRow) error) error {
	return s.writeAgain(ctx, doing, func(conn *sql.Conn) error {
		row, err := s.fence(ctx, conn, lockLedger, t)
		if err != nil {
			return err
		}
		return f(conn, row)
	})
}

// now returns the time on the clock that all processes share.
func (s *Store) now(ctx context.Context, conn *sql.Conn) (time.Time, error) {
	if s.clock != nil {
		return s.clock.Now(), nil
	}
	var text string
	if err := s.one(ctx, conn, s.dialect.now).Scan(&text); err != nil {
		return time.Time{}, err
	}
	return parseInstant(text)
}

// exec runs a statement that returns no rows.
func (s *Store) exec(ctx context.Context, conn *sql.Conn, statement string, args ...any) error {
	_, err := conn.ExecContext(ctx, s.dialect.sql(statement), plain(args)...)
	return err
}

// lock runs a statement of the dialect that locks something, if there is one.
func (s *Store) lock(ctx context.Context, conn *sql.Conn, statement string) error {
	if statement == "" {
		return nil
	}
	return s.exec(ctx, conn, statement)
}

// change runs a statement and returns the number of rows that it changed.
func (s *Store) change(ctx context.Context, conn *sql.Conn, statement string, args ...any) (int, error) {
	result, err := conn.ExecContext(ctx, s.dialect.sql(statement), plain(args)...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// one runs a query that returns one row.
func (s *Store) one(ctx context.Context, conn *sql.Conn, query string, args ...any) *sql.Row {
	return conn.QueryRowContext(ctx, s.dialect.sql(query), plain(args)...)
}

// each calls scan for each row that the query returns.
func (s *Store) each(ctx context.Context, conn *sql.Conn, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := conn.QueryContext(ctx, s.dialect.sql(query), plain(args)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// changeBatch is change for a statement whose first two parameters are a batch.
func (s *Store) changeBatch(ctx context.Context, conn *sql.Conn, statement string, batch batch, args ...any) (int, error) {
	parts, rows, err := batch.texts()
	if err != nil {
		return 0, err
	}
	return s.change(ctx, conn, statement, append([]any{parts, rows}, args...)...)
}

// eachOfBatch is each for a query whose first two parameters are a batch.
func (s *Store) eachOfBatch(ctx context.Context, conn *sql.Conn, scan func(*sql.Rows) error, query string, batch batch, args ...any) error {
	parts, rows, err := batch.texts()
	if err != nil {
		return err
	}
	return s.each(ctx, conn, scan, query, append([]any{parts, rows}, args...)...)
}

// eachRow is eachOfBatch for a statement that returns the id of each of the batch's rows that
// it changed.
func (s *Store) eachRow(ctx context.Context, conn *sql.Conn, rows []runRow, statement string, batch batch, changed func(*runRow), args ...any) error {
	byID := rowsByID(rows)
	scan := func(found *sql.Rows) error {
		var id string
		if err := found.Scan(&id); err != nil {
			return err
		}
		changed(byID[id])
		return nil
	}
	return s.eachOfBatch(ctx, conn, scan, statement, batch, args...)
}

// plain makes the texts among the arguments such that each database can keep
// them.
func plain(args []any) []any {
	for i, arg := range args {
		if text, ok := arg.(string); ok {
			args[i] = plainText(text)
		}
	}
	return args
}

// plainText returns the text in UTF-8 and without zero bytes, which PostgreSQL
// does not take: an outcome must not be lost to the words of an error.
func plainText(text string) string {
	const replacement = "\uFFFD"
	return strings.ReplaceAll(strings.ToValidUTF8(text, replacement), "\x00", replacement)
}
