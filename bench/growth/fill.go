package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/internal/pgtest"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

// grown is a ledger on a database that can be filled at once.
type grown struct {
	words dialect
	// open returns the ledger, and what closes it.
	open func(ctx context.Context) (*sqlstore.Store, func() error, error)
	// connect returns the database, for filling it.
	connect func() (*sql.DB, error)
	remove  func() error
}

// dialect is what the databases say differently.
type dialect struct {
	before, after []string // around a filling
	indexes       string   // the names of those of the runs, and the statements that made them
	series        string   // of the numbers up to the second parameter from the first on, as v
	instant       string   // the text of a Unix second
}

func openSQLite() (grown, error) {
	folder, err := os.MkdirTemp("", "growth")
	if err != nil {
		return grown{}, err
	}
	path := filepath.Join(folder, "tradeclock.db")
	return grown{
		words: dialect{
			// The store is closed meanwhile, and nobody reads what a crash would leave.
			before:  []string{"PRAGMA journal_mode = DELETE", "PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -1000000"},
			after:   []string{"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"},
			indexes: "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'tradeclock_runs' AND sql IS NOT NULL",
			series:  "(WITH RECURSIVE r (v) AS (SELECT %d UNION ALL SELECT v + 1 FROM r WHERE v < %d) SELECT v FROM r)",
			instant: "strftime('%%Y-%%m-%%dT%%H:%%M:%%S', %s, 'unixepoch') || '.000000000Z'",
		},
		open: func(ctx context.Context) (*sqlstore.Store, func() error, error) {
			s, err := sqlstore.OpenFile(ctx, "sqlite", path)
			if err != nil {
				return nil, nil, err
			}
			return s, s.Close, nil
		},
		connect: func() (*sql.DB, error) { return sql.Open("sqlite", path) },
		remove:  func() error { return os.RemoveAll(folder) },
	}, nil
}

func openPostgres() (grown, error) {
	server, err := pgtest.New("fsync=on")
	if err != nil {
		return grown{}, err
	}
	connect := func() (*sql.DB, error) { return sql.Open("pgx", server.DSN()) }
	return grown{
		words: dialect{
			before:  []string{"SET synchronous_commit = off", "SET maintenance_work_mem = '512MB'"},
			after:   []string{"VACUUM ANALYZE tradeclock_runs", "CHECKPOINT"},
			indexes: "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'tradeclock_runs' AND indexname NOT IN (SELECT conname FROM pg_constraint)",
			series:  "generate_series(%d::bigint, %d::bigint) AS s (v)",
			instant: `to_char(to_timestamp(%s) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || '.000000000Z'`,
		},
		open: func(ctx context.Context) (*sqlstore.Store, func() error, error) {
			db, err := connect()
			if err != nil {
				return nil, nil, err
			}
			s, err := sqlstore.Open(ctx, db)
			return s, db.Close, err
		},
		connect: connect,
		remove:  server.Close,
	}, nil
}

// filler fills a ledger with the monitors of all accounts, minute after minute.
type filler struct {
	first  time.Time // when the first of them was due
	filled int       // how many were added
	rows   int       // how many the ledger has
}

// fill adds n rows, all at once: copies of a row that was claimed and settled, with
// an identity of their own.
func (g grown) fill(ctx context.Context, f *filler, n int) (err error) {
	if n == 0 {
		return nil
	}
	if err := g.addTemplate(ctx, f); err != nil {
		return err
	}
	db, err := g.connect()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	insert, err := g.insertion(ctx, conn, f, n)
	if err != nil {
		return err
	}
	drop, create, err := g.indexes(ctx, conn)
	if err != nil {
		return err
	}
	// It is quicker to make the indexes of many rows at once.
	for _, statement := range slices.Concat(g.words.before, drop, []string{copyTemplate, insert, dropTemplate}, create, g.words.after) {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	f.filled += n
	return conn.QueryRowContext(ctx, "SELECT count(*) FROM tradeclock_runs WHERE account <> 'template'").Scan(&f.rows)
}

// The row that is copied is of an account of its own, and is read from a table of
// its own, as SQLite would else put all copies aside before it inserts the first.
const (
	template     = "template"
	copyTemplate = "CREATE TEMPORARY TABLE template AS SELECT * FROM tradeclock_runs WHERE account = 'template'"
	dropTemplate = "DROP TABLE template"
)

// addTemplate makes the row that is copied, if there is none.
func (g grown) addTemplate(ctx context.Context, f *filler) (err error) {
	s, closeStore, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	runs, err := s.Runs(ctx, store.Query{Scheduler: rig.Name, Account: template})
	if err != nil || len(runs) > 0 {
		return err
	}
	term, err := s.Lead(ctx, rig.Name, holder, time.Hour, time.Time{})
	if err != nil {
		return err
	}
	run := monitorOf(template, f.first.Add(-time.Hour), template)
	run.Manual = true // what is due before the watermark cannot be claimed otherwise
	if _, err := s.Claim(ctx, term, []tradeclock.Run{run}); err != nil {
		return err
	}
	run.Outcome, run.Finished = tradeclock.Succeeded, run.Due.Add(time.Second)
	_, err = s.Settle(ctx, []tradeclock.Run{run})
	return err
}

// insertion returns the statement that adds n copies of the template.
func (g grown) insertion(ctx context.Context, conn *sql.Conn, f *filler, n int) (string, error) {
	names, err := columns(ctx, conn)
	if err != nil {
		return "", err
	}
	own := g.identity(f)
	values := make([]string, len(names))
	for i, name := range names {
		values[i] = "t." + name
		if value, ok := own[name]; ok {
			values[i] = value
		}
	}
	return fmt.Sprintf("INSERT INTO tradeclock_runs (%s) SELECT %s FROM template AS t CROSS JOIN %s",
		strings.Join(names, ", "), strings.Join(values, ", "), fmt.Sprintf(g.words.series, f.filled, f.filled+n-1)), nil
}

func columns(ctx context.Context, conn *sql.Conn) ([]string, error) {
	rows, err := conn.QueryContext(ctx, "SELECT * FROM tradeclock_runs LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	return rows.Columns()
}

// identity returns the columns in which the copies differ from the template, as far
// as the table has them. The template is the first run of its session, and the first
// that succeeded, while hardly any of a monitor's runs are: the indexes of those must
// not hold all rows. An id is as long as the store's.
func (g grown) identity(f *filler) map[string]string {
	due := fmt.Sprintf(g.words.instant, fmt.Sprintf("%d + v / %d * 60", f.first.Unix(), accounts))
	return map[string]string{
		"id": "'copy-of-template' || (1000000000 + v)", "account": fmt.Sprintf("'account-' || (1000000 + v %% %d)", accounts),
		"slot": due, "session": fmt.Sprintf("substr(%s, 1, 10)", due), "due": due, "through": due,
		"manual": "0", "first": "0", "first_success": "0",
	}
}

// indexes returns the statements that drop the indexes of the runs, and those that
// make them again.
func (g grown) indexes(ctx context.Context, conn *sql.Conn) (drop, create []string, err error) {
	rows, err := conn.QueryContext(ctx, g.words.indexes)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name, statement string
		if err := rows.Scan(&name, &statement); err != nil {
			return nil, nil, err
		}
		drop, create = append(drop, "DROP INDEX "+name), append(create, statement)
	}
	return drop, create, rows.Err()
}
