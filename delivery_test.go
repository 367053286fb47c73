package tradeclock_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

var errDead = errors.New("the process is dead")

// ledgerCalls are the calls to a ledger.
var ledgerCalls = []tradeclocktest.Op{
	tradeclocktest.OpLead, tradeclocktest.OpResign, tradeclocktest.OpResume, tradeclocktest.OpEnroll, tradeclocktest.OpWithdraw,
	tradeclocktest.OpClaim, tradeclocktest.OpReclaim, tradeclocktest.OpRelease, tradeclocktest.OpRecord, tradeclocktest.OpSettle, tradeclocktest.OpHalts,
}

// process is a scheduler with a recorder and a way to the ledger of its own, so
// that it can die while others go on.
type process struct {
	*tradeclocktest.Driver
	w      *world
	s      *tradeclock.UnifiedTaskScheduler
	rec    *tradeclocktest.Recorder
	ledger *tradeclocktest.Faulty
}

func (w *world) process(rows ...tradeclock.Schedule) *process {
	p := &process{w: w, rec: tradeclocktest.NewRecorder(w.clock), ledger: tradeclocktest.NewFaulty(w.store)}
	cfg := w.config(rows...)
	cfg.Executor, cfg.Ledger, cfg.Heartbeats = p.rec, p.ledger, w.store
	p.s, p.Driver = w.run(cfg)
	return p
}

// die cuts the process off from the ledger for ever.
func (p *process) die() {
	for _, op := range ledgerCalls {
		p.ledger.Fail(op, errDead)
	}
}

func (p *process) seconds(until string) { p.w.seconds(p.Driver, until) }

func TestRule20_ADeadProcessesRun(t *testing.T) {
	cases := []struct {
		name      string
		policies  []func(*tradeclock.Schedule)
		successor string
		again     []string
		became    []string
	}{
		{"at most once is never run again", nil, "09:01:00", nil, []string{"09:00 interrupted"}},
		{"at least once is run again", []func(*tradeclock.Schedule){atLeastOnce}, "09:01:00", []string{"2026-11-23"}, []string{"09:00 succeeded"}},
		{"but not after its catch-up", []func(*tradeclock.Schedule){atLeastOnce}, "09:02:00", nil, []string{"09:00 interrupted"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			rows := []tradeclock.Schedule{row("buy_orders", "daily 09:00", c.policies...)}
			first := w.process(rows...)
			first.rec.Do("buy_orders", w.latch().task)
			first.seconds("2026-11-23 09:00:10")
			first.die()
			first.seconds("2026-11-23 " + c.successor)

			second := w.process(rows...)
			second.seconds("2026-11-23 09:05:00")

			assert.Equal(t, c.again, second.rec.Slots("buy_orders"))
			assert.Equal(t, c.became, became(w.runs("buy_orders")))
			if c.again == nil {
				assert.Equal(t, "its scheduler stopped before it was settled, in term 1", w.runs("buy_orders")[0].Reason)
			} else {
				assert.Equal(t, first.rec.Runs()[0].Run.ID, second.rec.Runs()[0].Run.ID)
				assert.NotEqual(t, first.rec.Runs()[0].Run.Token, second.rec.Runs()[0].Run.Token)
			}
		})
	}
}

// The orders of 09:01 were placed. A restart at whatever second of the next
// minutes, clean or not, does not place them again.
func TestRule20_ARestartDoesNotBuyTwice(t *testing.T) {
	for name, end := range map[string]func(p *process){
		"stopped": func(p *process) {
			closed := make(chan struct{})
			go func() { defer close(closed); _ = p.s.Close(context.Background()) }()
			<-closed
		},
		"killed": func(p *process) { p.die() },
	} {
		t.Run(name, func(t *testing.T) {
			for at := 0; at < 120; at += 7 {
				w := newWorld(t, "2026-11-23 09:00:50")
				rows := []tradeclock.Schedule{row("buy_orders", "daily 09:01")}
				first := w.process(rows...)
				first.seconds("2026-11-23 09:01:00")
				first.For(time.Duration(at) * time.Second)
				end(first)
				second := w.process(rows...)
				second.seconds("2026-11-23 09:04:30")
				assert.Equal(t, 1, first.rec.Count("buy_orders"))
				assert.Zero(t, second.rec.Count("buy_orders"), "after %d seconds", at)
				assert.Equal(t, []string{"09:01 succeeded"}, became(w.runs("")))
			}
		})
	}
}

// A process that dies just before or after each step of a run leaves one that is
// executed at most once, and accounted for.
func TestRule20_DeathAroundEachCall(t *testing.T) {
	for _, op := range []tradeclocktest.Op{tradeclocktest.OpClaim, tradeclocktest.OpSettle, tradeclocktest.OpRecord} {
		for name, fault := range map[string]func(f *tradeclocktest.Faulty){
			"before": func(f *tradeclocktest.Faulty) { f.Fail(op, errDead) },
			"after":  func(f *tradeclocktest.Faulty) { f.LoseAnswer(op) },
		} {
			for delivery, policies := range map[string][]func(*tradeclock.Schedule){"at most once": nil, "at least once": {atLeastOnce}} {
				t.Run(name+" "+string(op)+" "+delivery, func(t *testing.T) {
					w := newWorld(t, "2026-11-23 08:59:30")
					rows := []tradeclock.Schedule{row("buy_orders", "daily 09:00", append(policies, catchUp(time.Hour))...)}
					first := w.process(rows...)
					first.seconds("2026-11-23 08:59:59")
					fault(first.ledger)
					first.seconds("2026-11-23 09:00:00")
					first.die()
					second := w.process(rows...)
					second.seconds("2026-11-23 09:03:00")

					n := first.rec.Count("buy_orders") + second.rec.Count("buy_orders")
					if policies == nil {
						assert.LessOrEqual(t, n, 1)
					} else {
						assert.NotZero(t, n)
					}
					require.Len(t, w.runs(""), 1)
					assert.True(t, w.runs("")[0].Outcome.Final())
				})
			}
		}
	}
}

// Only the holder of the term reconciles, and only what is of older terms.
func TestRule20_AStandbyLeavesWhatRuns(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	rows := []tradeclock.Schedule{row("buy_orders", "daily 09:00"), row("sell_monitor", "every 1m 09:00-09:30", atLeastOnce)}
	active := w.process(rows...)
	active.rec.Do("buy_orders", takes(3*time.Minute))
	standby := w.process(rows...)
	for w.clock.Now().Before(at("2026-11-23 09:05:00")) {
		active.For(time.Second)
		standby.Tick()
	}
	assert.Empty(t, standby.rec.Runs())
	assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("buy_orders")))
}

// A run that comes to its end after another has taken over changes nothing: its
// outcome is kept beside what was recorded.
func TestRule21_LateEvidence(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	rows := []tradeclock.Schedule{row("buy_orders", "daily 09:00")}
	frozen := w.process(rows...)
	stuck := w.latch()
	frozen.rec.Do("buy_orders", stuck.task)
	frozen.seconds("2026-11-23 09:00:10")
	frozen.die()
	frozen.seconds("2026-11-23 09:01:00")
	successor := w.process(rows...)
	successor.seconds("2026-11-23 09:03:00")
	require.Equal(t, []string{"09:00 interrupted"}, became(w.runs("")))

	frozen.ledger.Heal()
	stuck.release()
	for range 90 {
		frozen.For(time.Second)
		successor.Tick()
	}

	run := w.runs("")[0]
	assert.Equal(t, tradeclock.Interrupted, run.Outcome)
	require.NotNil(t, run.Late)
	assert.Equal(t, tradeclock.Succeeded, run.Late.Outcome)
	assert.Equal(t, at("2026-11-23 09:03:00"), run.Late.Finished.In(kolkata))
	assert.Zero(t, frozen.s.Status().Unstored)
	assert.Empty(t, successor.rec.Runs())
}

func TestRule21_AnOutcomeIsStoredWhenTheLedgerIsBack(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			p := w.process(row("buy_orders", "daily 09:00"))
			p.rec.Do("buy_orders", func(ctx context.Context, _ tradeclock.Run) error {
				tradeclock.Annotate(ctx, "orders", 3)
				return tradeclock.Sleep(ctx, 10*time.Second)
			})
			p.seconds("2026-11-23 09:00:05")
			fault(p.ledger, tradeclocktest.OpSettle)
			p.seconds("2026-11-23 09:30:00")
			assert.Equal(t, 1, p.s.Status().Unstored)
			assert.NotEmpty(t, p.s.Status().Degraded)

			p.ledger.Heal()
			p.seconds("2026-11-23 09:32:00")

			run := w.runs("")[0]
			assert.Equal(t, tradeclock.Succeeded, run.Outcome)
			assert.Equal(t, at("2026-11-23 09:00:10"), run.Finished.In(kolkata))
			assert.Equal(t, map[string]any{"orders": 3}, run.Details)
			assert.Nil(t, run.Late)
			assert.Equal(t, 1, p.rec.Count("buy_orders"))
			assert.True(t, p.s.Status().Healthy())
		})
	}
}

// The retries go on while the scheduler drains, for as long as that may take.
func TestRule21_AcrossAStop(t *testing.T) {
	for _, healed := range []bool{true, false} {
		w := newWorld(t, "2026-11-23 08:59:00")
		rows := []tradeclock.Schedule{row("buy_orders", "daily 09:00")}
		ledger := tradeclocktest.NewFaulty(w.store)
		cfg := w.config(rows...)
		cfg.Ledger = ledger
		s := w.scheduler(cfg)
		d, stop := tradeclocktest.StartDriver(t, s, w.clock)
		ledger.Fail(tradeclocktest.OpSettle, errors.New("the disk is full"))
		w.seconds(d, "2026-11-23 09:00:02")

		var leak *tradeclock.LeakError
		if healed {
			ledger.Heal()
		}
		errors.As(stop(), &leak)

		if healed {
			assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("")))
			continue
		}
		require.NotNil(t, leak)
		require.Len(t, leak.Unstored, 1)
		assert.Equal(t, tradeclock.Succeeded, leak.Unstored[0].Outcome)
		assert.Equal(t, []string{"09:00 running"}, became(w.runs("")))
	}
}

// A run that started with the ledger out of reach has ended while another held the
// term, and its outcome is on its way as evidence for that one when this scheduler
// takes the term anew: it accounts for the run then.
func TestRule21_AnOutcomeOnItsWayBetweenTwoTerms(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 08:59:30")}
	n := c.join(row("monitor", "daily 09:00", atLeastOnce))
	c.until("2026-11-23 08:59:50", nil)
	for _, op := range []tradeclocktest.Op{tradeclocktest.OpLead, tradeclocktest.OpClaim, tradeclocktest.OpSettle} {
		n.ledger.Fail(op, errors.New("out of reach"))
	}
	c.until("2026-11-23 09:00:30", nil)
	require.Len(t, n.rec.Runs(), 1, "it started unclaimed")
	other := func() {
		_, err := c.store.Lead(t.Context(), "paper", "other", 2*time.Second, time.Time{})
		require.NoError(t, err)
	}
	other()
	n.ledger.Heal(tradeclocktest.OpLead, tradeclocktest.OpClaim)
	n.ledger.Hang(tradeclocktest.OpSettle)
	c.until("2026-11-23 09:02:00", func() {
		switch held := n.s.Status().State == tradeclock.StateActive; {
		case held:
			n.ledger.Heal(tradeclocktest.OpSettle)
		case n.ledger.Hanging(tradeclocktest.OpSettle) == 0:
			other()
		}
	})

	assert.Equal(t, tradeclock.StateActive, n.s.Status().State)
	assert.Len(t, n.rec.Runs(), 1)
	assert.Equal(t, []string{"09:00 succeeded"}, became(c.runs("monitor")))
}

func TestRule20_HealthForgetsAClaimThatNobodyWaitsFor(t *testing.T) {
	w := newWorld(t, "2026-11-27 17:59:00")
	p := w.process(row("cleanup", "daily 18:00"))
	p.ledger.Fail(tradeclocktest.OpClaim, errDead)
	p.seconds("2026-11-27 18:01:30")
	require.Len(t, p.s.Status().Degraded, 1)
	assert.Contains(t, p.s.Status().Degraded[0], "runs cannot be claimed")
	p.seconds("2026-11-27 18:05:00")

	require.Len(t, p.s.Status().Degraded, 1, "the next claim is on Monday")
	assert.Contains(t, p.s.Status().Degraded[0], "cleanup for account 42 has missed a run: 2026-11-27")
	assert.Equal(t, []string{"18:00 missed"}, became(w.runs("cleanup")))
}

func TestRule20_WhatADeadProcessLeftIsTold(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 08:59:30")}
	first := c.join(row("orders", "daily 09:00"))
	first.rec.Do("orders", c.latch().task)
	c.until("2026-11-23 09:00:10", nil)
	first.ledger.Fail(tradeclocktest.OpLead, errDead)
	first.ledger.Fail(tradeclocktest.OpSettle, errDead)
	second := c.join(row("orders", "daily 09:00"))
	c.until("2026-11-23 09:01:00", nil)

	told := eventsOf[tradeclock.RunSettled](second.events)
	require.Len(t, told, 1)
	assert.Equal(t, tradeclock.Interrupted, told[0].Run.Outcome)
	assert.Equal(t, "its scheduler stopped before it was settled, in term 1", told[0].Run.Reason)
}

// A run has succeeded, and its outcome does not reach the ledger, when the term
// passes to another process and back: the ledger has it among the unsettled runs of
// an older term, and this process knows better what became of it.
func TestRule21_AnOutcomeOnItsWayIsNotInterrupted(t *testing.T) {
	for name, delivery := range map[string]tradeclock.Delivery{
		"at most once": tradeclock.AtMostOnce, "at least once": tradeclock.AtLeastOnce,
	} {
		t.Run(name, func(t *testing.T) {
			c := &cluster{world: newWorld(t, "2026-11-23 08:59:30")}
			orders := row("orders", "daily 09:00", catchUp(10*time.Minute))
			orders.Delivery = delivery
			n := c.join(orders)
			n.ledger.Fail(tradeclocktest.OpSettle, errors.New("out of reach"))
			c.until("2026-11-23 09:00:10", nil)
			n.ledger.Fail(tradeclocktest.OpLead, errors.New("out of reach"))
			c.until("2026-11-23 09:00:45", nil)
			_, err := c.store.Lead(t.Context(), "paper", "other", 2*time.Second, time.Time{})
			require.NoError(t, err, "the term has expired")
			n.ledger.Heal(tradeclocktest.OpLead)
			c.until("2026-11-23 09:00:55", nil)
			require.Equal(t, int64(3), n.s.Status().Term)
			n.ledger.Heal()
			c.until("2026-11-23 09:03:00", nil)

			runs := c.runs("orders")
			assert.Equal(t, []string{"09:00 succeeded"}, became(runs))
			assert.Nil(t, runs[0].Late)
			assert.Len(t, n.rec.Runs(), 1)
		})
	}
}

// claimsLate is a ledger whose claims are made when the latch is released, whatever
// has become of the call.
type claimsLate struct {
	*tradeclocktest.Faulty
	latch *latch
}

func (l claimsLate) Claim(ctx context.Context, t store.Term, runs []tradeclock.Run) ([]store.Claim, error) {
	ctx = context.WithoutCancel(ctx)
	l.latch.wait(ctx)
	return l.Faulty.Claim(ctx, t, runs)
}

// A claim that was given up is made after all, when the run has been found to be
// missed, or a trigger to have failed, and before the ledger has that.
func TestRule20_AClaimThatIsMadeLate(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:30")
	ledger := claimsLate{tradeclocktest.NewFaulty(w.store), w.latch()}
	cfg := w.config(row("orders", "every 1m 09:00-09:04"), row("report", "daily 18:00"))
	cfg.Ledger = ledger
	s, d := w.run(cfg)
	w.seconds(d, "2026-11-23 08:59:40")
	triggered := make(chan error, 1)
	go func() {
		_, err := s.Trigger(context.Background(), operator("report"))
		triggered <- err
	}()
	for ledger.latch.waiting() == 0 {
		runtime.Gosched()
	}
	w.seconds(d, "2026-11-23 09:00:30")
	require.ErrorContains(t, <-triggered, "no answer in time")
	ledger.Fail(tradeclocktest.OpRecord, errors.New("out of reach"))
	w.seconds(d, "2026-11-23 09:01:30")
	ledger.latch.release()
	w.seconds(d, "2026-11-23 09:01:40")
	ledger.Heal()
	w.seconds(d, "2026-11-23 09:05:00")

	assert.Empty(t, s.Status().Degraded)
	assert.Equal(t, []string{"09:00 missed", "09:01 succeeded", "09:02 succeeded", "09:03 succeeded"}, became(w.runs("orders")))
	assert.Empty(t, w.runs("report"), "the claim of the trigger that failed is given back")
}

// TestRule14_EachClaimHasATokenOfItsOwn, by which the ledger tells claims apart.
func TestRule14_EachClaimHasATokenOfItsOwn(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	_, d := w.driver(row("watch", "every 1m 09:00-09:05"), row("buy", "daily 09:02"))
	d.Until(at("2026-11-23 09:06:00"))
	tokens := make(map[string]bool)
	for _, e := range w.rec.Runs() {
		tokens[e.Run.Token] = true
	}
	assert.Len(t, tokens, 6)
}

// TestRule23_OnlyARunThatRepeatsIsTheFirst, though the ledger cannot be asked.
func TestRule23_OnlyARunThatRepeatsIsTheFirst(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("once_a_day", "daily 09:00", atLeastOnce), row("monitor", "every 1m 09:00-09:02", atLeastOnce))
	cfg.Ledger = faulty
	_, d := w.drive(cfg)
	d.Tick()
	faulty.Fail(tradeclocktest.OpClaim, errors.New("disk gone"))
	d.Until(at("2026-11-23 09:00:00"))
	first := make(map[string]bool)
	for _, e := range w.rec.Runs() {
		first[e.Run.Task] = e.Run.First
	}
	assert.Equal(t, map[string]bool{"once_a_day": false, "monitor": true}, first)
}
