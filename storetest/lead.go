package storetest

import (
	"errors"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/store"
)

var leadCases = []ledgerCase{
	{"the first term has number 1", func(w *ledgerTest) {
		assert.Equal(w.t, store.Term{Scheduler: paper, Holder: "a", Number: 1}, w.lead("a"))
	}},
	{"the holder renews its term unchanged", func(w *ledgerTest) {
		term := w.lead("a")
		w.clock.Advance(20 * time.Second)
		assert.Equal(w.t, term, w.lead("a"))
		w.clock.Advance(20 * time.Second)
		held := w.refused("b")
		assert.Equal(w.t, 10*time.Second, held.Left, "the renewal counts from when it was made")
	}},
	{"another holder is refused and told who leads and for how long", func(w *ledgerTest) {
		term := w.lead("a")
		w.clock.Advance(12 * time.Second)
		held := w.refused("b")
		assert.Equal(w.t, term, held.Term)
		assert.Equal(w.t, 18*time.Second, held.Left)
	}},
	{"a refusal changes nothing", func(w *ledgerTest) {
		term := w.lead("a")
		w.clock.Advance(ttl - time.Second)
		w.refused("b")
		w.record(term, at(9, 0))
		w.clock.Advance(time.Second)
		assert.Equal(w.t, int64(2), w.lead("b").Number, "the refusal did not prolong the term")
	}},
	{"an expired term can be taken at the instant at which it expires", func(w *ledgerTest) {
		w.lead("a")
		w.clock.Advance(ttl - time.Millisecond)
		w.refused("b")
		w.clock.Advance(time.Millisecond)
		assert.Equal(w.t, store.Term{Scheduler: paper, Holder: "b", Number: 2}, w.lead("b"))
	}},
	{"the holder of an expired term that nobody took has it still", func(w *ledgerTest) {
		term := w.lead("a")
		w.clock.Advance(time.Hour)
		w.record(term, at(9, 0))
		assert.Equal(w.t, term, w.lead("a"))
		w.refused("b")
	}},
	{"a holder that lost its term gets a new number", func(w *ledgerTest) {
		w.lead("a")
		w.takeOver("b")
		w.refused("a")
		assert.Equal(w.t, int64(3), w.takeOver("a").Number)
	}},
	{"the length of a term is that of its last renewal", func(w *ledgerTest) {
		w.lead("a")
		_, err := w.ledger.Lead(w.ctx, paper, "a", time.Minute, time.Time{})
		require.NoError(w.t, err)
		assert.Equal(w.t, time.Minute, w.refused("b").Left)
	}},
	{"a resigned term is free at once", func(w *ledgerTest) {
		w.resign(w.lead("a"))
		assert.Equal(w.t, int64(2), w.lead("b").Number)
	}},
	{"the holder that resigned gets a new term", func(w *ledgerTest) {
		w.resign(w.lead("a"))
		assert.Equal(w.t, int64(2), w.lead("a").Number)
	}},
	{"resigning is safe to repeat", func(w *ledgerTest) {
		term := w.lead("a")
		w.resign(term)
		w.resign(term)
		assert.Equal(w.t, int64(2), w.lead("b").Number)
	}},
	{"resigning a term that is not current changes nothing", func(w *ledgerTest) {
		old := w.lead("a")
		current := w.takeOver("b")
		w.resign(old)
		w.resign(store.Term{Scheduler: "unknown", Holder: "a", Number: 1})
		w.record(current, at(9, 0))
		w.refused("a")
	}},
	{"two names do not meet", testTwoNames},
	{"of many that would lead at once one does", testConcurrentLead},
}

func (w *ledgerTest) resign(term store.Term) {
	w.t.Helper()
	require.NoError(w.t, w.ledger.Resign(w.ctx, term))
}

// refused returns the error with which the ledger refuses the term to a holder.
func (w *ledgerTest) refused(holder string) *store.HeldError {
	w.t.Helper()
	_, err := w.ledger.Lead(w.ctx, paper, holder, ttl, time.Time{})
	var held *store.HeldError
	require.ErrorAs(w.t, err, &held)
	return held
}

func testTwoNames(w *ledgerTest) {
	first := w.lead("a")
	second, err := w.ledger.Lead(w.ctx, "real", "b", ttl, time.Time{})
	require.NoError(w.t, err)
	assert.Equal(w.t, store.Term{Scheduler: "real", Holder: "b", Number: 1}, second)

	run := w.newRun("buy_orders", at(9, 1))
	same := run
	same.Scheduler = "real"
	same = w.identified(same)
	w.hold(first, run)
	w.hold(second, same)
	w.enroll(first, at(9, 0), "42")
	w.record(first, at(9, 5))
	assert.Equal(w.t, []bool{true}, w.settle(ended(run, store.Succeeded)))

	state := w.resume(second)
	assert.True(w.t, state.Watermark.IsZero(), "the watermark of the other name")
	assert.Empty(w.t, state.Enrolments)
	require.Len(w.t, state.Ahead, 1)
	assertSameRun(w.t, claimed(same, second), state.Ahead[0])

	w.resign(first)
	w.record(second, at(9, 1))
}

func testConcurrentLead(w *ledgerTest) {
	const holders = 8
	errs := make([]error, holders)
	var wg sync.WaitGroup
	for i := range holders {
		wg.Go(func() { _, errs[i] = w.ledger.Lead(w.ctx, paper, string(rune('a'+i)), ttl, time.Time{}) })
	}
	wg.Wait()
	leading := 0
	for _, err := range errs {
		var held *store.HeldError
		if err == nil {
			leading++
		} else if !errors.As(err, &held) {
			assert.NoError(w.t, err)
		}
	}
	assert.Equal(w.t, 1, leading)
}
