package cron_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/cron"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// service is a scheduler of one account on the days of Mumbai, whose rows are edited.
type service struct {
	t     *testing.T
	clock *clockwork.FakeClock
	store *memstore.Store
	cfg   tradeclock.Config
}

func newService(t *testing.T, now string, rows ...tradeclock.Schedule) *service {
	t.Helper()
	nse := exchange.MustGet("XNSE")
	at, err := time.ParseInLocation(time.DateTime, now, nse.Location())
	require.NoError(t, err)
	clock := clockwork.NewFakeClockAt(at)
	st := memstore.New(clock)
	_, err = st.SeedSchedules(t.Context(), rows...)
	require.NoError(t, err)
	return &service{t: t, clock: clock, store: st, cfg: tradeclock.Config{
		Name: "paper", Account: "42", Schedules: st, Ledger: st, Calendar: nse, Clock: clock,
		Executor: tradeclock.ExecutorFunc(func(context.Context, tradeclock.Run) error { return nil }),
		Logger:   slog.New(slog.DiscardHandler),
	}}
}

// start is a service that is started, or started again.
func (s *service) start() (*tradeclock.UnifiedTaskScheduler, *tradeclocktest.Driver) {
	s.t.Helper()
	scheduler, err := tradeclock.New(s.cfg)
	require.NoError(s.t, err)
	return scheduler, tradeclocktest.NewDriver(s.t, scheduler, s.clock)
}

// became tells the runs of a task as "slot outcome", with the count of a range.
func (s *service) became(task string) (told []string) {
	s.t.Helper()
	runs, err := s.store.Runs(s.t.Context(), store.Query{Scheduler: "paper", Task: task})
	require.NoError(s.t, err)
	for _, r := range runs {
		text := r.Slot + " " + r.Outcome.String()
		if r.Occurrences() > 1 {
			text += fmt.Sprintf(" x%d", r.Occurrences())
		}
		told = append(told, text)
	}
	return told
}

func row(t *testing.T, task, text string) tradeclock.Schedule {
	t.Helper()
	r, err := cron.ParseRule(text)
	require.NoError(t, err)
	return tradeclock.Schedule{Task: task, Rule: r}
}

// TestAScheduledWeek runs rows through five days, of which Tuesday is a holiday: what the
// agenda had announced is what ran.
func TestAScheduledWeek(t *testing.T) {
	plain := row(t, "plain", "*/40 17 * * *")
	plain.Sessions = calendar.EveryDay
	s := newService(t, "2026-11-23 00:00:00", row(t, "sessions", "*/40 17 * * *"), plain, row(t, "daily", "30 9 24-31 * *"), row(t, "native", "0 10 * * 1-4"))
	scheduler, driver := s.start()
	driver.Tick()
	var announced []string
	for day := 23; day < 28; day++ {
		items, err := scheduler.Agenda(t.Context(), calendar.Date{Year: 2026, Month: 11, Day: day})
		require.NoError(t, err)
		for _, item := range items {
			announced = append(announced, item.Task+" "+item.Slot)
		}
	}
	driver.For(5 * 24 * time.Hour)

	runs, err := s.store.Runs(t.Context(), store.Query{Scheduler: "paper"})
	require.NoError(t, err)
	var ran []string
	for _, r := range runs {
		assert.Equal(t, tradeclock.Succeeded, r.Outcome, r.Slot)
		ran = append(ran, r.Task+" "+r.Slot)
	}
	assert.ElementsMatch(t, announced, ran)
	assert.Equal(t, []string{"2026-11-25 succeeded", "2026-11-26 succeeded", "2026-11-27 succeeded"}, s.became("daily"))
	assert.Equal(t, []string{"2026-11-23 succeeded", "2026-11-25 succeeded", "2026-11-26 succeeded"}, s.became("native"))
	assert.Len(t, s.became("sessions"), 2*4)
	assert.Len(t, s.became("plain"), 2*5, "on the holiday too")
}

// TestCatchUp lets a service stand still from Monday to Thursday.
func TestCatchUp(t *testing.T) {
	daily, often := row(t, "daily", "30 9 23-31 * *"), row(t, "often", "*/40 9 * * *")
	daily.CatchUp, often.CatchUp = 100*time.Hour, 100*time.Hour
	s := newService(t, "2026-11-23 09:00:00", daily, often)
	scheduler, driver := s.start()
	driver.Tick()
	require.NoError(t, scheduler.Close(t.Context()))
	s.clock.Advance(3*24*time.Hour + 45*time.Minute)
	_, driver = s.start()
	driver.Tick()

	assert.Equal(t, []string{"2026-11-23 succeeded", "2026-11-25 succeeded", "2026-11-26 succeeded"}, s.became("daily"), "all, in order")
	assert.Equal(t, []string{
		"2026-11-23T09:40:00+05:30 missed", "2026-11-25T09:00:00+05:30 missed x2",
		"2026-11-26T09:00:00+05:30 missed", "2026-11-26T09:40:00+05:30 succeeded",
	}, s.became("often"), "only the newest")
}

// TestAnEditNeverRunsADayTwice moves the one time of a day after it has run.
func TestAnEditNeverRunsADayTwice(t *testing.T) {
	s := newService(t, "2026-11-25 09:00:00", row(t, "daily", "30 9 25 * *"))
	_, driver := s.start()
	driver.For(time.Hour)
	for version, text := range []string{"30 11 25 * *", "45 12 25,26 * *", "15 13 * * *"} {
		edit := store.ScheduleEdit{Rule: row(t, "daily", text).Rule}
		_, err := s.store.UpdateSchedule(t.Context(), store.By{Actor: "ops", Reason: "a test"}, "", "daily", int64(version)+1, edit)
		require.NoError(t, err)
		driver.For(time.Hour)
	}
	driver.For(25 * time.Hour)
	assert.Equal(t, []string{"2026-11-25 succeeded", "2026-11-26 succeeded"}, s.became("daily"))
}
