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
)

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"loss limit":                 "loss limit",
		"नुकसान सीमा":                "नुकसान सीमा",
		"a\nb":                       "a; b",
		"a\r\n\r\nb\n":               "a; b",
		"a\u2028b\u2029c\u0085d":     "a; b; c; d",
		"a\x00b\x1b[2Jc\td":          "a b [2Jc d",
		"safe\u202egnp.exe\u2066end": "safe gnp.exe end",
	} {
		assert.Equal(t, want, oneLine(text), "%q", text)
	}
	assert.Equal(t, "a b", firstLine("a\x07b\rc"))
	assert.Equal(t, "1 session, 2 sessions, 0 sessions", strings.Join([]string{counted(1, "session"), counted(2, "session"), counted(0, "session")}, ", "))
}

// quietConfig is that of a scheduler on a fake clock that logs into a text.
func quietConfig(log *strings.Builder) Config {
	clock := clockwork.NewFakeClock()
	return Config{
		Executor:  ExecutorFunc(func(context.Context, Run) error { return nil }),
		Schedules: FixedSchedules(Schedule{Task: "buy", Rule: MustParseRule("daily 09:15")}),
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
