package tradeclock_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// Whatever something due waits for is asked for within seconds: catch-ups are short.
// Each has failed since before the open, and comes back two seconds before the
// catch-up of the order ends, or five.
func TestRule24_WhatSomethingDueWaitsForIsAskedForWithinSeconds(t *testing.T) {
	gone := errors.New("no connection")
	failing := func(ops ...tradeclocktest.Op) func(*testing.T, *world, *tradeclock.Config) func() {
		return func(_ *testing.T, w *world, cfg *tradeclock.Config) func() {
			faulty := tradeclocktest.NewFaulty(w.store)
			cfg.Schedules, cfg.Ledger = faulty, faulty
			for _, op := range ops {
				faulty.Fail(op, gone)
			}
			return func() { faulty.Heal() }
		}
	}
	for _, test := range []struct {
		name string
		// fail makes something fail, and returns what brings it back.
		fail func(t *testing.T, w *world, cfg *tradeclock.Config) (heal func())
	}{
		{"the schedules", failing(tradeclocktest.OpRevision)},
		{"the halts", failing(tradeclocktest.OpHalts)},
		{"the claims", failing(tradeclocktest.OpClaim)},
		{"the term", failing(tradeclocktest.OpLead)},
		{"the ledger's state", failing(tradeclocktest.OpResume)},
		{"the ledger's state, in a long term", func(t *testing.T, w *world, cfg *tradeclock.Config) func() {
			cfg.TermLength = 24 * time.Hour
			return failing(tradeclocktest.OpResume)(t, w, cfg)
		}},
		{"the enrolments", failing(tradeclocktest.OpEnroll)},
		{"a login", func(_ *testing.T, w *world, cfg *tradeclock.Config) func() {
			var there atomic.Bool
			cfg.Executor = login{w.rec.Execute, func(context.Context) error {
				if there.Load() {
					return nil
				}
				return gone
			}}
			return func() { there.Store(true) }
		}},
		{"the runs of an older term", func(t *testing.T, w *world, cfg *tradeclock.Config) func() {
			term, err := w.store.Lead(t.Context(), "paper", "another", time.Second, time.Time{})
			require.NoError(t, err)
			require.NoError(t, w.store.Enroll(t.Context(), term, []store.Enrolment{{Account: "42", From: w.clock.Now()}}))
			claims, err := w.store.Claim(t.Context(), term, []tradeclock.Run{{
				ID: "left", Scheduler: "paper", Account: "42", Task: "left", Slot: "left", Session: day("2026-11-23"),
				Due: w.clock.Now().Add(time.Second).UTC(), Started: w.clock.Now().UTC(), Outcome: tradeclock.Running, Term: term.Number, Token: "left",
			}})
			require.NoError(t, err)
			require.True(t, claims[0].Held)
			w.clock.Advance(time.Second)
			return failing(tradeclocktest.OpSettle)(t, w, cfg)
		}},
		{"a calendar", func(t *testing.T, _ *world, cfg *tradeclock.Config) func() {
			live := &liveCalendar{}
			live.set(calendarOf(t, mumbai()), func(calendar.Date) error { return gone })
			cfg.Calendar = live
			return func() { live.set(calendarOf(t, mumbai()), nil) }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:14:30")
			// The rule is anchored, as a wall time on a day that is not known is skipped at
			// once; and it repeats, as what does waits for the runs of older terms.
			_, err := w.store.SeedSchedules(t.Context(), row("orders", "every 5h open+1m-close"))
			require.NoError(t, err)
			cfg := w.config()
			cfg.Schedules, cfg.Calendar = w.store, calendarOf(t, mumbai())
			before := w.scheduler(cfg)
			require.NoError(t, before.Tick(t.Context()))
			require.NoError(t, before.Close(t.Context()))
			heal := test.fail(t, w, &cfg)
			s, d := w.run(cfg)
			w.seconds(d, "2026-11-23 09:17:52")
			require.Zero(t, w.rec.Count("orders"))
			require.False(t, s.Status().Healthy())
			heal()
			w.seconds(d, "2026-11-23 09:18:00")
			assert.Equal(t, []string{"09:16 succeeded"}, became(w.runsOf("42"))[len(w.runsOf("42"))-1:])
			w.seconds(d, "2026-11-23 09:18:10")
			assert.Empty(t, s.Status().Degraded)
		})
	}
}

// A calendar that Config.Calendars does not find is looked for again within seconds,
// and no longer once no row names it.
func TestRule24_ACalendarThatIsNotFoundIsLookedForWithinSeconds(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:58:30")
	var there atomic.Bool
	var asked atomic.Int64
	_, err := w.store.SeedSchedules(t.Context(), row("us", "daily 22:30", onCalendar("XNYS")), row("typo", "daily 22:30", onCalendar("XNYX")))
	require.NoError(t, err)
	cfg := w.config()
	cfg.Schedules = w.store
	cfg.Calendars = func(name string) (calendar.Calendar, error) {
		asked.Add(1)
		if name != "XNYS" || !there.Load() {
			return nil, errors.New("no such file")
		}
		return calendarOf(t, nyse()), nil
	}
	s, d := w.run(cfg)
	w.seconds(d, "2026-11-23 08:59:02")
	require.Len(t, s.Status().Quarantined, 2)
	there.Store(true)
	w.seconds(d, "2026-11-23 08:59:08")
	require.Len(t, s.Status().Quarantined, 1)
	assert.Equal(t, "typo", s.Status().Quarantined[0].Task)

	require.NoError(t, w.store.DeleteSchedule(t.Context(), ops, "", "typo"))
	w.seconds(d, "2026-11-23 09:00:00")
	assert.Empty(t, s.Status().Quarantined)
	before := asked.Load()
	w.seconds(d, "2026-11-23 09:02:00")
	assert.Equal(t, before, asked.Load())
}

// slow is a ledger whose calls take as long as they take, with no fault.
type slow struct {
	*memstore.Store
	pause func()
}

func (l slow) Halts(ctx context.Context, scheduler string) ([]store.Halt, error) {
	l.pause()
	return l.Store.Halts(ctx, scheduler)
}

// Many triggers at once wait for each other: a store that is merely busy has not
// failed, and no halt is in force. They share their readings of the halts, so that
// those at the bell are not kept from theirs.
func TestRule29_ManyTriggersAtOnce(t *testing.T) {
	const accounts, each = 200, 3
	w := newWorld(t, "2026-11-23 09:00:00")
	var reading, worst atomic.Int64
	var rows []tradeclock.Schedule
	for i := range each {
		rows = append(rows, row(fmt.Sprint("report", i), "daily 16:00"))
	}
	cfg := w.config(rows...)
	cfg.Ledger = slow{w.store, func() {
		worst.Store(max(worst.Load(), reading.Add(1)))
		defer reading.Add(-1)
		for range 100 {
			_, _ = w.store.Heartbeats(t.Context(), "paper") // takes a moment
		}
	}}
	s, d := w.drive(cfg)
	for i := range accounts {
		require.NoError(t, s.Enroll(t.Context(), fmt.Sprint("user", i), w.rec))
	}
	d.Tick()

	var errs [accounts * each]error
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			_, errs[i] = s.Trigger(t.Context(), tradeclock.TriggerRequest{
				Task: fmt.Sprint("report", i%each), Account: fmt.Sprint("user", i/each), Actor: "Ana",
			})
		})
	}
	all.Wait()

	require.NoError(t, errors.Join(errs[:]...))
	d.Tick()
	assert.Len(t, w.rec.Runs(), accounts*each)
	assert.Empty(t, s.Status().Degraded)
	assert.EqualValues(t, 1, worst.Load(), "one at a time")
}

// Halts that cannot be read are no halt.
func TestRule29_ATriggerSaysThatTheHaltsCannotBeRead(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 16:05"), row("watch", "daily 16:05", atLeastOnce))
	cfg.Ledger = faulty
	s, d := w.drive(cfg)
	d.Tick()
	gone := errors.New("disk gone")
	faulty.Fail(tradeclocktest.OpHalts, gone)
	_, err := s.Trigger(t.Context(), operator("buy"))
	require.ErrorIs(t, err, tradeclock.ErrHaltsUnread)
	require.ErrorIs(t, err, gone)
	assert.NotErrorIs(t, err, tradeclock.ErrHalted)
	_, err = s.Trigger(t.Context(), operator("watch"))
	require.NoError(t, err, "what is delivered at least once goes by the last that were read")

	faulty.Heal()
	_, err = s.Trigger(t.Context(), operator("buy"))
	require.NoError(t, err)
}

// A caller who gives up says nothing of the store: nobody else is kept from starting.
func TestRule29_ATriggerThatIsGivenUpKeepsNobodyFromStarting(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 16:05"))
	cfg.Ledger = faulty
	s, d := w.drive(cfg)
	d.Tick()
	faulty.Hang(tradeclocktest.OpHalts)
	ctx, giveUp := context.WithCancel(t.Context())
	given := make(chan error)
	go func() {
		_, err := s.Trigger(ctx, operator("buy"))
		given <- err
	}()
	for faulty.Hanging(tradeclocktest.OpHalts) == 0 {
		require.NoError(t, s.Quiesce(t.Context()))
	}
	giveUp()
	require.ErrorIs(t, <-given, context.Canceled)
	faulty.Heal()

	_, err := s.Trigger(t.Context(), operator("buy"))
	require.NoError(t, err)
	assert.Empty(t, s.Status().Degraded)
}

// Neither does a tick that is given up, whatever it waits for: it plans by nothing
// that it has not heard out.
func TestRule05_ATickThatIsGivenUpDecidesNothing(t *testing.T) {
	for _, op := range []tradeclocktest.Op{
		tradeclocktest.OpLead, tradeclocktest.OpResume, tradeclocktest.OpRevision, tradeclocktest.OpSchedules, tradeclocktest.OpHalts, "a calendar",
	} {
		t.Run(string(op), func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:00:00")
			_, err := w.store.SeedSchedules(t.Context(), row("buy", "daily 09:00:30"))
			require.NoError(t, err)
			faulty := tradeclocktest.NewFaulty(w.store)
			slowly := &parkedCalendar{Calendar: calendarOf(t, mumbai()), asked: make(chan struct{}), go_: make(chan struct{})}
			cfg := w.config()
			cfg.Ledger, cfg.Schedules, cfg.Calendar = faulty, faulty, slowly
			s := w.scheduler(cfg)
			faulty.Hang(op)
			slowly.parks.Store(op == "a calendar")
			ctx, giveUp := context.WithCancel(t.Context())
			given := make(chan error)
			go func() { given <- s.Tick(ctx) }()
			if op == "a calendar" {
				<-slowly.asked
			}
			for op != "a calendar" && faulty.Hanging(op) == 0 {
				require.NoError(t, s.Quiesce(t.Context()))
			}
			giveUp()
			require.ErrorIs(t, <-given, context.Canceled)
			assert.Empty(t, s.Status().Degraded)
			faulty.Heal()
			slowly.parks.Store(false)
			close(slowly.go_)

			d := tradeclocktest.NewDriver(t, s, w.clock)
			d.Until(at("2026-11-23 09:01:00"))
			assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("buy")))
			assert.Empty(t, s.Status().Degraded)
		})
	}
}

// parkedCalendar is a calendar that answers only once it may.
type parkedCalendar struct {
	calendar.Calendar
	parks      atomic.Bool
	once       sync.Once
	asked, go_ chan struct{}
}

func (c *parkedCalendar) Session(d calendar.Date) (calendar.Session, error) {
	if c.parks.Load() {
		c.once.Do(func() { close(c.asked) })
		<-c.go_
	}
	return c.Calendar.Session(d)
}

// A beat that is on its way is not one that fails.
func TestRule31_BeatsAtOnceWaitForEachOther(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 16:05"))
	cfg.Heartbeats = faulty
	s := w.scheduler(cfg)
	tick := func() error { return s.Tick(t.Context()) }
	require.NoError(t, orders(t, s, faulty, tradeclocktest.OpBeat, tick, tick, tick))
	assert.Equal(t, 3, faulty.Calls(tradeclocktest.OpBeat))
	assert.Zero(t, s.Status().HeartbeatErrors)
	assert.Empty(t, s.Status().Degraded)
}
