package tradeclock_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
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

// cluster is several schedulers of one name that run on one store.
type cluster struct {
	*world
	nodes []*node
}

// node is one of them, with a way to the store of its own.
type node struct {
	s      *tradeclock.UnifiedTaskScheduler
	rec    *tradeclocktest.Recorder
	beats  *tradeclocktest.Beats
	ledger *tradeclocktest.Faulty
	events *eventLog
	stop   func() error
}

// join starts one more scheduler.
func (c *cluster) join(rows ...tradeclock.Schedule) *node {
	c.t.Helper()
	n := &node{
		rec:    tradeclocktest.NewRecorder(c.clock),
		beats:  new(tradeclocktest.Beats),
		ledger: tradeclocktest.NewFaulty(c.store),
		events: new(eventLog),
	}
	cfg := c.config(rows...)
	cfg.Executor, cfg.Heartbeats, cfg.Ledger, cfg.Observers = n.rec, n.beats, n.ledger, []tradeclock.Observer{n.events}
	n.s = c.scheduler(cfg)
	_, n.stop = tradeclocktest.StartDriver(c.t, n.s, c.clock)
	c.nodes = append(c.nodes, n)
	c.t.Cleanup(func() { n.ledger.Heal() })
	return n
}

// until lets time pass for all of them, a second at a time, and calls each after
// every second.
func (c *cluster) until(instant string, each func()) {
	c.t.Helper()
	for end := at(instant); c.clock.Now().Before(end); {
		c.clock.Advance(time.Second)
		for _, n := range c.nodes {
			require.NoError(c.t, n.s.Quiesce(c.t.Context()))
		}
		if each != nil {
			each()
		}
	}
}

// active returns the nodes that hold a term.
func (c *cluster) active() []*node {
	var active []*node
	for _, n := range c.nodes {
		if n.s.Status().State == tradeclock.StateActive {
			active = append(active, n)
		}
	}
	return active
}

func TestRule27_OneOfThreeIsActive(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 08:59:30")}
	watch := row("watch", "every 1m 09:00-09:05")
	first, second, third := c.join(watch), c.join(watch), c.join(watch)
	c.until("2026-11-23 09:06:00", func() {
		assert.Equal(t, []*node{first}, c.active())
	})
	assert.Len(t, first.rec.Runs(), 5)
	assert.Empty(t, append(second.rec.Runs(), third.rec.Runs()...))
	for _, standby := range []*node{second, third} {
		last, ok := standby.beats.Last()
		require.True(t, ok)
		assert.Equal(t, tradeclock.StateStandby, last.State)
		assert.Zero(t, last.Term)
		assert.Equal(t, at("2026-11-23 09:06:00"), standby.s.Status().LastTick.In(kolkata), "it ticks")
		assert.Equal(t, first.s.Status().Instance, standby.s.Status().Holder)
		assert.Empty(t, last.Degraded)
		assert.Zero(t, standby.ledger.Calls(tradeclocktest.OpClaim)+standby.ledger.Calls(tradeclocktest.OpRecord)+
			standby.ledger.Calls(tradeclocktest.OpEnroll)+standby.ledger.Calls(tradeclocktest.OpSettle), "it alters nothing")
	}
}

func TestRule27_TermIsRenewedAtAThirdOfItsLength(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 09:00:00")}
	n := c.join(row("watch", "daily 18:00"))
	before := n.ledger.Calls(tradeclocktest.OpLead)
	c.until("2026-11-23 09:02:00", nil)
	assert.Equal(t, 12, n.ledger.Calls(tradeclocktest.OpLead)-before)
	assert.Equal(t, int64(1), n.s.Status().Term)
}

// TestRule27_FrozenHolder hangs the holder's way to the ledger's terms, with an
// order task running, and watches it give up before the standby takes over.
func TestRule27_FrozenHolder(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 08:59:30")}
	rows := []tradeclock.Schedule{
		row("orders", "daily 09:00"), row("watch", "every 10s 09:00-09:10"),
		row("monitor", "daily 09:00", atLeastOnce, catchUp(5*time.Minute)),
	}
	holder, standby := c.join(rows...), c.join(rows...)
	var cause error
	holder.rec.Do("orders", func(ctx context.Context, _ tradeclock.Run) error {
		cause = tradeclock.Sleep(ctx, time.Hour)
		return nil // the orders had been placed
	})
	holder.rec.Do("monitor", takes(time.Hour))
	c.until("2026-11-23 09:00:00", nil)
	for _, op := range []tradeclocktest.Op{
		tradeclocktest.OpLead, tradeclocktest.OpClaim, tradeclocktest.OpRecord, tradeclocktest.OpSettle, tradeclocktest.OpResume,
	} {
		holder.ledger.Hang(op)
	}
	frozen := c.clock.Now()

	var cancelled, taken time.Time
	c.until("2026-11-23 09:01:30", func() {
		now := c.clock.Now()
		if cancelled.IsZero() && cause != nil {
			cancelled = now
		}
		if taken.IsZero() && standby.s.Status().Term != 0 {
			taken = now
		}
	})
	require.ErrorIs(t, cause, tradeclock.ErrTermLost)
	assert.Equal(t, 27*time.Second, cancelled.Sub(frozen), "the length less a tenth, after the last renewal")
	assert.GreaterOrEqual(t, taken.Sub(frozen), 30*time.Second)
	assert.LessOrEqual(t, taken.Sub(frozen), 35*time.Second)
	assert.Equal(t, int64(2), standby.s.Status().Term)
	for _, e := range holder.rec.Runs() {
		assert.True(t, e.Start.Before(cancelled), "%s started past the holder's trust", e.Run.Slot)
	}

	orders := c.runs("orders")
	require.Len(t, orders, 1)
	assert.Equal(t, tradeclock.Interrupted, orders[0].Outcome)
	assert.Empty(t, standby.rec.Slots("orders"), "at most once")
	assert.Equal(t, []string{"2026-11-23"}, standby.rec.Slots("monitor"), "at least once")
	seen := map[string]int{}
	for _, n := range c.nodes {
		for _, slot := range n.rec.Slots("watch") {
			seen[slot]++
		}
	}
	for slot, times := range seen {
		assert.Equal(t, 1, times, slot)
	}

	holder.ledger.Heal()
	c.until("2026-11-23 09:03:00", nil)
	assert.Equal(t, tradeclock.StateStandby, holder.s.Status().State)
	assert.Zero(t, holder.s.Status().Next, "what is next is the holder's to say")
	assert.Equal(t, at("2026-11-23 09:03:10").UTC(), standby.s.Status().Next)
	assert.Equal(t, []*node{standby}, c.active())
	orders = c.runs("orders")
	require.NotNil(t, orders[0].Late, "what the woken holder had to say is kept as evidence")
	assert.Equal(t, tradeclock.Succeeded, orders[0].Late.Outcome)
	assert.Equal(t, tradeclock.Interrupted, orders[0].Outcome)
}

func TestRule27_LedgerOutOfReachForLessThanTheTerm(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 08:59:30")}
	rows := []tradeclock.Schedule{row("orders", "daily 09:00")}
	holder, standby := c.join(rows...), c.join(rows...)
	holder.rec.Do("orders", takes(time.Minute))
	c.until("2026-11-23 09:00:00", nil)
	holder.ledger.Fail(tradeclocktest.OpLead, errors.New("no route"))
	c.until("2026-11-23 09:00:20", nil)
	assert.Contains(t, holder.s.Status().Degraded, "the term cannot be renewed: ledger's terms: no route")
	holder.ledger.Heal()
	c.until("2026-11-23 09:01:00", nil)
	assert.Empty(t, holder.s.Status().Degraded)
	assert.Equal(t, []string{"09:00 succeeded"}, became(c.runs("orders")))
	assert.Empty(t, standby.rec.Runs())
	assert.Equal(t, int64(1), holder.s.Status().Term)
}

// TestRule27_ASlowRenewalCountsFromItsStart: the ledger counts the term from somewhere
// between the question and the answer, so the holder counts from the question.
func TestRule27_ASlowRenewalCountsFromItsStart(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 09:00:00")}
	n := c.join(row("orders", "daily 09:01"))
	var ended time.Time
	n.rec.Do("orders", func(ctx context.Context, _ tradeclock.Run) error {
		err := tradeclock.Sleep(ctx, time.Hour)
		ended = c.clock.Now()
		return err
	})
	c.until("2026-11-23 09:01:05", nil)
	n.ledger.Hang(tradeclocktest.OpLead)
	c.until("2026-11-23 09:01:10", nil)
	require.Equal(t, 1, n.ledger.Hanging(tradeclocktest.OpLead), "a renewal is asked for")
	c.until("2026-11-23 09:01:18", nil)
	n.ledger.Heal(tradeclocktest.OpLead) // the answer comes
	c.until("2026-11-23 09:01:19", nil)
	n.ledger.Hang(tradeclocktest.OpLead)

	c.until("2026-11-23 09:02:00", nil)
	assert.Equal(t, at("2026-11-23 09:01:37"), ended.In(kolkata), "27 seconds from the question")
}

// The holder died, and then the clock of the ledger was set back: its term seems to
// last for another day.
func TestRule27_TermThatSeemsToLastTooLong(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:10:00")
	_, err := w.store.Lead(t.Context(), "paper", "dead", 24*time.Hour, time.Time{})
	require.NoError(t, err)
	s, d := w.driver(row("report", "every 1m 09:00-10:00"))

	d.Until(at("2026-11-23 09:12:00"))

	assert.Empty(t, w.rec.Runs())
	status := s.Status()
	assert.Equal(t, "dead", status.Holder)
	require.Len(t, status.Degraded, 1)
	assert.Contains(t, status.Degraded[0], "was the clock of the ledger set back?")

	require.NoError(t, w.store.Resign(t.Context(), store.Term{Scheduler: "paper", Holder: "dead", Number: 1}))
	d.Until(at("2026-11-23 09:15:00"))

	assert.True(t, s.Status().Healthy())
	assert.NotEmpty(t, w.rec.Runs())
}

// misled is a ledger whose answers to Lead are bent.
type misled struct {
	*tradeclocktest.Faulty
	bend func(store.Term) store.Term
}

func (m misled) Lead(ctx context.Context, scheduler, holder string, ttl time.Duration, trusted time.Time) (store.Term, error) {
	t, err := m.Faulty.Lead(ctx, scheduler, holder, ttl, trusted)
	return m.bend(t), err
}

// A ledger that answers without an error and with no term, or with another's, has
// granted none.
func TestRule27_AnAnswerThatIsNoTerm(t *testing.T) {
	for name, bend := range map[string]func(store.Term) store.Term{
		"nothing":           func(store.Term) store.Term { return store.Term{} },
		"another holder":    func(t store.Term) store.Term { t.Holder = "other"; return t },
		"another scheduler": func(t store.Term) store.Term { t.Scheduler = "other"; return t },
		"no number":         func(t store.Term) store.Term { t.Number = 0; return t },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:30")
			cfg := w.config(row("orders", "daily 09:00"), row("monitor", "daily 09:00", atLeastOnce))
			cfg.Ledger = misled{tradeclocktest.NewFaulty(w.store), bend}
			s, d := w.run(cfg)
			w.seconds(d, "2026-11-23 09:00:30")
			assert.Empty(t, w.rec.Runs())
			assert.Zero(t, s.Status().Term)
			require.Len(t, s.Status().Degraded, 1)
			assert.Contains(t, s.Status().Degraded[0], "the term cannot be renewed: ledger's terms: the ledger answered with term")
		})
	}
}

func TestRule27_ALapseIsLoggedOnce(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:30")
	var log bytes.Buffer
	ledger := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("orders", "daily 09:00"))
	cfg.Ledger, cfg.Logger = ledger, slog.New(slog.NewTextHandler(&log, nil))
	_, d := w.run(cfg)
	for lapses := 1; lapses <= 2; lapses++ {
		ledger.Fail(tradeclocktest.OpLead, errors.New("no route"))
		d.For(2 * time.Minute)
		ledger.Heal()
		d.For(time.Minute)
		assert.Equal(t, lapses, strings.Count(log.String(), "the term has lapsed"))
	}
}

func TestRule27_CleanEndHandsOver(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 08:59:05")}
	rows := []tradeclock.Schedule{row("watch", "every 1m 09:00-09:10")}
	first, standby := c.join(rows...), c.join(rows...)
	c.until("2026-11-23 09:01:30", nil)
	require.NoError(t, first.stop())
	c.nodes = c.nodes[1:]

	c.until("2026-11-23 09:01:35", nil)
	assert.Equal(t, int64(2), standby.s.Status().Term, "it does not wait for the end of the term that it read")
	c.until("2026-11-23 09:02:00", nil)
	require.NoError(t, standby.stop())
	third := c.join(rows...)
	assert.Equal(t, int64(3), third.s.Status().Term, "a process that starts takes a term that was resigned at once")
	c.nodes = []*node{third}
	c.until("2026-11-23 09:03:00", nil)

	assert.Equal(t, []string{"09:00 succeeded", "09:01 succeeded", "09:02 succeeded", "09:03 succeeded"}, became(c.runs("watch")))
	var terms []int64
	for _, n := range []*node{first, standby, third} {
		for _, e := range n.rec.Runs() {
			terms = append(terms, e.Run.Term)
		}
	}
	assert.Equal(t, []int64{1, 1, 2, 3}, terms, "the fencing token grows")
}

func TestRule27_StarterIsStartedUnderTheTermAlone(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 08:59:30")}
	rows := []tradeclock.Schedule{row("orders", "daily 09:01")}
	sessions := map[string]*session{}
	start := func(name string) (*tradeclock.UnifiedTaskScheduler, func() error, *tradeclocktest.Faulty) {
		sessions[name] = &session{inner: tradeclocktest.NewRecorder(c.clock)}
		ledger := tradeclocktest.NewFaulty(c.store)
		cfg := c.config(rows...)
		cfg.Executor, cfg.Ledger = sessions[name], ledger
		s := c.scheduler(cfg)
		_, end := tradeclocktest.StartDriver(t, s, c.clock)
		c.nodes = append(c.nodes, &node{s: s})
		return s, end, ledger
	}
	_, endHolder, ledger := start("holder")
	standby, endStandby, _ := start("standby")
	assert.Equal(t, []string{"start 42"}, sessions["holder"].said())
	assert.Empty(t, sessions["standby"].said())

	ledger.Fail(tradeclocktest.OpLead, errors.New("no route"))
	c.until("2026-11-23 09:00:30", nil)
	assert.Equal(t, int64(2), standby.Status().Term)
	assert.Equal(t, []string{"start 42"}, sessions["standby"].said())
	ledger.Heal()
	c.until("2026-11-23 09:01:00", nil)
	assert.Equal(t, []string{"start 42", "stop 42"}, sessions["holder"].said(), "once it knows that the term is lost")
	require.NoError(t, endStandby())
	require.NoError(t, endHolder())
	assert.Equal(t, []string{"start 42", "execute orders", "executed orders", "stop 42"}, sessions["standby"].said())
}

// TestRule27_NoStarterOnALapsedTerm enrols an account at a scheduler that slept, and
// has not learned yet whether its term is another's by now.
func TestRule27_NoStarterOnALapsedTerm(t *testing.T) {
	for _, test := range []struct {
		name   string
		holder string // who takes the term meanwhile
		said   []string
	}{
		{name: "the term is another's", holder: "standby"},
		{name: "the term is still free", said: []string{"start 7"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:58:00")
			s := w.scheduler(w.config(row("buy", "daily 09:15")))
			require.NoError(t, s.Tick(t.Context()))
			w.clock.Advance(5 * time.Minute)
			if test.holder != "" {
				_, err := w.store.Lead(t.Context(), "paper", test.holder, time.Hour, time.Time{})
				require.NoError(t, err)
			}
			exec := &session{inner: w.rec}
			require.NoError(t, s.Enroll(t.Context(), "7", exec))
			require.NoError(t, s.Quiesce(t.Context()))
			assert.Empty(t, exec.said(), "it waits for the renewal")
			require.NoError(t, s.Tick(t.Context()))
			require.NoError(t, s.Quiesce(t.Context()))
			assert.Equal(t, test.said, exec.said())
		})
	}
}

// mistakenLedger says once that the term has ended, which it has not, while it is
// busy with an enrolment.
type mistakenLedger struct {
	*memstore.Store
	enrolling atomic.Bool
	refused   chan struct{}
}

func (l *mistakenLedger) Claim(ctx context.Context, t store.Term, runs []tradeclock.Run) ([]store.Claim, error) {
	if l.enrolling.CompareAndSwap(true, false) {
		defer close(l.refused)
		return nil, store.ErrDeposed
	}
	return l.Store.Claim(ctx, t, runs)
}

func (l *mistakenLedger) Enroll(ctx context.Context, t store.Term, accounts []store.Enrolment) error {
	if l.enrolling.Load() {
		<-l.refused
	}
	return l.Store.Enroll(ctx, t, accounts)
}

// TestRule27_WhatATermDroppedHoldsTheWatermark keeps the watermark before what was
// dropped together with a term that is taken anew under the same number.
func TestRule27_WhatATermDroppedHoldsTheWatermark(t *testing.T) {
	for range 50 { // the order of the two calls' ends is not the test's
		w := newWorld(t, "2026-11-23 08:59:00")
		ledger := &mistakenLedger{Store: w.store, refused: make(chan struct{})}
		cfg := w.config(row("buy", "daily 09:00"))
		cfg.Ledger = ledger
		s, d := w.drive(cfg)
		d.Tick()
		w.clock.Advance(time.Minute)
		ledger.enrolling.Store(true)
		require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
		d.Until(at("2026-11-23 09:01:30"))
		stop(t, s)
		require.Equal(t, []string{"2026-11-23 succeeded"}, w.outcomesOf("42", "buy"))
	}
}

func TestRule27_EventsOfATerm(t *testing.T) {
	c := &cluster{world: newWorld(t, "2026-11-23 08:59:30")}
	n := c.join(row("orders", "daily 18:00"))
	n.ledger.Fail(tradeclocktest.OpLead, errors.New("no route"))
	c.until("2026-11-23 09:00:15", nil)
	term, err := c.store.Lead(t.Context(), "paper", "somebody else", 20*time.Second, time.Time{})
	require.NoError(t, err)
	require.Equal(t, int64(2), term.Number)
	n.ledger.Heal()
	c.until("2026-11-23 09:00:50", nil)
	require.NoError(t, n.stop())
	changes := eventsOf[tradeclock.TermChanged](n.events)
	require.Len(t, changes, 3)
	assert.Equal(t, tradeclock.TermChanged{Number: 1}, changes[0])
	assert.Zero(t, changes[1].Number)
	assert.Contains(t, changes[1].Reason, "term 2 of paper is held by somebody else")
	assert.Equal(t, tradeclock.TermChanged{Number: 3}, changes[2], "it took over when that term had expired")
}

func TestRule27_NewWarnsOfATakeoverLongerThanACatchUp(t *testing.T) {
	for _, test := range []struct {
		name   string
		term   time.Duration
		row    tradeclock.Schedule
		want   string
		silent bool
	}{
		{name: "the defaults", row: row("buy", "daily 09:00"), silent: true},
		{name: "a long term", term: 3 * time.Minute, row: row("buy", "daily 09:00", catchUp(time.Hour)), want: "longer than the default catch-up"},
		{name: "a short catch-up", row: row("buy", "daily 09:00", catchUp(20*time.Second)), want: "longer than the catch-up of some tasks"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 08:59:00")
			var log bytes.Buffer
			cfg := w.config(test.row)
			cfg.TermLength, cfg.Logger = test.term, slog.New(slog.NewTextHandler(&log, nil))
			_, d := w.drive(cfg)
			d.Tick()
			if test.silent {
				assert.NotContains(t, log.String(), "takeover")
			} else {
				assert.Contains(t, log.String(), test.want)
			}
		})
	}
}

func TestRule27_TwoSchedulersThatTick(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	first, one := w.driver(row("watch", "every 1m 09:00-09:10"))
	second, two := w.driver(row("watch", "every 1m 09:00-09:10"))
	for w.clock.Now().Before(at("2026-11-23 09:03:00")) {
		one.Tick()
		two.Tick()
		w.clock.Advance(20 * time.Second) // a program with a loop of its own
	}
	assert.Equal(t, int64(1), first.Status().Term)
	assert.Equal(t, tradeclock.StateStandby, second.Status().State)
	for w.clock.Now().Before(at("2026-11-23 09:05:20")) { // the first is gone
		two.Tick()
		w.clock.Advance(20 * time.Second)
	}
	assert.Equal(t, int64(2), second.Status().Term)
	assert.Equal(t, []string{"09:00 succeeded", "09:01 succeeded", "09:02 succeeded", "09:03 succeeded", "09:04 succeeded", "09:05 succeeded"},
		became(w.runs("watch")))
}

// In a program that calls Tick, a run that outlives the trust in its term is ended
// when that ends, though the ledger gives no answer by which it could be noticed.
func TestRule27_RunOfATickThatOutlivesTheTerm(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	kept := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy_orders", "daily 09:00"))
	cfg.Ledger = kept
	var ended time.Time
	w.rec.Do("buy_orders", func(ctx context.Context, _ tradeclock.Run) error {
		err := tradeclock.Sleep(ctx, 5*time.Minute)
		ended = w.clock.Now()
		assert.ErrorIs(t, context.Cause(ctx), tradeclock.ErrTermLost)
		return err
	})
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:00:00"))
	kept.Hang(tradeclocktest.OpLead)
	for range 58 {
		w.clock.Advance(time.Second)
		require.NoError(t, s.Quiesce(t.Context()))
	}
	assert.Equal(t, "09:00:27", ended.In(kolkata).Format(time.TimeOnly))
	assert.Equal(t, []string{"09:00 interrupted"}, became(w.runs("buy_orders")))
}

// TestRule27_WhoLostTheTermKeepsNothing takes the term from a holder that cannot
// write, and changes the calendar afterwards: what is to be recorded is the new
// holder's, and the old one is healthy again.
func TestRule27_WhoLostTheTermKeepsNothing(t *testing.T) {
	cal := &changing{Calendar: calendar.Weekdays(kolkata, calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(15, 30)})}
	w := newWorld(t, "2026-11-23 09:58:30")
	kept := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("watch", "every 1m 10:00-10:30"), row("square_off", "daily close-15m"))
	cfg.Ledger, cfg.Calendar = kept, cal
	s, d := w.run(cfg)
	d.Until(at("2026-11-23 10:00:30"))
	kept.Fail(tradeclocktest.OpRecord, errors.New("out of reach"))
	kept.Fail(tradeclocktest.OpLead, errors.New("out of reach"))
	w.seconds(d, "2026-11-23 10:02:10")
	require.NotEmpty(t, s.Status().Degraded)

	_, err := w.store.Lead(t.Context(), "paper", "other", time.Hour, time.Time{})
	require.NoError(t, err, "the term has expired")
	kept.Heal()
	cal.set(calendar.Weekdays(kolkata, calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(10, 10)}))
	d.Until(at("2026-11-23 10:05:00"))

	st := s.Status()
	assert.Equal(t, tradeclock.StateStandby, st.State)
	assert.Zero(t, st.Unstored)
	assert.Zero(t, st.Waiting)
	for _, text := range st.Degraded {
		assert.Contains(t, text, "is held by other", "of what it could not write nothing is left")
	}
}
