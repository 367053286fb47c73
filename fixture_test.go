package tradeclock_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

func init() {
	tradeclock.NewStore = func(clock tradeclock.Clock) tradeclock.TestStore { return memstore.New(clock) }
}

// ops is by whom tests edit.
var ops = store.By{Actor: "ops", Reason: "a test"}

// world is what the schedulers of a test share: a fake clock, a store in memory,
// and recorders of what runs and beats.
type world struct {
	t     testing.TB
	clock *clockwork.FakeClock
	store *memstore.Store
	rec   *tradeclocktest.Recorder
	beats *tradeclocktest.Beats
}

// newWorld returns a world at a wall time in Kolkata: "2026-11-23 08:55:00".
func newWorld(t testing.TB, start string) *world {
	t.Helper()
	clock := clockwork.NewFakeClockAt(at(start))
	return &world{
		t:     t,
		clock: clock,
		store: memstore.New(clock),
		rec:   tradeclocktest.NewRecorder(clock),
		beats: new(tradeclocktest.Beats),
	}
}

// config is that of a scheduler "paper" for account "42" with the given rows.
func (w *world) config(rows ...tradeclock.Schedule) tradeclock.Config {
	return tradeclock.Config{
		Name:       "paper",
		Account:    "42",
		Executor:   w.rec,
		Schedules:  tradeclock.FixedSchedules(rows...),
		Ledger:     w.store,
		Heartbeats: w.beats,
		Calendar:   calendar.Weekdays(kolkata),
		Clock:      w.clock,
		Logger:     slog.New(slog.DiscardHandler),
	}
}

// scheduler makes a scheduler of a configuration.
func (w *world) scheduler(cfg tradeclock.Config) *tradeclock.UnifiedTaskScheduler {
	w.t.Helper()
	s, err := tradeclock.New(cfg)
	require.NoError(w.t, err)
	return s
}

// driver makes a scheduler of rows, and a driver that ticks it.
func (w *world) driver(rows ...tradeclock.Schedule) (*tradeclock.UnifiedTaskScheduler, *tradeclocktest.Driver) {
	w.t.Helper()
	s := w.scheduler(w.config(rows...))
	return s, tradeclocktest.NewDriver(w.t, s, w.clock)
}

// runs returns the ledger's rows of a task, or of all tasks if it is empty.
func (w *world) runs(task string) []tradeclock.Run {
	w.t.Helper()
	runs, err := w.store.Runs(w.t.Context(), store.Query{Scheduler: "paper", Task: task})
	require.NoError(w.t, err)
	return runs
}

// row is a schedule of a task whose rule is given as text.
func row(task, text string, policies ...func(*tradeclock.Schedule)) tradeclock.Schedule {
	s := tradeclock.Schedule{Task: task, Rule: rule.MustParse(text)}
	for _, policy := range policies {
		policy(&s)
	}
	return s
}

// tell tells each run as "slot outcome", and a range with its count.
func tell(runs []tradeclock.Run) []string {
	var told []string
	for _, r := range runs {
		text := r.Slot + " " + r.Outcome.String()
		if r.Occurrences() > 1 {
			text += fmt.Sprintf(" x%d", r.Occurrences())
		}
		told = append(told, text)
	}
	return told
}

// day is a date, as in "2026-11-23".
func day(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

// atLeastOnce is the policy of idempotent tasks.
func atLeastOnce(s *tradeclock.Schedule) { s.Delivery = tradeclock.AtLeastOnce }

// catchUp is a schedule's catch-up.
func catchUp(d time.Duration) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.CatchUp = d }
}

// run starts the scheduler's Run and returns a driver that leaves the ticks to it.
// Run is ended when the test ends.
func (w *world) run(cfg tradeclock.Config) (*tradeclock.UnifiedTaskScheduler, *tradeclocktest.Driver) {
	w.t.Helper()
	s := w.scheduler(cfg)
	d, _ := tradeclocktest.StartDriver(w.t, s, w.clock)
	return s, d
}

// advanceUntil lets time pass, a second at a time, until done is closed.
func (w *world) advanceUntil(s *tradeclock.UnifiedTaskScheduler, done <-chan struct{}) {
	for {
		_ = s.Quiesce(context.Background())
		select {
		case <-done:
			return
		default:
			w.clock.Advance(time.Second)
		}
	}
}

// seconds drives to an instant a second at a time, for what happens between the
// minutes.
func (w *world) seconds(d *tradeclocktest.Driver, until string) {
	w.t.Helper()
	for end := at(until); w.clock.Now().Before(end); {
		d.For(time.Second)
	}
}

// latch holds up who waits for it, whatever becomes of their contexts.
type latch struct{ hang *tradeclocktest.Hang }

// latch returns one that is released when the test ends.
func (w *world) latch() *latch { return &latch{tradeclocktest.NewHang(w.t)} }

// wait returns when the latch is released. Until then Quiesce does not wait for
// the call that ctx belongs to.
func (l *latch) wait(ctx context.Context) { l.hang.Wait(ctx) }

// waiting is how many ever waited.
func (l *latch) waiting() int { return l.hang.Count() }

// task is a task that waits for the latch.
func (l *latch) task(ctx context.Context, run tradeclock.Run) error { return l.hang.Execute(ctx, run) }

// release lets all go. It may be called again.
func (l *latch) release() { l.hang.Release() }

// takes is a task that takes a time.
func takes(d time.Duration) func(context.Context, tradeclock.Run) error {
	return func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, d) }
}

// became tells what became of a ledger's rows: "09:00 missed", with the count of a
// range.
func became(runs []tradeclock.Run) []string {
	var lines []string
	for _, r := range runs {
		line := r.Due.In(kolkata).Format("15:04") + " " + r.Outcome.String()
		if r.Count > 1 {
			line += fmt.Sprintf(" x%d", r.Count)
		}
		lines = append(lines, line)
	}
	return lines
}

// newWorldIn is newWorld at a wall time of another zone.
func newWorldIn(t testing.TB, loc *time.Location, start string) *world {
	t.Helper()
	instant, err := time.ParseInLocation(time.DateTime, start, loc)
	require.NoError(t, err)
	w := newWorld(t, "2026-01-01 00:00:00")
	w.clock.Advance(instant.Sub(w.clock.Now()))
	return w
}

// drive makes a scheduler of a configuration, and a driver that ticks it.
func (w *world) drive(cfg tradeclock.Config) (*tradeclock.UnifiedTaskScheduler, *tradeclocktest.Driver) {
	w.t.Helper()
	s := w.scheduler(cfg)
	return s, tradeclocktest.NewDriver(w.t, s, w.clock)
}

// agenda returns the agenda of a date.
func (w *world) agenda(s *tradeclock.UnifiedTaskScheduler, date string) []tradeclock.AgendaItem {
	w.t.Helper()
	items, err := s.Agenda(w.t.Context(), day(date))
	require.NoError(w.t, err)
	return items
}

// eventLog is an Observer that keeps what it is told. It is complete once the
// scheduler is closed.
type eventLog struct {
	mu  sync.Mutex
	all []tradeclock.Event
}

// Observe keeps the event.
func (l *eventLog) Observe(e tradeclock.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, e)
}

// eventsOf returns the events of one type, in order.
func eventsOf[E tradeclock.Event](l *eventLog) []E {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []E
	for _, e := range l.all {
		if e, ok := e.(E); ok {
			found = append(found, e)
		}
	}
	return found
}

// tradingWeekRows are the seven tasks with no policies but the monitor's.
func tradingWeekRows() []tradeclock.Schedule {
	return []tradeclock.Schedule{
		row("premarket_retry", "daily 09:00"),
		row("premarket_amo_adjustment", "after premarket_retry 5m"),
		row("sell_monitor", "every 1m 09:15-15:30", atLeastOnce),
		row("position_monitor", "hourly 09:30-15:30"),
		row("analysis", "daily 16:00"),
		row("buy_orders", "daily 16:05"),
		row("eod_cleanup", "daily 18:00"),
	}
}
