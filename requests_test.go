package tradeclock_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// wanting is a request by an operator of another process, about account 42.
func wanting(kind request.Kind, task string) request.Request {
	return request.Request{Scheduler: "paper", Kind: kind, Account: "42", Task: task, Actor: "Ana", Reason: "the broker was away"}
}

// ask stores a request, as another process does.
func (w *world) ask(r request.Request) request.Request {
	w.t.Helper()
	asked, err := w.store.Ask(w.t.Context(), r)
	require.NoError(w.t, err)
	return asked
}

// answer returns a request as it is stored now.
func (w *world) answer(r request.Request) request.Request {
	w.t.Helper()
	found, err := w.store.Requests(w.t.Context(), request.Query{ID: r.ID})
	require.NoError(w.t, err)
	require.Len(w.t, found, 1)
	return found[0]
}

func TestRule37_ARequestIsAnsweredByWhoHoldsTheTerm(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	w.rec.Do("buy", takes(5*time.Minute))
	cfg := w.config(row("buy", "daily 16:05"))
	s, d := w.run(cfg)
	d.For(30 * time.Second)

	trigger := w.ask(wanting(request.Trigger, "buy"))
	d.For(10 * time.Second)
	answer := w.answer(trigger)
	require.Equal(t, request.Done, answer.Answer, answer.Text)
	require.Len(t, s.Status().Running, 1)
	run := w.runs("buy")[0]
	assert.Equal(t, run.ID, answer.RunID)
	assert.Equal(t, "2026-11-23T10:00:30+05:30 manual "+trigger.ID, run.Slot)
	assert.Equal(t, "Ana", run.Actor)
	assert.Equal(t, int64(1), answer.Term)

	again := w.ask(wanting(request.Trigger, "buy"))
	d.For(10 * time.Second)
	assert.Equal(t, request.Refused, w.answer(again).Answer)
	assert.Contains(t, w.answer(again).Text, "busy: the task is running")

	cancel := w.ask(wanting(request.Cancel, "buy"))
	d.For(2 * time.Second)
	assert.Equal(t, request.Done, w.answer(cancel).Answer, "it is looked for each second while something runs")
	assert.Empty(t, s.Status().Running)
	run = w.runs("buy")[0]
	assert.Equal(t, tradeclock.Interrupted, run.Outcome)
	assert.Equal(t, "cancelled by Ana: the broker was away", run.Reason)

	none := w.ask(wanting(request.Cancel, "buy"))
	d.For(10 * time.Second)
	assert.Equal(t, "no such run goes on", w.answer(none).Text)
}

// TestRule37_RequestsOfAProgramThatTicks are answered by its ticks.
func TestRule37_RequestsOfAProgramThatTicks(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	_, d := w.driver(row("buy", "daily 16:05"))
	d.Tick()
	halt := wanting(request.Halt, "")
	halt.Account = "nobody"
	unknown, trigger := w.ask(halt), w.ask(wanting(request.Trigger, "buy"))
	d.Until(at("2026-11-23 10:01:00"))
	assert.Equal(t, request.Refused, w.answer(unknown).Answer)
	assert.Contains(t, w.answer(unknown).Text, "never enrolled")
	assert.Equal(t, request.Done, w.answer(trigger).Answer)
	assert.Equal(t, []string{"10:00 succeeded"}, became(w.runs("buy")))
}

func TestRule37_WhatNobodyTakesExpires(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	asked := w.ask(wanting(request.Trigger, "buy"))
	w.clock.Advance(request.DefaultExpiry)
	_, d := w.driver(row("buy", "daily 16:05"))
	d.Tick()
	assert.Equal(t, request.Expired, w.answer(asked).Answer)
	assert.Zero(t, w.rec.Count("buy"))
}

// TestRule37_TakenTwiceItStartsOnce kills the holder of the term between the start of the
// run that was asked for and the answer, and lets the answer get lost.
func TestRule37_TakenTwiceItStartsOnce(t *testing.T) {
	today := wanting(request.Trigger, "buy")
	today.ForToday = true
	for name, asked := range map[string]request.Request{"a run of its own": wanting(request.Trigger, "buy"), "for today": today} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 10:00:00")
			st := tradeclocktest.NewFaulty(w.store)
			cfg := w.config(row("buy", "daily 16:05"))
			cfg.Ledger = st
			s, d := w.drive(cfg)
			d.Tick()
			asked := w.ask(asked)
			st.Fail(tradeclocktest.OpAnswer, errors.New("out of reach"))
			d.Until(at("2026-11-23 10:01:00"))
			assert.Equal(t, 1, w.rec.Count("buy"))
			assert.True(t, w.answer(asked).Open())
			s.Crash()

			w.clock.Advance(3 * time.Minute) // it has expired meanwhile
			st.Heal()
			_, d = w.drive(cfg)
			d.For(time.Minute)
			assert.Equal(t, 1, w.rec.Count("buy"))
			answer := w.answer(asked)
			assert.Equal(t, request.Done, answer.Answer, answer.Text)
			assert.Equal(t, w.runs("buy")[0].ID, answer.RunID)
			assert.Equal(t, int64(2), answer.Term)
		})
	}
}

// TestRule37_ALostAnswerIsGivenAgain by the process that has done what was asked, once.
func TestRule37_ALostAnswerIsGivenAgain(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	st := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 16:05"))
	cfg.Ledger = st
	_, d := w.drive(cfg)
	d.Tick()
	asked := w.ask(wanting(request.Trigger, "buy"))
	st.Fail(tradeclocktest.OpAnswer, errors.New("out of reach"))
	d.Until(at("2026-11-23 10:05:00"))
	assert.True(t, w.answer(asked).Open())
	st.Heal()
	d.Until(at("2026-11-23 10:06:00"))
	assert.Equal(t, request.Done, w.answer(asked).Answer)
	assert.Equal(t, at("2026-11-23 10:00:00").UTC(), w.answer(asked).Answered)
	assert.Equal(t, 1, w.rec.Count("buy"))
}

// TestRule37_AClaimWithoutAnAnswer is tried again, and starts once.
func TestRule37_AClaimWithoutAnAnswer(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	st := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 16:05"))
	cfg.Ledger = st
	_, d := w.drive(cfg)
	d.Tick()
	asked := w.ask(wanting(request.Trigger, "buy"))
	st.LoseAnswer(tradeclocktest.OpClaim)
	d.Until(at("2026-11-23 10:01:00"))
	assert.Zero(t, w.rec.Count("buy"))
	assert.True(t, w.answer(asked).Open())
	st.Heal()
	d.Until(at("2026-11-23 10:02:00"))
	assert.Equal(t, 1, w.rec.Count("buy"), w.answer(asked).Text)
	assert.Equal(t, request.Done, w.answer(asked).Answer)
}

func TestRule37_HaltsAndLifts(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	w.rec.Do("watch", takes(40*time.Second))
	s, d := w.run(w.config(row("watch", "every 1m 10:00-15:30")))
	d.Until(at("2026-11-23 10:01:10"))
	halt := wanting(request.Halt, "")
	halt.AndCancel = true
	halted := w.ask(halt)
	d.Until(at("2026-11-23 10:01:12"))
	assert.Equal(t, request.Done, w.answer(halted).Answer)
	assert.Empty(t, s.Status().Running, "what ran is cancelled within two seconds")

	lift := w.ask(wanting(request.Lift, ""))
	w.clock.Advance(time.Second)
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: "42", Reason: "again", Actor: "Ben"}))
	d.For(10 * time.Second)
	assert.Equal(t, request.Refused, w.answer(lift).Answer)
	assert.Equal(t, "a later halt is in force, by Ben: again", w.answer(lift).Text)
	lifted := w.ask(wanting(request.Lift, ""))
	d.For(10 * time.Second)
	assert.Equal(t, request.Done, w.answer(lifted).Answer)
	assert.Empty(t, s.Status().Halts)
}

func TestRule37_WhatIsNotKnownIsRefused(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	_, d := w.driver(row("buy", "daily 16:05"))
	d.Tick()
	move := w.ask(wanting("teleport", "buy"))
	d.Until(at("2026-11-23 10:01:00"))
	assert.Equal(t, request.Refused, w.answer(move).Answer)
	assert.Contains(t, w.answer(move).Text, `"teleport"`)
}

// TestRule37_RequestsThatCannotBeRead are told by health, and hold up nothing.
func TestRule37_RequestsThatCannotBeRead(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	st := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("watch", "every 1m 10:00-15:30"))
	cfg.Ledger = st
	s, d := w.run(cfg)
	d.Until(at("2026-11-23 10:01:10"))
	st.Hang(tradeclocktest.OpTake)
	d.Until(at("2026-11-23 10:03:10"))
	assert.Contains(t, s.Status().Degraded[0], "what people ask cannot be read")
	assert.Equal(t, []string{"10:01 succeeded", "10:02 succeeded", "10:03 succeeded"}, became(w.runs("watch")))
	st.Heal()
	d.Until(at("2026-11-23 10:04:30"))
	assert.Empty(t, s.Status().Degraded)
}

// TestRule37_AStandbyDoesNotTellOfRequests has a process lose its term while it cannot read
// what people ask: that is another's to read from then on.
func TestRule37_AStandbyDoesNotTellOfRequests(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	st := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 16:05"))
	cfg.Ledger = st
	s, d := w.run(cfg)
	d.Until(at("2026-11-23 10:01:10"))
	for _, op := range []tradeclocktest.Op{tradeclocktest.OpTake, tradeclocktest.OpLead} {
		st.Fail(op, errors.New("out of reach"))
	}
	d.Until(at("2026-11-23 10:03:10"))
	assert.Contains(t, strings.Join(s.Status().Degraded, "; "), "what people ask cannot be read")
	_, err := w.store.Lead(t.Context(), cfg.Name, "another", time.Hour, time.Time{})
	require.NoError(t, err)
	st.Heal()
	d.Until(at("2026-11-23 10:05:10"))
	assert.Equal(t, tradeclock.StateStandby, s.Status().State)
	assert.NotContains(t, strings.Join(s.Status().Degraded, "; "), "what people ask")
}

// TestRule29_TriggerForASessionOfThePast runs yesterday's order, which was missed.
func TestRule29_TriggerForASessionOfThePast(t *testing.T) {
	w := newWorld(t, "2026-11-20 09:00:00")
	cfg := w.config(row("buy", "daily 16:05"))
	s, d := w.drive(cfg)
	d.Tick()
	require.NoError(t, s.Close(t.Context()))
	w.clock.Advance(at("2026-11-23 09:00:00").Sub(w.clock.Now()))
	s, d = w.drive(cfg)
	d.Tick()
	require.Equal(t, []string{"16:05 missed"}, became(w.runs("buy")))
	req := operator("buy")
	req.Session = day("2026-11-20")
	run, err := s.Trigger(t.Context(), req)
	require.NoError(t, err)
	assert.Equal(t, "2026-11-20", run.Slot)
	_, err = s.Trigger(t.Context(), req)
	require.Error(t, err)
	d.Tick()
	_, err = s.Trigger(t.Context(), req)
	require.ErrorIs(t, err, tradeclock.ErrSlotTaken)
	req.Session = day("2026-11-24")
	_, err = s.Trigger(t.Context(), req)
	require.ErrorContains(t, err, "still to come")
	req.Session = day("2026-11-22")
	_, err = s.Trigger(t.Context(), req)
	require.ErrorIs(t, err, tradeclock.ErrOutsideSession)
}

func TestRule37_Cancel(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:59:00")
	w.rec.Do("watch", func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, 10*time.Minute) })
	s, d := w.driver(row("watch", "every 1m 10:00-15:30", func(r *tradeclock.Schedule) {
		r.Delivery, r.Retry = tradeclock.AtLeastOnce, tradeclock.Retry{Attempts: 3}
	}))
	d.Until(at("2026-11-23 10:00:10"))
	_, err := s.Cancel(tradeclock.CancelRequest{Task: "watch", Actor: "Ana"})
	require.ErrorContains(t, err, "a reason")
	_, err = s.Cancel(tradeclock.CancelRequest{Account: "43", Reason: "stuck", Actor: "Ana"})
	require.ErrorIs(t, err, tradeclock.ErrUnknownAccount)
	ended, err := s.Cancel(tradeclock.CancelRequest{Task: "watch", Slot: "2026-11-23T10:01:00+05:30", Reason: "stuck", Actor: "Ana"})
	require.NoError(t, err)
	assert.Empty(t, ended)
	ended, err = s.Cancel(tradeclock.CancelRequest{Task: "watch", Reason: "stuck", Actor: "Ana"})
	require.NoError(t, err)
	require.Len(t, ended, 1)
	d.Until(at("2026-11-23 10:00:50"))
	runs := w.runs("watch")
	require.Len(t, runs, 1)
	assert.Equal(t, tradeclock.Interrupted, runs[0].Outcome)
	assert.Equal(t, "cancelled by Ana: stuck", runs[0].Reason)
	assert.Equal(t, 1, runs[0].Attempt)
}

// TestRule37_TwoRequestsOfOnePersonAreToldApart: of a run of its own and one for today, which
// the next holder takes, the one that has started does not answer for the other.
func TestRule37_TwoRequestsOfOnePersonAreToldApart(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	st := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 16:05"))
	cfg.Ledger = st
	s, d := w.drive(cfg)
	d.Tick()
	own := w.ask(wanting(request.Trigger, "buy"))
	w.rec.Do("buy", takes(10*time.Second))
	st.Fail(tradeclocktest.OpAnswer, errors.New("out of reach"))
	d.Tick()
	today := wanting(request.Trigger, "buy")
	today.ForToday = true
	today.Expires = w.clock.Now().Add(time.Hour)
	asked := w.ask(today)
	term := s.Status().Term
	_, err := w.store.Take(t.Context(), store.Term{Scheduler: "paper", Holder: s.Status().Instance, Number: term})
	require.NoError(t, err, "it is taken, and not begun")
	s.Crash()

	w.clock.Advance(time.Minute)
	st.Heal()
	_, d = w.drive(cfg)
	d.For(time.Minute)
	assert.Equal(t, request.Done, w.answer(own).Answer, w.answer(own).Text)
	assert.Equal(t, request.Done, w.answer(asked).Answer, w.answer(asked).Text)
	assert.NotEqual(t, w.answer(own).RunID, w.answer(asked).RunID)
	assert.Len(t, w.runs("buy"), 2)
}
