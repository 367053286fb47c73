package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// ErrReadOnly is wrapped by the error of a call that writes, if the database may only
// be read: default_transaction_read_only is on for the PostgreSQL server, the database,
// the role or the connection, the server is a standby, or the SQLite file may not be
// written. The error says which. Nothing was stored, and the call succeeds when the
// database may be written again. Calls that read are answered meanwhile.
var ErrReadOnly = errors.New("the database is read-only")

// isReadOnly reports whether the database refused to write: read_only_sql_transaction,
// or SQLITE_READONLY in the words of SQLite, since each driver gives the code in a way
// of its own.
func isReadOnly(err error) bool {
	return sqlState(err) == "25006" || strings.Contains(err.Error(), "readonly database")
}

// readOnly says why the database refused to write. It throws away the connection if
// another one may be able to: a connection keeps the mark with which it was made, in
// the pool too, when the mark is long gone.
func (s *Store) readOnly(ctx context.Context, conn *sql.Conn, refusal error) (failure, error) {
	var reason string
	var mayDiffer bool
	if err := conn.QueryRowContext(ctx, s.dialect.whyReadOnly).Scan(&reason, &mayDiffer); err != nil {
		return refused, fmt.Errorf("%w: %w", ErrReadOnly, refusal)
	}
	err := fmt.Errorf("%w, as %s: %w", ErrReadOnly, reason, refusal)
	if !mayDiffer {
		return refused, err
	}
	throwAway(conn)
	return stale, err
}
