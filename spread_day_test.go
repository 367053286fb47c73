package tradeclock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// spread shifts the starts of a schedule's accounts.
func spread(d time.Duration) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.Spread = d }
}

// The preview of a day tells when each account's run may start, by the hours that
// the calendar gives for that day.
func TestRule32_AgendaShowsOffsets(t *testing.T) {
	hours := tradeclock.Hours{Phase: tradeclock.PhaseRegular, Start: tradeclock.Wall(9, 15), End: tradeclock.Wall(15, 30)}
	for name, cal := range map[string]tradeclock.Calendar{
		"from memory": tradeclock.Weekdays(kolkata, hours),
		"asked":       struct{ tradeclock.Calendar }{tradeclock.Weekdays(kolkata, hours)},
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
