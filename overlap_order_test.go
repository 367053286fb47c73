package tradeclock_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

var everyOverlap = []tradeclock.Overlap{
	tradeclock.OverlapSkip, tradeclock.OverlapQueue, tradeclock.OverlapCancel, tradeclock.OverlapAllow,
}

// isDownUntil has a scheduler begin, and end at once, and lets time pass to an instant.
func (w *world) isDownUntil(cfg tradeclock.Config, until string) {
	w.t.Helper()
	s, d := w.drive(cfg)
	d.Tick()
	require.NoError(w.t, w.closeWhile(s))
	w.clock.Advance(at(until).Sub(w.clock.Now()))
}

// TestRule16_AfterAnOutageDailyRunsDoNotOverlap: what came due while none ran runs one
// after another, whatever the policy says of overlaps.
func TestRule16_AfterAnOutageDailyRunsDoNotOverlap(t *testing.T) {
	for _, policy := range everyOverlap {
		t.Run(policy.String(), func(t *testing.T) {
			w := newWorld(t, "2026-11-13 17:00:00")
			cfg := w.config(row("report", "daily 16:00", catchUp(96*time.Hour), overlapping(policy)))
			w.isDownUntil(cfg, "2026-11-19 10:00:00")

			w.rec.Do("report", takes(10*time.Minute))
			_, d := w.drive(cfg)
			d.For(time.Hour)
			want := []string{"2026-11-16 succeeded", "2026-11-17 succeeded", "2026-11-18 succeeded"}
			assert.Equal(t, want, tell(w.runs("report")))
			if policy == tradeclock.OverlapAllow {
				return
			}
			runs := w.rec.Runs()
			for i := 1; i < len(runs); i++ {
				assert.False(t, runs[i].Start.Before(runs[i-1].Start.Add(10*time.Minute)), "%v began before the one before it was over", runs[i].Run.Slot)
			}
		})
	}
}

// TestRule16_WhatComesDueWhileALateRunGoesOn is an overlap, and what came due before
// that run began is none.
func TestRule16_WhatComesDueWhileALateRunGoesOn(t *testing.T) {
	for policy, want := range map[tradeclock.Overlap][]string{
		tradeclock.OverlapSkip:   {"2026-11-17 succeeded", "2026-11-18 succeeded", "2026-11-19 skipped"},
		tradeclock.OverlapQueue:  {"2026-11-17 succeeded", "2026-11-18 succeeded", "2026-11-19 succeeded"},
		tradeclock.OverlapCancel: {"2026-11-17 succeeded", "2026-11-18 interrupted", "2026-11-19 succeeded"},
	} {
		t.Run(policy.String(), func(t *testing.T) {
			w := newWorld(t, "2026-11-16 17:00:00")
			cfg := w.config(row("report", "daily 16:00", catchUp(96*time.Hour), overlapping(policy)))
			w.isDownUntil(cfg, "2026-11-19 15:00:00")
			w.rec.Do("report", takes(40*time.Minute))
			_, d := w.drive(cfg)
			d.For(3 * time.Hour)
			assert.Equal(t, want, tell(w.runs("report")))
		})
	}
}

// TestRule29_ARunThatStandsForTodayIsNotDisturbedByItsSlot: the slot comes due while
// the run goes on, after it, or while it is being claimed.
func TestRule29_ARunThatStandsForTodayIsNotDisturbedByItsSlot(t *testing.T) {
	today := tradeclock.TriggerRequest{Task: "buy", Account: "42", Actor: "ops", ForToday: true}
	for _, policy := range everyOverlap {
		for name, takesFor := range map[string]time.Duration{"goes on": 2 * time.Minute, "is over": time.Second} {
			t.Run(policy.String()+", it "+name, func(t *testing.T) {
				w := newWorld(t, "2026-11-23 08:59:00")
				w.rec.Do("buy", takes(takesFor))
				log := new(eventLog)
				cfg := w.config(row("buy", "daily 09:01", overlapping(policy)))
				cfg.Observers = []tradeclock.Observer{log}
				s, d := w.run(cfg)
				w.seconds(d, "2026-11-23 08:59:30")
				_, err := s.Trigger(t.Context(), today)
				require.NoError(t, err)
				w.seconds(d, "2026-11-23 09:05:00")
				runs := w.runs("buy")
				assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(runs))
				assert.True(t, runs[0].Manual)
				assert.Len(t, w.rec.Runs(), 1)
				assert.Empty(t, eventsOf[tradeclock.RunSkipped](log), "nothing was skipped")
			})
		}
		t.Run(policy.String()+", another run of the task goes on", func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:58:00")
			log := new(eventLog)
			cfg := w.config(row("buy", "daily 09:01", overlapping(policy)))
			cfg.Observers = []tradeclock.Observer{log}
			s, d := w.run(cfg)
			_, err := s.Trigger(t.Context(), today)
			require.NoError(t, err)
			w.seconds(d, "2026-11-23 08:58:10")
			w.rec.Do("buy", takes(10*time.Minute))
			_, err = s.Trigger(t.Context(), operator("buy"))
			require.NoError(t, err)
			w.seconds(d, "2026-11-23 09:10:00")
			assert.Len(t, w.rec.Runs(), 2)
			assert.Empty(t, eventsOf[tradeclock.RunSkipped](log), "today's slot had its run")
			assert.Equal(t, []string{"08:58 succeeded", "09:01 succeeded"}, became(w.runs("buy")))
		})
	}
}

func TestRule29_ATriggerInDoubtIsNoOverlap(t *testing.T) {
	for _, policy := range everyOverlap {
		t.Run(policy.String(), func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			faulty := tradeclocktest.NewFaulty(w.store)
			cfg := w.config(row("buy", "daily 09:01", overlapping(policy)))
			cfg.Ledger = faulty
			s, d := w.run(cfg)
			w.seconds(d, "2026-11-23 09:00:55")
			faulty.Hang(tradeclocktest.OpClaim)
			failed := make(chan struct{})
			go func() {
				defer close(failed)
				_, err := s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "buy", Account: "42", Actor: "ops", ForToday: true})
				assert.Error(t, err)
			}()
			for faulty.Hanging(tradeclocktest.OpClaim) == 0 {
				runtime.Gosched()
			}
			w.advanceUntil(s, failed) // it comes due while the claim is on its way
			faulty.Heal()
			w.seconds(d, "2026-11-23 09:03:00")
			runs := w.runs("buy")
			assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(runs))
			assert.False(t, runs[0].Manual)
		})
	}
}

// TestRule19_WhatHadToWaitDoesNotOvertake: a run that waited does not start once a newer
// occurrence is due, though that one's offset has not passed yet.
func TestRule19_WhatHadToWaitDoesNotOvertake(t *testing.T) {
	spread := func(s *tradeclock.Schedule) { s.Spread = 50 * time.Second }
	exclusive := func(s *tradeclock.Schedule) { s.Exclusive = "orders" }
	for name, test := range map[string]struct {
		rows   []tradeclock.Schedule
		blocks string
	}{
		"for its task":  {[]tradeclock.Schedule{row("watch", "every 1m 11:00-11:10", spread, overlapping(tradeclock.OverlapQueue))}, "watch"},
		"for its group": {[]tradeclock.Schedule{row("watch", "every 1m 11:00-11:10", spread, exclusive), row("buy", "daily 11:01", exclusive)}, "buy"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 10:59:00")
			w.rec.Do(test.blocks, func() func(context.Context, tradeclock.Run) error {
				first := true
				return func(ctx context.Context, run tradeclock.Run) error {
					if !first {
						return nil
					}
					first = false
					return tradeclock.Sleep(ctx, at("2026-11-23 11:03:01").Sub(w.clock.Now()))
				}
			}())
			_, d := w.run(w.config(test.rows...))
			w.seconds(d, "2026-11-23 11:11:00")
			for _, x := range w.rec.Runs() {
				if x.Run.Task == "watch" {
					assert.Less(t, x.Start.Sub(x.Run.Due), time.Minute, "%s started when a newer one was due", x.Run.Slot)
				}
			}
		})
	}
}

// TestRule17_WaitersKeepTheirOrder whatever they wait for: the second monitor is let go
// by its task, before what is due earlier is let go by the group.
func TestRule17_WaitersKeepTheirOrder(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	group := func(s *tradeclock.Schedule) { s.Exclusive, s.CatchUp = "orders", time.Hour }
	w.rec.Do("monitor", takes(4*time.Minute))
	_, d := w.driver(row("monitor", "every 2m 09:00-09:04", group, overlap(tradeclock.OverlapQueue)), row("buy", "daily 09:01", group))
	w.seconds(d, "2026-11-23 09:09:00")
	assert.Equal(t, []string{"42 monitor", "42 buy", "42 monitor"}, w.order())
}

// TestRule17_AWaiterThatDoesNotStartHoldsUpNoOther of its group.
func TestRule17_AWaiterThatDoesNotStartHoldsUpNoOther(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("holds", takes(210*time.Second))
	group := func(s *tradeclock.Schedule) { s.Exclusive, s.CatchUp = "orders", time.Hour }
	holds, first, second := row("holds", "daily 09:00", group), row("first", "daily 09:01", group), row("second", "daily 09:02", group)
	st := &rowsStore{rows: []tradeclock.Schedule{holds, first, second}}
	cfg := w.config()
	cfg.Schedules = st
	_, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:02:00"))
	st.set(holds, second)
	w.seconds(d, "2026-11-23 09:05:00")
	assert.Empty(t, w.starts("first"))
	assert.Equal(t, []string{"09:03:30"}, w.starts("second"))
}

// TestRule17_AClaimThatFailsLeavesTheGroup to whoever comes, itself included.
func TestRule17_AClaimThatFailsLeavesTheGroup(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 09:00", exclusive("orders")), row("sell", "daily 09:01", exclusive("orders")))
	cfg.Ledger = faulty
	_, d := w.drive(cfg)
	d.Tick()
	faulty.Fail(tradeclocktest.OpClaim, errRefused)
	w.seconds(d, "2026-11-23 09:00:20")
	faulty.Heal()
	w.seconds(d, "2026-11-23 09:03:30")
	assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("buy")))
	assert.Equal(t, []string{"09:01 succeeded"}, became(w.runs("sell")))
}
