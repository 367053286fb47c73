package tradeclock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

func TestRule33_AnOutcomeIsToldWhenTheLedgerHasIt(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	faulty, events := tradeclocktest.NewFaulty(w.store), new(eventLog)
	cfg := w.config(row("orders", "daily 09:00"), row("watch", "daily 09:00", atLeastOnce))
	cfg.Ledger, cfg.Observers = faulty, []tradeclock.Observer{events}
	_, d := w.drive(cfg)
	d.Tick()
	faulty.Fail(tradeclocktest.OpSettle, errors.New("no disk"))
	d.Until(at("2026-11-23 09:01:00"))
	assert.Len(t, eventsOf[tradeclock.RunStarted](events), 2)
	assert.Empty(t, eventsOf[tradeclock.RunSettled](events))

	faulty.Heal()
	d.Until(at("2026-11-23 09:02:00"))
	deliveries := make(map[string]tradeclock.Delivery)
	for _, e := range eventsOf[tradeclock.RunSettled](events) {
		assert.False(t, e.Late)
		deliveries[e.Run.Task] = e.Delivery
	}
	assert.Equal(t, map[string]tradeclock.Delivery{"orders": tradeclock.AtMostOnce, "watch": tradeclock.AtLeastOnce}, deliveries)
}

// TestRule33_ALateOutcomeIsToldAsSuch has a process that is taken for dead come back with
// an outcome.
func TestRule33_ALateOutcomeIsToldAsSuch(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 08:59:30")}
	work := c.latch()
	first := c.join(row("orders", "daily 09:00"))
	first.rec.Do("orders", work.task)
	c.until("2026-11-23 09:00:10", nil)
	first.ledger.Fail(tradeclocktest.OpLead, errDead)
	first.ledger.Fail(tradeclocktest.OpSettle, errDead)
	second := c.join(row("orders", "daily 09:00"))
	c.until("2026-11-23 09:01:00", nil)
	work.release()
	first.ledger.Heal()
	c.until("2026-11-23 09:02:00", nil)

	told := eventsOf[tradeclock.RunSettled](second.events)
	require.Len(t, told, 1)
	assert.False(t, told[0].Late)
	assert.Equal(t, "died", told[0].Run.ReasonClass())
	told = eventsOf[tradeclock.RunSettled](first.events)
	require.Len(t, told, 1)
	assert.True(t, told[0].Late)
}

// TestRule33_WhatAnOlderTermLeftIsToldWithItsDelivery takes over while the schedules
// cannot be read.
func TestRule33_WhatAnOlderTermLeftIsToldWithItsDelivery(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	rows := []tradeclock.Schedule{row("orders", "daily 09:00"), row("watch", "daily 09:00", atLeastOnce)}
	w.rec.Do("orders", w.latch().task)
	w.rec.Do("watch", w.latch().task)
	dead, d := w.drive(w.config(rows...))
	d.Until(at("2026-11-23 09:00:00"))
	dead.Crash()

	cfg, events := w.config(), new(eventLog)
	st := tradeclocktest.NewFaulty(w.store)
	_, err := w.store.SeedSchedules(t.Context(), rows...)
	require.NoError(t, err)
	st.Fail(tradeclocktest.OpRevision, errors.New("no network"))
	cfg.Schedules, cfg.Observers = st, []tradeclock.Observer{events}
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:05:00"))
	assert.EqualValues(t, 2, s.Status().Term)
	assert.Empty(t, eventsOf[tradeclock.RunSettled](events), "how they are delivered is not known")
	st.Heal()
	d.For(time.Minute)
	deliveries := make(map[string]tradeclock.Delivery)
	for _, e := range eventsOf[tradeclock.RunSettled](events) {
		assert.Equal(t, tradeclock.Interrupted, e.Run.Outcome)
		deliveries[e.Run.Task] = e.Delivery
	}
	assert.Equal(t, map[string]tradeclock.Delivery{"orders": tradeclock.AtMostOnce, "watch": tradeclock.AtLeastOnce}, deliveries)
}

// TestRule33_WhatIsNewOfARangeAddsUp has a range of occurrences grow from tick to tick.
func TestRule33_WhatIsNewOfARangeAddsUp(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	events := new(eventLog)
	cfg := w.config(row("watch", "every 1m 09:00-09:30", catchUp(time.Second)), row("buy", "daily 09:00", catchUp(time.Second)))
	cfg.Observers = []tradeclock.Observer{events}
	_, d := w.drive(cfg)
	d.Tick()
	w.clock.Advance(30 * time.Second)
	for range 3 {
		w.clock.Advance(2 * time.Minute)
		d.Tick()
	}
	told, asked := make(map[string]int), make(map[string]int)
	for _, e := range eventsOf[tradeclock.RunMissed](events) {
		assert.Positive(t, e.New)
		told[e.Run.Task] += e.New
	}
	for _, task := range []string{"watch", "buy"} {
		for _, run := range w.runs(task) {
			if run.Outcome == tradeclock.Missed {
				asked[task] += run.Occurrences()
			}
		}
	}
	assert.Equal(t, asked, told)
	assert.Equal(t, map[string]int{"watch": 6, "buy": 1}, told)
	require.Len(t, w.runs("watch"), 1, "it is one row, that was told of three times")
}

func TestRule33_SchedulesChangedTellsHowTasksAreDelivered(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:58:00")
	events, own := new(eventLog), row("buy", "daily 09:30", atLeastOnce)
	own.Account = "42"
	st := &rowsStore{rows: []tradeclock.Schedule{row("buy", "daily 09:30"), row("sell", "daily 09:30")}}
	cfg := w.config()
	cfg.Schedules, cfg.Observers = st, []tradeclock.Observer{events}
	_, d := w.drive(cfg)
	d.Tick()
	st.set(row("buy", "daily 09:30"), own, row("sell", "daily 09:30"))
	d.For(2 * time.Minute)
	changes := eventsOf[tradeclock.SchedulesChanged](events)
	require.Len(t, changes, 2)
	once, often := tradeclock.AtMostOnce, tradeclock.AtLeastOnce
	assert.Equal(t, map[string][]tradeclock.Delivery{"buy": {once}, "sell": {once}}, changes[0].Deliveries)
	assert.Equal(t, map[string][]tradeclock.Delivery{"buy": {often}}, changes[1].Deliveries)
}
