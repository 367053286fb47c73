package tradeclock

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/planworld"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// TestChangesHaveTheEffectOfAWholeReading edits the rows of one store at random. Of
// two schedulers, one can list the changes and the other reads all rows: after each
// tick both must have the same rows, plan the same, and have told the same.
func TestChangesHaveTheEffectOfAWholeReading(t *testing.T) {
	var patched, whole int
	for seed := range uint64(60) {
		w := newEditWorld(t, seed)
		for range 40 {
			w.edit()
			w.compare()
		}
		patched += w.whole.reads - w.patched.reads
		whole += w.patched.reads
	}
	assert.Greater(t, patched, 500, "most edits are taken by themselves")
	assert.Greater(t, whole, 100, "and some need all rows")
}

// editWorld is a store that is edited, and two schedulers that read it.
type editWorld struct {
	t              *testing.T
	random         *rand.Rand
	clock          *clockwork.FakeClock
	store          TestStore
	patched, whole *edited
}

// edited is one of the schedulers, the store as it reads it, and what it told.
type edited struct {
	TestStore
	*UnifiedTaskScheduler
	reads  int
	mu     sync.Mutex
	events []Event
}

func (e *edited) Schedules(ctx context.Context) ([]Schedule, error) {
	e.reads++
	return e.TestStore.Schedules(ctx)
}

// wholeReads is a store that lists no changes.
type wholeReads struct {
	ScheduleStore
	store.Reviser
}

// knowing is an executor that knows some tasks.
type knowing []string

func (knowing) Execute(context.Context, Run) error { return nil }
func (k knowing) Tasks() []string                  { return k }

var editAccounts = []string{"a", "b", "c"}

func newEditWorld(t *testing.T, seed uint64) *editWorld {
	w := &editWorld{t: t, random: rand.New(rand.NewPCG(seed, 7)), clock: clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC))}
	w.store = NewStore(w.clock)
	w.seed(Schedule{Task: "t0", Rule: rule.MustParse("daily 09:00")}, Schedule{Task: "t1", Account: "a", Rule: rule.MustParse("every 5m 09:00-17:00")})
	w.patched, w.whole = &edited{TestStore: w.store}, &edited{TestStore: w.store}
	w.start(w.patched, w.patched)
	w.start(w.whole, wholeReads{w.whole, w.store})
	w.compare()
	return w
}

func (w *editWorld) seed(rows ...Schedule) {
	_, err := w.store.SeedSchedules(w.t.Context(), rows...)
	require.NoError(w.t, err)
}

func (w *editWorld) start(e *edited, st ScheduleStore) {
	observe := func(event Event) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if _, ok := event.(SchedulesChanged); ok {
			e.events = append(e.events, event)
		}
	}
	s, err := New(Config{
		Schedules: st, Calendar: calendar.Weekdays(time.UTC), Clock: w.clock, Observers: []Observer{ObserverFunc(observe)}, Logger: slog.New(slog.DiscardHandler),
		Ledger: NewStore(w.clock),
	})
	require.NoError(w.t, err)
	e.UnifiedTaskScheduler = s
	w.t.Cleanup(func() { assert.NoError(w.t, s.Close(context.Background())) })
	for i, account := range editAccounts {
		require.NoError(w.t, s.Enroll(w.t.Context(), account, knowing{"t0", "t1", "t2", "t3"}[:2+i]))
	}
}

// edit makes up to three edits, some of which are refused.
func (w *editWorld) edit() {
	for range 1 + w.random.IntN(3) {
		account, task := one(w.random, "", "", "a", "b", "c", "d"), one(w.random, "t0", "t1", "t2", "t3", "t4")
		if w.random.IntN(4) == 0 {
			_ = w.store.DeleteSchedule(w.t.Context(), store.By{Actor: "ops", Reason: "a test"}, account, task)
			continue
		}
		row := Schedule{
			Task: task, Account: account, Rule: rule.MustParse(w.rule()), Calendar: one(w.random, "", calendar.WeekdaysName),
			Disabled: w.random.IntN(8) == 0, Priority: w.random.IntN(2),
		}
		if w.random.IntN(40) == 0 {
			row.Calendar = "nowhere"
		}
		_, _ = w.store.PutSchedule(w.t.Context(), store.By{Actor: "ops", Reason: "a test"}, row)
	}
	if account := one(w.random, editAccounts...); w.random.IntN(10) == 0 {
		for _, e := range []*edited{w.patched, w.whole} {
			if e.UnifiedTaskScheduler.Withdraw(w.t.Context(), account) != nil {
				require.NoError(w.t, e.UnifiedTaskScheduler.Enroll(w.t.Context(), account, knowing{"t2"}))
			}
		}
	}
	w.clock.Advance(time.Duration(1+w.random.IntN(90)) * time.Minute)
}

// rule returns one that is seldom an after rule, as those make the rows be read
// whole, and seldom one of a phase that the calendar has not.
func (w *editWorld) rule() string {
	switch w.random.IntN(60) {
	case 0:
		return "after " + one(w.random, "t0", "t1") + " 10m"
	case 1:
		return "daily lunch"
	}
	return one(w.random, "daily 09:00", "daily 09:00", "daily 10:30", "hourly 09:00-17:00", "every 5m 09:00-17:00",
		"once 2026-11-23 08:30", "once 2026-12-01 08:30", "daily 09:00 on mon,wed", "daily 12:00 on last session of month")
}

func one[T any](random *rand.Rand, values ...T) T { return values[random.IntN(len(values))] }

// compare ticks both schedulers, and holds the one to the other.
func (w *editWorld) compare() {
	for _, e := range []*edited{w.patched, w.whole} {
		require.NoError(w.t, e.Tick(w.t.Context()))
		require.NoError(w.t, e.Quiesce(w.t.Context()))
	}
	a, b := w.patched, w.whole
	require.Equal(w.t, b.rowsInForce(), a.rowsInForce())
	require.Equal(w.t, b.toCome(w.clock.Now()), a.toCome(w.clock.Now()))
	require.Equal(w.t, b.health.conditions, a.health.conditions)
	require.Equal(w.t, b.Status().Next, a.Status().Next)
	require.Equal(w.t, len(b.sched.watched), len(a.sched.watched))
	require.Equal(w.t, b.told(), a.told())
}

// shownRow is a row in a form that can be compared.
type shownRow struct {
	Schedule
	rule, calendar, base string
	shadowed             []string
}

func (e *edited) rowsInForce() map[store.ScheduleKey]shownRow {
	rows := make(map[store.ScheduleKey]shownRow)
	for key, r := range e.sched.rows {
		shown := shownRow{r.Stored(), r.Text, r.View.Name(), "", slices.Sorted(maps.Keys(r.Run.Shadowed))}
		if base := r.BaseRow(); base != nil {
			shown.base = naming.Row(base.Task, base.Account)
		}
		rows[key] = shown
	}
	return rows
}

// toCome returns what is due in the next days.
func (e *edited) toCome(now time.Time) (due []planworld.Due) {
	for _, o := range e.sched.plan.Between(now, now.AddDate(0, 0, 5)) {
		due = append(due, planworld.Due{
			At: o.Due.UTC(), Account: o.Row.Account, Task: o.Row.Policy.Task, Slot: o.Slot, Session: o.Session, Skipped: o.Skip != "",
		})
	}
	return due
}

// told returns the events, the rows of each in order of name.
func (e *edited) told() []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	events := slices.Clone(e.events)
	for i, event := range events {
		change := event.(SchedulesChanged)
		slices.Sort(change.Added)
		slices.Sort(change.Changed)
		change.Quarantined = slices.Clone(change.Quarantined)
		events[i] = change
	}
	return events
}
