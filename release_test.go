package tradeclock_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// stopper starts the scheduler's Run, and returns a driver that leaves the ticks to
// it, and what stops it while time passes.
func (w *world) stopper(cfg tradeclock.Config) (d *tradeclocktest.Driver, stop func() error) {
	w.t.Helper()
	return tradeclocktest.StartDriver(w.t, w.scheduler(cfg), w.clock)
}

func delivered(how tradeclock.Delivery) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.Delivery = how }
}

func overlapping(how tradeclock.Overlap) func(*tradeclock.Schedule) {
	return func(s *tradeclock.Schedule) { s.Overlap = how }
}

// TestRule20_AStopWhileClaimsAreOnTheirWay stops a scheduler in the middle of a claim:
// whoever comes next runs what did not start.
func TestRule20_AStopWhileClaimsAreOnTheirWay(t *testing.T) {
	outOfReach := errors.New("out of reach")
	for name, fault := range map[string]func(*tradeclocktest.Faulty){
		"hanging":         func(f *tradeclocktest.Faulty) { f.Hang(tradeclocktest.OpClaim) },
		"failing":         func(f *tradeclocktest.Faulty) { f.Fail(tradeclocktest.OpClaim, outOfReach) },
		"without answers": func(f *tradeclocktest.Faulty) { f.LoseAnswer(tradeclocktest.OpClaim) },
		"until the halts": func(f *tradeclocktest.Faulty) { f.Fail(tradeclocktest.OpHalts, outOfReach) },
		"with no releases": func(f *tradeclocktest.Faulty) {
			f.LoseAnswer(tradeclocktest.OpClaim)
			f.LoseAnswer(tradeclocktest.OpRelease)
		},
	} {
		for _, after := range []time.Duration{0, 5 * time.Second, 15 * time.Second, 45 * time.Second} {
			t.Run(fmt.Sprintf("%s, after %v", name, after), func(t *testing.T) {
				w := newWorld(t, "2026-11-23 09:00:00")
				faulty := tradeclocktest.NewFaulty(w.store)
				cfg := w.config(row("buy", "daily 09:01", catchUp(10*time.Minute)))
				cfg.Ledger = faulty
				d, stop := w.stopper(cfg)
				fault(faulty)
				d.For(time.Minute)
				for range int(after / time.Second) {
					d.For(time.Second)
				}
				require.Empty(t, w.rec.Runs())
				faulty.Heal()
				require.NoError(t, stop())

				cfg.Ledger = w.store
				_, d = w.drive(cfg)
				d.For(time.Minute)
				assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("buy")))
				assert.Len(t, w.rec.Runs(), 1)
			})
		}
	}
}

// TestRule20_WhatTheLedgerTookAndCannotGiveBackIsTold stops a scheduler whose ledger
// took a claim, and is out of reach from then on.
func TestRule20_WhatTheLedgerTookAndCannotGiveBackIsTold(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 09:01", catchUp(10*time.Minute)))
	cfg.Ledger = faulty
	d, stop := w.stopper(cfg)
	faulty.LoseAnswer(tradeclocktest.OpClaim)
	faulty.Fail(tradeclocktest.OpRelease, errors.New("out of reach"))
	d.For(time.Minute)
	var leak *tradeclock.LeakError
	require.ErrorAs(t, stop(), &leak)
	require.Len(t, leak.Unreleased, 1)
	assert.ErrorContains(t, leak, "the claim of run 2026-11-23 of buy for account 42, which did not start, is not given back")

	log := new(eventLog)
	cfg.Ledger, cfg.Observers = w.store, []tradeclock.Observer{log}
	s, d := w.drive(cfg)
	d.For(time.Minute)
	require.NoError(t, w.closeWhile(s))
	assert.Equal(t, []string{"2026-11-23 interrupted"}, tell(w.runs("buy")))
	assert.Len(t, eventsOf[tradeclock.RunSettled](log), 1, "it is told")
	assert.Empty(t, w.rec.Runs())
}

// closeWhile closes a scheduler, and lets time pass until it has ended.
func (w *world) closeWhile(s *tradeclock.UnifiedTaskScheduler) (err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = s.Close(context.Background())
	}()
	w.advanceUntil(s, ended)
	return err
}

// TestRule20_AtLeastOnceSurvivesACleanStop stops a scheduler while a task goes on for
// longer than the drain lasts.
func TestRule20_AtLeastOnceSurvivesACleanStop(t *testing.T) {
	for name, test := range map[string]struct {
		delivery tradeclock.Delivery
		back     time.Duration
		want     []string
		runs     int
	}{
		"at least once, within its catch-up": {tradeclock.AtLeastOnce, 10 * time.Minute, []string{"2026-11-23 succeeded"}, 2},
		"at least once, after its catch-up":  {tradeclock.AtLeastOnce, time.Hour, []string{"2026-11-23 interrupted"}, 1},
		"at most once":                       {tradeclock.AtMostOnce, 10 * time.Minute, []string{"2026-11-23 interrupted"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 16:00:00")
			w.rec.Do("analysis", takes(time.Hour))
			cfg := w.config(row("analysis", "daily 16:05", delivered(test.delivery), catchUp(time.Hour)))
			d, stop := w.stopper(cfg)
			d.For(5 * time.Minute)
			require.Len(t, w.rec.Runs(), 1)
			require.NoError(t, stop())
			assert.Equal(t, []string{"2026-11-23 interrupted"}, tell(w.runs("analysis")))

			w.clock.Advance(test.back)
			w.rec.Do("analysis", takes(time.Minute))
			_, d = w.drive(cfg)
			d.For(2 * time.Minute)
			assert.Equal(t, test.want, tell(w.runs("analysis")))
			assert.Len(t, w.rec.Runs(), test.runs)
		})
	}
}

// TestRule20_AnInterruptedRunRunsAgainOnce kills the process that was to run it again,
// at each stage.
func TestRule20_AnInterruptedRunRunsAgainOnce(t *testing.T) {
	w := newWorld(t, "2026-11-23 16:00:00")
	w.rec.Do("analysis", takes(time.Hour))
	cfg := w.config(row("analysis", "daily 16:05", atLeastOnce, catchUp(time.Hour)))
	d, stop := w.stopper(cfg)
	d.For(5 * time.Minute)
	require.NoError(t, stop())
	require.Len(t, w.rec.Runs(), 1)

	// The second finds it, and its claim hangs until it stops.
	faulty := tradeclocktest.NewFaulty(w.store)
	faulty.Hang(tradeclocktest.OpReclaim)
	second := cfg
	second.Ledger = faulty
	d, stop = w.stopper(second)
	for range 30 {
		d.For(time.Second)
	}
	require.NoError(t, stop())
	assert.Len(t, w.rec.Runs(), 1)
	assert.Equal(t, []string{"2026-11-23 interrupted"}, tell(w.runs("analysis")))

	w.rec.Do("analysis", takes(time.Minute))
	_, d = w.drive(cfg)
	d.For(3 * time.Minute)
	assert.Len(t, w.rec.Runs(), 2)
	assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("analysis")))
}

func TestRule29_ATriggerThatFailsDoesNotStandForTheSlot(t *testing.T) {
	today := tradeclock.TriggerRequest{Task: "buy", Account: "42", Actor: "ops", ForToday: true}
	for name, fault := range map[string]func(*tradeclocktest.Faulty){
		"its answer is lost": func(f *tradeclocktest.Faulty) { f.LoseAnswer(tradeclocktest.OpClaim) },
		"it fails":           func(f *tradeclocktest.Faulty) { f.Fail(tradeclocktest.OpClaim, errors.New("out of reach")) },
		"it hangs":           func(f *tradeclocktest.Faulty) { f.Hang(tradeclocktest.OpClaim) },
	} {
		for _, heals := range []time.Duration{20 * time.Second, 75 * time.Second} {
			t.Run(fmt.Sprintf("%s, for %v", name, heals), func(t *testing.T) {
				w := newWorld(t, "2026-11-23 09:00:00")
				faulty := tradeclocktest.NewFaulty(w.store)
				cfg := w.config(row("buy", "daily 09:01"))
				cfg.Ledger = faulty
				s, d := w.run(cfg)
				fault(faulty)
				failed := make(chan struct{})
				go func() {
					defer close(failed)
					_, err := s.Trigger(t.Context(), today)
					assert.Error(t, err)
				}()
				for faulty.Calls(tradeclocktest.OpClaim) == 0 {
					runtime.Gosched()
				}
				w.advanceUntil(s, failed)
				for end := at("2026-11-23 09:00:00").Add(heals); w.clock.Now().Before(end); {
					d.For(time.Second)
				}
				faulty.Heal()
				for range 120 {
					d.For(time.Second)
				}
				assert.Len(t, w.rec.Runs(), 1)
				runs := w.runs("buy")
				assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(runs))
				assert.False(t, runs[0].Manual, "the schedule's own run")
			})
		}
	}
}

func TestRule29_ATriggerThatFailsLeavesWhatWasMissed(t *testing.T) {
	today := tradeclock.TriggerRequest{Task: "buy", Account: "42", Actor: "ops", ForToday: true}
	w := newWorld(t, "2026-11-23 09:00:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 09:01"))
	cfg.Ledger = faulty
	s, d := w.drive(cfg)
	d.Tick()
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: "42", Reason: "loss limit", Actor: "risk"}))
	d.Until(at("2026-11-23 09:05:00"))
	require.NoError(t, s.Lift(t.Context(), tradeclock.LiftRequest{Account: "42", Actor: "risk"}))
	was := w.runs("buy")
	require.Equal(t, []string{"2026-11-23 skipped"}, tell(was))

	faulty.LoseAnswer(tradeclocktest.OpReclaim)
	_, err := s.Trigger(t.Context(), today)
	require.ErrorIs(t, err, tradeclocktest.ErrLostAnswer)
	faulty.Heal()
	d.For(time.Minute)
	assert.Equal(t, was, w.runs("buy"), "the row is as it was")

	_, err = s.Trigger(t.Context(), today)
	require.NoError(t, err)
	d.For(time.Minute)
	assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("buy")))
}

// TestRule20_WhatTheLedgerHasOfARunThatNeverStarted can be triggered for its slot.
func TestRule20_WhatTheLedgerHasOfARunThatNeverStarted(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 09:01"))
	cfg.Ledger = faulty
	s, d := w.run(cfg)
	d.Tick()
	faulty.LoseAnswer(tradeclocktest.OpClaim)
	d.Until(at("2026-11-23 09:04:00"))
	faulty.Heal()
	d.Until(at("2026-11-23 09:06:00"))
	require.Equal(t, []string{"2026-11-23 missed"}, tell(w.runs("buy")))
	require.Contains(t, w.runs("buy")[0].Reason, "it waited for the ledger")

	_, err := s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "buy", Account: "42", Actor: "ops", ForToday: true})
	require.NoError(t, err)
	d.Tick()
	assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("buy")))
}

func TestRule04_AWatermarkThatIsResetWhileAClaimIsInDoubt(t *testing.T) {
	for name, fault := range map[string]func(*tradeclocktest.Faulty){
		"its answer was lost": func(f *tradeclocktest.Faulty) { f.LoseAnswer(tradeclocktest.OpClaim) },
		"it hangs":            func(f *tradeclocktest.Faulty) { f.Hang(tradeclocktest.OpClaim) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			faulty := tradeclocktest.NewFaulty(w.store)
			cfg := w.config(row("buy", "daily 09:01", catchUp(10*time.Minute)))
			cfg.Ledger = faulty
			s, d := w.run(cfg)
			fault(faulty)
			w.seconds(d, "2026-11-23 09:01:05")
			require.NoError(t, s.ResetWatermark(t.Context(), at("2026-11-23 09:00:00"), "a wrong clock", "ops"))
			w.seconds(d, "2026-11-23 09:01:30")
			faulty.Heal()
			w.seconds(d, "2026-11-23 09:04:00")
			assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("buy")))
			assert.Len(t, w.rec.Runs(), 1)
			assert.Empty(t, s.Status().Degraded)
		})
	}
}
