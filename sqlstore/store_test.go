package sqlstore_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/sqlstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/storetest"
)

func TestLedgerConformance(t *testing.T) { onEach(t, testLedgerConformance) }

func testLedgerConformance(t *testing.T, on database) {
	empty := newSpares(t, on)
	storetest.TestLedger(t, func(t *testing.T, clock tradeclock.Clock) store.Ledger {
		return openAt(t, empty.place(t), clock)
	}, storetest.Has[store.History](), storetest.Has[store.Tallier](), storetest.Has[store.HaltStore](), storetest.Has[store.Directory](), storetest.Has[store.RequestStore](), storetest.Has[store.OverrideStore](),
		storetest.Has[store.Resetter](),
		storetest.Has[store.Pruner](), storetest.Has[store.Auditor]())
}

func TestHeartbeatConformance(t *testing.T) { onEach(t, testHeartbeatConformance) }

func testHeartbeatConformance(t *testing.T, on database) {
	empty := newSpares(t, on)
	storetest.TestHeartbeats(t, func(t *testing.T, clock tradeclock.Clock) store.HeartbeatSink {
		return openAt(t, empty.place(t), clock)
	}, storetest.Has[store.HeartbeatReader]())
}

func TestScheduleConformance(t *testing.T) { onEach(t, testScheduleConformance) }

func testScheduleConformance(t *testing.T, on database) {
	empty := newSpares(t, on)
	storetest.TestScheduleStore(t, func(t *testing.T, clock tradeclock.Clock) store.ScheduleStore {
		return openAt(t, empty.place(t), clock)
	}, storetest.Has[store.ScheduleEditor](), storetest.Has[store.ChangeLister]())
}

// The names, the day and the hour of most tests. 09:15 in Kolkata is 03:45.
const (
	paper = "paper"
	ttl   = 30 * time.Second
)

var (
	day     = calendar.Date{Year: 2026, Month: time.November, Day: 23}
	opening = time.Date(2026, time.November, 23, 3, 45, 0, 0, time.UTC)
)

func newClock() *clockwork.FakeClock { return clockwork.NewFakeClockAt(opening) }

func lead(t *testing.T, s *sqlstore.Store, holder string) store.Term {
	t.Helper()
	term, err := s.Lead(t.Context(), paper, holder, ttl, time.Time{})
	require.NoError(t, err)
	return term
}

// planned returns n runs of a task, a minute apart, whose tokens begin with a
// name of the planner.
func planned(planner, task string, n int) []store.Run {
	runs := make([]store.Run, n)
	for i := range runs {
		due := opening.Add(time.Duration(i) * time.Minute)
		runs[i] = store.Run{
			Scheduler: paper,
			Account:   "42",
			Task:      task,
			Slot:      due.Format(time.RFC3339),
			Session:   day,
			Due:       due,
			Token:     fmt.Sprintf("%s-%d", planner, i),
		}
	}
	return runs
}

// ended returns the runs as they are settled.
func ended(runs []store.Run, outcome store.Outcome) []store.Run {
	settled := make([]store.Run, len(runs))
	for i, run := range runs {
		run.Outcome, run.Started, run.Finished, run.Attempt = outcome, run.Due, run.Due.Add(time.Second), 1
		settled[i] = run
	}
	return settled
}

// held counts the claims that are held.
func held(claims []store.Claim) (n int) {
	for _, c := range claims {
		if c.Held {
			n++
		}
	}
	return n
}

// accepted counts the results that are accepted.
func accepted(results []store.SettleResult) (n int) {
	for _, r := range results {
		if r.Accepted {
			n++
		}
	}
	return n
}
