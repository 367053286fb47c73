package tradeclock_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// An account that has a row of its own must not get the row for all others when
// its own cannot be used: its owner may have moved or disabled the task.
func TestRule24_AQuarantinedRowOfAnAccountHidesTheSharedOne(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	shared := row("buy_orders", "daily 09:00")
	own := row("buy_orders", "daily 09:05")
	own.Account, own.Disabled, own.Timeout = "42", true, -time.Second
	cfg := w.config()
	cfg.Schedules = &rowsStore{rows: []tradeclock.Schedule{shared, own}}
	s := w.scheduler(cfg)

	tradeclocktest.NewDriver(t, s, w.clock).For(10 * time.Minute)

	assert.Zero(t, w.rec.Count("buy_orders"))
	assert.Len(t, s.Status().Quarantined, 1)
}

// What comes after a hidden row is hidden too: it would run by the planned time of a
// row that was not meant.
func TestRule24_AQuarantinedRowHidesWhatComesAfterIt(t *testing.T) {
	unlimited := func(s *tradeclock.Schedule) { s.StartLimit = "broker" }
	ownFor := func(account string, s tradeclock.Schedule) tradeclock.Schedule {
		s.Account = account
		return s
	}
	shared := []tradeclock.Schedule{
		row("analysis", "daily 09:00"), row("buy_orders", "after analysis 5m"), row("report", "after buy_orders 5m"),
	}
	for _, test := range []struct {
		name        string
		own         []tradeclock.Schedule
		quarantined []string
		ran         []string // of account 42
	}{
		{"no own row", nil, nil, []string{"analysis", "buy_orders", "report"}},
		{"a chain", []tradeclock.Schedule{row("analysis", "daily 09:02", unlimited)},
			[]string{"analysis", "buy_orders", "report"}, nil},
		{"an own row in the chain", []tradeclock.Schedule{row("analysis", "daily 09:02", unlimited), row("buy_orders", "after analysis 1m")},
			[]string{"analysis", "buy_orders", "report"}, nil},
		{"an own row that follows nothing ends the chain", []tradeclock.Schedule{row("analysis", "daily 09:02", unlimited), row("buy_orders", "daily 09:03")},
			[]string{"analysis"}, []string{"buy_orders", "report"}},
		{"the middle of the chain", []tradeclock.Schedule{row("buy_orders", "daily 09:02", unlimited)},
			[]string{"buy_orders", "report"}, []string{"analysis"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			rows := slices.Clone(shared)
			for _, r := range test.own {
				rows = append(rows, ownFor("42", r))
			}
			cfg := w.config()
			cfg.Schedules = &rowsStore{rows: rows}
			s, d := w.drive(cfg)
			require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
			d.Tick()

			var quarantined []string
			for _, r := range s.Status().Quarantined {
				assert.Equal(t, "42", r.Account)
				quarantined = append(quarantined, r.Task)
			}
			assert.ElementsMatch(t, test.quarantined, quarantined)
			var planned []string
			for _, item := range w.agenda(s, "2026-11-23") {
				if item.Account == "42" {
					planned = append(planned, item.Task)
				}
			}
			assert.Equal(t, test.ran, planned, "the agenda")

			d.For(20 * time.Minute)
			var ran []string
			for _, r := range w.runsOf("42") {
				ran = append(ran, r.Task)
			}
			assert.Equal(t, test.ran, ran)
			assert.Len(t, w.runsOf("7"), len(shared), "other accounts run by the shared rows")
			for _, task := range test.quarantined {
				why, err := s.Explain(t.Context(), "42", task, day("2026-11-23"))
				require.NoError(t, err)
				assert.Contains(t, why, "its schedule is quarantined: ")
			}
		})
	}
}

// An edit that mends the row brings back what comes after it, by itself.
func TestRule24_AMendedRowBringsBackWhatComesAfterIt(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:50:00")
	own := row("analysis", "daily 09:02", func(s *tradeclock.Schedule) { s.StartLimit = "broker" })
	own.Account = "42"
	_, err := w.store.SeedSchedules(t.Context(), row("analysis", "daily 09:00"), row("buy_orders", "after analysis 5m"), own)
	require.NoError(t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	s, d := w.drive(cfg)
	d.For(2 * time.Minute)
	require.Len(t, s.Status().Quarantined, 2)
	assert.Contains(t, fmt.Sprint(s.Status().Degraded),
		`schedule of buy_orders for account 42: Rule: "after analysis 5m": the row of task "analysis" for account "42" cannot be used`)

	none := ""
	_, err = w.store.UpdateSchedule(t.Context(), ops, "42", "analysis", 1, store.ScheduleEdit{StartLimit: &none})
	require.NoError(t, err)
	d.For(30 * time.Minute)
	assert.Empty(t, s.Status().Quarantined)
	assert.Equal(t, []string{"09:02 succeeded", "09:07 succeeded"}, became(w.runs("")))
}
