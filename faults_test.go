package tradeclock_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// faults are the ways in which a call to a ledger goes wrong: before it is made,
// without an answer in time, and after it was made.
var faults = map[string]func(f *tradeclocktest.Faulty, op tradeclocktest.Op){
	"fails":            func(f *tradeclocktest.Faulty, op tradeclocktest.Op) { f.Fail(op, errors.New("the disk is full")) },
	"hangs":            func(f *tradeclocktest.Faulty, op tradeclocktest.Op) { f.Hang(op) },
	"loses its answer": func(f *tradeclocktest.Faulty, op tradeclocktest.Op) { f.LoseAnswer(op) },
}

// faultyRows are an order task, and a monitor that runs at least once.
func faultyRows() []tradeclock.Schedule {
	return []tradeclock.Schedule{row("buy_orders", "every 1m 09:00-09:06"), row("sell_monitor", "every 1m 09:00-09:06", atLeastOnce)}
}

// assertAccounted holds the ledger to one final outcome for each occurrence of
// faultyRows, and what was executed to the deliveries.
func assertAccounted(t *testing.T, w *world, processes ...*process) {
	t.Helper()
	for _, task := range []string{"buy_orders", "sell_monitor"} {
		outcomes := map[time.Time]tradeclock.Outcome{}
		for _, run := range w.runs(task) {
			for due := run.Due; !due.After(run.Through()); due = due.Add(time.Minute) {
				assert.NotContains(t, outcomes, due, "%s is accounted for once", task)
				outcomes[due] = run.Outcome
			}
		}
		executed := map[time.Time]int{}
		for _, p := range processes {
			for _, e := range p.rec.Runs() {
				if e.Run.Task == task {
					executed[e.Run.Due]++
				}
			}
		}
		assert.Len(t, outcomes, 6, task)
		for due, outcome := range outcomes {
			assert.True(t, outcome.Final(), "%s %v is %v", task, due, outcome)
			if task == "buy_orders" {
				assert.LessOrEqual(t, executed[due], 1, "%s %v", task, due)
			}
			if outcome == tradeclock.Succeeded {
				assert.NotZero(t, executed[due], "%s %v", task, due)
			}
			if neverRan := outcome == tradeclock.Missed || outcome == tradeclock.Skipped; neverRan && task == "buy_orders" {
				assert.Zero(t, executed[due], "%s %v is %v", task, due, outcome)
			}
		}
	}
}

// Each call to the ledger goes wrong in each way for a while that begins at
// various moments. When it is over, every occurrence is accounted for.
func TestRule20_EveryFaultOfEveryCall(t *testing.T) {
	for _, op := range ledgerCalls {
		for name, fault := range faults {
			for _, from := range []string{"08:59:10", "08:59:59", "09:01:00", "09:01:30"} {
				t.Run(fmt.Sprintf("%s %s from %s", op, name, from), func(t *testing.T) {
					w := newWorld(t, "2026-11-23 08:59:00")
					p := w.process(faultyRows()...)
					p.rec.Do("buy_orders", takes(15*time.Second))
					p.seconds("2026-11-23 " + from)
					fault(p.ledger, op)
					p.For(150 * time.Second)
					p.ledger.Heal()
					p.seconds("2026-11-23 09:09:00")
					assertAccounted(t, w, p)
					assert.True(t, p.s.Status().Healthy(), "%v", p.s.Status().Degraded)
					assert.Zero(t, p.s.Status().Unstored)
				})
			}
		}
	}
}

// The same from the start of a process, so that it has no state to go on with.
func TestRule20_EveryFaultOfEveryCallFromTheStart(t *testing.T) {
	for _, op := range ledgerCalls {
		for name, fault := range faults {
			t.Run(fmt.Sprintf("%s %s", op, name), func(t *testing.T) {
				w := newWorld(t, "2026-11-23 08:59:00")
				first := w.process(faultyRows()...)
				first.rec.Do("buy_orders", takes(15*time.Second))
				first.seconds("2026-11-23 09:01:05")
				first.die()
				first.seconds("2026-11-23 09:01:40")

				second := &process{w: w, rec: tradeclocktest.NewRecorder(w.clock), ledger: tradeclocktest.NewFaulty(w.store)}
				cfg := w.config(faultyRows()...)
				cfg.Executor, cfg.Ledger, cfg.Heartbeats = second.rec, second.ledger, w.store
				fault(second.ledger, op)
				second.s, second.Driver = w.run(cfg)
				second.For(time.Minute)
				second.ledger.Heal()
				second.seconds("2026-11-23 09:09:00")

				assertAccounted(t, w, first, second)
			})
		}
	}
}

// A process is killed at various moments while the ledger's calls go wrong, and
// another one takes over on a ledger that works.
func TestRule20_DeathInAFault(t *testing.T) {
	for _, op := range []tradeclocktest.Op{tradeclocktest.OpClaim, tradeclocktest.OpSettle, tradeclocktest.OpRecord, tradeclocktest.OpLead} {
		for name, fault := range faults {
			for _, after := range []time.Duration{time.Second, 21 * time.Second, 50 * time.Second} {
				t.Run(fmt.Sprintf("%s %s for %v", op, name, after), func(t *testing.T) {
					w := newWorld(t, "2026-11-23 08:59:00")
					first := w.process(faultyRows()...)
					first.rec.Do("buy_orders", takes(15*time.Second))
					first.seconds("2026-11-23 09:00:59")
					fault(first.ledger, op)
					first.For(after)
					first.die()
					second := w.process(faultyRows()...)
					second.rec.Do("buy_orders", takes(15*time.Second))
					second.seconds("2026-11-23 09:09:00")
					assertAccounted(t, w, first, second)
				})
			}
		}
	}
}

// With nothing but the ledger's claims out of reach, orders do not start and
// monitors do. As soon as it is back, what is in its catch-up runs.
func TestRule20_ALedgerOutOfReach(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	p := w.process(row("buy_orders", "daily 09:00"), row("sell_monitor", "every 1m 09:00-09:06", atLeastOnce))
	p.ledger.Fail(tradeclocktest.OpClaim, errors.New("the disk is full"))
	p.seconds("2026-11-23 09:01:30")
	assert.Empty(t, p.rec.Slots("buy_orders"))
	assert.Len(t, p.rec.Slots("sell_monitor"), 2)
	require.NotEmpty(t, p.s.Status().Degraded)

	p.ledger.Heal()
	p.seconds("2026-11-23 09:01:59")
	assert.Len(t, p.rec.Slots("buy_orders"), 1)
	p.seconds("2026-11-23 09:06:00")
	assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("buy_orders")))
	assert.Len(t, w.runs("sell_monitor"), 6)
	assert.True(t, p.s.Status().Healthy())
}

// Past its trusted term a scheduler starts no orders and cancels those that run.
// Monitors go on while the ledger does not answer, and stop when it says that
// another holds the term.
func TestRule20_TheTermAndTheDeliveries(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	p := w.process(row("buy_orders", "daily 09:00"), row("eod_cleanup", "daily 09:01"), row("sell_monitor", "every 1m 09:01-09:09", atLeastOnce))
	p.rec.Do("buy_orders", takes(time.Hour))
	p.rec.Do("sell_monitor", takes(150*time.Second))
	p.seconds("2026-11-23 09:00:05")
	p.die()
	p.seconds("2026-11-23 09:00:26")
	require.Len(t, p.s.Status().Running, 1, "the term is trusted until 27 seconds after its last renewal")
	p.seconds("2026-11-23 09:00:27")
	require.Empty(t, p.s.Status().Running)
	assert.ErrorIs(t, p.rec.Runs()[0].Err, tradeclock.ErrTermLost)

	p.seconds("2026-11-23 09:02:30")
	assert.Empty(t, p.rec.Slots("eod_cleanup"))
	require.Len(t, p.s.Status().Running, 1, "the monitor")

	_, err := w.store.Lead(t.Context(), "paper", "another", time.Hour, time.Time{})
	require.NoError(t, err)
	p.ledger.Heal()
	p.seconds("2026-11-23 09:05:00")
	assert.Empty(t, p.s.Status().Running)
	assert.Equal(t, []string{"09:01:00"}, startsOf(p.rec, "sell_monitor"), "it starts nothing any more")
	assert.Equal(t, tradeclock.StateStandby, p.s.Status().State)
}

// A run of a dead process that is taken over, without an answer until its catch-up
// has ended, did not start again, and is not left open.
func TestRule20_AReclaimWithoutAnswer(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	rows := []tradeclock.Schedule{row("sell_monitor", "daily 09:00", atLeastOnce)}
	first := w.process(rows...)
	first.rec.Do("sell_monitor", w.latch().task)
	first.seconds("2026-11-23 09:00:10")
	first.die()
	first.seconds("2026-11-23 09:00:50")

	second := &process{w: w, rec: tradeclocktest.NewRecorder(w.clock), ledger: tradeclocktest.NewFaulty(w.store)}
	cfg := w.config(rows...)
	cfg.Executor, cfg.Ledger, cfg.Heartbeats = second.rec, second.ledger, w.store
	second.ledger.LoseAnswer(tradeclocktest.OpReclaim)
	second.s, second.Driver = w.run(cfg)
	second.seconds("2026-11-23 09:03:00")

	assert.Empty(t, second.rec.Runs())
	assert.Equal(t, []string{"09:00 interrupted"}, became(w.runs("")))
}

// inTheWay is a ledger that has a row of its own where the first range of a task begins.
type inTheWay struct {
	*tradeclocktest.Faulty
	done *bool
}

func (l inTheWay) Record(ctx context.Context, t store.Term, outcomes []tradeclock.Run, to time.Time) error {
	for _, run := range outcomes {
		if run.Task == "watch" && run.Count > 1 && !*l.done {
			*l.done = true
			run.Outcome, run.Reason, run.Count, run.LastSlot, run.LastDue = tradeclock.Skipped, "by hand", 0, "", time.Time{}
			if err := l.Faulty.Record(ctx, t, []tradeclock.Run{run}, time.Time{}); err != nil {
				return err
			}
		}
	}
	return l.Faulty.Record(ctx, t, outcomes, to)
}

// A range is known by its first slot. If that is taken, the others are recorded all
// the same.
func TestRule19_ARangeWhoseSlotIsTaken(t *testing.T) {
	for _, rule := range []string{"every 1m 09:01-09:11", "after base 1m"} {
		w := newWorld(t, "2026-11-23 08:59:30")
		rows := []tradeclock.Schedule{row("watch", rule), row("base", "every 1m 09:00-09:10")}
		_, d := w.driver(rows...)
		d.Tick()
		w.clock.Advance(20*time.Minute + 30*time.Second)

		cfg := w.config(rows...)
		cfg.Ledger = inTheWay{tradeclocktest.NewFaulty(w.store), new(bool)}
		s, d := w.drive(cfg)
		d.For(2 * time.Minute)

		assert.NotContains(t, fmt.Sprint(s.Status().Degraded), "ledger")
		assert.Equal(t, []string{
			"09:01 skipped", "09:02 missed", "09:03 missed", "09:04 missed", "09:05 missed",
			"09:06 missed", "09:07 missed", "09:08 missed", "09:09 missed", "09:10 missed",
		}, became(w.runs("watch")))
	}
}
