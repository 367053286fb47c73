package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

// A new holder finds what is not settled by the occurrences that have such runs, so
// each way in which a run begins or ends must count it.

func TestRule40_TalliesAgreeWithTheRuns(t *testing.T) { onEach(t, testTalliesAgreeWithTheRuns) }

func testTalliesAgreeWithTheRuns(t *testing.T, on database) {
	for _, c := range []struct {
		name string
		make func() []store.Run
	}{
		{"one occurrence", func() []store.Run { return ofMinute(0, 30, false) }},
		{"a repeating task", func() []store.Run { return ofMinute(0, 30, true) }},
		{"few occurrences", func() []store.Run { return append(ofMinute(0, 10, false), ofMinute(1, 20, false)...) }},
		{"many occurrences", func() []store.Run { return planned("a", "sell_monitor", 30) }},
		{"occurrences in turn", func() []store.Run { return inTurn(ofMinute(0, 15, false), ofMinute(1, 15, false)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := on.place(t)
			clock := newClock()
			s := openAt(t, at, clock)
			term := lead(t, s, "a")
			runs := c.make()
			unsettled := func() string {
				assertTalliesAgree(t, s)
				return text(t, openDB(t, at), "SELECT coalesce(sum(runs), 0) FROM tradeclock_tallies WHERE outcome IN ('armed', 'running')")
			}
			claim := func(runs []store.Run) {
				claims, err := s.Claim(t.Context(), term, runs)
				require.NoError(t, err)
				require.Equal(t, len(runs), held(claims))
			}
			settle := func(runs []store.Run) {
				_, err := s.Settle(t.Context(), runs)
				require.NoError(t, err)
			}

			claim(inTurn(runs[:10], runs[:10])) // each twice
			claim(runs)                         // the first are held already
			claim(runs)
			assert.Equal(t, "30", unsettled())
			settle(ended(runs[:5], store.Succeeded))
			settle(ended(runs[:5], store.Succeeded))
			settle(ended(runs[:5], store.Failed)) // too late
			assert.Equal(t, "25", unsettled())
			apart := ended(runs[5:20], store.Interrupted)
			for i := range apart {
				apart[i].Reason = fmt.Sprint("reason ", i)
			}
			settle(apart)
			assert.Equal(t, "10", unsettled())
			again := runs[7]
			again.Token = "again"
			for range 2 {
				made, err := s.Reclaim(t.Context(), term, runs[7].Token, again)
				require.NoError(t, err)
				require.True(t, made.Held)
			}
			assert.Equal(t, "11", unsettled())

			clock.Advance(time.Hour)
			state, err := s.Resume(t.Context(), lead(t, s, "b"))
			require.NoError(t, err)
			assert.Len(t, state.Unsettled, 11)
			settle(ended(state.Unsettled, store.Interrupted))
			assert.Equal(t, "0", unsettled())
			clock.Advance(time.Hour)
			lead(t, s, "c")
			assert.Equal(t, "0", text(t, openDB(t, at), "SELECT count(*) FROM tradeclock_tallies WHERE runs = 0"), "they are dropped")
		})
	}
}

// inTurn returns the runs of both, one of each after the other.
func inTurn(a, b []store.Run) (runs []store.Run) {
	for i := range a {
		runs = append(runs, a[i], b[i])
	}
	return runs
}

// assertTalliesAgree compares a store's tallies with a count over its history.
func assertTalliesAgree(t *testing.T, st *sqlstore.Store) {
	t.Helper()
	runs, err := st.Runs(t.Context(), store.Query{})
	require.NoError(t, err)
	want := make(map[store.Tally]store.Tally)
	for i := range runs {
		sum := store.TallyOf(&runs[i])
		sum.Add(want[sum.Key()])
		want[sum.Key()] = sum
	}
	told, err := st.Tallies(t.Context(), store.TallyQuery{BySlot: true})
	require.NoError(t, err)
	got := make(map[store.Tally]store.Tally)
	for _, tally := range told {
		got[tally.Key()] = tally
	}
	assert.Equal(t, want, got)
	differences, err := st.CheckTallies(t.Context())
	require.NoError(t, err)
	assert.Empty(t, differences)
}

func TestRule40_TalliesThatDoNotAgreeAreFound(t *testing.T) {
	onEach(t, testTalliesThatDoNotAgreeAreFound)
}

func testTalliesThatDoNotAgreeAreFound(t *testing.T, on database) {
	at := on.place(t)
	s := openAt(t, at, newClock())
	_, err := s.Claim(t.Context(), lead(t, s, "a"), append(ofMinute(0, 3, false), ofMinute(1, 2, false)...))
	require.NoError(t, err)
	byHand(t, at, "DELETE FROM tradeclock_runs WHERE account = (SELECT min(account) FROM tradeclock_runs)")
	byHand(t, at, "DELETE FROM tradeclock_tallies WHERE slot = (SELECT max(slot) FROM tradeclock_tallies)")
	differences, err := s.CheckTallies(t.Context())
	require.NoError(t, err)
	require.Len(t, differences, 2)
	assert.Equal(t, 3, differences[0].Told.Runs)
	assert.Equal(t, 2, differences[0].Counted.Runs)
	assert.Zero(t, differences[1].Told.Runs, "it is gone")
	assert.Equal(t, 1, differences[1].Counted.Runs)
}
