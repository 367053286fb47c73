package sqlstore_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
)

// Each store of these tests has a pool of its own on the file that they share,
// as each of several processes would.

func TestTermRace(t *testing.T) { onEach(t, testTermRace) }

func testTermRace(t *testing.T, on database) {
	at, clock := on.place(t), newClock()
	terms := make([]store.Term, 6)
	errs := make([]error, len(terms))
	var wg sync.WaitGroup
	for i := range terms {
		s := openAt(t, at, clock)
		wg.Go(func() { terms[i], errs[i] = s.Lead(t.Context(), paper, fmt.Sprintf("host-%d", i), ttl, time.Time{}) })
	}
	wg.Wait()

	var winners []store.Term
	var losses []*store.HeldError
	for i, err := range errs {
		var loss *store.HeldError
		if errors.As(err, &loss) {
			losses = append(losses, loss)
			continue
		}
		require.NoError(t, err)
		winners = append(winners, terms[i])
	}
	require.Len(t, winners, 1)
	require.Len(t, losses, len(terms)-1)
	for _, loss := range losses {
		assert.Equal(t, winners[0], loss.Term)
		assert.Equal(t, ttl, loss.Left)
	}
}

func TestClaimRace(t *testing.T) { onEach(t, testClaimRace) }

func testClaimRace(t *testing.T, on database) {
	at, clock := on.place(t), newClock()
	stores := []*sqlstore.Store{openAt(t, at, clock), openAt(t, at, clock), openAt(t, at, clock)}
	term := lead(t, stores[0], "a")
	const slots, batch = 200, 20
	claims := make([][]store.Claim, len(stores))
	errs := make([]error, len(stores))
	var wg sync.WaitGroup
	for i, s := range stores {
		runs := planned(fmt.Sprintf("start-%d", i), "sell_monitor", slots)
		wg.Go(func() {
			for from := 0; from < slots && errs[i] == nil; from += batch {
				var some []store.Claim
				some, errs[i] = s.Claim(t.Context(), term, runs[from:from+batch])
				claims[i] = append(claims[i], some...)
			}
		})
	}
	wg.Wait()

	require.NoError(t, errors.Join(errs...))
	rows, err := stores[0].Runs(t.Context(), store.Query{Scheduler: paper})
	require.NoError(t, err)
	require.Len(t, rows, slots)
	for slot, row := range rows {
		var holders []string
		for i := range stores {
			if claims[i][slot].Held {
				holders = append(holders, fmt.Sprintf("start-%d-%d", i, slot))
			}
		}
		assert.Equal(t, []string{row.Token}, holders, row.Slot)
	}
}

func TestTakeoverAfterAStoreIsGone(t *testing.T) { onEach(t, testTakeoverAfterAStoreIsGone) }

func testTakeoverAfterAStoreIsGone(t *testing.T, on database) {
	at, clock := on.place(t), newClock()
	db := openDB(t, at)
	old := openOn(t, db, clock)
	oldTerm := lead(t, old, "a")
	runs := planned("a", "buy_orders", 3)
	_, err := old.Claim(t.Context(), oldTerm, runs)
	require.NoError(t, err)
	_, err = old.Settle(t.Context(), ended(runs[:1], store.Succeeded))
	require.NoError(t, err)
	require.NoError(t, db.Close())

	clock.Advance(ttl)
	successor := openAt(t, at, clock)
	term := lead(t, successor, "b")
	state, err := successor.Resume(t.Context(), term)
	require.NoError(t, err)
	require.Len(t, state.Unsettled, 2)
	_, err = successor.Settle(t.Context(), ended(state.Unsettled, store.Interrupted))
	require.NoError(t, err)

	// The first process was only frozen, and comes back.
	back := openAt(t, at, clock)
	_, err = back.Claim(t.Context(), oldTerm, planned("a", "eod_cleanup", 1))
	assert.ErrorIs(t, err, store.ErrDeposed)
	results, err := back.Settle(t.Context(), ended(runs, store.Succeeded))
	require.NoError(t, err)
	assert.Equal(t, []store.SettleResult{{Accepted: true}, {}, {}}, results)
	rows, err := successor.Runs(t.Context(), store.Query{Scheduler: paper, Outcomes: []store.Outcome{store.Interrupted}})
	require.NoError(t, err)
	require.Len(t, rows, 2)
	for _, row := range rows {
		require.NotNil(t, row.Late)
		assert.Equal(t, store.Succeeded, row.Late.Outcome)
	}
}

func TestEnrolmentAheadOfTheWatermark(t *testing.T) { onEach(t, testEnrolmentAheadOfTheWatermark) }

func testEnrolmentAheadOfTheWatermark(t *testing.T, on database) {
	at, clock := on.place(t), newClock()
	s := openAt(t, at, clock)
	from := opening.Add(time.Hour)
	require.NoError(t, s.Enroll(t.Context(), lead(t, s, "a"), []store.Enrolment{{Account: "42", From: from}}))

	clock.Advance(ttl)
	state, err := s.Resume(t.Context(), lead(t, s, "b"))

	require.NoError(t, err)
	assert.Equal(t, []store.Enrolment{{Account: "42", From: from}}, state.Enrolments)
}

// TestTermsAreNeverGrantedTwice edits and deletes the row that has the number of the
// term.
func TestTermsAreNeverGrantedTwice(t *testing.T) { onEach(t, testTermsAreNeverGrantedTwice) }

func testTermsAreNeverGrantedTwice(t *testing.T, on database) {
	at := on.place(t)
	s := openAt(t, at, newClock())
	for range 3 {
		term := lead(t, s, "a")
		require.NoError(t, s.Resign(t.Context(), term))
	}
	for i, edit := range []string{
		"UPDATE tradeclock_schedulers SET term = 1, holder = ''",
		"UPDATE tradeclock_schedulers SET term = -1",
		"DELETE FROM tradeclock_schedulers",
	} {
		byHand(t, at, edit)

		term := lead(t, s, "a")

		assert.EqualValues(t, 4+i, term.Number, edit)
		assert.Equal(t, term, lead(t, s, "a"), "and is renewed")
		_, err := s.Claim(t.Context(), term, planned(edit, "buy_orders", 1))
		assert.NoError(t, err)
	}
}

// TestLimitsEditedByHand gives a watermark, and the limit of what was pruned, texts
// that do not sort among the instants.
func TestLimitsEditedByHand(t *testing.T) { onEach(t, testLimitsEditedByHand) }

func testLimitsEditedByHand(t *testing.T, on database) {
	at := on.place(t)
	s := openAt(t, at, newClock())
	term := lead(t, s, "a")
	for _, column := range []string{"watermark", "pruned_before"} {
		for _, limit := range []string{"nonsense", "2026-11-23", "2026-11-23T03:00:00Z", "2026-11-23T08:30:00.000000000+05:30"} {
			byHand(t, at, "UPDATE tradeclock_schedulers SET "+column+" = $1", limit)

			_, err := s.Claim(t.Context(), term, planned("a", "buy_orders", 1))

			assert.ErrorContains(t, err, column+" of paper: instant", "a run that is not held would be taken for accounted for")
		}
		byHand(t, at, "UPDATE tradeclock_schedulers SET "+column+" = $1", "2026-11-23T03:00:00.000000000Z")
	}
	claims, err := s.Claim(t.Context(), term, planned("a", "buy_orders", 1))
	require.NoError(t, err)
	assert.Equal(t, 1, held(claims))
}

func TestRowsAreForPeopleToRead(t *testing.T) { onEach(t, testRowsAreForPeopleToRead) }

func testRowsAreForPeopleToRead(t *testing.T, on database) {
	at := on.place(t)
	s := openAt(t, at, newClock())
	runs := planned("a", "buy_orders", 1)
	_, err := s.Claim(t.Context(), lead(t, s, "a"), runs)
	require.NoError(t, err)
	runs = ended(runs, store.TimedOut)
	runs[0].Finished = opening.Add(1500 * time.Microsecond).In(time.FixedZone("IST", 19800))
	_, err = s.Settle(t.Context(), runs)
	require.NoError(t, err)

	assert.Equal(t,
		"buy_orders 2026-11-23 2026-11-23T03:45:00.000000000Z 2026-11-23T03:45:00.001500000Z timed out",
		text(t, openDB(t, at), `SELECT concat_ws(' ', task, session, due, finished, outcome) FROM tradeclock_runs`))
}

func TestPruneInManyBatches(t *testing.T) { onEach(t, testPruneInManyBatches) }

func testPruneInManyBatches(t *testing.T, on database) {
	s := openAt(t, on.place(t), newClock())
	term := lead(t, s, "a")
	runs := planned("a", "sell_monitor", 1300)
	_, err := s.Claim(t.Context(), term, runs)
	require.NoError(t, err)
	_, err = s.Settle(t.Context(), ended(runs[1:], store.Succeeded))
	require.NoError(t, err)
	require.NoError(t, s.Record(t.Context(), term, nil, runs[1299].Due.Add(store.MinRetention)))

	removed, err := s.Prune(t.Context(), paper, runs[1200].Due)

	require.NoError(t, err)
	assert.Equal(t, 1199, removed, "all before but the one that still runs")
	left, err := s.Runs(t.Context(), store.Query{Scheduler: paper})
	require.NoError(t, err)
	assert.Len(t, left, 101)
}

// TestOneOfManyEditsOfAVersion edits one version of a row in many processes at
// once.
func TestOneOfManyEditsOfAVersion(t *testing.T) { onEach(t, testOneOfManyEditsOfAVersion) }

func testOneOfManyEditsOfAVersion(t *testing.T, on database) {
	at, clock := on.place(t), newClock()
	_, err := openAt(t, at, clock).PutSchedule(t.Context(), ops, schedule("buy_orders", "daily 09:01"))
	require.NoError(t, err)
	errs := make([]error, 6)
	var wg sync.WaitGroup
	for i := range errs {
		s := openAt(t, at, clock)
		wg.Go(func() {
			_, errs[i] = s.UpdateSchedule(t.Context(), ops, "", "buy_orders", 1, store.ScheduleEdit{Priority: &i})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		var conflict *store.ConflictError
		if err == nil {
			made++
		} else if !errors.As(err, &conflict) {
			assert.NoError(t, err)
		}
	}
	assert.Equal(t, 1, made)
}
