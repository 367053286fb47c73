package tradeclock_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/request"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
	"github.com/tradeclock/tradeclock/view"
)

// overriding is an operator's word about the occurrence of a task on 23 November: to skip
// it, or to move it to a wall time of that day.
func overriding(task, to string) tradeclock.OverrideRequest {
	req := tradeclock.OverrideRequest{Task: task, Account: "42", Session: day("2026-11-23"), Actor: "Ana", Reason: "the broker is away"}
	if to != "" {
		req.At = at("2026-11-23 " + to)
	}
	return req
}

// takeBack ends it.
func takeBack(req tradeclock.OverrideRequest) tradeclock.OverrideRequest {
	req.At, req.TakeBack, req.Reason = time.Time{}, true, "it is back"
	return req
}

func TestRule36_AnOccurrenceIsSkippedMovedAndRestored(t *testing.T) {
	for name, test := range map[string]struct {
		said []tradeclock.OverrideRequest
		want []string
		why  string
	}{
		"skipped":                      {[]tradeclock.OverrideRequest{overriding("buy", "")}, []string{"10:05 skipped"}, "skipped by Ana: the broker is away"},
		"moved later":                  {[]tradeclock.OverrideRequest{overriding("buy", "10:07:30")}, []string{"10:07 succeeded"}, ""},
		"moved earlier":                {[]tradeclock.OverrideRequest{overriding("buy", "10:02:00")}, []string{"10:02 succeeded"}, ""},
		"moved twice":                  {[]tradeclock.OverrideRequest{overriding("buy", "10:02:00"), overriding("buy", "10:08:00")}, []string{"10:08 succeeded"}, ""},
		"skipped, and moved after all": {[]tradeclock.OverrideRequest{overriding("buy", ""), overriding("buy", "10:08:00")}, []string{"10:08 succeeded"}, ""},
		"skipped, and taken back":      {[]tradeclock.OverrideRequest{overriding("buy", ""), takeBack(overriding("buy", ""))}, []string{"10:05 succeeded"}, ""},
		"moved, and taken back":        {[]tradeclock.OverrideRequest{overriding("buy", "10:02:00"), takeBack(overriding("buy", ""))}, []string{"10:05 succeeded"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 10:00:00")
			s, d := w.run(w.config(row("buy", "daily 10:05")))
			d.Until(at("2026-11-23 10:00:10"))
			for _, req := range test.said {
				_, err := s.Override(t.Context(), req)
				require.NoError(t, err)
			}
			day := w.agenda(s, "2026-11-23")
			require.Len(t, day, 1, "it is due once")
			planned := day[0].Due
			d.Until(at("2026-11-23 10:20:00"))
			runs := w.runs("buy")
			assert.Equal(t, test.want, became(runs))
			assert.Equal(t, test.why, runs[0].Reason)
			assert.Equal(t, "2026-11-23", runs[0].Slot)
			assert.Equal(t, planned, runs[0].Due, "what the agenda said")
			if runs[0].Outcome == tradeclock.Succeeded {
				assert.Equal(t, planned, runs[0].Started)
			}
			assert.LessOrEqual(t, w.rec.Count("buy"), 1)
			assert.Empty(t, s.Status().Degraded)
			d.Until(at("2026-11-24 10:06:00"))
			assert.Equal(t, "10:05 succeeded", became(w.runs("buy"))[1], "the schedule is as it was")
		})
	}
}

func TestRule36_WhatCannotBeIsRefused(t *testing.T) {
	with := func(req tradeclock.OverrideRequest, change func(*tradeclock.OverrideRequest)) tradeclock.OverrideRequest {
		change(&req)
		return req
	}
	for name, test := range map[string]struct {
		req  tradeclock.OverrideRequest
		want error
		text string
	}{
		"no reason":             {with(overriding("buy", ""), func(r *tradeclock.OverrideRequest) { r.Reason = "" }), nil, "field Reason"},
		"part of a second":      {with(overriding("buy", "10:06:00"), func(r *tradeclock.OverrideRequest) { r.At = r.At.Add(time.Millisecond) }), nil, "whole second"},
		"an unknown account":    {with(overriding("buy", ""), func(r *tradeclock.OverrideRequest) { r.Account = "43" }), tradeclock.ErrUnknownAccount, ""},
		"an unknown task":       {overriding("bye", ""), tradeclock.ErrNoOccurrence, ""},
		"a closed day":          {with(overriding("buy", ""), func(r *tradeclock.OverrideRequest) { r.Session = day("2026-11-22") }), tradeclock.ErrNoOccurrence, ""},
		"another slot":          {with(overriding("buy", ""), func(r *tradeclock.OverrideRequest) { r.Slot = "2026-11-24" }), tradeclock.ErrNoOccurrence, ""},
		"one of many":           {overriding("watch", ""), tradeclock.ErrNoOccurrence, "one of their slots is to be named"},
		"one that is past":      {overriding("early", ""), tradeclock.ErrTooLate, "it was due at 2026-11-23 09:45:00"},
		"to the past":           {overriding("buy", "09:59:00"), tradeclock.ErrTooLate, "2026-11-23 09:59:00 is past"},
		"to another day":        {with(overriding("buy", ""), func(r *tradeclock.OverrideRequest) { r.At = at("2026-11-24 10:05:00") }), nil, "not on the day of its session"},
		"past its catch-up":     {overriding("capped", "16:00:00"), nil, "it would be missed"},
		"one that has started":  {overriding("first", ""), tradeclock.ErrSlotTaken, "succeeded"},
		"none to be taken back": {takeBack(overriding("buy", "")), tradeclock.ErrNoOverride, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 09:50:00")
			until := rule.Moment{Wall: calendar.Wall(15, 30)}
			s, d := w.driver(row("buy", "daily 10:05"), row("early", "daily 09:45"), row("watch", "every 1m 10:10-15:30"), row("first", "daily 15:00"),
				row("capped", "daily 10:30", func(r *tradeclock.Schedule) { r.CatchUpUntil = &until }))
			d.Until(at("2026-11-23 10:00:00"))
			_, err := s.Trigger(t.Context(), tradeclock.TriggerRequest{Task: "first", Account: "42", Actor: "Ana", ForToday: true})
			require.NoError(t, err)
			d.Tick()
			_, err = s.Override(t.Context(), test.req)
			require.Error(t, err)
			if test.want != nil {
				require.ErrorIs(t, err, test.want)
			}
			assert.ErrorContains(t, err, test.text)
			found, err := w.store.Overrides(t.Context(), store.OverrideQuery{})
			require.NoError(t, err)
			assert.Empty(t, found)
		})
	}
}

// TestRule36_ATakeoverHonoursIt: of two replicas the active one dies after the word was
// said, before and after its instant.
func TestRule36_ATakeoverHonoursIt(t *testing.T) {
	for name, test := range map[string]struct {
		to, dies string
		want     string
	}{
		"skipped, dies before":               {"", "10:02:00", "10:05 skipped"},
		"skipped, dies at it":                {"", "10:05:00", "10:05 skipped"},
		"moved later, dies between":          {"10:08:00", "10:06:30", "10:08 succeeded"},
		"moved earlier, dies before":         {"10:03:00", "10:02:00", "10:03 succeeded"},
		"moved earlier, dies between":        {"10:03:00", "10:04:00", "10:03 succeeded"},
		"moved later, dead over its instant": {"10:07:00", "10:06:40", "10:07 succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 10:00:00")
			cfg := w.config(row("buy", "daily 10:05"))
			s, d := w.drive(cfg)
			d.Tick()
			_, err := s.Override(t.Context(), overriding("buy", test.to))
			require.NoError(t, err)
			d.Until(at("2026-11-23 " + test.dies))
			s.Crash()
			w.clock.Advance(time.Minute)
			_, d = w.drive(cfg)
			d.Until(at("2026-11-23 10:20:00"))
			assert.Equal(t, []string{test.want}, became(w.runs("buy")))
		})
	}
}

// TestRule36_AStoreThatIsAway while a word is said: nothing is planned that it may be about
// until it is stored, whether or not the call had reached the store.
func TestRule36_AStoreThatIsAway(t *testing.T) {
	for name, test := range map[string]struct {
		lost bool
		to   string
		want string
	}{
		"skip, refused":               {false, "", "10:05 skipped"},
		"skip, answer lost":           {true, "", "10:05 skipped"},
		"moved earlier, refused":      {false, "10:04:00", "10:04 succeeded"},
		"moved earlier, answer lost":  {true, "10:04:00", "10:04 succeeded"},
		"moved later, answer lost":    {true, "10:08:00", "10:08 succeeded"},
		"moved to while it is away":   {true, "10:02:00", "10:02 missed"},
		"moved from while it is away": {false, "10:30:00", "10:30 succeeded"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "2026-11-23 10:00:00")
			st := tradeclocktest.NewFaulty(w.store)
			cfg := w.config(row("buy", "daily 10:05"), row("watch", "every 1m 10:00-15:30"))
			cfg.Ledger = st
			s, d := w.run(cfg)
			d.Until(at("2026-11-23 10:00:10"))
			if test.lost {
				st.LoseAnswer(tradeclocktest.OpOverride)
			} else {
				st.Fail(tradeclocktest.OpOverride, errors.New("out of reach"))
			}
			_, err := s.Override(t.Context(), overriding("buy", test.to))
			require.ErrorContains(t, err, "not stored yet")
			assert.Contains(t, s.Status().Degraded[0], "an override of buy for account 42 is not stored yet")
			_, err = s.Override(t.Context(), overriding("buy", ""))
			require.ErrorContains(t, err, "an earlier one is not stored yet")
			d.Until(at("2026-11-23 10:05:30"))
			assert.Empty(t, w.runs("buy"))
			st.Heal()
			d.Until(at("2026-11-23 10:40:00"))
			assert.Equal(t, []string{test.want}, became(w.runs("buy")))
			assert.NotContains(t, strings.Join(s.Status().Degraded, "; "), "override")
		})
	}
}

// TestRule36_AskedFromAnotherProcess, and by two accounts and for all.
func TestRule36_AskedFromAnotherProcess(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	cfg := w.config(row("buy", "daily 10:05"), row("sell", "daily 10:06"))
	s, d := w.run(cfg)
	require.NoError(t, s.Enroll(t.Context(), "43", w.rec))
	d.Until(at("2026-11-23 10:00:10"))
	skip, move := wanting(request.Skip, "buy"), wanting(request.Move, "sell")
	skip.Account, skip.Session = "", day("2026-11-23")
	move.Session, move.MoveTo = day("2026-11-23"), at("2026-11-23 10:08:00")
	skipped, moved := w.ask(skip), w.ask(move)
	d.For(10 * time.Second)
	assert.Equal(t, request.Done, w.answer(skipped).Answer, w.answer(skipped).Text)
	assert.Equal(t, "slot 2026-11-23 is moved to 2026-11-23 10:08:00", w.answer(moved).Text)
	restore := wanting(request.Restore, "buy")
	restore.Session = day("2026-11-23")
	restored := w.ask(restore)
	d.For(10 * time.Second)
	assert.Equal(t, request.Refused, w.answer(restored).Answer, "account 42 has no word of its own")
	text, err := s.Explain(t.Context(), "42", "sell", day("2026-11-23"))
	require.NoError(t, err)
	assert.Equal(t, "On 2026-11-23, sell for account 42 is due at 2026-11-23 10:08:00 (daily 10:06), moved by Ana: the broker was away.", text)
	text, err = w.view(cfg).Explain(t.Context(), "43", "buy", day("2026-11-23"))
	require.NoError(t, err)
	assert.Equal(t, "On 2026-11-23, buy for account 43 is going to be skipped: skipped by Ana: the broker was away.", text)
	page, err := w.view(cfg).Plan(t.Context(), day("2026-11-23"), view.PlanQuery{})
	require.NoError(t, err)
	mine := w.agenda(s, "2026-11-23")
	assert.ElementsMatch(t, mine, page)
	d.Until(at("2026-11-23 10:20:00"))
	assert.Equal(t, []string{"10:05 skipped", "10:05 skipped"}, became(w.runs("buy")))
	assert.Equal(t, []string{"10:06 succeeded", "10:08 succeeded"}, became(w.runs("sell")))
}

// TestRule36_TakenTwiceItIsMadeOnce: who took the request dies before the answer.
func TestRule36_TakenTwiceItIsMadeOnce(t *testing.T) {
	w := newWorld(t, "2026-11-23 10:00:00")
	st := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("buy", "daily 10:05"))
	cfg.Ledger = st
	s, d := w.drive(cfg)
	d.Tick()
	skip := wanting(request.Skip, "buy")
	skip.Session = day("2026-11-23")
	asked := w.ask(skip)
	st.Fail(tradeclocktest.OpAnswer, errors.New("out of reach"))
	d.Until(at("2026-11-23 10:01:00"))
	require.True(t, w.answer(asked).Open())
	s.Crash()
	w.clock.Advance(time.Minute)
	st.Heal()
	_, d = w.drive(cfg)
	d.Until(at("2026-11-23 10:20:00"))
	assert.Equal(t, request.Done, w.answer(asked).Answer, w.answer(asked).Text)
	assert.Equal(t, []string{"10:05 skipped"}, became(w.runs("buy")))
	audit, err := w.store.Audit(t.Context(), store.AuditQuery{Scheduler: "paper"})
	require.NoError(t, err)
	assert.Len(t, audit, 1)
}
