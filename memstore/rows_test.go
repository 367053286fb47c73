package memstore

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/store"
)

// TestRowsOfOneSlot adds and removes rows of several accounts in one slot: which
// of them came first makes no difference.
func TestRowsOfOneSlot(t *testing.T) {
	for _, removed := range []string{"a", "b", "c"} {
		t.Run(removed, func(t *testing.T) {
			rows := ledgerRows{slots: make(map[slotOfTask]rowsOfSlot)}
			run := func(account string) *store.Run {
				return &store.Run{Task: "buy", Slot: "2026-11-23", Account: account}
			}
			for _, account := range []string{"a", "b", "c"} {
				assert.Nil(t, rows.of(run(account)))
				rows.add(run(account))
			}
			isRemoved := func(row *store.Run) bool { return row.Account == removed }
			assert.Equal(t, 1, rows.remove(isRemoved))
			assert.Zero(t, rows.remove(isRemoved))
			assert.Nil(t, rows.of(run(removed)))

			rows.add(run(removed))
			for _, account := range []string{"a", "b", "c"} {
				assert.Equal(t, run(account), rows.of(run(account)))
			}
			var accounts []string
			for row := range rows.all() {
				accounts = append(accounts, row.Account)
			}
			assert.ElementsMatch(t, []string{"a", "b", "c"}, accounts)
			assert.Equal(t, 3, rows.remove(func(*store.Run) bool { return true }))
			assert.Empty(t, rows.slots)
			assert.Nil(t, rows.of(run("a")))
			assert.Empty(t, slices.Collect(rows.all()))
		})
	}
}
