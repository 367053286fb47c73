package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSimulate plays November with tasks that take longer than they may.
func TestSimulate(t *testing.T) {
	s := monday(t, sqliteFile(t), "10:05:00")
	args := []string{
		"simulate", "tomorrow", "--days", "14", "--accounts", "3", "--max-concurrent", "4",
		"--takes", "sell_monitor=3m30s,buy_orders=45s,analysis=3h",
	}
	got := s.ask(args...)
	golden(t, "simulate", "$ tradeclock simulate …\n"+got.out+got.err)
	assert.Zero(t, got.code)

	t.Run("as JSON", func(t *testing.T) {
		got := s.ask(append(args, "-o", "json")...)
		var tasks []struct {
			Task                        string
			Succeeded, Missed, TimedOut int
		}
		require.NoError(t, json.Unmarshal([]byte(got.out), &tasks), got.err)
		assert.Len(t, tasks, 7)
	})
	t.Run("rows of a file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "rows.json")
		require.NoError(t, os.WriteFile(file, []byte(`[{"task": "rebalance", "rule": "daily 10:00", "start_limit": "orders"}]`), 0o600))
		got := s.ask("simulate", "tomorrow", "--days", "7", "--accounts", "30", "--schedules", file, "--start-limit", "orders=10/1s")
		assert.Zero(t, got.code, got.err)
		golden(t, "simulate-file", "$ tradeclock simulate …\n"+got.out+got.err)
	})
	for text, args := range map[string][]string{
		"no row has the task":      {"--takes", "lunch=1h"},
		"is not as in buy_orders":  {"--takes", "analysis=soon"},
		"is not as in orders":      {"--start-limit", "orders=ten"},
		"--days: 0 is not between": {"--days", "0"},
		"--accounts: -1":           {"--accounts", "-1"},
	} {
		got := s.ask(append([]string{"simulate"}, args...)...)
		assert.Contains(t, got.err, text)
		assert.Equal(t, 3, got.code)
	}
}
