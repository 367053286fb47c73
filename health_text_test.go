package tradeclock

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// quietConfig is that of a scheduler on a fake clock that logs into a text.
func quietConfig(log *strings.Builder) Config {
	clock := clockwork.NewFakeClock()
	return Config{
		Executor:  ExecutorFunc(func(context.Context, Run) error { return nil }),
		Schedules: FixedSchedules(Schedule{Task: "buy", Rule: rule.MustParse("daily 09:15")}),
		Ledger:    NewMemory(clock), Clock: clock, Logger: slog.New(slog.NewTextHandler(log, nil)),
	}
}

func TestConditionsAreOneLine(t *testing.T) {
	s, err := New(quietConfig(new(strings.Builder)))
	require.NoError(t, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.degrade("poll", errors.Join(errors.New("no route"), errors.New("no\x1b[31m luck")).Error())
	assert.Equal(t, []string{"no route; no [31m luck"}, s.degraded(s.clock.Now()))
	assert.False(t, s.degrade("poll", "no route\nno\x1b[31m luck"), "it is no news")
}

func TestAMarketThatNeverClosesLacksNoCalendar(t *testing.T) {
	for _, test := range []struct {
		calendar calendar.Calendar
		warns    bool
	}{{nil, true}, {calendar.Weekdays(time.UTC), true}, {calendar.AlwaysOpen(time.UTC), false}} {
		var log strings.Builder
		cfg := quietConfig(&log)
		cfg.Calendar = test.calendar
		_, err := New(cfg)
		require.NoError(t, err)
		assert.Equal(t, test.warns, strings.Contains(log.String(), "no exchange calendar is configured"), log.String())
	}
}

func TestSessionSetWithoutNamesIsTheDefault(t *testing.T) {
	assert.Equal(t, "regular,shortened", SessionSet(0).String())
	assert.Equal(t, "special", OnSpecial.String())
}
