package tradeclock_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

func TestCursorsReadBackTheSame(t *testing.T) {
	for text, cursor := range map[string]store.Cursor{
		"": {},
		"2026-11-23T03:45:00.5Z/42/sell_monitor/2026-11-23T09:15:00+05:30/paper": {
			Due: time.Date(2026, time.November, 23, 3, 45, 0, 5e8, time.UTC), Account: "42", Task: "sell_monitor",
			Slot: "2026-11-23T09:15:00+05:30", Scheduler: "paper",
		},
		"2026-11-23T00:00:00Z//a%2Fb/%20/%C3%A9": {Due: time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC), Task: "a/b", Slot: " ", Scheduler: "é"},
	} {
		written, err := json.Marshal(cursor)
		require.NoError(t, err)
		quoted, err := json.Marshal(text)
		require.NoError(t, err)
		assert.JSONEq(t, string(quoted), string(written))
		read := store.Cursor{Task: "stale"}
		require.NoError(t, json.Unmarshal(written, &read))
		assert.Equal(t, cursor, read)
	}
	for _, text := range []string{"soon/a/b/c/d", "2026-11-23T00:00:00Z/a/b/c", "2026-11-23T00:00:00Z/a/b/c/%"} {
		cursor := store.Cursor{Task: "as it was"}
		assert.Error(t, cursor.UnmarshalText([]byte(text)), text)
		assert.Equal(t, store.Cursor{Task: "as it was"}, cursor)
	}
}
