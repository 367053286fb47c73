package sqlstore_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/trading"
)

// ops is by whom tests edit.
var ops = store.By{Actor: "ops", Reason: "a test"}

var kolkata = func() *time.Location {
	loc, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		panic(err)
	}
	return loc
}()

// today returns the instant of a wall time in Kolkata on the day of the tests:
// "09:15" or "09:15:30".
func today(wall string) time.Time {
	if len(wall) == len("09:15") {
		wall += ":00"
	}
	t, err := time.ParseInLocation(time.DateTime, day.String()+" "+wall, kolkata)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

// service is a trading service on a database, in one process after another. Its tasks
// take 20 seconds.
type service struct {
	t     *testing.T
	at    place
	clock *clockwork.FakeClock
	rec   *tradeclocktest.Recorder
	began time.Time
}

// byTheClock are the seven tasks at instants that are known beforehand: here buy_orders does
// not wait for the analysis.
func byTheClock() []store.Schedule {
	rows := trading.DefaultSchedules()
	for i := range rows {
		if rows[i].Task == trading.TaskBuyOrders {
			rows[i].Rule, rows[i].CatchUp = rule.MustParse("daily 16:05"), 90*time.Minute
		}
	}
	return rows
}

func newService(t *testing.T, on database, start time.Time) *service {
	t.Helper()
	return newServiceAt(t, on.place(t), start)
}

func newServiceAt(t *testing.T, at place, start time.Time) *service {
	clock := clockwork.NewFakeClockAt(start)
	s := &service{t: t, at: at, clock: clock, rec: tradeclocktest.NewRecorder(clock), began: start}
	for _, row := range byTheClock() {
		s.rec.Do(row.Task, func(ctx context.Context, _ store.Run) error { return tradeclock.Sleep(ctx, 20*time.Second) })
	}
	return s
}

// process is a scheduler of a service with a store and a pool of its own.
type process struct {
	*tradeclock.UnifiedTaskScheduler
	t       *testing.T
	service *service
	clock   *clockwork.FakeClock
	store   *sqlstore.Store
	db      *sql.DB // the store's
	faults  *tradeclocktest.Faulty
}

// start starts a process on the service's database, with the seven tasks and no
// heartbeats.
func (s *service) start() *process {
	s.t.Helper()
	db := openDB(s.t, s.at)
	st := openOn(s.t, db, s.clock)
	_, err := st.SeedSchedules(s.t.Context(), byTheClock()...)
	require.NoError(s.t, err)
	p := s.startOn(st, nil)
	p.db = db
	return p
}

// startOn starts a process on a store, with the rows that it has.
func (s *service) startOn(st *sqlstore.Store, heartbeats store.HeartbeatSink) *process {
	s.t.Helper()
	faults := tradeclocktest.NewFaulty(st)
	scheduler, err := tradeclock.New(tradeclock.Config{
		Name:       paper,
		Account:    "42",
		Executor:   s.rec,
		Schedules:  faults,
		Ledger:     faults,
		Heartbeats: heartbeats,
		Calendar:   calendar.Weekdays(kolkata),
		Clock:      s.clock,
		Logger:     slog.New(slog.DiscardHandler),
	})
	require.NoError(s.t, err)
	return &process{UnifiedTaskScheduler: scheduler, t: s.t, service: s, clock: s.clock, store: st, faults: faults}
}

// tick does what is to be done at the clock's now.
func (p *process) tick() {
	p.t.Helper()
	require.NoError(p.t, p.Tick(p.t.Context()))
	p.rest()
}

func (p *process) rest() {
	p.t.Helper()
	require.NoError(p.t, p.Quiesce(p.t.Context()))
}

// every ticks at each step up to the instant, it included.
func (p *process) every(step time.Duration, instant time.Time) {
	p.t.Helper()
	for p.tick(); p.clock.Now().Before(instant); p.tick() {
		p.clock.Advance(min(step, instant.Sub(p.clock.Now())))
		p.rest()
	}
}

// kill ends the process as a power cut does: nothing of it reaches the database
// any more, and its term runs out. For it the clock stands still, and goes on for the
// next process of the service.
func (p *process) kill() {
	p.t.Helper()
	require.NoError(p.t, p.db.Close())
	p.service.clock = clockwork.NewFakeClockAt(p.clock.Now())
}

// close ends the process as a signal does, and gives its tasks the time to finish.
func (p *process) close() {
	p.t.Helper()
	closed := make(chan error)
	go func() { closed <- p.Close(context.Background()) }()
	for p.rest(); len(p.Status().Running) > 0; p.rest() {
		p.clock.Advance(time.Second)
	}
	require.NoError(p.t, <-closed)
}

// occurrence is one that a test expects, from the day's timetable and not from
// the library.
type occurrence struct {
	task string
	due  time.Time
}

// timetable returns what the seven tasks have due later than from, up to to.
func timetable(from, to time.Time) []occurrence {
	all := []occurrence{
		{trading.TaskPremarketRetry, today("09:00")},
		{trading.TaskPremarketAMOAdjustment, today("09:05")},
		{trading.TaskAnalysis, today("16:00")},
		{trading.TaskBuyOrders, today("16:05")},
		{trading.TaskEODCleanup, today("18:00")},
	}
	for minute := range 375 {
		all = append(all, occurrence{trading.TaskSellMonitor, today("09:15").Add(time.Duration(minute) * time.Minute)})
	}
	for hour := range 7 {
		all = append(all, occurrence{trading.TaskPositionMonitor, today("09:30").Add(time.Duration(hour) * time.Hour)})
	}
	var due []occurrence
	for _, o := range all {
		if o.due.After(from) && !o.due.After(to) {
			due = append(due, o)
		}
	}
	return due
}

// accounted checks the ledger against the timetable from the service's beginning
// up to an instant.
func (s *service) accounted(to time.Time) map[occurrence]store.Outcome {
	s.t.Helper()
	return s.accountedFor(timetable(s.began, to))
}

// accountedFor checks that the ledger accounts for what was due exactly once, with
// a final outcome, and for nothing else. It returns the outcomes.
func (s *service) accountedFor(due []occurrence) map[occurrence]store.Outcome {
	s.t.Helper()
	rows, err := openAt(s.t, s.at, s.clock).Runs(s.t.Context(), store.Query{Scheduler: paper})
	require.NoError(s.t, err)
	found := make(map[occurrence]store.Outcome)
	recorded := 0
	for _, row := range rows {
		recorded += row.Occurrences()
		require.True(s.t, row.Outcome.Final(), "%s %s is %v", row.Task, row.Slot, row.Outcome)
		for _, o := range due {
			if o.task != row.Task || o.due.Before(row.Due) || o.due.After(row.Through()) {
				continue
			}
			require.Zero(s.t, found[o], "%s of %v has two outcomes", o.task, o.due)
			found[o] = row.Outcome
		}
	}
	for _, o := range due {
		require.NotZero(s.t, found[o], "%s of %v is unaccounted for", o.task, o.due)
	}
	require.Equal(s.t, len(due), recorded, "nothing else is recorded")
	return found
}

// assertNoOrderTwice checks that no run that is delivered at most once was
// executed twice, in whatever process.
func (s *service) assertNoOrderTwice() {
	s.t.Helper()
	for _, row := range byTheClock() {
		if row.Delivery == store.AtMostOnce {
			assert.LessOrEqual(s.t, s.rec.Count(row.Task), 1, row.Task)
		}
	}
}

// told returns the outcomes of a task by due time: "09:20 succeeded".
func (s *service) told(task string) []string {
	s.t.Helper()
	rows, err := openAt(s.t, s.at, s.clock).Runs(s.t.Context(), store.Query{Scheduler: paper, Task: task})
	require.NoError(s.t, err)
	var told []string
	for _, row := range rows {
		told = append(told, fmt.Sprintf("%s %v", row.Due.In(kolkata).Format("15:04"), row.Outcome))
	}
	return told
}
