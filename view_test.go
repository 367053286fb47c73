package tradeclock_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

// view is a View on the world's store, whose rows are those of a configuration.
func (w *world) view(cfg tradeclock.Config) *view.View {
	w.t.Helper()
	v, err := view.New(view.Config{
		Name: cfg.Name, Schedules: cfg.Schedules, Ledger: w.store, Calendar: cfg.Calendar, Clock: w.clock,
	})
	require.NoError(w.t, err)
	return v
}

// planOf reads all pages of a plan, of some size.
func planOf(t testing.TB, v *view.View, date string, q view.PlanQuery) []tradeclock.AgendaItem {
	t.Helper()
	var items []tradeclock.AgendaItem
	for {
		page, err := v.Plan(t.Context(), day(date), q)
		require.NoError(t, err)
		items = append(items, page...)
		if len(page) < q.Limit {
			return items
		}
		q.After = page[len(page)-1].Cursor()
	}
}

// seeded puts the seven tasks into the store, with a row of an account of its own, and
// one that is bad.
func (w *world) seeded() tradeclock.Config {
	w.t.Helper()
	rows := append(tradingWeekRows(), row("buy_orders", "daily 16:20", func(s *tradeclock.Schedule) { s.Account = "7" }))
	_, err := w.store.SeedSchedules(w.t.Context(), rows...)
	require.NoError(w.t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	return cfg
}

// TestRule32_AViewTellsWhatTheSchedulerTells compares both at instants of a day with an
// outage, of accounts that come and go.
func TestRule32_AViewTellsWhatTheSchedulerTells(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:50:00")
	cfg := w.seeded()
	v := w.view(cfg)
	s, d := w.drive(cfg)
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	require.NoError(t, s.Enroll(t.Context(), "9", w.rec))
	same := func() {
		t.Helper()
		require.NoError(t, s.Quiesce(t.Context()))
		for _, date := range []string{"2026-11-20", "2026-11-22", "2026-11-23", "2026-11-24"} {
			agenda := append([]tradeclock.AgendaItem(nil), w.agenda(s, date)...)
			slices.SortStableFunc(agenda, func(a, b tradeclock.AgendaItem) int { return strings.Compare(a.Account, b.Account) })
			for _, size := range []int{1000, 97} {
				assert.Equal(t, agenda, planOf(t, v, date, view.PlanQuery{Limit: size}), date)
			}
			for _, account := range []string{"42", "7"} {
				for _, task := range []string{"sell_monitor", "buy_orders", "premarket_amo_adjustment", "nothing"} {
					var of []tradeclock.AgendaItem
					for _, item := range agenda {
						if item.Account == account && item.Task == task {
							of = append(of, item)
						}
					}
					assert.Equal(t, of, planOf(t, v, date, view.PlanQuery{Account: account, Task: task, Limit: 1000}))
					want, err := s.Explain(t.Context(), account, task, day(date))
					require.NoError(t, err)
					got, err := v.Explain(t.Context(), account, task, day(date))
					require.NoError(t, err)
					assert.Equal(t, want, got)
				}
			}
		}
	}
	d.Until(at("2026-11-23 09:01:00"))
	same()
	d.Until(at("2026-11-23 09:40:00"))
	require.NoError(t, s.Withdraw(t.Context(), "9"))
	d.For(time.Minute)
	same()
	w.clock.Advance(20 * time.Minute)
	d.Tick()
	d.For(time.Minute) // which confirms that the clock is right
	same()
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: "7", Reason: "loss limit", Actor: "risk"}))
	d.Until(at("2026-11-23 16:30:00"))
	same()
}

func TestRule32_AViewTellsWhyNobodyRuns(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:50:00")
	cfg := w.seeded()
	v := w.view(cfg)
	explains := func(account, task, want string) {
		t.Helper()
		got, err := v.Explain(t.Context(), account, task, day("2026-11-23"))
		require.NoError(t, err)
		assert.Contains(t, got, want)
	}
	explains("42", "buy_orders", "is due at 2026-11-23 16:05:00 (daily 16:05), and does not run: no account is enrolled: nothing runs")
	s, d := w.drive(cfg)
	require.NoError(t, s.Enroll(t.Context(), "9", w.rec))
	d.Until(at("2026-11-23 09:20:00"))
	explains("8", "sell_monitor", `for account 8 was due 6 times from 09:15:00 to 09:20:00, and the ledger has no record of them: account "8" is not enrolled; `+
		`369 are to come, from 09:21:00 to 15:29:00, and do not run: account "8" is not enrolled.`)
	d.Crash()
	w.clock.Advance(10 * time.Minute)
	explains("42", "sell_monitor", "10 were due from 09:21:00 to 09:30:00, and the ledger has no record of them: nobody is active: term 1 of ")
	explains("42", "sell_monitor", "ended at 2026-11-23 09:20:30")

	other := w.scheduler(cfg)
	require.NoError(t, other.Tick(t.Context()))
	explains("9", "buy_orders", `and does not run: account "9" is not enrolled with `)
	explains("9", "buy_orders", `which holds term 2 (it was under term 1)`)
	left := planOf(t, v, "2026-11-23", view.PlanQuery{Account: "9", Task: "buy_orders", Limit: 10})
	require.Len(t, left, 1)
	assert.Contains(t, left[0].Skip, "which holds term 2")
	require.NoError(t, other.Close(t.Context()))
	w.clock.Advance(time.Minute)
	explains("42", "sell_monitor", "nobody is active: term 2 was resigned")
	_, err := v.Plan(t.Context(), day("2026-11-23"), view.PlanQuery{Account: "24"})
	assert.ErrorIs(t, err, tradeclock.ErrUnknownAccount)
}

func TestRule32_ARepeatingTaskThatIsSilent(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:29:00")
	s, d := w.driver(row("watch", "every 15m 09:30-12:00", catchUp(time.Minute)))
	d.Until(at("2026-11-23 09:45:00"))
	w.clock.Advance(39 * time.Minute)
	d.For(time.Minute)
	assert.Equal(t, "was due several times: 2 succeeded, 2 missed (its catch-up of 1m0s had passed); "+
		"silent since 09:45:00 (the newest was missed: its catch-up of 1m0s had passed); 6 are to come, from 10:30:00 to 11:45:00.", explains(t, s, "watch"))
	d.Until(at("2026-11-23 10:30:00"))
	assert.NotContains(t, explains(t, s, "watch"), "silent")
	w.clock.Advance(3 * time.Hour)
	d.For(time.Minute)
	assert.Contains(t, explains(t, s, "watch"), "silent since 10:30:00 (the newest was missed: its catch-up of 1m0s had passed); the next is due at 2026-11-24 09:30:00.")
}

func TestAViewNeedsItsStores(t *testing.T) {
	_, err := view.New(view.Config{Name: "a\nb", Calendar: calendar.Weekdays(nil)})
	for _, field := range []string{"field Name", "field Schedules", "field Ledger"} {
		assert.ErrorContains(t, err, field)
	}
}

func TestAViewHasTimetables(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:50:00")
	v := w.view(w.seeded())
	for account, want := range map[string]string{"42": "2026-11-23 16:05:00", "7": "2026-11-23 16:20:00"} {
		timetable, err := v.Timetable(t.Context(), account, "buy_orders")
		require.NoError(t, err)
		next, err := timetable.Next(w.clock.Now())
		require.NoError(t, err)
		assert.Equal(t, at(want).UTC(), next)
	}
	for task, want := range map[string]string{"premarket_retry": "2026-11-23 09:00:00", "premarket_amo_adjustment": "2026-11-23 09:05:00"} {
		timetable, err := v.Timetable(t.Context(), "42", task)
		require.NoError(t, err)
		next, err := timetable.Next(w.clock.Now())
		require.NoError(t, err)
		assert.Equal(t, at(want).UTC(), next)
	}
	_, err := v.Timetable(t.Context(), "42", "nothing")
	assert.ErrorIs(t, err, store.ErrNoSchedule)
}

// TestPagesOfAPlanAreThePlan: of a run and an occurrence that are due at one instant, neither
// is lost or told twice where a page ends between them.
func TestPagesOfAPlanAreThePlan(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:50:00")
	cfg := w.config()
	cfg.Schedules = w.store
	_, err := w.store.SeedSchedules(t.Context(), row("monitor", "every 15m 09:15-15:30"), row("review", "after monitor 7m"))
	require.NoError(t, err)
	v := w.view(cfg)
	s, d := w.drive(cfg)
	defer stop(t, s)
	d.Until(at("2026-11-23 15:40:00"))
	inUTC := func(s *tradeclock.Schedule) { s.Calendar = "weekdays:UTC" }
	require.NoError(t, w.store.ChangeSchedules(t.Context(), ops, put(row("monitor", "every 15m 09:15-15:30", inUTC, disabled))))
	whole := planOf(t, v, "2026-11-23", view.PlanQuery{Limit: 1000})
	for limit := range 5 {
		assert.Equal(t, whole, planOf(t, v, "2026-11-23", view.PlanQuery{Limit: limit + 1}), "pages of %d", limit+1)
	}
}

// TestAPageOfAPlanIsBounded: of very many accounts a page costs what it shows.
func TestAPageOfAPlanIsBounded(t *testing.T) {
	const accounts = 100_000
	w := newWorld(t, "2026-11-23 08:50:00")
	cfg := w.seeded()
	term, err := w.store.Lead(t.Context(), "paper", "a", time.Minute, time.Time{})
	require.NoError(t, err)
	enrolments := make([]store.Enrolment, accounts)
	for i := range enrolments {
		enrolments[i] = store.Enrolment{Account: fmt.Sprintf("%06d", i), From: w.clock.Now()}
	}
	require.NoError(t, w.store.Enroll(t.Context(), term, enrolments))
	v := w.view(cfg)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	page, err := v.Plan(t.Context(), day("2026-11-23"), view.PlanQuery{After: store.Cursor{Due: at("2026-11-23 10:00:00"), Account: "050000"}, Limit: 1000})
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.Len(t, page, 1000)
	assert.Equal(t, "050000", page[0].Account)
	assert.Equal(t, at("2026-11-23 10:00:00").UTC(), page[0].Due, "what has a name comes after what has none")
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(20<<20))
}
