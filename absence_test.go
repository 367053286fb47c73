package tradeclock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// stoppable is a process that can be stopped cleanly, too.
func (w *world) stoppable(rows ...tradeclock.Schedule) (p *process, stop func()) {
	p = &process{w: w, rec: tradeclocktest.NewRecorder(w.clock), ledger: tradeclocktest.NewFaulty(w.store)}
	cfg := w.config(rows...)
	cfg.Executor, cfg.Ledger = p.rec, p.ledger
	p.s = w.scheduler(cfg)
	d, end := tradeclocktest.StartDriver(w.t, p.s, w.clock)
	p.Driver = d
	return p, func() { _ = end() } // a test may leave it with runs that leak
}

// endings are the ways in which a process may end.
var endings = map[string]func(p *process, stop func()){
	"dies":       func(p *process, _ func()) { p.die() },
	"is stopped": func(_ *process, stop func()) { stop() },
}

// rowsOfAbsence are due all over an absence, with different catch-ups.
func rowsOfAbsence() []tradeclock.Schedule {
	until, err := rule.ParseMoment("09:31:30")
	if err != nil {
		panic(err)
	}
	return []tradeclock.Schedule{
		row("watch", "every 1m 09:29-12:00"),
		row("tick", "every 10s 09:30-09:34", catchUp(20*time.Second)),
		row("pulse", "every 10s 09:30:05-09:34", catchUp(time.Hour)),
		row("report", "daily 09:30:50", catchUp(time.Hour), exclusive("desk")),
		row("order", "daily 10:05", catchUp(time.Hour)),
		row("capped", "daily 09:30:55", catchUp(time.Hour), func(s *tradeclock.Schedule) { s.CatchUpUntil = &until }),
		row("hold", "daily 09:29", exclusive("desk")),
	}
}

// away is when an account was away: later than left, up to back.
type away struct{ left, back time.Time }

// assertOwed checks that each occurrence of account 7 up to now is in one row, but
// for those of an absence that was longer than their catch-up, which are in none.
func (w *world) assertOwed(s *tradeclock.UnifiedTaskScheduler, absences ...away) {
	w.t.Helper()
	catchUps := make(map[string]time.Duration)
	for _, r := range rowsOfAbsence() {
		if catchUps[r.Task] = r.CatchUp; r.CatchUp == 0 {
			catchUps[r.Task] = store.DefaultCatchUp
		}
	}
	owed := func(item tradeclock.AgendaItem) bool {
		return !slices.ContainsFunc(absences, func(a away) bool {
			return item.Due.After(a.left) && !item.Due.After(a.back) && a.back.Sub(a.left) > catchUps[item.Task]
		})
	}
	agenda, err := s.Agenda(context.Background(), day("2026-11-23"))
	require.NoError(w.t, err)
	last := make(map[string]time.Time)
	for _, item := range agenda {
		if item.Account != "7" || item.Due.After(w.clock.Now()) || item.Task == "hold" {
			continue
		}
		if !item.Due.After(last[item.Task]) {
			w.t.Errorf("%s %s is in two rows", item.Task, item.Slot)
		}
		last[item.Task] = item.Due
		if item.Run.Occurrences() > 1 {
			last[item.Task] = item.Run.Through()
		}
		if recorded := item.Run.Outcome != tradeclock.NoOutcome; recorded != owed(item) {
			w.t.Errorf("%s %s: recorded: %v, owed: %v", item.Task, item.Slot, recorded, owed(item))
		}
		if item.Run.Outcome == tradeclock.Running {
			w.t.Errorf("%s %s still runs", item.Task, item.Slot)
		}
	}
}

// untilSecond drives to an instant, by seconds from the last minute on.
func (p *process) untilSecond(instant time.Time) {
	p.Until(instant.Truncate(time.Minute))
	for p.w.clock.Now().Before(instant) {
		p.For(time.Second)
	}
}

// served is a process that serves account 7 since 09:28, whose desk is held.
func (w *world) served() (p *process, stop func()) {
	p, stop = w.stoppable(rowsOfAbsence()...)
	p.rec.Do("hold", w.latch().task)
	require.NoError(w.t, p.s.Enroll(w.t.Context(), "7", p.rec))
	p.Until(at("2026-11-23 09:30:00"))
	return p, stop
}

// goAway lets account 7 be away for a while, from an instant on.
func (p *process) goAway(left time.Time, absence time.Duration) away {
	t := p.w.t
	p.untilSecond(left)
	require.NoError(t, p.s.Withdraw(t.Context(), "7"))
	p.untilSecond(left.Add(absence))
	require.NoError(t, p.s.Enroll(t.Context(), "7", p.rec))
	require.NoError(t, p.s.Quiesce(t.Context()))
	return away{left, left.Add(absence)}
}

// resumed is the process that follows at 10:37.
func (w *world) resumed() *process {
	w.clock.Advance(at("2026-11-23 10:37:00").Sub(w.clock.Now()))
	next, _ := w.stoppable(rowsOfAbsence()...)
	require.NoError(w.t, next.s.Enroll(w.t.Context(), "7", next.rec))
	next.Until(at("2026-11-23 10:45:00"))
	return next
}

var (
	departures = []string{"09:30:40", "09:30:49", "09:30:50", "09:31:00"}
	absences   = []time.Duration{0, time.Second, 20 * time.Second, 21 * time.Second, 121 * time.Second}
)

// An account is away for a while. Whenever that begins and ends, and however the
// process ends after it, each of its occurrences is in one row, and those that are
// due in an absence longer than their catch-up in none.
func TestRule22_AnAbsenceIsAccountedFor(t *testing.T) {
	for _, left := range departures {
		for _, absence := range absences {
			t.Run(fmt.Sprintf("left at %s for %v", left, absence), func(t *testing.T) {
				w := newWorld(t, "2026-11-23 09:28:00")
				p, _ := w.served()
				was := p.goAway(at("2026-11-23 "+left), absence)
				p.Until(at("2026-11-23 10:45:00"))
				w.assertOwed(p.s, was)
			})
			for name, end := range endings {
				for _, later := range []time.Duration{0, 30 * time.Second, 30 * time.Minute} {
					t.Run(fmt.Sprintf("left at %s for %v, %s after %v", left, absence, name, later), func(t *testing.T) {
						w := newWorld(t, "2026-11-23 09:28:00")
						p, stop := w.served()
						was := p.goAway(at("2026-11-23 "+left), absence)
						p.untilSecond(w.clock.Now().Add(later))
						end(p, stop)
						w.assertOwed(w.resumed().s, was)
					})
				}
			}
		}
	}
}

// A process ends while the account is away, which comes back to another.
func TestRule22_AnAbsenceThatEndsInAnotherProcess(t *testing.T) {
	for _, left := range departures {
		for _, absence := range []time.Duration{2 * time.Minute, 121 * time.Second, time.Hour, time.Hour + time.Second} {
			for name, end := range endings {
				t.Run(fmt.Sprintf("left at %s for %v, %s", left, absence, name), func(t *testing.T) {
					w := newWorld(t, "2026-11-23 09:28:00")
					p, stop := w.served()
					was := away{at("2026-11-23 " + left), at("2026-11-23 " + left).Add(absence)}
					p.untilSecond(was.left)
					require.NoError(t, p.s.Withdraw(t.Context(), "7"))
					require.NoError(t, p.s.Quiesce(t.Context()))
					end(p, stop)
					next, _ := w.stoppable(rowsOfAbsence()...)
					next.untilSecond(was.back)
					require.NoError(t, next.s.Enroll(t.Context(), "7", next.rec))
					next.Until(at("2026-11-23 10:45:00"))
					w.assertOwed(next.s, was)
				})
			}
		}
	}
}

// An account goes twice, the second time while what it had due in the first absence
// still waits.
func TestRule22_TwoAbsencesAreAccountedFor(t *testing.T) {
	for _, second := range []string{"09:31:00", "09:31:01", "09:31:20", "09:32:10", "09:36:00"} {
		for _, absence := range absences {
			for name, end := range endings {
				t.Run(fmt.Sprintf("again at %s for %v, %s", second, absence, name), func(t *testing.T) {
					w := newWorld(t, "2026-11-23 09:28:00")
					p, stop := w.served()
					first := p.goAway(at("2026-11-23 09:30:40"), 20*time.Second)
					again := p.goAway(at("2026-11-23 "+second), absence)
					end(p, stop)
					w.assertOwed(w.resumed().s, first, again)
				})
			}
		}
	}
}

// A write of the ledger fails for a while, or is made and not answered.
func TestRule22_AnAbsenceWhileTheLedgerFails(t *testing.T) {
	faults := map[string]func(f *tradeclocktest.Faulty, op tradeclocktest.Op){
		"fails":       func(f *tradeclocktest.Faulty, op tradeclocktest.Op) { f.Fail(op, errors.New("out of reach")) },
		"answers not": func(f *tradeclocktest.Faulty, op tradeclocktest.Op) { f.LoseAnswer(op) },
	}
	writes := []tradeclocktest.Op{
		tradeclocktest.OpEnroll, tradeclocktest.OpWithdraw, tradeclocktest.OpRecord, tradeclocktest.OpClaim, tradeclocktest.OpSettle,
	}
	for _, op := range writes {
		for fault, begin := range faults {
			for name, end := range endings {
				for _, until := range []string{"09:30:45", "09:31:05", "09:33:00"} {
					t.Run(fmt.Sprintf("%s %s until %s, %s", op, fault, until, name), func(t *testing.T) {
						w := newWorld(t, "2026-11-23 09:28:00")
						p, stop := w.served()
						p.untilSecond(at("2026-11-23 09:30:35"))
						begin(p.ledger, op)
						healed := false
						p.AtEach = func(now time.Time) {
							if !healed && !now.Before(at("2026-11-23 "+until)) {
								p.ledger.Heal()
								healed = true
							}
						}
						was := p.goAway(at("2026-11-23 09:30:40"), 20*time.Second)
						p.Until(at("2026-11-23 09:35:00"))
						require.True(t, healed)
						end(p, stop)
						w.assertOwed(w.resumed().s, was)
					})
				}
			}
		}
	}
}
