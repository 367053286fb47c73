package tradeclock_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
)

// TestConditionsAreOneLine fails each poll with an error of two lines: the condition has
// one, and is told once, as it is no news at the next poll.
func TestConditionsAreOneLine(t *testing.T) {
	var log strings.Builder
	w := newWorld(t, "2026-11-23 08:55:00")
	cfg := w.config()
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	var polls int
	cfg.Schedules = schedulesFunc(func() ([]tradeclock.Schedule, error) {
		polls++
		return nil, errors.Join(errors.New("no route"), errors.New("no\x1b[31m luck"))
	})
	s, d := w.drive(cfg)
	d.For(3 * time.Minute)
	assert.Equal(t, []string{"the schedules cannot be read, nothing runs: schedule store: no route; no [31m luck"}, s.Status().Degraded)
	assert.Greater(t, polls, 1)
	assert.Equal(t, 1, strings.Count(log.String(), "no route"), log.String())
}

func TestAMarketThatNeverClosesLacksNoCalendar(t *testing.T) {
	for _, test := range []struct {
		calendar calendar.Calendar
		warns    bool
	}{{nil, true}, {calendar.Weekdays(time.UTC), true}, {calendar.AlwaysOpen(time.UTC), false}} {
		var log strings.Builder
		cfg := newWorld(t, "2026-11-23 08:55:00").config(row("buy", "daily 09:15"))
		cfg.Calendar, cfg.Logger = test.calendar, slog.New(slog.NewTextHandler(&log, nil))
		_, err := tradeclock.New(cfg)
		require.NoError(t, err)
		assert.Equal(t, test.warns, strings.Contains(log.String(), "no exchange calendar is configured"), log.String())
	}
}
