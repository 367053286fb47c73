package sqlstore_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

func TestOpenWithoutMigration(t *testing.T) { onEach(t, testOpenWithoutMigration) }

func testOpenWithoutMigration(t *testing.T, on database) {
	at := on.place(t)
	asItIs := func() (*sqlstore.Store, error) {
		return sqlstore.Open(t.Context(), openDB(t, at), sqlstore.WithoutMigration())
	}
	for range 2 {
		_, err := asItIs()
		require.ErrorIs(t, err, sqlstore.ErrOlderSchema, "there are no tables, and none were made")
	}
	made := openAt(t, at, newClock())
	_, err := made.PutSchedule(t.Context(), ops, schedule("buy_orders", "daily 09:01"))
	require.NoError(t, err)

	st, err := asItIs()
	require.NoError(t, err)
	rows, err := st.Schedules(t.Context())
	require.NoError(t, err)
	assert.Len(t, rows, 1)
	require.NoError(t, st.Halt(t.Context(), store.Halt{Scheduler: paper, Reason: "it writes when it is told to", Actor: "Ana"}))

	byHand(t, at, "UPDATE tradeclock_schema SET version = version - 1")
	_, err = asItIs()
	require.ErrorIs(t, err, sqlstore.ErrOlderSchema)
	byHand(t, at, "UPDATE tradeclock_schema SET version = 1000")
	_, err = asItIs()
	require.ErrorIs(t, err, sqlstore.ErrNewerSchema)
}
