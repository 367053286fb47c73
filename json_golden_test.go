package tradeclock_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// Files of what is read by programs and people keep their form.
func TestGoldenJSON(t *testing.T) {
	at := time.Date(2026, 11, 23, 3, 31, 0, 250_000_000, time.UTC)
	until := rule.AtAnchor("close", -15*time.Minute)
	run := tradeclock.Run{
		ID: store.RunID("paper", "42", "buy_orders", "2026-11-23"), Scheduler: "paper", Account: "42", Task: "buy_orders", Slot: "2026-11-23",
		Session: calendar.Date{Year: 2026, Month: 11, Day: 23}, Due: at.Truncate(time.Minute), Offset: 250 * time.Millisecond, Outcome: tradeclock.TimedOut, Reason: "deadline exceeded",
		Started: at, Finished: at.Add(4 * time.Minute), Attempt: 1, Deadline: at.Add(4 * time.Minute), Term: 7, Token: "7/abc",
		Calendar: "XNSE", CalendarVersion: "2026-11-22-1f0c33d8", Details: map[string]any{"orders": 3.0},
		Late: &store.LateOutcome{Outcome: tradeclock.Succeeded, Finished: at.Add(time.Hour)},
	}
	beat := tradeclock.Heartbeat{
		Scheduler: "paper", Instance: "host-1", At: at, Term: 7, State: tradeclock.StateActive, Degraded: []string{"there are no schedules: nothing runs"},
		LastTick: at, Next: at.Add(time.Minute), Running: []store.RunningTask{{Account: "42", Task: "buy_orders", Slot: "2026-11-23", Started: at, Age: 90 * time.Second, Overdue: true}},
	}
	for name, value := range map[string]any{
		"schedule": tradeclock.Schedule{
			Task: "buy_orders", Account: "42", Rule: rule.MustParse("daily 09:01 on mon-fri"), Calendar: "XNSE", Sessions: calendar.OnRegular | calendar.OnSpecial,
			Priority: 1, Timeout: 4 * time.Minute, CatchUp: 90 * time.Minute, CatchUpUntil: &until, Overlap: tradeclock.OverlapQueue, Exclusive: "orders",
			Spread: 1500 * time.Millisecond, StartLimit: "broker", Delivery: tradeclock.AtLeastOnce, Retry: tradeclock.Retry{Attempts: 3, Backoff: time.Second, Within: time.Hour},
			Description: "Place the orders.", Since: at, Prior: rule.MustParse("every 1m open-close"), Version: 3,
		},
		"run": run,
		"status": tradeclock.Status{
			Heartbeat: beat, Accounts: []string{"42"}, Watermark: at.Truncate(time.Minute), Planned: at.Truncate(time.Minute), Waiting: 2, ClockSteps: 1,
			Quarantined: []store.RowError{{Task: "sell", Err: errors.New("StartLimit: the configuration has no limit \"broker\"")}},
			Halts:       []store.Halt{{Scheduler: "paper", Account: "43", Reason: "stopped by the user", Actor: "bob", At: at}},
		},
	} {
		data, err := json.MarshalIndent(value, "", "  ")
		require.NoError(t, err)
		file := filepath.Join("testdata", name+".json")
		if *update {
			require.NoError(t, os.WriteFile(file, append(data, '\n'), 0o644))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(data)+"\n", "%s: run this test with -update if it is meant to change", file)
		again := reflect.New(reflect.TypeOf(value))
		require.NoError(t, json.Unmarshal(want, again.Interface()))
		assert.Equal(t, value, again.Elem().Interface())
	}
}

// The schedules of a service, as a file has them.
func ExampleSchedule_UnmarshalJSON() {
	file := `[
		{"task": "buy_orders", "rule": "daily 09:01", "timeout": "4m", "catch_up": "10m", "delivery": "at-most-once"},
		{"task": "sell_monitor", "rule": "every 1m open-close", "delivery": "at-least-once", "retry": {"attempts": 2}}
	]`
	var rows []tradeclock.Schedule
	if err := json.Unmarshal([]byte(file), &rows); err != nil {
		panic(err)
	}
	for _, row := range rows {
		fmt.Println(row.Task, "is due", row.Rule, "and may be late by", row.CatchUp)
	}

	err := json.Unmarshal([]byte(`[{"task": "buy_orders", "rule": "daily 9:01", "catchup": "10m"}]`), &rows)
	fmt.Println(err)

	// Output:
	// buy_orders is due daily 09:01 and may be late by 10m0s
	// sell_monitor is due every 1m open-close and may be late by 0s
	// schedule: catchup: there is no such key
	// rule "daily 9:01": want a time such as 09:15, up to 23:59:59, at "9:01"
}

// TestRunIDsAreFrozen: brokers know orders by them.
func TestRunIDsAreFrozen(t *testing.T) {
	for want, of := range map[string][4]string{
		"rj43nvcn6ghynsbvntsagi6zba": {"paper", "42", "buy_orders", "2026-11-23"},
		"ywa3yl6sg5vbvnyomsbe72o74i": {"tradeclock", "", "sell_monitor", "2026-11-23T09:15:00+05:30"},
		"efxqkuab6xzyfxvpoqw3st7m7e": {"réal", "दलाल", "analysis", "2026-11-23T09+05:30"},
	} {
		assert.Equal(t, want, store.RunID(of[0], of[1], of[2], of[3]))
	}
}
