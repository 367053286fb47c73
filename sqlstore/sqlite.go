package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
)

const sqliteSettings = "PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL"

const sqliteReadOnly = `
	SELECT CASE query_only WHEN 0 THEN 'the file or its folder may not be written, or it was opened with mode=ro'
	       ELSE 'PRAGMA query_only is on' END, query_only = 0
	FROM pragma_query_only`

func sqlite() dialect {
	return dialect{
		schema:      "schema/sqlite",
		settings:    sqliteSettings,
		read:        "BEGIN",
		write:       "BEGIN IMMEDIATE",
		elements:    sqliteElements,
		tableExists: "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
		whyReadOnly: sqliteReadOnly,
		texts:       new(sync.Map),
	}
}

func sqliteElements(parameter string, columns []string) string {
	values := make([]string, len(columns))
	for i, column := range columns {
		values[i] = fmt.Sprintf("CAST(value ->> '%s' AS %s) AS %s", column, typeOf(column), column)
	}
	return "SELECT " + strings.Join(values, ", ") + " FROM json_each(" + parameter + ")"
}

// checkSQLite refuses a SQLite that is too old for the statements, and puts the
// database in WAL mode, in which readers and the writer do not wait for each
// other. The mode stays with the file. The pool has maxConns connections at most,
// or any number if it is 0.
func checkSQLite(ctx context.Context, conn *sql.Conn, maxConns int) error {
	if _, err := conn.ExecContext(ctx, sqliteSettings); err != nil {
		return err
	}
	var file string
	if err := conn.QueryRowContext(ctx, "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&file); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "SELECT '[1]' ->> 0"); err != nil {
		return fmt.Errorf("SQLite 3.38 or newer is needed: %w", err)
	}
	if file == "" {
		if maxConns != 1 {
			return errors.New("the database is in memory, where each connection has one of its own: " +
				"use a file, or call SetMaxOpenConns(1) first")
		}
		return nil
	}
	mode, err := setWAL(ctx, conn)
	if err != nil {
		return fmt.Errorf("set journal_mode=WAL: %w", err)
	}
	if !strings.EqualFold(mode, "wal") {
		return fmt.Errorf("the database stays in journal_mode=%s and needs WAL: is the file on a network, or read-only?", mode)
	}
	return checkPages(ctx, conn)
}

// checkedPages is up to how many pages of a file are all checked when it is opened, in
// less than a second. Of a larger file the runs are left out, which are most of it: a
// service must be back within its catch-up.
const checkedPages = 20_000

// checkPages refuses a file with pages that SQLite cannot make sense of.
func checkPages(ctx context.Context, conn *sql.Conn) error {
	const tables = `
		SELECT name FROM sqlite_master, pragma_page_count
		WHERE type = 'table' AND name LIKE 'tradeclock%' AND (name <> 'tradeclock_runs' OR page_count <= $1)`
	const check = `
		SELECT coalesce(min(name || ': ' || quick_check), '')
		FROM (` + tables + `) CROSS JOIN pragma_quick_check(name) WHERE quick_check <> 'ok'`
	var damage string
	err := conn.QueryRowContext(ctx, check, checkedPages).Scan(&damage)
	if err == nil && damage != "" {
		err = errors.New(damage)
	}
	if err != nil {
		return fmt.Errorf("the file is malformed, a backup is needed: %w", err)
	}
	return nil
}

// setWAL returns the journal mode that the database has after it was asked for
// WAL. SQLite does not wait for another process that changes the mode at the same
// time, but for one that writes it does: so a write that writes nothing is the
// wait between two attempts.
func setWAL(ctx context.Context, conn *sql.Conn) (mode string, err error) {
	const attempts = 10
	for range attempts {
		err = conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode)
		if err == nil {
			return mode, nil
		}
		if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE; COMMIT"); err != nil {
			return "", err
		}
	}
	return "", err
}
