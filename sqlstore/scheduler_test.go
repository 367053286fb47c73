package sqlstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/trading"
)

// The engine on real files: a day, two schedulers, and schedules that are edited
// while it runs. Restarts and a database that fails have files of their own.

func TestTradingDay(t *testing.T) {
	onEach(t, testTradingDay)
}

func testTradingDay(t *testing.T, on database) {
	t.Parallel()
	s := newService(t, on, today("08:55"))
	st := openAt(t, s.at, s.clock)
	_, err := st.SeedSchedules(t.Context(), byTheClock()...)
	require.NoError(t, err)
	p := s.startOn(st, st)

	tradeclocktest.NewDriver(t, p.UnifiedTaskScheduler, s.clock).Until(today("18:05"))

	for o, outcome := range s.accounted(today("18:05")) {
		assert.Equal(t, store.Succeeded, outcome, "%s of %v", o.task, o.due)
	}
	executions := s.rec.Runs()
	assert.Equal(t, 375+7+5, len(executions))
	for _, e := range executions {
		assert.Equal(t, e.Run.Due, e.Start.UTC(), "%s %s started late", e.Run.Task, e.Run.Slot)
	}
	assert.Empty(t, p.Status().Degraded)
	beats, err := st.Heartbeats(t.Context(), paper)
	require.NoError(t, err)
	require.Len(t, beats, 1)
	assert.Equal(t, today("18:05"), beats[0].At)
}

func TestStandbyTakesOver(t *testing.T) { onEach(t, testStandbyTakesOver) }

func testStandbyTakesOver(t *testing.T, on database) {
	tests := []struct {
		name  string
		end   func(*process)
		after func(*process)
	}{
		{"from one that stopped", (*process).close, func(*process) {}},
		{"from one that was killed", (*process).kill, func(*process) {}},
		{"from one that freezes, and comes back", func(*process) {}, (*process).tick},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newService(t, on, today("15:50"))
			active, standby := s.start(), s.start()
			both := func(until time.Time) {
				for ; !s.clock.Now().After(until); s.clock.Advance(time.Minute) {
					active.tick()
					standby.tick()
				}
			}
			both(today("16:01"))
			assert.Equal(t, int64(1), active.Status().Term)
			assert.Equal(t, store.StateStandby, standby.Status().State)
			assert.Equal(t, 1, s.rec.Count(trading.TaskAnalysis))

			test.end(active)
			standby.every(time.Minute, today("16:10"))
			test.after(active)

			assert.Equal(t, int64(2), standby.Status().Term)
			assert.Equal(t, []string{"16:05 succeeded"}, s.told(trading.TaskBuyOrders))
			s.accounted(today("16:10"))
			assert.Len(t, s.rec.Runs(), 2, "nothing ran twice")
		})
	}
}

// TestEditedSchedules edits rows while the scheduler runs, in both ways that there
// are.
func TestEditedSchedules(t *testing.T) { onEach(t, testEditedSchedules) }

func testEditedSchedules(t *testing.T, on database) {
	ways := []struct {
		name string
		move func(t *testing.T, st *sqlstore.Store, at place, task, text string)
		// disable turns the task off.
		disable func(t *testing.T, st *sqlstore.Store, at place, task string)
	}{
		{"by UpdateSchedule", func(t *testing.T, st *sqlstore.Store, _ place, task, text string) {
			update(t, st, task, store.ScheduleEdit{Rule: rule.MustParse(text)})
		}, func(t *testing.T, st *sqlstore.Store, _ place, task string) {
			disabled := true
			update(t, st, task, store.ScheduleEdit{Disabled: &disabled})
		}},
		{"by hand", func(t *testing.T, _ *sqlstore.Store, at place, task, text string) {
			byHand(t, at, "UPDATE tradeclock_schedules SET rule = $1 WHERE task = $2", text, task)
		}, func(t *testing.T, _ *sqlstore.Store, at place, task string) {
			byHand(t, at, "UPDATE tradeclock_schedules SET enabled = 0 WHERE task = $1", task)
		}},
	}
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			s := newService(t, on, distant("09:00"))
			st := openAt(t, s.at, s.clock)
			for task, rule := range map[string]string{
				"ran": "daily 09:05", "later": "daily 09:30", "past": "daily 09:20", "off": "daily 09:15", "kind": "daily 09:06",
			} {
				_, err := st.PutSchedule(t.Context(), ops, schedule(task, rule))
				require.NoError(t, err)
			}
			p := s.startOn(st, nil)
			p.every(time.Minute, distant("09:10"))

			s.clock.Advance(30 * time.Second)
			way.move(t, st, s.at, "ran", "daily 09:12")
			way.move(t, st, s.at, "later", "daily 09:11")
			way.move(t, st, s.at, "past", "daily 09:08")
			way.move(t, st, s.at, "kind", "every 1m 09:12-09:20")
			way.disable(t, st, s.at, "off")
			p.every(time.Minute, distant("09:40"))

			assert.Equal(t, []string{"09:05 succeeded"}, s.told("ran"), "its slot is not opened again")
			assert.Equal(t, []string{"09:11 succeeded"}, s.told("later"), "at the next tick")
			assert.Empty(t, s.told("past"), "the edit holds from now on")
			assert.Empty(t, s.told("off"))
			assert.Equal(t, []string{"09:06 succeeded"}, s.told("kind"), "a rule of another kind waits for the next session")
			assert.Len(t, s.rec.Runs(), 3)
			assert.Empty(t, p.Status().Degraded)
		})
	}
}

// distant returns the instant of a wall time in Kolkata on a Monday far later than
// the host's clock, from which an edit by hand takes its instant.
func distant(wall string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", "2122-11-23 "+wall, kolkata)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func update(t *testing.T, st *sqlstore.Store, task string, edit store.ScheduleEdit) {
	t.Helper()
	rows, err := st.Schedules(t.Context())
	require.NoError(t, err)
	for _, row := range rows {
		if row.Task == task {
			_, err = st.UpdateSchedule(t.Context(), ops, "", task, row.Version, edit)
			require.NoError(t, err)
		}
	}
}

// TestAChainAcrossARestart has the analysis succeed in one process, and the orders that wait
// for it placed by the next, or skipped as that one finds that it did not succeed.
func TestAChainAcrossARestart(t *testing.T) { onEach(t, testAChainAcrossARestart) }

func testAChainAcrossARestart(t *testing.T, on database) {
	for name, test := range map[string]struct {
		killed, want string
	}{
		"when it had succeeded": {"16:03", "16:06 succeeded"},
		"as it ran":             {"16:00", "16:00 skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, on, today("15:58"))
			s.rec = tradeclocktest.NewRecorder(s.clock)
			s.rec.Do(trading.TaskAnalysis, func(ctx context.Context, _ store.Run) error { return tradeclock.Sleep(ctx, 20*time.Second) })
			st := openAt(t, s.at, s.clock)
			rows := trading.DefaultSchedules()
			for i := range rows {
				rows[i].Delivery = store.AtMostOnce
			}
			_, err := st.SeedSchedules(t.Context(), rows...)
			require.NoError(t, err)
			active := s.startOn(st, nil)
			active.every(time.Minute, today(test.killed))
			active.Crash()
			s.clock.Advance(time.Minute)
			s.startOn(openAt(t, s.at, s.clock), nil).every(time.Minute, today("16:12"))

			assert.Equal(t, []string{test.want}, s.told(trading.TaskBuyOrders))
		})
	}
}
