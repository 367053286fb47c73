package tradeclock_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// spread shifts the starts of a schedule's accounts.
func spread(d time.Duration) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.Spread = d }
}

// limited makes a schedule's starts count against a limit.
func limited(name string) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.StartLimit = name }
}

// crowd is the names of n accounts.
func crowd(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("acct-%04d", i)
	}
	return names
}

// crowded is a configuration without an account of its own, and startCrowd enrols
// accounts in a scheduler of it and drives its ticks.
func (w *world) crowded(rows ...tradeclock.Schedule) tradeclock.Config {
	cfg := w.config(rows...)
	cfg.Account, cfg.Executor = "", nil
	return cfg
}

func (w *world) startCrowd(cfg tradeclock.Config, accounts ...string) (*tradeclock.UnifiedTaskScheduler, *tradeclocktest.Driver) {
	w.t.Helper()
	s := w.scheduler(cfg)
	for _, account := range accounts {
		require.NoError(w.t, s.Enroll(w.t.Context(), account, w.rec))
	}
	return s, tradeclocktest.NewDriver(w.t, s, w.clock)
}

// assertSpread checks that each account ran once, at its offset, within a spread.
func (w *world) assertSpread(accounts []string, within time.Duration) {
	w.t.Helper()
	ran := make(map[string]int)
	for _, e := range w.rec.Runs() {
		ran[e.Run.Account]++
		assert.Equal(w.t, e.Run.Due.Add(e.Run.Offset), e.Start.UTC(), e.Run.Account)
		assert.Less(w.t, e.Run.Offset, within)
	}
	assert.Len(w.t, ran, len(accounts))
	for _, account := range accounts {
		assert.Equal(w.t, 1, ran[account], account)
	}
	for _, run := range w.runs("") {
		assert.Equal(w.t, tradeclock.Succeeded, run.Outcome, run.Account)
		assert.Zero(w.t, run.Lateness(), run.Account)
	}
}

// counts counts the outcomes of the ledger's rows, with the reasons.
func (w *world) counts() map[string]int {
	counts := make(map[string]int)
	for _, r := range w.runs("") {
		what := r.Outcome.String()
		if r.Reason != "" {
			what += ": " + r.Reason
		}
		counts[what] += r.Occurrences()
	}
	return counts
}

// The preview of a day tells when each account's run may start, by the hours that
// the calendar gives for that day.
func TestRule32_AgendaShowsOffsets(t *testing.T) {
	hours := calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(15, 30)}
	for name, cal := range map[string]calendar.Calendar{
		"from memory": calendar.Weekdays(kolkata, hours),
		"asked":       struct{ calendar.Calendar }{calendar.Weekdays(kolkata, hours)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:55:00")
			cfg := w.config(
				row("buy_orders", "daily 09:15", spread(100*time.Second)),
				row("exit", "daily close-21s", spread(100*time.Second)),
				row("report", "daily 16:00"),
			)
			cfg.Calendar = cal
			s := w.scheduler(cfg)
			require.NoError(t, s.Enroll(t.Context(), "43", w.rec))
			for date, want := range map[string]map[string]time.Duration{
				"2026-11-23": {
					"buy_orders 42": 20696 * time.Millisecond, "buy_orders 43": 88976 * time.Millisecond,
					"exit 42": 3104 * time.Millisecond, "exit 43": 12281 * time.Millisecond,
					"report 42": 0, "report 43": 0,
				},
				"2026-12-23": {
					"buy_orders 42": 76719 * time.Millisecond, "buy_orders 43": 40963 * time.Millisecond,
					"exit 42": 17751 * time.Millisecond, "exit 43": 10806 * time.Millisecond,
					"report 42": 0, "report 43": 0,
				},
			} {
				items, err := s.Agenda(t.Context(), day(date))
				require.NoError(t, err)
				got := make(map[string]time.Duration)
				for _, item := range items {
					got[item.Task+" "+item.Account] = item.Offset
				}
				assert.Equal(t, want, got, date)
			}
		})
	}
}

// A row that names a limit which is not configured does not run without one, and
// neither does the row for all accounts in its place.
func TestRule24_ARowWithAnUnknownStartLimitIsQuarantined(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	shared, own := row("buy_orders", "daily 09:15"), row("buy_orders", "daily 09:15")
	own.Account, own.StartLimit = "42", "exchange"
	known := row("sell_orders", "daily 09:15")
	known.StartLimit = "broker"
	cfg := w.config()
	cfg.Schedules = &rowsStore{rows: []tradeclock.Schedule{shared, own, known}}
	cfg.StartLimits = []tradeclock.StartLimit{{Name: "broker", Starts: 10}}
	s := w.scheduler(cfg)

	tradeclocktest.NewDriver(t, s, w.clock).For(5 * time.Minute)

	assert.Zero(t, w.rec.Count("buy_orders"))
	assert.Equal(t, 1, w.rec.Count("sell_orders"))
	require.Len(t, s.Status().Quarantined, 1)
	assert.EqualError(t, s.Status().Quarantined[0], `schedule of buy_orders for account 42: StartLimit: the configuration has no limit "exchange"`)
}

// A thousand accounts start within the spread, each at its own offset and once, and
// the day goes on as if they had started together.
func TestSpreadStartsEachAccountAtItsOffset(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:10:00")
	accounts := crowd(1000)
	s, d := w.startCrowd(w.crowded(row("buy_orders", "daily 09:15", spread(100*time.Second), catchUp(5*time.Minute))), accounts...)

	d.Until(at("2026-11-23 09:15:30"))
	status := s.Status()
	assert.Equal(t, 1000, w.rec.Count("buy_orders")+status.Waiting)
	assert.InDelta(t, 300, w.rec.Count("buy_orders"), 60)
	assert.Equal(t, at("2026-11-23 09:14:59").UTC(), status.Watermark, "it does not pass what waits")
	assert.WithinRange(t, status.Next, w.clock.Now(), w.clock.Now().Add(5*time.Second))
	d.Until(at("2026-11-23 09:20:00"))

	w.assertSpread(accounts, 100*time.Second)
	assert.Equal(t, at("2026-11-23 09:20:00").UTC(), s.Status().Watermark)
	assert.Equal(t, at("2026-11-24 09:15:00").UTC(), s.Status().Next)
	for _, item := range w.agenda(s, "2026-11-23") {
		assert.Equal(t, item.Run.Offset, item.Offset)
	}
}

// A scheduler whose Run wakes once a minute starts them at their offsets too.
func TestSpreadUnderRun(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	cfg := w.config(row("buy_orders", "daily 09:15", spread(100*time.Second)))
	_, d := w.run(cfg)
	d.Until(at("2026-11-23 09:18:00"))
	w.assertSpread([]string{"42"}, 100*time.Second)
}

// A process that is stopped in the middle has started some; its successor starts the
// others, at the same offsets.
func TestSpreadAcrossARestart(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	accounts := crowd(200)
	cfg := w.crowded(row("buy_orders", "daily 09:15", spread(100*time.Second), catchUp(5*time.Minute)))
	s, d := w.startCrowd(cfg, accounts...)
	d.Until(at("2026-11-23 09:15:40"))
	require.NoError(t, s.Close(t.Context()))
	before := w.rec.Count("buy_orders")
	assert.InDelta(t, 80, before, 30)

	_, d = w.startCrowd(cfg, accounts...)
	d.Until(at("2026-11-23 09:20:00"))

	w.assertSpread(accounts, 100*time.Second)
}

// One that is killed is followed when its term has ended: who should have started by
// then starts at once, and the others at their offsets.
func TestSpreadAcrossATakeover(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	accounts := crowd(200)
	cfg := w.crowded(row("buy_orders", "daily 09:15", spread(100*time.Second), catchUp(5*time.Minute)))
	_, d := w.startCrowd(cfg, accounts...)
	d.Until(at("2026-11-23 09:15:20"))
	d.Crash()
	_, d = w.startCrowd(cfg, accounts...)
	w.seconds(d, "2026-11-23 09:20:00")

	assert.Equal(t, map[string]int{"succeeded": 200}, w.counts())
	assert.Equal(t, 200, w.rec.Count("buy_orders"))
	onTime := 0
	for _, run := range w.runs("") {
		assert.GreaterOrEqual(t, run.Lateness(), time.Duration(0))
		if run.Lateness() < time.Second {
			onTime++
		}
	}
	assert.Greater(t, onTime, 100)
}

// What happens in the middle of a spread holds for the accounts that have not
// started.
func TestSpreadIsInterrupted(t *testing.T) {
	halfway := at("2026-11-23 09:15:50")
	for _, test := range []struct {
		name   string
		middle func(t *testing.T, w *world, s *tradeclock.UnifiedTaskScheduler)
		reason string
	}{
		{"by a halt", func(t *testing.T, _ *world, s *tradeclock.UnifiedTaskScheduler) {
			require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "loss limit", Actor: "risk"}))
		}, "skipped: halted by risk: loss limit"},
		{"by a disabled row", func(t *testing.T, w *world, _ *tradeclock.UnifiedTaskScheduler) {
			disabled := true
			_, err := w.store.UpdateSchedule(t.Context(), ops, "", "buy_orders", 1, store.ScheduleEdit{Disabled: &disabled})
			require.NoError(t, err)
		}, "skipped: its schedule was disabled or removed"},
		{"by withdrawals", func(t *testing.T, _ *world, s *tradeclock.UnifiedTaskScheduler) {
			for _, account := range s.Status().Accounts {
				require.NoError(t, s.Withdraw(t.Context(), account))
			}
		}, "skipped: the account was withdrawn"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:14:00")
			cfg := w.crowded()
			cfg.Schedules = w.store
			_, err := w.store.PutSchedule(t.Context(), ops, row("buy_orders", "daily 09:15", spread(100*time.Second), catchUp(5*time.Minute)))
			require.NoError(t, err)
			s, d := w.startCrowd(cfg, crowd(200)...)
			d.Until(halfway)
			before := w.rec.Count("buy_orders")
			require.Greater(t, before, 50)

			test.middle(t, w, s)
			d.Until(at("2026-11-23 09:20:00"))

			counts := w.counts()
			assert.Equal(t, 200, counts["succeeded"]+counts[test.reason], counts)
			assert.Greater(t, counts[test.reason], 50)
			assert.LessOrEqual(t, counts["succeeded"]-before, 25, "a row is read once a minute")
			assert.Equal(t, counts["succeeded"], w.rec.Count("buy_orders"))
		})
	}
}

// A spread that is edited in the middle leaves the offsets of the day as they are,
// and reopens no slot.
func TestSpreadIsEdited(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	accounts := crowd(200)
	cfg := w.crowded()
	cfg.Schedules = w.store
	_, err := w.store.PutSchedule(t.Context(), ops, row("buy_orders", "daily 09:15", spread(100*time.Second), catchUp(5*time.Minute)))
	require.NoError(t, err)
	_, d := w.startCrowd(cfg, accounts...)
	d.Until(at("2026-11-23 09:15:50"))
	none := time.Duration(0)
	_, err = w.store.UpdateSchedule(t.Context(), ops, "", "buy_orders", 1, store.ScheduleEdit{Spread: &none})
	require.NoError(t, err)
	d.Until(at("2026-11-23 09:20:00"))
	w.assertSpread(accounts, 100*time.Second)
	d.Until(at("2026-11-24 09:15:00"))
	assert.Equal(t, 400, w.rec.Count("buy_orders"), "without a spread all start at once")
}

// What comes up late starts at once where its offset has passed, and at its offset
// where not.
func TestSpreadThatIsLate(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	accounts := crowd(200)
	_, d := w.startCrowd(w.crowded(row("buy_orders", "daily 09:15", spread(100*time.Second), catchUp(5*time.Minute))), accounts...)
	d.Tick()
	w.clock.Advance(110 * time.Second)
	d.Until(at("2026-11-23 09:20:00"))

	late := 0
	for _, run := range w.runs("") {
		start := run.Due.Add(run.Offset)
		if start.Before(at("2026-11-23 09:15:50")) {
			start, late = at("2026-11-23 09:15:50").UTC(), late+1
		}
		assert.Equal(t, start, run.Started)
	}
	assert.InDelta(t, 100, late, 30)
	assert.Equal(t, map[string]int{"succeeded": 200}, w.counts())
}

// Places are taken as runs start, and who finds none waits for one.
func TestSpreadAndPlaces(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	w.rec.Do("buy_orders", takes(2*time.Second))
	cfg := w.crowded(row("buy_orders", "daily 09:15", spread(20*time.Second), catchUp(5*time.Minute)))
	cfg.MaxConcurrent = 4
	s, d := w.startCrowd(cfg, crowd(100)...)
	d.AtEach = func(time.Time) { assert.LessOrEqual(t, len(s.Status().Running), 4) }
	d.Until(at("2026-11-23 09:20:00"))

	assert.Equal(t, map[string]int{"succeeded": 100}, w.counts())
	last := w.rec.Runs()[99].Start
	assert.WithinRange(t, last, at("2026-11-23 09:15:45"), at("2026-11-23 09:15:55"), "100 of 2 s in 4 places take 50 s")
}

// The monitors of a minute are spread within it: none replaces another.
func TestSpreadOfAMonitor(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	_, d := w.startCrowd(w.crowded(row("monitor", "every 1m 09:15-09:20", spread(time.Hour), catchUp(3*time.Minute))), crowd(50)...)
	d.Until(at("2026-11-23 09:25:00"))
	assert.Equal(t, map[string]int{"succeeded": 250}, w.counts())
	for _, run := range w.runs("") {
		assert.Zero(t, run.Lateness())
		assert.Less(t, run.Offset, 59*time.Second)
	}
}

// assertLimited checks that no stretch of time has more starts than a limit allows.
func assertLimited(t *testing.T, runs []tradeclocktest.Execution, starts int, per time.Duration) {
	t.Helper()
	for i := starts; i < len(runs); i++ {
		assert.GreaterOrEqual(t, runs[i].Start.Sub(runs[i-starts].Start), per, "start %d", i)
	}
}

// A hundred orders at ten a second take ten seconds.
func TestStartLimitOfTenASecond(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	cfg := w.crowded(row("buy_orders", "daily 09:15", limited("broker")))
	cfg.StartLimits = []tradeclock.StartLimit{{Name: "broker", Starts: 10}}
	s, d := w.startCrowd(cfg, crowd(100)...)
	d.Until(at("2026-11-23 09:15:00"))
	assert.Equal(t, 10, w.rec.Count("buy_orders"))
	assert.Equal(t, at("2026-11-23 09:15:01").UTC(), s.Status().Next)
	d.Until(at("2026-11-23 09:20:00"))

	assert.Equal(t, map[string]int{"succeeded": 100}, w.counts())
	for i, e := range w.rec.Runs() {
		assert.Equal(t, at("2026-11-23 09:15:00").Add(time.Duration(i/10)*time.Second).UTC(), e.Start.UTC())
	}
}

// Tasks that name one limit share it, and others do not wait for it.
func TestStartLimitOfSeveralTasks(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	cfg := w.crowded(
		row("buy_orders", "daily 09:15", limited("broker")),
		row("sell_orders", "daily 09:15", limited("broker")),
		row("report", "daily 09:15"),
	)
	cfg.StartLimits = []tradeclock.StartLimit{{Name: "broker", Starts: 10}, {Name: "broker", Starts: 25, Per: time.Minute}}
	_, d := w.startCrowd(cfg, crowd(15)...)
	d.Until(at("2026-11-23 09:15:00"))
	assert.Equal(t, 15, w.rec.Count("report"))
	w.seconds(d, "2026-11-23 09:20:00")

	var orders []tradeclocktest.Execution
	for _, e := range w.rec.Runs() {
		if e.Run.Task != "report" {
			orders = append(orders, e)
		}
	}
	require.Len(t, orders, 30)
	assertLimited(t, orders, 10, time.Second)
	assertLimited(t, orders, 25, time.Minute)
	assert.Equal(t, at("2026-11-23 09:15:02").UTC(), orders[24].Start.UTC())
	assert.Equal(t, at("2026-11-23 09:16:00").UTC(), orders[25].Start.UTC())
}

// A limit for each account holds up none for the sake of another.
func TestStartLimitPerAccount(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	cfg := w.crowded(
		row("a", "daily 09:15", limited("broker")), row("b", "daily 09:15", limited("broker")), row("c", "daily 09:15", limited("broker")),
	)
	cfg.StartLimits = []tradeclock.StartLimit{{Name: "broker", Starts: 1, Per: 2 * time.Second, PerAccount: true}}
	_, d := w.startCrowd(cfg, crowd(5)...)
	d.Until(at("2026-11-23 09:20:00"))

	for i, e := range w.rec.Runs() {
		assert.Equal(t, at("2026-11-23 09:15:00").Add(time.Duration(i/5)*2*time.Second).UTC(), e.Start.UTC())
	}
	assert.Equal(t, map[string]int{"succeeded": 15}, w.counts())
}

// What waits for a limit is missed at the end of its catch-up, and says so.
func TestStartLimitAndTheEndOfTheCatchUp(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	cfg := w.crowded(row("buy_orders", "daily 09:15", limited("broker"), catchUp(10*time.Second)))
	cfg.StartLimits = []tradeclock.StartLimit{{Name: "broker", Starts: 1}}
	_, d := w.startCrowd(cfg, crowd(20)...)
	d.Until(at("2026-11-23 09:20:00"))

	assert.Equal(t, map[string]int{
		"succeeded": 10, "missed: its catch-up of 10s had passed: it waited for start limit broker": 10,
	}, w.counts())
}

// Spread, limit and places hold together.
func TestSpreadWithALimitAndPlaces(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	w.rec.Do("buy_orders", takes(3*time.Second))
	cfg := w.crowded(row("buy_orders", "daily 09:15", limited("broker"), spread(10*time.Second), catchUp(5*time.Minute)))
	cfg.StartLimits = []tradeclock.StartLimit{{Name: "broker", Starts: 3}}
	cfg.MaxConcurrent = 5
	s, d := w.startCrowd(cfg, crowd(50)...)
	d.AtEach = func(time.Time) { assert.LessOrEqual(t, len(s.Status().Running), 5) }
	w.seconds(d, "2026-11-23 09:20:00")

	assert.Equal(t, map[string]int{"succeeded": 50}, w.counts())
	assertLimited(t, w.rec.Runs(), 3, time.Second)
	for _, run := range w.runs("") {
		assert.GreaterOrEqual(t, run.Lateness(), time.Duration(0))
	}
}

// A claim that fails gives its place back, and one that takes long keeps it: the
// broker never sees more than the limit.
func TestStartLimitWhileTheLedgerFails(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	cfg := w.crowded(row("buy_orders", "daily 09:15", limited("broker")))
	cfg.StartLimits = []tradeclock.StartLimit{{Name: "broker", Starts: 10}}
	st := tradeclocktest.NewFaulty(w.store)
	cfg.Ledger = st
	_, d := w.startCrowd(cfg, crowd(40)...)
	d.Until(at("2026-11-23 09:14:59"))
	st.Fail(tradeclocktest.OpClaim, errors.New("no connection"))
	w.seconds(d, "2026-11-23 09:15:10")
	assert.Zero(t, w.rec.Count("buy_orders"))
	st.Heal()
	w.seconds(d, "2026-11-23 09:20:00")

	assert.Equal(t, map[string]int{"succeeded": 40}, w.counts())
	assertLimited(t, w.rec.Runs(), 10, time.Second)
}

// A successor cannot know what started just before its term: nothing starts in the
// first second of it.
func TestStartLimitAcrossARestart(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	cfg := w.crowded(row("buy_orders", "daily 09:15", limited("broker")))
	cfg.StartLimits = []tradeclock.StartLimit{{Name: "broker", Starts: 10}}
	s, d := w.startCrowd(cfg, crowd(40)...)
	d.Until(at("2026-11-23 09:15:00"))
	require.NoError(t, s.Close(t.Context()))
	_, d = w.startCrowd(cfg, crowd(40)...)
	d.Tick()
	assert.Equal(t, 10, w.rec.Count("buy_orders"))
	d.Until(at("2026-11-23 09:20:00"))

	assert.Equal(t, map[string]int{"succeeded": 40}, w.counts())
	assertLimited(t, w.rec.Runs(), 10, time.Second)
}

// A triggered run counts, and is refused where the limit allows none.
func TestRule29_TriggerAndAStartLimit(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	cfg := w.config(row("buy", "daily 09:15", limited("broker")))
	cfg.StartLimits = []tradeclock.StartLimit{{Name: "broker", Starts: 1, Per: 10 * time.Second}}
	s, d := w.startCrowd(cfg)
	d.Until(at("2026-11-23 09:14:55"))
	_, err := s.Trigger(t.Context(), operator("buy"))
	require.NoError(t, err)
	d.Tick()
	_, err = s.Trigger(t.Context(), operator("buy"))
	require.ErrorIs(t, err, tradeclock.ErrBusy)
	assert.ErrorContains(t, err, "start limit broker allows no start now")
	d.Until(at("2026-11-23 09:20:00"))

	runs := w.rec.Runs()
	require.Len(t, runs, 2)
	assert.Equal(t, at("2026-11-23 09:15:05").UTC(), runs[1].Start.UTC())
	assert.Zero(t, runs[0].Run.Offset)
}

// The watermark does not pass an occurrence whose accounts have yet to start, whatever
// else waits.
func TestSpreadHoldsTheWatermark(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	cfg := w.config(
		row("buy_orders", "daily 09:15", spread(100*time.Second), catchUp(5*time.Minute)),
		row("a", "daily 09:15:05", limited("broker")), row("b", "daily 09:15:05", limited("broker")),
	)
	cfg.StartLimits = []tradeclock.StartLimit{{Name: "broker", Starts: 1, Per: time.Minute}}
	s, d := w.startCrowd(cfg)
	w.seconds(d, "2026-11-23 09:15:10")
	assert.Equal(t, at("2026-11-23 09:14:59").UTC(), s.Status().Watermark)
	assert.Equal(t, 2, s.Status().Waiting)
	w.seconds(d, "2026-11-23 09:15:30")
	assert.Equal(t, at("2026-11-23 09:15:04").UTC(), s.Status().Watermark, "buy_orders has started, and b waits")
	d.Until(at("2026-11-23 09:20:00"))
	assert.Equal(t, map[string]int{"succeeded": 3}, w.counts())
}

// What an account that comes back has left behind starts at its offset too.
func TestSpreadOfAnAccountThatComesBack(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	s, d := w.startCrowd(w.crowded(row("buy_orders", "daily 09:15", spread(100*time.Second), catchUp(5*time.Minute))), "42", "43")
	d.Until(at("2026-11-23 09:14:30"))
	require.NoError(t, s.Withdraw(t.Context(), "43"))
	d.Until(at("2026-11-23 09:15:10"))
	require.NoError(t, s.Enroll(t.Context(), "43", w.rec))
	d.Until(at("2026-11-23 09:20:00"))
	w.assertSpread([]string{"42", "43"}, 100*time.Second)
}

// A run that is run again keeps its offset, and is late from then on.
func TestSpreadOfARunThatIsRunAgain(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	w.rec.Do("monitor", takes(time.Hour))
	cfg := w.config(row("monitor", "daily 09:15", atLeastOnce, spread(30*time.Second), catchUp(5*time.Minute)))
	_, d := w.startCrowd(cfg)
	d.Until(at("2026-11-23 09:15:30"))
	d.Crash()
	w.rec.Do("monitor", nil)
	_, d = w.startCrowd(cfg)
	w.seconds(d, "2026-11-23 09:17:00")

	runs := w.runs("monitor")
	require.Len(t, runs, 1)
	assert.Equal(t, tradeclock.Succeeded, runs[0].Outcome)
	assert.Equal(t, w.rec.Runs()[0].Run.Offset, runs[0].Offset)
	assert.Positive(t, runs[0].Offset)
	assert.Equal(t, runs[0].Started.Sub(runs[0].Due)-runs[0].Offset, runs[0].Lateness())
}

// twice is a rule of a user's own: it is not known how far its occurrences are apart.
type twice struct{}

func (twice) String() string { return "twice" }

func (twice) Occurrences(s calendar.Session, loc *time.Location) ([]rule.Occurrence, error) {
	first := calendar.Wall(9, 15).On(s.Date, loc)
	return []rule.Occurrence{{Due: first, Slot: s.Date.String() + "a"}, {Due: first.Add(30 * time.Second), Slot: s.Date.String() + "b"}}, nil
}

// An occurrence never starts after a newer one of its task, though the spread is
// longer than what lies between them.
func TestSpreadOverANewerOccurrence(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	twice := tradeclock.Schedule{Task: "twice", Rule: twice{}, Spread: 100 * time.Second, CatchUp: 5 * time.Minute}
	_, d := w.startCrowd(w.crowded(twice), crowd(100)...)
	d.Until(at("2026-11-23 09:20:00"))

	started := make(map[string]string)
	for _, e := range w.rec.Runs() {
		assert.Less(t, started[e.Run.Account], e.Run.Slot)
		started[e.Run.Account] = e.Run.Slot
		assert.Equal(t, e.Run.Due.Add(e.Run.Offset), e.Start.UTC())
	}
	counts := w.counts()
	assert.Equal(t, 200, counts["succeeded"]+counts["missed: late, and a newer occurrence took its place"], counts)
	assert.GreaterOrEqual(t, counts["succeeded"], 100)
}

// A program that calls Tick once a minute keeps the term while runs wait for their
// offsets, although nothing runs meanwhile.
func TestOffsetsBetweenTicks(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:14:00")
	cfg := w.crowded(row("orders", "daily 09:15", spread(55*time.Second)))
	s := w.scheduler(cfg)
	for _, account := range crowd(10) {
		require.NoError(t, s.Enroll(t.Context(), account, w.rec))
	}
	require.NoError(t, s.Tick(t.Context()))
	items, err := s.Agenda(t.Context(), day("2026-11-23"))
	require.NoError(t, err)
	for _, item := range items {
		if item.Offset < 30*time.Second { // a run would have it renewed meanwhile
			require.NoError(t, s.Withdraw(t.Context(), item.Account))
		}
	}
	for second := range 130 {
		if second%60 == 0 {
			require.NoError(t, s.Tick(t.Context()))
		}
		require.NoError(t, s.Quiesce(t.Context()))
		w.clock.Advance(time.Second)
	}
	runs := w.runs("orders")
	require.NotEmpty(t, runs)
	for _, run := range runs {
		assert.Equal(t, tradeclock.Succeeded, run.Outcome, run.Account)
		assert.Less(t, run.Lateness(), time.Second, "%s has the offset %v", run.Account, run.Offset)
	}
}
