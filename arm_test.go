package tradeclock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

var errAway = errors.New("the ledger is away")

// armed is a scheduler that arms three seconds ahead, on a ledger that may fail, at 09:00.
func (w *world) armed(rows ...tradeclock.Schedule) (*tradeclock.UnifiedTaskScheduler, *tradeclocktest.Driver, *tradeclocktest.Faulty, func() error) {
	w.t.Helper()
	st := tradeclocktest.NewFaulty(w.store)
	for _, r := range rows {
		_, err := w.store.PutSchedule(w.t.Context(), ops, r)
		require.NoError(w.t, err)
	}
	cfg := w.config()
	cfg.ArmAhead, cfg.Ledger, cfg.Schedules = 3*time.Second, st, st
	s := w.scheduler(cfg)
	d, stop := tradeclocktest.StartDriver(w.t, s, w.clock)
	return s, d, st, stop
}

// ledgerAway makes every call of a ledger fail.
func ledgerAway(st *tradeclocktest.Faulty) {
	for _, op := range []tradeclocktest.Op{
		tradeclocktest.OpLead, tradeclocktest.OpClaim, tradeclocktest.OpRecord, tradeclocktest.OpSettle, tradeclocktest.OpHalts,
		tradeclocktest.OpRelease, tradeclocktest.OpSchedules, tradeclocktest.OpRevision, tradeclocktest.OpChanges,
	} {
		st.Fail(op, errAway)
	}
}

// An armed run has its row before it is due, and starts at its instant with the ledger
// away or hanging.
func TestRule34_AnArmedRunStartsByTheClockAlone(t *testing.T) {
	for _, test := range []struct {
		name   string
		breaks func(st *tradeclocktest.Faulty)
	}{
		{"all is well", func(*tradeclocktest.Faulty) {}},
		{"the ledger is away", ledgerAway},
		{"the ledger hangs", func(st *tradeclocktest.Faulty) {
			for _, op := range []tradeclocktest.Op{tradeclocktest.OpLead, tradeclocktest.OpClaim, tradeclocktest.OpHalts, tradeclocktest.OpRevision, tradeclocktest.OpSettle} {
				st.Hang(op)
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			_, d, st, _ := w.armed(row("buy", "daily 09:01"))
			d.Until(at("2026-11-23 09:00:58"))
			require.Equal(t, []string{"2026-11-23 armed"}, tell(w.runs("buy")))
			require.Zero(t, w.runs("buy")[0].Started)

			test.breaks(st)
			d.Until(at("2026-11-23 09:01:00"))
			require.Equal(t, 1, w.rec.Count("buy"))
			assert.Equal(t, at("2026-11-23 09:01:00").UTC(), w.rec.Runs()[0].Run.Started)
			st.Heal()
			d.Until(at("2026-11-23 09:02:00"))
			assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("buy")))
			assert.Equal(t, at("2026-11-23 09:01:00").UTC(), w.runs("buy")[0].Started)
			assert.Equal(t, 1, w.rec.Count("buy"))
		})
	}
}

// What changes between the claim and the instant disarms: the occurrence is recorded with
// its reason, or its slot is as free as if it had never been claimed.
func TestRule34_WhatChangesDisarms(t *testing.T) {
	edit := func(e store.ScheduleEdit) func(*world, *tradeclock.UnifiedTaskScheduler) {
		return func(w *world, _ *tradeclock.UnifiedTaskScheduler) {
			rows, err := w.store.Schedules(w.t.Context())
			require.NoError(w.t, err)
			_, err = w.store.UpdateSchedule(w.t.Context(), ops, "", "buy", rows[0].Version, e)
			require.NoError(w.t, err)
		}
	}
	said := func(account, to string) func(*world, *tradeclock.UnifiedTaskScheduler) {
		return func(w *world, s *tradeclock.UnifiedTaskScheduler) {
			word := overriding("buy", to)
			word.Account = account
			_, err := s.Override(w.t.Context(), word)
			require.NoError(w.t, err)
		}
	}
	disabled := true
	for _, test := range []struct {
		name    string
		changes func(*world, *tradeclock.UnifiedTaskScheduler)
		want    []string // by 09:03
		reason  string
	}{
		{"a halt", func(w *world, s *tradeclock.UnifiedTaskScheduler) {
			require.NoError(w.t, s.Halt(w.t.Context(), tradeclock.HaltRequest{Actor: "ada", Reason: "audit"}))
		}, []string{"2026-11-23 skipped"}, "halted by ada: audit"},
		{"a halt of another process", func(w *world, _ *tradeclock.UnifiedTaskScheduler) {
			require.NoError(w.t, w.store.Halt(w.t.Context(), store.Halt{Scheduler: "paper", Actor: "ada", Reason: "audit", Serving: true}))
		}, []string{"2026-11-23 skipped"}, "halted by ada: audit"},
		{"a word that skips it", said("42", ""), []string{"2026-11-23 skipped"}, "skipped by Ana: the broker is away"},
		{"a word that skips it for all", said("", ""), []string{"2026-11-23 skipped"}, "skipped by Ana: the broker is away"},
		{"a word that moves it on", said("42", "09:02:30"), []string{"2026-11-23 succeeded"}, ""},
		{"a word that moves it to an instant before", said("42", "09:00:59"), []string{"2026-11-23 succeeded"}, ""},
		{"the row is disabled", edit(store.ScheduleEdit{Disabled: &disabled}), nil, ""},
		{"the row is moved on", edit(store.ScheduleEdit{Rule: row("buy", "daily 09:02").Rule}), []string{"2026-11-23 succeeded"}, ""},
		{"the account is withdrawn", func(w *world, s *tradeclock.UnifiedTaskScheduler) {
			require.NoError(w.t, s.Withdraw(w.t.Context(), "42"))
		}, nil, ""},
		{"the clock is set on, beyond the catch-up", func(w *world, _ *tradeclock.UnifiedTaskScheduler) {
			w.clock.Advance(4 * time.Minute)
		}, []string{"2026-11-23 missed"}, "its catch-up of 2m0s had passed"},
		{"the watermark is reset", func(w *world, s *tradeclock.UnifiedTaskScheduler) {
			require.NoError(w.t, s.ResetWatermark(w.t.Context(), at("2026-11-23 09:00:00"), "a wrong clock", "ada"))
		}, []string{"2026-11-23 succeeded"}, ""},
		{"nothing", func(*world, *tradeclock.UnifiedTaskScheduler) {}, []string{"2026-11-23 succeeded"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			s, d, _, _ := w.armed(row("buy", "daily 09:01"))
			d.Until(at("2026-11-23 09:00:58"))
			require.Equal(t, []string{"2026-11-23 armed"}, tell(w.runs("buy")))
			test.changes(w, s)
			d.Until(w.clock.Now().Add(3 * time.Minute))
			runs := w.runs("buy")
			assert.Equal(t, test.want, tell(runs))
			if test.reason != "" && assert.Len(t, runs, 1) {
				assert.Contains(t, runs[0].Reason, test.reason)
				assert.Zero(t, w.rec.Count("buy"))
			}
		})
	}
}

// A clean stop gives back what is armed, and the next process runs it in time.
func TestRule34_AStopReleasesWhatIsArmed(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	_, d, _, stop := w.armed(row("buy", "daily 09:01"))
	d.Until(at("2026-11-23 09:00:58"))
	require.Equal(t, []string{"2026-11-23 armed"}, tell(w.runs("buy")))
	require.NoError(t, stop())
	assert.Empty(t, w.runs("buy"))

	_, d, _, _ = w.armed()
	d.Until(at("2026-11-23 09:01:00"))
	assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("buy")))
}

// Who takes over after a crash claims again what certainly never started, since its holder
// trusted the term no longer when it was due, and leaves interrupted what may have.
func TestRule34_ATakeOverAcrossTheInstant(t *testing.T) {
	for _, test := range []struct {
		name     string
		lapses   bool   // the term is not renewed before the crash
		crash    string // when
		delivery func(*tradeclock.Schedule)
		want     string
		runs     int
	}{
		{"the term was trusted beyond the instant", false, "2026-11-23 09:00:59", catchUp(2 * time.Minute), "2026-11-23 interrupted", 0},
		{"the term was trusted no longer at the instant", true, "2026-11-23 09:00:59", catchUp(2 * time.Minute), "2026-11-23 succeeded", 1},
		{"it had started", false, "2026-11-23 09:01:00", catchUp(2 * time.Minute), "2026-11-23 interrupted", 1},
		{"it is delivered at least once", false, "2026-11-23 09:00:59", atLeastOnce, "2026-11-23 succeeded", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:52") // the term is renewed at 09:00:32
			w.rec.Do("buy", takes(time.Second/2))
			_, d, st, _ := w.armed(row("buy", "daily 09:01", test.delivery))
			d.Until(at("2026-11-23 09:00:33"))
			if test.lapses { // it is trusted until 09:00:59
				st.Fail(tradeclocktest.OpLead, errAway)
			}
			d.Until(at("2026-11-23 09:00:57"))
			require.Equal(t, []string{"2026-11-23 armed"}, tell(w.runs("buy")))
			d.Until(at(test.crash))
			d.Crash()

			_, d, _, _ = w.armed()
			d.Until(at("2026-11-23 09:01:40"))
			runs := w.runs("buy")
			require.Equal(t, []string{test.want}, tell(runs))
			assert.Equal(t, test.runs, w.rec.Count("buy"))
			if runs[0].Outcome == tradeclock.Interrupted {
				assert.Equal(t, "its scheduler stopped before it was settled, in term 1: it was armed, and may not have started", runs[0].Reason)
				assert.Zero(t, runs[0].Started)
			}
		})
	}
}

// A run that goes on is told to the ledger as started, with its instant, so that who takes
// over knows.
func TestRule34_AStartIsToldWhileTheRunGoesOn(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	w.rec.Do("buy", takes(time.Hour))
	_, d, st, _ := w.armed(row("buy", "daily 09:01"))
	d.Until(at("2026-11-23 09:00:58"))
	st.Fail(tradeclocktest.OpClaim, errAway)
	d.Until(at("2026-11-23 09:01:03"))
	require.Equal(t, []string{"2026-11-23 armed"}, tell(w.runs("buy")), "the ledger was told of nothing yet")
	st.Heal()
	d.Until(at("2026-11-23 09:01:10"))
	assert.Equal(t, []string{"2026-11-23 running"}, tell(w.runs("buy")))
	assert.Equal(t, at("2026-11-23 09:01:00").UTC(), w.runs("buy")[0].Started)
}

// A claim whose answer is lost is repeated as the same start when it is due.
func TestRule34_AClaimAheadWithoutAnAnswerIsRepeated(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	_, d, st, _ := w.armed(row("buy", "daily 09:01"))
	st.LoseAnswer(tradeclocktest.OpClaim)
	d.Until(at("2026-11-23 09:00:58"))
	st.Heal()
	require.Equal(t, []string{"2026-11-23 armed"}, tell(w.runs("buy")))
	d.Until(at("2026-11-23 09:01:00"))
	assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("buy")))
	assert.Equal(t, 1, w.rec.Count("buy"))
}

// A claim that hangs beyond the instant, and is made then, is of no second start.
func TestRule34_AClaimAheadThatHangs(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	_, d, st, _ := w.armed(row("buy", "daily 09:01"))
	d.Until(at("2026-11-23 09:00:50"))
	st.Hang(tradeclocktest.OpClaim)
	d.Until(at("2026-11-23 09:01:01"))
	require.Zero(t, w.rec.Count("buy"), "nothing starts that is not claimed")
	st.Heal()
	d.Until(at("2026-11-23 09:02:00"))
	assert.Equal(t, []string{"2026-11-23 succeeded"}, tell(w.runs("buy")))
	assert.Equal(t, 1, w.rec.Count("buy"))
}

// Of a repeating rule several runs may be armed at once: what each is told of those before
// it is true when it starts.
func TestRule34_FirstIsTrueAtTheStart(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	var firsts []bool
	w.rec.Do("watch", func(_ context.Context, run tradeclock.Run) error {
		if firsts = append(firsts, run.First); len(firsts) == 1 {
			return errors.New("the broker said no")
		}
		return nil
	})
	_, d, _, _ := w.armed(row("watch", "every 1s 09:01:00-09:01:05"))
	d.Until(at("2026-11-23 09:01:05"))
	assert.Equal(t, []bool{true, true, false, false, false}, firsts)
	var kept []bool
	for _, r := range w.runs("watch") {
		kept = append(kept, r.First)
	}
	assert.Equal(t, firsts, kept, "as the ledger has it")
}

// A program that calls Tick arms nothing: its ledger is the same as without.
func TestRule34_AProgramThatTicksArmsNothing(t *testing.T) {
	ledger := func(ahead time.Duration) ([]tradeclock.Run, int) {
		w := newWorld(t, "2026-11-23 08:59:00")
		st := tradeclocktest.NewFaulty(w.store)
		cfg := w.config(row("buy", "daily 09:01"), row("watch", "every 20s 09:00-09:05"))
		cfg.Ledger, cfg.ArmAhead = st, ahead
		s := w.scheduler(cfg)
		_, d := s, tradeclocktest.NewDriver(t, s, w.clock)
		d.Until(at("2026-11-23 09:10:00"))
		runs := w.runs("")
		for i := range runs {
			runs[i].Token = ""
		}
		return runs, st.Calls(tradeclocktest.OpClaim)
	}
	want, calls := ledger(0)
	got, armedCalls := ledger(10 * time.Second)
	assert.Equal(t, want, got)
	assert.Equal(t, calls, armedCalls)
	assert.Len(t, want, 16)
}

// What may not be admitted when it is due is not armed.
func TestRule34_WhatIsNotSureToStartIsNotArmed(t *testing.T) {
	for _, test := range []struct {
		name   string
		policy func(*tradeclock.Schedule)
		want   []string
	}{
		{"a plain row", func(*tradeclock.Schedule) {}, []string{"2026-11-23 armed"}},
		{"with a spread", func(s *tradeclock.Schedule) { s.Spread = time.Minute }, nil},
		{"of a group", func(s *tradeclock.Schedule) { s.Exclusive = "orders" }, nil},
		{"disabled", func(s *tradeclock.Schedule) { s.Disabled = true }, nil},
		{"of another account", func(s *tradeclock.Schedule) { s.Account = "43" }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			_, d, _, _ := w.armed(row("buy", "daily 09:01", test.policy))
			d.Until(at("2026-11-23 09:00:59"))
			assert.Equal(t, test.want, tell(w.runs("buy")))
		})
	}
}

func TestRule34_TheBoundIsChecked(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	for _, ahead := range []time.Duration{-time.Second, 10*time.Second + 1} {
		cfg := w.config()
		cfg.ArmAhead = ahead
		_, err := tradeclock.New(cfg)
		assert.ErrorContains(t, err, "field ArmAhead: "+ahead.String()+" is not between 0 and 10s, a third of the term")
	}
}
