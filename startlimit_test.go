package tradeclock

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// Of a task whose starts are limited, pending runs are made of no more accounts than may
// start, though runs of another task that come after them are ready.
func TestStartLimitMakesNoRunsInAdvance(t *testing.T) {
	clock := clockwork.NewFakeClockAt(time.Date(2026, 11, 23, 8, 59, 0, 0, time.UTC))
	buy := Schedule{Task: "buy", Rule: rule.MustParse("daily 09:00"), StartLimit: "broker"}
	sell := Schedule{Task: "sell", Rule: rule.MustParse("daily 09:00")}
	s, err := New(Config{
		Name: "paper", Schedules: FixedSchedules(buy, sell), Calendar: calendar.AlwaysOpen(time.UTC), Clock: clock,
		Ledger: NewStore(clock), Logger: slog.New(slog.DiscardHandler),
		StartLimits: []StartLimit{{Name: "broker", Starts: 10}}, MaxConcurrent: 20,
	})
	require.NoError(t, err)
	long := ExecutorFunc(func(ctx context.Context, _ Run) error { return Sleep(ctx, time.Hour) })
	for i := range 1000 {
		require.NoError(t, s.Enroll(t.Context(), fmt.Sprint(i), long))
	}
	require.NoError(t, s.Tick(t.Context()))
	clock.Advance(time.Minute)
	require.NoError(t, s.Tick(t.Context()))
	assert.Len(t, s.queue.running, 20, "as many as there are places")

	clock.Advance(time.Second) // the limit lets ten more start, if there were places
	require.NoError(t, s.Quiesce(t.Context()))
	s.mu.Lock()
	defer s.mu.Unlock()
	var ready int
	for _, p := range s.queue.ready {
		if p.task.name == "buy" {
			ready++
		}
	}
	assert.Equal(t, 10, ready)
	assert.Len(t, s.queue.running, 20)
}

func TestConfigRefusesStartLimits(t *testing.T) {
	limited := Schedule{Task: "buy", Rule: rule.MustParse("daily 09:15"), StartLimit: "broker"}
	for _, test := range []struct {
		name   string
		limits []StartLimit
		want   []string
	}{
		{"good", []StartLimit{{Name: "broker", Starts: 10}, {Name: "broker", Starts: 200, Per: time.Minute, PerAccount: true}}, nil},
		{"none", nil, []string{`field Schedules: schedule of buy: StartLimit: the configuration has no limit "broker"`}},
		{"another", []StartLimit{{Name: "exchange", Starts: 1}}, []string{`the configuration has no limit "broker"`}},
		{"misspelled", []StartLimit{{Name: "brokre", Starts: 1}}, []string{`no limit "broker": did you mean "brokre"?`}},
		{"everything", []StartLimit{{Name: "broker", Starts: 0, Per: time.Hour}, {Starts: maxStarts + 1, Per: 1}}, []string{
			`field StartLimits: limit "broker": Starts: 0 is not between 1 and 100000`,
			"Per: 1h0m0s is not between 1ms and 1m0s",
			`limit "": Name: a name is required`, "Starts: 100001 is not between", "Per: 1ns is not between",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(Config{Schedules: FixedSchedules(limited), StartLimits: test.limits, Ledger: NewStore(nil)})
			if test.want == nil {
				assert.NoError(t, err)
			}
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}
