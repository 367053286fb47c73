package tradeclock_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/trading"
)

// service is a scheduler in a process of its own, on a world's store. Once it is
// killed, nothing that it does reaches the store.
type service struct {
	*tradeclock.UnifiedTaskScheduler
	w     *world
	store *tradeclocktest.Faulty
}

// start starts a process with the seven tasks.
func (w *world) start() *service { return w.startWith(byTheClock()...) }

func (w *world) startWith(rows ...tradeclock.Schedule) *service {
	w.t.Helper()
	st := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(rows...)
	cfg.Ledger = st
	return &service{w.scheduler(cfg), w, st}
}

// until ticks each minute up to the instant, it included. What a tick starts ends
// before the next.
func (p *service) until(instant time.Time) {
	p.w.t.Helper()
	for {
		require.NoError(p.w.t, p.Tick(p.w.t.Context()))
		p.rest()
		if !p.w.clock.Now().Before(instant) {
			return
		}
		p.w.clock.Advance(taskTakes)
		p.rest()
		p.w.clock.Advance(time.Minute - taskTakes)
		p.rest()
	}
}

// finish ticks until the instant, and lets end what has started.
func (p *service) finish(instant time.Time) {
	p.w.t.Helper()
	p.until(instant)
	p.w.clock.Advance(taskTakes)
	p.rest()
}

func (p *service) rest() { require.NoError(p.w.t, p.Quiesce(p.w.t.Context())) }

// kill ends the process as a power cut does: tasks are left where they are, and
// its term runs out.
func (p *service) kill() {
	p.Crash()
	p.rest()
}

// stop ends the process as a signal does, and gives its tasks the time to finish.
func (p *service) stop() {
	p.w.t.Helper()
	closed := make(chan error)
	go func() { closed <- p.Close(context.Background()) }()
	for p.Status().State == tradeclock.StateActive {
		runtime.Gosched()
	}
	p.w.clock.Advance(taskTakes)
	require.NoError(p.w.t, <-closed)
}

// taskTakes is how long each task takes in the tests of restarts.
const taskTakes = 20 * time.Second

// TestRestartAtEachMinute ends the scheduler at each of 600 minutes in turn,
// while what was due then runs, and starts another a minute later. No order task runs twice, and nothing is unaccounted for. It holds rules 5,
// 20, 22 and 27.
func TestRestartAtEachMinute(t *testing.T) {
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		for minute := at("2026-11-23 08:55:00"); minute.Before(at("2026-11-23 18:55:00")); minute = minute.Add(time.Minute) {
			for _, r := range restartAt(t, minute, (*service).kill) {
				assert.WithinRange(t, r.Due, minute, minute.Add(time.Minute), "%s %s is %s: %s", r.Task, r.Slot, r.Outcome, r.Reason)
			}
		}
	})
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		for minute := at("2026-11-23 08:55:00"); minute.Before(at("2026-11-23 18:55:00")); minute = minute.Add(time.Minute) {
			assert.Empty(t, restartAt(t, minute, (*service).stop), "with a stop at %v", minute)
		}
	})
}

// The tests of one restart begin a little before it, and go on until nothing waits
// any more for what was due then.
const (
	before = 5 * time.Minute
	after  = 15 * time.Minute
)

// restartAt restarts the scheduler once, and returns the runs that did not succeed.
func restartAt(t *testing.T, minute time.Time, end func(*service)) []tradeclock.Run {
	t.Helper()
	w := busyWorld(t, minute.Add(-before))
	first := w.start()
	first.until(minute)
	end(first)

	w.advanceTo(minute.Add(time.Minute))
	w.startDirect().finish(minute.Add(after))

	w.assertAccounted(minute.Add(-before), minute.Add(after))
	return slices.DeleteFunc(w.runs(""), func(r tradeclock.Run) bool { return r.Outcome == tradeclock.Succeeded })
}

// TestDayOfRestarts ends the scheduler at every minute of one day, and starts
// another at the next. It holds rules 5, 20, 22 and 27.
func TestDayOfRestarts(t *testing.T) {
	tests := map[string]struct {
		end  func(*service)
		want tradeclock.Outcome
	}{
		"killed":                   {(*service).kill, tradeclock.Interrupted},
		"killed when they had run": {(*service).killWhenTasksHaveEnded, tradeclock.Succeeded},
		"stopped":                  {(*service).stop, tradeclock.Succeeded},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			first, last := at("2026-11-23 08:55:00"), at("2026-11-23 18:55:00")
			w := busyWorld(t, first)
			for minute := first; !minute.After(last); minute = minute.Add(time.Minute) {
				w.advanceTo(minute)
				s := w.start()
				s.until(minute)
				tt.end(s)
			}
			w.advanceTo(last.Add(time.Minute))
			w.startDirect().finish(last.Add(2 * time.Minute))

			w.assertAccounted(first, last)
			for _, r := range w.runs("") {
				assert.Equal(t, tt.want.String(), r.Outcome.String(), "%s %s: %s", r.Task, r.Slot, r.Reason)
			}
		})
	}
}

// TestRule20_AnInterruptedRunGivesWayToANewerOccurrence restarts a monitor that is
// delivered at least once: before its next minute the run is repeated, and at it
// the newer one runs in its place, whatever the overlap.
func TestRule20_AnInterruptedRunGivesWayToANewerOccurrence(t *testing.T) {
	tests := map[string]struct {
		restart string
		want    []tradeclock.Outcome
	}{
		"before the next minute": {"2026-11-23 10:00:40", []tradeclock.Outcome{tradeclock.Succeeded}},
		"at the next minute":     {"2026-11-23 10:01:00", []tradeclock.Outcome{tradeclock.Interrupted, tradeclock.Succeeded}},
	}
	for name, tt := range tests {
		for _, overlap := range []tradeclock.Overlap{tradeclock.OverlapSkip, tradeclock.OverlapQueue, tradeclock.OverlapAllow} {
			t.Run(name+" "+overlap.String(), func(t *testing.T) {
				w := busyWorld(t, at("2026-11-23 09:59:00"))
				monitor := row(trading.TaskSellMonitor, "every 1m 10:00-11:00", func(s *tradeclock.Schedule) {
					s.Delivery, s.Overlap = tradeclock.AtLeastOnce, overlap
				})
				first := w.startWith(monitor)
				first.until(at("2026-11-23 10:00:00"))
				first.kill()

				w.advanceTo(at(tt.restart))
				second := w.startWith(monitor)
				second.finish(at(tt.restart))
				w.clock.Advance(taskTakes)
				second.rest()

				var got []tradeclock.Outcome
				for _, r := range w.runs(trading.TaskSellMonitor) {
					got = append(got, r.Outcome)
				}
				assert.Equal(t, tt.want, got)
			})
		}
	}
}

// TestRestartAfterFaults kills the scheduler around the minutes of the tasks when
// its last calls to the ledger did not go well. It holds rules 20 and 21.
func TestRestartAfterFaults(t *testing.T) {
	tests := map[string]struct{ fault, end func(*service) }{
		"claims whose answer is lost": {
			fault: func(p *service) { p.store.LoseAnswer(tradeclocktest.OpClaim) },
			end:   (*service).kill,
		},
		"claims that were not made": {
			fault: func(p *service) { p.store.Fail(tradeclocktest.OpClaim, errors.New("the ledger is out of reach")) },
			end:   (*service).kill,
		},
		"outcomes that were not stored": {
			fault: func(p *service) { p.store.Fail(tradeclocktest.OpSettle, errors.New("the disk is full")) },
			end:   (*service).killWhenTasksHaveEnded,
		},
		"outcomes whose answer is lost": {
			fault: func(p *service) { p.store.LoseAnswer(tradeclocktest.OpSettle) },
			end:   (*service).killWhenTasksHaveEnded,
		},
		"watermark and records that were not written": {
			fault: func(p *service) { p.store.Fail(tradeclocktest.OpRecord, errors.New("the disk is full")) },
			end:   (*service).killWhenTasksHaveEnded,
		},
		"watermark and records whose answer is lost": {
			fault: func(p *service) { p.store.LoseAnswer(tradeclocktest.OpRecord) },
			end:   (*service).kill,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, minute := range minutesOfTasks() {
				w := busyWorld(t, minute.Add(-before))
				first := w.start()
				first.until(minute.Add(-time.Minute))
				tt.fault(first)
				w.clock.Advance(time.Minute)
				first.until(minute)
				tt.end(first)

				w.advanceTo(minute.Add(time.Minute))
				w.startDirect().finish(minute.Add(after))

				w.assertAccounted(minute.Add(-before), minute.Add(after))
			}
		})
	}
}

// TestRestartAfterAGap kills the scheduler and starts another after a while, in
// which tasks were due: they are caught up or missed. It holds rules 19 and 22.
func TestRestartAfterAGap(t *testing.T) {
	for _, gap := range []time.Duration{2 * time.Minute, 10 * time.Minute, 2 * time.Hour, 26 * time.Hour} {
		t.Run(gap.String(), func(t *testing.T) {
			for _, minute := range minutesOfTasks() {
				w := busyWorld(t, minute.Add(-before))
				first := w.start()
				first.until(minute)
				first.kill()

				w.advanceTo(minute.Add(gap))
				w.startDirect().finish(minute.Add(gap + after))

				w.assertAccounted(minute.Add(-before), minute.Add(gap+after))
			}
		})
	}
}

// minutesOfTasks are minutes at which tasks are due, and those around them.
func minutesOfTasks() []time.Time {
	var minutes []time.Time
	for _, clock := range []string{"09:00", "09:05", "09:15", "09:30", "15:30", "16:00", "16:05", "18:00"} {
		for around := -1; around <= 1; around++ {
			minutes = append(minutes, at("2026-11-23 "+clock+":00").Add(time.Duration(around)*time.Minute))
		}
	}
	return minutes
}

// busyWorld is a world in which each task takes a while.
func busyWorld(t testing.TB, start time.Time) *world {
	t.Helper()
	w := newWorld(t, start.Format(wall))
	for _, row := range byTheClock() {
		w.rec.Do(row.Task, func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, taskTakes) })
	}
	return w
}

// killWhenTasksHaveEnded kills the process after its tasks have returned.
func (p *service) killWhenTasksHaveEnded() {
	p.w.clock.Advance(taskTakes)
	p.rest()
	p.kill()
}

func (w *world) advanceTo(instant time.Time) { w.clock.Advance(instant.Sub(w.clock.Now())) }

// startDirect starts a process that nothing goes wrong for.
func (w *world) startDirect() *service {
	return &service{w.scheduler(w.config(byTheClock()...)), w, nil}
}

// assertAccounted checks that what was due in (start, end] is accounted for, and
// that no order task was executed twice for a slot.
func (w *world) assertAccounted(start, end time.Time) {
	w.t.Helper()
	due := append(occurrencesOf("2026-11-23"), occurrencesOf("2026-11-24")...)
	due = slices.DeleteFunc(due, func(o occurrence) bool { return !o.due.After(start) || o.due.After(end) })
	accounted(w.t, w.runs(""), due)
	for _, row := range byTheClock() {
		if row.Delivery == tradeclock.AtMostOnce {
			slots := slices.Sorted(slices.Values(w.rec.Slots(row.Task)))
			assert.Equal(w.t, slices.Compact(slices.Clone(slots)), slots, "%s ran twice for a slot; the first day began at %v", row.Task, start)
		}
	}
}

// TestRule20_AnInterruptedRunThatCannotBeClaimedGivesWay restarts a monitor whose
// interrupted run cannot be claimed before its next occurrence is due.
func TestRule20_AnInterruptedRunThatCannotBeClaimedGivesWay(t *testing.T) {
	w := busyWorld(t, at("2026-11-23 09:59:00"))
	monitor := row(trading.TaskSellMonitor, "every 1m 10:00-10:02", atLeastOnce, catchUp(10*time.Minute), func(s *tradeclock.Schedule) {
		s.Overlap = tradeclock.OverlapAllow
	})
	first := w.startWith(monitor)
	first.until(at("2026-11-23 10:00:00"))
	first.kill()

	w.advanceTo(at("2026-11-23 10:00:50"))
	second := w.startWith(monitor)
	second.store.Fail(tradeclocktest.OpReclaim, errors.New("out of reach"))
	second.until(at("2026-11-23 10:01:00"))
	second.store.Heal()
	second.finish(at("2026-11-23 10:03:00"))

	assert.Equal(t, []string{"10:00 interrupted", "10:01 succeeded"}, became(w.runs(trading.TaskSellMonitor)))
	assert.Equal(t, 2, w.rec.Count(trading.TaskSellMonitor), "one of them by the first process")
}
