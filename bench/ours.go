package main

import (
	"context"
	"database/sql"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

// storage is what tradeclock keeps its state in: a memstore.Store or a sqlstore.Store.
type storage interface {
	tradeclock.ScheduleStore
	store.Reviser
	tradeclock.Ledger
	store.History
	tradeclock.HeartbeatSink
	SeedSchedules(ctx context.Context, defaults ...tradeclock.Schedule) (int, error)
	UpdateSchedule(ctx context.Context, by store.By, account, task string, version int64, edit store.ScheduleEdit) (tradeclock.Schedule, error)
}

// open returns an empty store on a database, and what closes it. Without a clock
// it keeps its default one.
func (f field) open(b *bout, clock tradeclock.Clock) (s storage, closeStore func() error, err error) {
	var opts []sqlstore.Option
	if clock != nil {
		opts = append(opts, sqlstore.WithClock(clock))
	}
	switch f {
	case onSQLite:
		s, err := sqlstore.OpenFile(b.ctx, "sqlite", filepath.Join(b.Folder, "tradeclock.db"), opts...)
		if err != nil {
			return nil, nil, err
		}
		return s, s.Close, nil
	case onPostgres:
		db, err := openPostgres(b)
		if err != nil {
			return nil, nil, err
		}
		s, err := sqlstore.Open(b.ctx, db, opts...)
		return s, db.Close, err
	}
	return memstore.New(clock), func() error { return nil }, nil
}

// openPostgres returns the server's database with a new schema, in which all
// tables are made that name none.
func openPostgres(b *bout) (*sql.DB, error) {
	dsn, err := rig.NewSchema(b.ctx, b.Addresses[postgres])
	if err != nil {
		return nil, err
	}
	return sql.Open("pgx", dsn)
}

// needs are the servers of a field.
func (f field) needs() []server {
	if f == onPostgres {
		return []server{postgres}
	}
	return nil
}

// name is how a contender on the field is called.
func (f field) name(contender string) string {
	if f == inMemory {
		return contender
	}
	return contender + ", " + string(f)
}
