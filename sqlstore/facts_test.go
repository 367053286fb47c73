package sqlstore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/store"
)

// What a run is told of its session follows from all runs of it, of which the store
// looks at a few. That in memory, which counts as they come, must tell the same.

func TestFactsAgreeWithMemstore(t *testing.T) {
	onEach(t, testFactsAgreeWithMemstore)
}

func testFactsAgreeWithMemstore(t *testing.T, on database) {
	for seed := range uint64(12) {
		clock := newClock()
		h := history{t: t, random: rand.New(rand.NewPCG(seed, 1)), ledgers: []store.Ledger{
			memstore.New(clock), openAt(t, on.place(t), clock),
		}}
		h.lead()
		for n := range 120 {
			switch h.random.IntN(10) {
			case 0:
				clock.Advance(time.Hour) // the term is over
				h.lead()
			case 1:
				h.reclaim(n)
			case 2, 3, 4:
				h.settle()
			default:
				h.claim(n)
			}
		}
	}
}

// history is what happens, in the same way in several ledgers.
type history struct {
	t           *testing.T
	random      *rand.Rand
	ledgers     []store.Ledger
	term        store.Term
	terms       int
	open        []store.Run
	interrupted []store.Run
}

func (h *history) lead() {
	h.terms++
	for _, l := range h.ledgers {
		term, err := l.Lead(h.t.Context(), paper, fmt.Sprint("holder ", h.terms), time.Minute, time.Time{})
		require.NoError(h.t, err)
		h.term = term
	}
}

// claim claims a run of one of few tasks and sessions, which is seldom not repeating,
// as one that a person triggered.
func (h *history) claim(n int) {
	due := opening.Add(time.Duration(n) * time.Minute)
	run := store.Run{
		Scheduler: paper, Account: fmt.Sprint(h.random.IntN(2)), Task: "sell_monitor", Slot: due.Format(time.RFC3339),
		Session: day.AddDays(h.random.IntN(2)), Due: due, Started: due, Token: fmt.Sprint("token ", n), Repeating: h.random.IntN(6) > 0,
	}
	h.agree(func(l store.Ledger) (store.Claim, error) {
		claims, err := l.Claim(h.t.Context(), h.term, []store.Run{run})
		require.NoError(h.t, err)
		return claims[0], nil
	})
	h.open = append(h.open, run)
}

func (h *history) settle() {
	run, ok := h.take(&h.open)
	if !ok {
		return
	}
	run.Outcome = []store.Outcome{store.Succeeded, store.Failed, store.Interrupted}[h.random.IntN(3)]
	run.Finished = run.Started
	for _, l := range h.ledgers {
		results, err := l.Settle(h.t.Context(), []store.Run{run})
		require.NoError(h.t, err)
		require.True(h.t, results[0].Accepted)
	}
	if run.Outcome == store.Interrupted {
		h.interrupted = append(h.interrupted, run)
	}
}

func (h *history) reclaim(n int) {
	run, ok := h.take(&h.interrupted)
	if !ok {
		return
	}
	again := run
	again.Token, again.Outcome, again.Finished = fmt.Sprint("again ", n), store.NoOutcome, time.Time{}
	h.agree(func(l store.Ledger) (store.Claim, error) {
		return l.Reclaim(h.t.Context(), h.term, run.Token, again)
	})
	h.open = append(h.open, again)
}

// take takes one of the runs by chance.
func (h *history) take(runs *[]store.Run) (run store.Run, ok bool) {
	if len(*runs) == 0 {
		return run, false
	}
	i, last := h.random.IntN(len(*runs)), len(*runs)-1
	(*runs)[i], (*runs)[last] = (*runs)[last], (*runs)[i]
	run, *runs = (*runs)[last], (*runs)[:last]
	return run, true
}

// agree requires that each ledger gives the same claim, which is held.
func (h *history) agree(claim func(store.Ledger) (store.Claim, error)) {
	var claims []store.Claim
	for _, l := range h.ledgers {
		c, err := claim(l)
		require.NoError(h.t, err)
		require.True(h.t, c.Held)
		claims = append(claims, c)
	}
	assert.Equal(h.t, claims[0], claims[1])
}
