package tradeclock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/monitor"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// holidays is a calendar of weekdays from 2026 on with a holiday and a short
// session.
func holidays(t *testing.T) calendar.Calendar {
	t.Helper()
	cal, err := calendar.NewTable(calendar.Table{
		Name: "XTST", Location: kolkata, First: day("2026-01-01"), Last: day("2027-12-31"),
		Base: calendar.Weekdays(kolkata, calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(15, 30)}),
		Days: []calendar.TableDay{
			{Date: day("2026-11-24"), Kind: calendar.Closed, Reason: "Guru Nanak Jayanti"},
			{Date: day("2026-11-22"), Kind: calendar.Special, Reason: "Muhurat trading",
				Hours: []calendar.Hours{{Phase: calendar.PhaseRegular, Start: calendar.Wall(18, 0), End: calendar.Wall(19, 0)}}},
		},
	})
	require.NoError(t, err)
	return cal
}

func TestRule31_HeartbeatEveryMinuteOfEveryDay(t *testing.T) {
	for _, test := range []struct {
		name  string
		start func(w *world, cfg tradeclock.Config) *tradeclocktest.Driver
	}{
		{"by Tick", func(w *world, cfg tradeclock.Config) *tradeclocktest.Driver { _, d := w.drive(cfg); return d }},
		{"by Run", func(w *world, cfg tradeclock.Config) *tradeclocktest.Driver { _, d := w.run(cfg); return d }},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-20 23:00:00") // a Friday, before a weekend and with a holiday after it
			cfg := w.config(tradingWeekRows()...)
			cfg.Calendar, cfg.Heartbeats = holidays(t), w.store
			d := test.start(w, cfg)
			minutes := 0
			d.AtEach = func(now time.Time) {
				beats, err := w.store.Heartbeats(t.Context(), "paper")
				require.NoError(t, err)
				require.Len(t, beats, 1)
				require.Equal(t, now.UTC(), beats[0].At, "one of this minute")
				assert.Empty(t, beats[0].Degraded)
				minutes++
			}
			d.Until(at("2026-11-25 00:00:00"))
			assert.Equal(t, 4*24*60+60+1, minutes)
		})
	}
}

func TestRule31_WhatAHeartbeatSays(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	stuck := w.latch()
	w.rec.Do("analysis", takes(10*time.Minute))
	w.rec.Do("hung", stuck.task)
	s, d := w.driver(
		row("analysis", "daily 09:01"), row("buy", "daily 16:05"),
		row("hung", "daily 09:01", func(s *tradeclock.Schedule) { s.Timeout, s.Priority = time.Minute, 1 }),
	)
	d.Until(at("2026-11-23 09:03:00"))
	last, ok := w.beats.Last()
	require.True(t, ok)
	assert.Equal(t, tradeclock.Heartbeat{
		Scheduler: "paper",
		Instance:  s.Status().Instance,
		At:        at("2026-11-23 09:03:00").UTC(),
		Term:      1,
		State:     tradeclock.StateActive,
		LastTick:  at("2026-11-23 09:03:00").UTC(),
		Running: []store.RunningTask{
			{Account: "42", Task: "analysis", Slot: "2026-11-23", Started: at("2026-11-23 09:01:00").UTC(), Age: 2 * time.Minute},
			{Account: "42", Task: "hung", Slot: "2026-11-23", Started: at("2026-11-23 09:01:00").UTC(), Age: 2 * time.Minute, Overdue: true},
		},
		Next: at("2026-11-23 16:05:00").UTC(),
	}, last)
	assert.Equal(t, last, s.Status().Heartbeat, "Status says what a heartbeat would")
}

func TestRule31_FirstHeartbeatTellsWhatIsNext(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:00:00")
	_, d := w.driver(row("buy", "daily 09:00"))
	d.Tick()
	first, _ := w.beats.Last()
	assert.Equal(t, at("2026-11-23 09:00:00").UTC(), first.Next)
}

func TestRule31_SinkThatFails(t *testing.T) {
	for _, test := range []struct {
		name   string
		fault  func(*tradeclocktest.Faulty)
		says   string
		errors int
	}{
		{"an error is tried again within the minute", func(f *tradeclocktest.Faulty) { f.Fail(tradeclocktest.OpBeat, errors.New("disk full")) }, "disk full", 6},
		{"a hang", func(f *tradeclocktest.Faulty) { f.Hang(tradeclocktest.OpBeat) }, "no answer in time", 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:30")
			faulty := tradeclocktest.NewFaulty(w.store)
			cfg := w.config(row("watch", "every 1m 09:00-09:10"))
			cfg.Heartbeats = faulty
			s, d := w.run(cfg)
			test.fault(faulty)
			w.seconds(d, "2026-11-23 09:00:59")
			assert.Equal(t, test.errors, s.Status().HeartbeatErrors)
			assert.Equal(t, []string{"heartbeats are not received: heartbeat sink: " + test.says}, s.Status().Degraded)
			faulty.Heal()
			w.seconds(d, "2026-11-23 09:02:00")
			assert.Empty(t, s.Status().Degraded)
			runs := w.runs("watch")
			require.Equal(t, []string{"09:00 succeeded", "09:01 succeeded", "09:02 succeeded"}, became(runs))
			for _, run := range runs {
				assert.Zero(t, run.Lateness(), "no run waits for it")
			}
		})
	}
}

// bombSink is a heartbeat sink that panics.
type bombSink struct{}

func (bombSink) Beat(context.Context, tradeclock.Heartbeat) error { panic("nil pointer") }

func TestRule31_SinkThatPanics(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	cfg := w.config(row("watch", "every 1m 09:00-09:10"))
	cfg.Heartbeats = bombSink{}
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:01:00"))
	assert.Equal(t, []string{"heartbeats are not received: heartbeat sink: panic: nil pointer"}, s.Status().Degraded)
	assert.Equal(t, 3, s.Status().HeartbeatErrors)
	assert.Len(t, w.rec.Runs(), 2)
}

// TestRule31_HeartbeatsGoOnWhateverHangs hangs each store and a task in turn.
func TestRule31_HeartbeatsGoOnWhateverHangs(t *testing.T) {
	for _, op := range []tradeclocktest.Op{
		tradeclocktest.OpRevision, tradeclocktest.OpSchedules, tradeclocktest.OpLead, tradeclocktest.OpResume,
		tradeclocktest.OpClaim, tradeclocktest.OpSettle, tradeclocktest.OpRecord, tradeclocktest.OpHalts, tradeclocktest.OpEnroll,
	} {
		t.Run(string(op), func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:30")
			_, err := w.store.PutSchedule(t.Context(), ops, row("watch", "every 1m 09:00-09:10"))
			require.NoError(t, err)
			faulty := tradeclocktest.NewFaulty(w.store)
			faulty.Hang(op)
			cfg := w.config()
			cfg.Schedules, cfg.Ledger, cfg.Heartbeats = faulty, faulty, w.store
			s, d := w.run(cfg)
			w.seconds(d, "2026-11-23 09:05:00")
			beats, err := w.store.Heartbeats(t.Context(), "paper")
			require.NoError(t, err)
			assert.Equal(t, at("2026-11-23 09:05:00").UTC(), beats[0].At)
			assert.False(t, s.Status().LastTick.Before(at("2026-11-23 09:04:00")), "the ticks go on too")
			faulty.Heal()
		})
	}
}

// TestRule31_MonitorOfAScheduler reads a scheduler's heartbeats from its start to
// after its end.
func TestRule31_MonitorOfAScheduler(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	watcher := monitor.Monitor{Reader: w.store}
	verdict := func() string {
		whole, _, err := watcher.Check(t.Context(), "paper")
		require.NoError(t, err)
		return whole.String()
	}
	assert.Equal(t, "dead", verdict())
	cfg := w.config(row("watch", "every 1m 09:00-09:10"))
	cfg.Heartbeats = w.store
	s := w.scheduler(cfg)
	d, stop := tradeclocktest.StartDriver(t, s, w.clock)
	assert.Equal(t, "alive", verdict(), "from the first heartbeat on")
	for range 120 {
		d.For(time.Second)
		assert.Equal(t, "alive", verdict())
	}
	require.NoError(t, stop())
	w.clock.Advance(2 * time.Minute)
	assert.Equal(t, "stopped", verdict())
	w.clock.Advance(3 * time.Minute)
	assert.Equal(t, "dead", verdict())
}

// TestRule31_AStandbyThatTakesOverSaysSoAtOnce stops a holder between two minutes: the
// heartbeat that says who is active does not wait for the next one.
func TestRule31_AStandbyThatTakesOverSaysSoAtOnce(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 08:59:30")}
	watch := row("watch", "every 1m 09:00-09:30")
	holder, standby := c.join(watch), c.join(watch)
	said := func(n *node) tradeclock.SchedulerState {
		last, _ := n.beats.Last()
		return last.State
	}
	assert.Equal(t, tradeclock.StateActive, said(holder), "the first heartbeat knows")
	assert.Equal(t, tradeclock.StateStandby, said(standby))
	c.until("2026-11-23 09:01:10", nil)
	require.NoError(t, holder.stop())
	c.until("2026-11-23 09:01:16", nil)
	assert.Equal(t, tradeclock.StateStopped, said(holder))
	assert.Equal(t, tradeclock.StateActive, said(standby))
}

// TestRule31_StartingSchedulerIsNotWedged starts many, as either the first
// heartbeat or the first tick comes first.
func TestRule31_StartingSchedulerIsNotWedged(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	for range 50 {
		s := w.scheduler(w.config(row("buy", "daily 09:00")))
		_, stop := tradeclocktest.StartDriver(t, s, w.clock)
		require.NoError(t, stop())
	}
	for _, beat := range w.beats.All() {
		assert.Equal(t, at("2026-11-23 08:59:00").UTC(), beat.LastTick)
	}
}
