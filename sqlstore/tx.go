package sqlstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/tradeclock/tradeclock"
)

// connect takes a connection from the pool and makes the settings on it, which
// hold for one connection only. The caller closes it.
func (s *Store) connect(ctx context.Context) (*sql.Conn, error) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, s.dialect.settings); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// use calls f with a connection. An error says that it came of doing this.
func (s *Store) use(ctx context.Context, doing string, f func(*sql.Conn) error) error {
	conn, err := s.connect(ctx)
	if err == nil {
		defer conn.Close()
		err = f(conn)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// write calls f in a transaction, which is committed if f returns nil.
func (s *Store) write(ctx context.Context, doing string, f func(*sql.Conn) error) error {
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	}
	return s.use(ctx, doing, func(conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, s.dialect.begin)
		if err == nil {
			err = f(conn)
		}
		if err == nil {
			_, err = conn.ExecContext(ctx, "COMMIT")
		}
		if err != nil {
			// SQLite may have rolled back by itself, and then this is an error that
			// means nothing.
			conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
		return err
	})
}

// ledgerRow is the row of a scheduler name in tradeclock_schedulers.
type ledgerRow struct {
	term         int64
	holder       string
	expiresAt    string
	watermark    string
	prunedBefore string
}

func (s *Store) ledgerRow(ctx context.Context, conn *sql.Conn, scheduler string) (row ledgerRow, err error) {
	err = conn.QueryRowContext(ctx, `
		SELECT term, holder, expires_at, watermark, pruned_before
		FROM tradeclock_schedulers WHERE scheduler = $1`, scheduler,
	).Scan(&row.term, &row.holder, &row.expiresAt, &row.watermark, &row.prunedBefore)
	return row, err
}

// fenced is write under a term: f is called if the term is the current one, and
// the transaction sees to it that it is so until the commit.
func (s *Store) fenced(ctx context.Context, doing string, t tradeclock.Term, f func(*sql.Conn, ledgerRow) error) error {
	return s.write(ctx, doing, func(conn *sql.Conn) error {
		row, err := s.ledgerRow(ctx, conn, t.Scheduler)
		if err != nil && err != sql.ErrNoRows {
			return err
		}
		if row.holder == "" || row.holder != t.Holder || row.term != t.Number {
			return fmt.Errorf("term %d of %s: %w", t.Number, t.Scheduler, tradeclock.ErrDeposed)
		}
		return f(conn, row)
	})
}

// exec runs a statement that returns no rows.
func (s *Store) exec(ctx context.Context, conn *sql.Conn, statement string, args ...any) error {
	_, err := conn.ExecContext(ctx, s.dialect.sql(statement), args...)
	return err
}

// each calls scan for each row that the query returns.
func (s *Store) each(ctx context.Context, conn *sql.Conn, scan func(*sql.Rows) error, query string, args ...any) error {
	rows, err := conn.QueryContext(ctx, s.dialect.sql(query), args...)
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
