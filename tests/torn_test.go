package tests

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tests/service"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// A backup does not know what ran since. Of that, the runs whose catch-up has not
// passed start again, one of each task, and all else is recorded as missed.
func TestADatabaseRestoredFromYesterdaysBackup(t *testing.T) {
	onEach(t, func(d *desk) {
		d.run(10 * time.Minute)
		yesterday := d.backup()
		known := d.rec.Slots("orders")
		d.clock.Advance(24 * time.Hour)
		d.run(10 * time.Minute)
		d.kill()
		d.restore(yesterday)
		before := len(d.rec.Runs())
		require.NoError(d.t, d.start())
		d.run(15 * time.Second) // the second wake confirms the clock

		var again []string
		for _, e := range d.rec.Runs()[before:] {
			again = append(again, e.Run.Task)
			assert.NotContains(d.t, known, e.Run.Slot, "the backup knows it")
			assert.Less(d.t, e.Run.Lateness(), store.DefaultCatchUp)
		}
		slices.Sort(again)
		assert.Equal(d.t, []string{"monitor", "orders"}, again)
		d.run(3 * time.Minute)
		assert.True(d.t, d.ran(3))
		missed, err := d.store.Runs(d.t.Context(), store.Query{Task: "opening", Outcomes: []tradeclock.Outcome{tradeclock.Missed}})
		require.NoError(d.t, err)
		require.Len(d.t, missed, 1, "what ran today is recorded as missed: the backup does not know it")
	})
}

// A halt that is stored before the first process starts keeps back what the backup
// does not know.
func TestABackupIsRestoredUnderAHalt(t *testing.T) {
	onEach(t, func(d *desk) {
		d.run(5 * time.Minute)
		saved := d.backup()
		d.run(5 * time.Minute)
		d.kill()
		d.restore(saved)
		before := len(d.rec.Runs())
		st, err := sqlstore.Open(d.t.Context(), d.db, sqlstore.WithClock(d.clock))
		require.NoError(d.t, err)
		require.NoError(d.t, st.Halt(d.t.Context(), store.Halt{
			Scheduler: service.Name, Reason: "a backup was restored", Actor: "ana", At: d.clock.Now(),
		}))
		d.clock.Advance(tradeclock.DefaultTermLength)
		require.NoError(d.t, d.start())
		d.run(time.Minute)
		assert.Len(d.t, d.rec.Runs(), before, "what is within its catch-up does not start")

		require.NoError(d.t, d.now.Lift(d.t.Context(), tradeclock.LiftRequest{Reason: "compared with the broker", Actor: "ana"}))
		d.run(2 * time.Minute)
		assert.True(d.t, d.ran(2))
		d.assertNothingTwice()
	})
}

// The process notices at its next write that its term is not the ledger's, and
// takes another.
func TestABackupIsRestoredUnderARunningProcess(t *testing.T) {
	onEach(t, func(d *desk) {
		d.run(5 * time.Minute)
		saved := d.backup()
		require.NoError(d.t, d.restart())
		d.run(5 * time.Minute)
		known := d.rec.Slots("opening")

		d.restore(saved)
		d.run(5 * time.Minute)

		assert.True(d.t, d.ran(3))
		assert.Equal(d.t, known, d.rec.Slots("opening"))
		assert.Empty(d.t, d.degraded())
	})
}

func TestRowsAreDeletedByHand(t *testing.T) {
	for _, table := range []string{
		"tradeclock_schedulers", "tradeclock_terms", "tradeclock_enrolments", "tradeclock_runs",
		"tradeclock_halts", "tradeclock_heartbeats",
	} {
		t.Run(table, func(t *testing.T) {
			onEach(t, func(d *desk) {
				d.run(3 * time.Minute)
				d.tamper("DELETE FROM " + table)
				d.run(3 * time.Minute)
				assert.True(d.t, d.ran(2), d.degraded())
				require.NoError(d.t, d.restart())
				d.run(3 * time.Minute)
				assert.True(d.t, d.ran(2), d.degraded())
				d.assertNothingTwice()
			})
		})
	}
}

func TestTheWatermarkIsDeletedByHand(t *testing.T) {
	onEach(t, func(d *desk) {
		d.run(3 * time.Minute)
		d.tamper("DELETE FROM tradeclock_schedulers")
		require.NoError(d.t, d.restart())
		d.run(3 * time.Minute)

		assert.True(d.t, d.ran(2), d.degraded())
		assert.Contains(d.t, d.log.String(), "the ledger has no watermark")
		d.assertNothingTwice()
	})
}

func TestAllSchedulesAreDeleted(t *testing.T) {
	onEach(t, func(d *desk) {
		d.run(3 * time.Minute)
		d.tamper("DELETE FROM tradeclock_schedules")
		d.run(3 * time.Minute)

		assert.Contains(d.t, d.degraded(), "schedule")
		assert.False(d.t, d.ran(1))
		d.assertNothingTwice()
	})
}

func TestTheHeartbeatTableIsDropped(t *testing.T) {
	onEach(t, func(d *desk) {
		d.run(3 * time.Minute)
		d.tamper("DROP TABLE tradeclock_heartbeats")
		d.run(3 * time.Minute)

		assert.Contains(d.t, d.degraded(), "heartbeats are not received")
		assert.True(d.t, d.ran(3), "the tasks go on")
		d.assertNothingTwice()
	})
}

func TestTheClockIsSetBackADay(t *testing.T) {
	onEach(t, func(d *desk) {
		d.run(5 * time.Minute)
		executed := len(d.rec.Runs())

		d.clock.Advance(-24 * time.Hour)
		d.run(5 * time.Minute)
		assert.Len(d.t, d.rec.Runs(), executed, "nothing runs before the watermark")
		assert.Contains(d.t, d.degraded(), "behind what was planned already")

		d.clock.Advance(24 * time.Hour)
		d.run(5 * time.Minute)
		assert.True(d.t, d.ran(3))
		assert.Empty(d.t, d.degraded())
		d.assertNothingTwice()
	})
}

// The term of a process that was killed before the clock was set back seems to last
// for another day.
func TestTheClockIsSetBackADayAfterACrash(t *testing.T) {
	onEach(t, func(d *desk) {
		d.run(5 * time.Minute)
		executed := len(d.rec.Runs())
		d.kill()
		d.clock = clockwork.NewFakeClockAt(d.clock.Now().Add(-24 * time.Hour))
		require.NoError(d.t, d.start())
		d.run(5 * time.Minute)

		assert.Len(d.t, d.rec.Runs(), executed, "nothing runs before the watermark")
		assert.Contains(d.t, d.degraded(), "set back")

		d.tamper("UPDATE tradeclock_schedulers SET holder = ''")
		d.run(2 * time.Minute)
		assert.Contains(d.t, d.degraded(), "behind what was planned already")
		assert.Len(d.t, d.rec.Runs(), executed)
	})
}

// The number of the term must not be granted again, whatever became of the row that
// has it.
func TestTheTermIsSetBackByHand(t *testing.T) {
	for _, number := range []int64{-1, 0, 1} {
		t.Run(strconv.FormatInt(number, 10), func(t *testing.T) {
			onEach(t, func(d *desk) {
				d.run(time.Minute)
				require.NoError(d.t, d.restart())
				d.run(time.Minute)
				d.tamper("UPDATE tradeclock_schedulers SET term = $1", number)
				d.run(2 * time.Minute)

				assert.True(d.t, d.ran(2), d.degraded())
				assert.EqualValues(d.t, 3, d.now.Status().Term)
				d.assertNothingTwice()
			})
		})
	}
}

// Each column of each table is set to nonsense, under a running process and before
// the start of the next. TRADECLOCK_TEST_NONSENSE says how many values are tried,
// one unless it is set.
func TestNonsenseInEachColumn(t *testing.T) {
	onEach(t, func(d *desk) {
		d.run(3 * time.Minute)
		require.NoError(d.t, d.store.Halt(d.t.Context(), store.Halt{Scheduler: service.Name, Account: "43", At: d.clock.Now(), Serving: true}))
		d.kill()
		d.clock.Advance(tradeclock.DefaultTermLength)
		saved, taken, refused := d.backup(), 0, 0
		for _, table := range tables {
			for _, column := range d.columns(table) {
				left := number(d.t, "TRADECLOCK_TEST_NONSENSE", 1)
				for _, nonsense := range []string{"nonsense", "-1", ""} {
					if left == 0 {
						break
					}
					if !d.survives(saved, table, column, nonsense) {
						refused++
						continue
					}
					taken++
					left--
				}
			}
		}
		d.t.Logf("the columns took %d nonsenses, and the database refused %d", taken, refused)
	})
}

// survives runs two processes on the saved database with a nonsense in a column, and
// reports false if the database does not take it there.
func (d *desk) survives(saved copyOf, table, column, nonsense string) (taken bool) {
	d.t.Run(fmt.Sprintf("%s.%s=%s", table, column, nonsense), func(t *testing.T) {
		clock := clockwork.NewFakeClockAt(d.clock.Now())
		one := &desk{t: t, on: d.on, db: d.db, clock: clock, rec: tradeclocktest.NewRecorder(clock)}
		one.restore(saved)
		require.NoError(t, one.start())
		one.run(0)
		if taken = one.set(table, column, nonsense); !taken {
			return
		}
		one.run(2 * time.Minute)
		one.assertKeptOnOrSaid(column)
		if err := one.restart(); err != nil {
			return // it says so at once
		}
		one.run(2 * time.Minute)
		one.assertKeptOnOrSaid(column)
		one.assertNothingTwice()
	})
	return taken
}

// All but the first page of a SQLite file is overwritten, under a running process and
// before the start of the next.
func TestAFileIsOverwritten(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	d := newDesk(t, file)
	d.run(3 * time.Minute)
	d.tamper("PRAGMA wal_checkpoint(TRUNCATE)")
	require.NoError(t, d.db.Close())
	path := strings.TrimPrefix(file.dsn, "file:")
	pages, err := os.ReadFile(path)
	require.NoError(t, err)
	const page = 4096
	copy(pages[page:], bytes.Repeat([]byte{0xff}, len(pages)))
	require.NoError(t, os.WriteFile(path, pages, 0o600))

	d.run(3 * time.Minute)
	d.assertKeptOnOrSaid("the file")
	err = d.restart()

	assert.ErrorContains(t, err, "malformed")
	d.assertNothingTwice()
}

// The file of what SQLite has not yet moved into the database is deleted with a process
// that died, as somebody does who tidies up. What it held is forgotten, like what ran
// since a backup.
func TestTheWALIsDeleted(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	d := newDesk(t, file)
	d.run(10 * time.Minute)
	d.tamper("PRAGMA wal_checkpoint(TRUNCATE)")
	moved := len(d.rec.Slots("orders"))
	d.run(10 * time.Minute)
	path := strings.TrimPrefix(file.dsn, "file:")
	without, err := os.ReadFile(path)
	require.NoError(t, err)
	known := d.rec.Slots("orders")[:moved]
	d.kill()
	require.NoError(t, d.db.Close())
	require.NoError(t, os.Remove(path)) // with the last connection SQLite has moved all into it
	require.NoError(t, os.WriteFile(path, without, 0o600))
	d.db = file.open(t)
	before := len(d.rec.Runs())
	d.clock.Advance(tradeclock.DefaultTermLength)
	require.NoError(t, d.start())
	d.run(time.Minute)

	var again []string
	for _, e := range d.rec.Runs()[before:] {
		if e.Run.Task == "orders" {
			again = append(again, e.Run.Slot)
			assert.NotContains(t, known, e.Run.Slot, "the file knows it")
			assert.Less(t, e.Run.Lateness(), store.DefaultCatchUp)
		}
	}
	assert.NotEmpty(t, again, "the newest runs again")
	d.run(3 * time.Minute)
	assert.True(t, d.ran(3))
	assert.Empty(t, d.degraded())
}

// A page of the runs is overwritten under a running process: nothing that needs it
// starts, and the next process does not open the file.
func TestAPageIsDamaged(t *testing.T) {
	t.Parallel()
	file := newFile(t)
	d := newDesk(t, file)
	d.run(3 * time.Minute)
	d.tamper("PRAGMA wal_checkpoint(TRUNCATE)")
	var root int64
	require.NoError(t, d.db.QueryRow("SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_tradeclock_runs_1'").Scan(&root))
	require.NoError(t, d.db.Close())
	path := strings.TrimPrefix(file.dsn, "file:")
	disk, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	const page = 4096
	_, err = disk.WriteAt(bytes.Repeat([]byte{0xff}, page), (root-1)*page)
	require.NoError(t, errors.Join(err, disk.Close()))

	d.run(3 * time.Minute)
	assert.Contains(t, d.degraded(), "runs cannot be claimed")
	err = d.restart()

	assert.ErrorContains(t, err, "the file is malformed")
	d.assertNothingTwice()
}
