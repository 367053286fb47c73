package main

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jonboulle/clockwork"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/bench/internal/rig"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/trading"
)

// idleRace is the minute in which nothing is due, for many accounts, and what it
// takes to get there.
func idleRace() race {
	r := race{
		number: 1, title: "idle minute: n accounts with seven schedules each; and n schedules loaded",
		size: 100_000, counts: "accounts",
		note: "The cron libraries sleep until their next job is due: they look at no store, and nobody can tell whether they are alive, " +
			"so that they have no tick. A tick of tradeclock reads the revision of the rows and the halts, and writes a heartbeat." + quartzNote,
	}
	for _, f := range []field{inMemory, onSQLite, onPostgres} {
		r.contenders = append(r.contenders, contender{name: f.name("tradeclock, seven rows for all"), role: ours, field: f, needs: f.needs(),
			run: func(b *bout) error { return sharedRows(b, f) }})
	}
	r.contenders = append(r.contenders,
		contender{name: "tradeclock, seven rows for each", role: ours, run: rowsForEach},
		contender{name: "tradeclock, n rows", role: ours, run: loadRows},
	)
	for _, p := range peers {
		r.contenders = append(r.contenders, contender{name: p.name, role: peer, most: p.most, run: loadInto(p.open)})
	}
	r.contenders = append(r.contenders, contender{name: "a scan of n instants", role: floor, run: scanInstants})
	for _, f := range []field{onSQLite, onPostgres} {
		r.contenders = append(r.contenders, contender{name: f.name("queries of a table of n rows"), role: floor, field: f, needs: f.needs(),
			run: func(b *bout) error { return queryRows(b, f) }})
	}
	return r
}

// sharedRows ticks with the default schedules, stored once for all accounts.
func sharedRows(b *bout, f field) error {
	clock := clockwork.NewFakeClockAt(rig.Sunday)
	st, closeStore, err := f.open(b, clock)
	if err != nil {
		return err
	}
	defer closeStore()
	if _, err := st.SeedSchedules(b.ctx, trading.DefaultSchedules()...); err != nil {
		return err
	}
	ticks := 1000
	if f != inMemory {
		ticks = 100 // each waits for a disk
	}
	return idleTicks(b, clock, st, st, ticks)
}

// rowsForEach ticks with the default schedules for each account.
func rowsForEach(b *bout) error {
	clock := clockwork.NewFakeClockAt(rig.Sunday)
	var rows []tradeclock.Schedule
	for i := range b.N {
		for _, row := range trading.DefaultSchedules() {
			row.Account = rig.Account(i)
			rows = append(rows, row)
		}
	}
	return idleTicks(b, clock, memstore.New(clock), tradeclock.FixedSchedules(rows...), 1000)
}

// idleTicks ticks through minutes of a Sunday.
func idleTicks(b *bout, clock *clockwork.FakeClock, st storage, schedules tradeclock.ScheduleStore, ticks int) error {
	s, err := rig.Scheduler(st, schedules, clock, calendar.Weekdays(rig.Kolkata))
	if err != nil {
		return err
	}
	var ran atomic.Int64
	if err := rig.Settled(b.ctx, s, b.N, func(int) { ran.Add(1) }); err != nil {
		return err
	}
	cost, err := b.measure(func() error {
		for range ticks {
			clock.Advance(time.Minute)
			if err := s.Tick(b.ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	status := s.Status()
	if ran.Load() != 0 || len(status.Accounts) != b.N || !status.Planned.Equal(clock.Now()) || !status.Healthy() {
		return wrong("%d runs, %d accounts, planned up to %v, degraded: %s", ran.Load(), len(status.Accounts), status.Planned, strings.Join(status.Degraded, "; "))
	}
	b.addTime("tick", cost.time/time.Duration(ticks))
	b.addAllocs("allocations a tick", cost, ticks)
	return s.Close(b.ctx)
}

// loadRows takes n rows, each of an account, from a store whose read costs nothing.
func loadRows(b *bout) error {
	clock := clockwork.NewFakeClockAt(rig.Sunday)
	st := memstore.New(clock)
	s, err := rig.Scheduler(st, tradeclock.FixedSchedules(rig.OwnRows(b.N)...), clock, calendar.Weekdays(rig.Kolkata))
	if err != nil {
		return err
	}
	if err := rig.Enroll(b.ctx, s, 1, func(int) {}); err != nil {
		return err
	}
	before := rig.Heap()
	cost, err := b.measure(func() error { return s.Tick(b.ctx) })
	if err != nil {
		return err
	}
	b.addTime("load", cost.time)
	b.add("memory a row", (rig.Heap()-before)/float64(b.N), byteCount)
	want := rig.Sunday.AddDate(0, 0, 1).Add(9 * time.Hour)
	if next := s.Status().Next; !next.Equal(want) {
		return wrong("the next occurrence is at %v, not %v", next, want)
	}
	return s.Close(b.ctx)
}

// loadInto registers n jobs with a library, and starts it.
func loadInto(open func() (library, error)) func(b *bout) error {
	return func(b *bout) error {
		l, err := open()
		if err != nil {
			return err
		}
		before := rig.Heap()
		cost, err := b.measure(func() error {
			for range b.N {
				if err := l.cron("0 0 9 * * MON-FRI", func() {}); err != nil {
					return err
				}
			}
			l.start()
			if n := l.registered(); n != b.N {
				return wrong("%d jobs are registered, of %d", n, b.N)
			}
			return nil
		})
		if err != nil {
			return err
		}
		b.addTime("load", cost.time)
		b.add("memory a row", (rig.Heap()-before)/float64(b.N), byteCount)
		l.stop()
		return nil
	}
}

// scanInstants looks through n due instants for those that have come.
func scanInstants(b *bout) error {
	due := make([]int64, b.N)
	for i := range due {
		due[i] = rig.Sunday.Unix() + 32*3600 + int64(i%86400)
	}
	const scans = 100
	found := 0
	cost, err := b.measure(func() error {
		for range scans {
			for _, at := range due {
				if at <= rig.Sunday.Unix() {
					found++
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if found != 0 {
		return wrong("%d instants were due", found)
	}
	b.addTime("tick", cost.time/scans)
	return nil
}

// queryRows asks a table of n rows what is due, by an index, and reads it whole.
func queryRows(b *bout, f field) error {
	db, err := f.filled(b)
	if err != nil {
		return err
	}
	defer db.Close()
	const queries = 200
	cost, err := b.measure(func() error {
		for range queries {
			var found int
			if err := db.QueryRowContext(b.ctx, "SELECT count(*) FROM schedules WHERE due <= $1", 1000).Scan(&found); err != nil {
				return err
			}
			if found != 0 {
				return wrong("%d rows were due", found)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.addTime("tick", cost.time/queries)
	began := time.Now()
	if _, err := readRows(b, db); err != nil {
		return err
	}
	b.addTime("load", time.Since(began))
	return nil
}

// filled returns a database with a table of n rows that are due in the future.
func (f field) filled(b *bout) (*sql.DB, error) {
	db, err := f.openByHand(b)
	if err != nil {
		return nil, err
	}
	for statement := range strings.SplitSeq(fillTable(f, b.N), ";") {
		if _, err := db.ExecContext(b.ctx, statement); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return db, nil
}

func fillTable(f field, n int) string {
	series := fmt.Sprintf("generate_series(1, %d) AS s (value)", n)
	if f == onSQLite {
		series = fmt.Sprintf("(WITH RECURSIVE r (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM r WHERE value < %d) SELECT value FROM r)", n)
	}
	return `CREATE TABLE schedules (account TEXT, task TEXT, rule TEXT, due INTEGER, PRIMARY KEY (account, task));
		INSERT INTO schedules SELECT 'account-' || value, 'open', 'daily 09:00', 2000 + value FROM ` + series + `;
		CREATE INDEX by_due ON schedules (due);
		ANALYZE schedules`
}

// readRows reads the whole table, and returns how many rules were changed in it.
func readRows(b *bout, db *sql.DB) (changed int, err error) {
	rows, err := db.QueryContext(b.ctx, "SELECT account, task, rule FROM schedules")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	read := make(map[string]string, b.N)
	for rows.Next() {
		var account, task, rule string
		if err := rows.Scan(&account, &task, &rule); err != nil {
			return 0, err
		}
		read[account] = rule
		if rule != "daily 09:00" {
			changed++
		}
	}
	if len(read) != b.N {
		return 0, wrong("%d rows were read, of %d", len(read), b.N)
	}
	return changed, rows.Err()
}
