package tradeclock_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
)

// What is wrong with a row is said with its field, once, in one line for each row, and
// with what a misspelled name may have been meant to be.
func TestErrorsOfRowsNameTheirFields(t *testing.T) {
	until := rule.AtAnchor("closing_auctoin", 0)
	for name, test := range map[string]struct {
		row  tradeclock.Schedule
		want string
	}{
		"an anchor": {row("buy", "daily opne+5m"), `schedule of buy: Rule: anchor "opne": calendar XNSE has no phase opne: did you mean "open"?`},
		"another":   {row("buy", "daily close"), ""},
		"a cap": {
			row("buy", "daily 09:15", func(s *tradeclock.Schedule) { s.CatchUpUntil = &until }),
			`schedule of buy: CatchUpUntil: anchor "closing_auctoin": calendar XNSE has no phase closing_auctoin`,
		},
		"a rule": {tradeclock.Schedule{Task: "buy", Rule: rule.Daily(rule.At(9, 75))},
			`schedule of buy: Rule: "daily (no time)": a time of day has a minute from 0 to 59 and an hour from 0`},
		"an account": {tradeclock.Schedule{Task: "buy", Account: " 42", Rule: rule.Daily(rule.At(9, 15))},
			`schedule of buy for account  42: Account: the name " 42" begins or ends with a space`},
		"several": {tradeclock.Schedule{Task: "buy", Timeout: -1, Spread: -1, Rule: rule.Daily(rule.At(9, 15))},
			"schedule of buy: Timeout: -1ns is not between 0 and 744h0m0s; Spread: -1ns is not between 0 and 744h0m0s"},
		"what it comes after": {row("sell", "after bye 5m"), `schedule of sell: Rule: "after bye 5m": no schedule of task "bye" that it could come after`},
		"a task that is near": {row("sell", "after analyssi 5m"),
			`schedule of sell: Rule: "after analyssi 5m": no schedule of task "analyssi" that it could come after: did you mean "analysis"?`},
	} {
		t.Run(name, func(t *testing.T) {
			err := tradeclock.ValidateSchedules([]tradeclock.Schedule{test.row, row("analysis", "daily 16:00")}, calendarOf(t, mumbai()))
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.EqualError(t, err, test.want)
		})
	}
}

func TestErrorsOfUnknownTasksNameThoseThatAreNear(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	s := w.scheduler(w.config(row("buy_orders", "daily 09:05")))
	require.NoError(t, s.Tick(t.Context()))

	_, err := s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "buy_order", Account: "42", Actor: "bob"})
	assert.ErrorIs(t, err, tradeclock.ErrUnknownTask)
	assert.EqualError(t, err, `trigger buy_order for account 42: unknown task: "buy_order": did you mean "buy_orders"?`)

	var mux tradeclock.Mux
	mux.HandleFunc("buy_orders", func(context.Context, tradeclock.Run) error { return nil })
	assert.EqualError(t, mux.Execute(t.Context(), tradeclock.Run{Task: "buy_order"}), `unknown task: "buy_order": did you mean "buy_orders"?`)

	cfg := w.config(row("buy_order", "daily 09:05"))
	cfg.Executor, cfg.Name = &mux, "other"
	s = w.scheduler(cfg)
	require.NoError(t, s.Tick(t.Context()))
	assert.Contains(t, strings.Join(s.Status().Degraded, "\n"),
		`buy_order for account 42 has a schedule, and the executor does not know it: did you mean "buy_orders"?`)
}

func TestNewNamesTheStoresThatItLacks(t *testing.T) {
	_, err := tradeclock.New(tradeclock.Config{})
	assert.ErrorContains(t, err, "field Ledger: a ledger is required: take the package sqlstore in a service, and memstore in a test")
	assert.ErrorContains(t, err, "field Schedules: a schedule store is required")
}

// A market that never closes has no holidays that could be missing.
func TestNewWarnsOfWeekdaysAndNotOfACalendarThatWasChosen(t *testing.T) {
	for name, test := range map[string]struct {
		cal  calendar.Calendar
		warn bool
	}{"none": {nil, true}, "weekdays": {calendar.Weekdays(kolkata), true}, "always open": {calendar.AlwaysOpen(kolkata), false}} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			_, err := tradeclock.New(tradeclock.Config{
				Schedules: tradeclock.FixedSchedules(row("buy", "daily 09:00")), Calendar: test.cal,
				Logger: slog.New(slog.NewTextHandler(&log, nil)),
				Ledger: memstore.New(nil),
			})
			require.NoError(t, err)
			assert.Equal(t, test.warn, strings.Contains(log.String(), "no exchange calendar is configured"), log.String())
		})
	}
}
