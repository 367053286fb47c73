package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tradeclock/tradeclock/bench/internal/rig"
)

// ledgerByHand is the least that a ledger of claims and outcomes does: a row for
// each run, a batch in one statement, each batch on the disk before the next step.
type ledgerByHand struct {
	create, claim, settle string
}

const byHandTable = `CREATE TABLE runs (
	account TEXT NOT NULL, task TEXT NOT NULL, slot TEXT NOT NULL,
	outcome TEXT NOT NULL, started TEXT NOT NULL, finished TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (account, task, slot))`

var byHand = map[field]ledgerByHand{
	onSQLite: {
		create: byHandTable + " WITHOUT ROWID",
		claim: `INSERT INTO runs (account, task, slot, outcome, started)
			SELECT value, 'burst', '2026-11-23', 'running', '2026-11-23T09:15:00Z' FROM json_each($1) WHERE true ON CONFLICT DO NOTHING`,
		settle: `UPDATE runs SET outcome = 'succeeded', finished = '2026-11-23T09:15:01Z' FROM json_each($1) AS j
			WHERE account = j.value AND task = 'burst' AND slot = '2026-11-23' AND outcome = 'running'`,
	},
	onPostgres: {
		create: byHandTable,
		claim: `INSERT INTO runs (account, task, slot, outcome, started)
			SELECT unnest($1::text[]), 'burst', '2026-11-23', 'running', '2026-11-23T09:15:00Z' ON CONFLICT DO NOTHING`,
		settle: `UPDATE runs SET outcome = 'succeeded', finished = '2026-11-23T09:15:01Z'
			WHERE account = ANY($1::text[]) AND task = 'burst' AND slot = '2026-11-23' AND outcome = 'running'`,
	},
}

// byHandBatch is how many runs are written at once, which measured well on both.
const byHandBatch = 2000

// openByHand returns a database on which each commit reaches the disk.
func (f field) openByHand(b *bout) (*sql.DB, error) {
	if f == onPostgres {
		return openPostgres(b)
	}
	path := filepath.Join(b.Folder, "byhand.db")
	return sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
}

// handWritten claims and settles n runs in a loop, batch by batch, and does nothing
// between.
func handWritten(b *bout, f field) error {
	db, err := f.openByHand(b)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(b.ctx, byHand[f].create); err != nil {
		return err
	}
	cost, err := b.measure(func() error {
		for first := 0; first < b.N; first += byHandBatch {
			if err := f.oneByHand(b.ctx, db, first, min(byHandBatch, b.N-first), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.addRecorded(cost.time, cost)
	return checkByHand(b, db, b.N)
}

// oneByHand claims a batch, calls started if it is not nil, and settles the batch.
func (f field) oneByHand(ctx context.Context, db *sql.DB, first, n int, started func()) error {
	accounts := make([]string, n)
	for i := range accounts {
		accounts[i] = rig.Account(first + i)
	}
	batch, err := f.parameter(accounts)
	if err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, byHand[f].claim, batch); err != nil {
		return err
	}
	if started != nil {
		started()
	}
	_, err = db.ExecContext(ctx, byHand[f].settle, batch)
	return err
}

// parameter is the one parameter in which a batch goes to the database.
func (f field) parameter(accounts []string) (any, error) {
	if f == onPostgres {
		return accounts, nil
	}
	text, err := json.Marshal(accounts)
	return string(text), err
}

func checkByHand(b *bout, db *sql.DB, want int) error {
	var n int
	if err := db.QueryRowContext(b.ctx, "SELECT count(*) FROM runs WHERE outcome = 'succeeded'").Scan(&n); err != nil {
		return err
	}
	if n != want {
		return wrong("the table has %d runs that succeeded, of %d", n, want)
	}
	return nil
}

// fsyncRate appends pages to a file and brings each to the disk.
func fsyncRate(b *bout) error {
	file, err := os.Create(filepath.Join(b.Folder, "pages"))
	if err != nil {
		return err
	}
	defer file.Close()
	const pages = 500
	page := make([]byte, 4096)
	began := time.Now()
	for range pages {
		if _, err := file.Write(page); err != nil {
			return err
		}
		if err := file.Sync(); err != nil {
			return fmt.Errorf("sync: %w", err)
		}
	}
	b.add("fsyncs", pages/time.Since(began).Seconds(), perSecond)
	return nil
}
