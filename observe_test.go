package tradeclock_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// name tells an event in one line.
func name(e tradeclock.Event) string {
	text := strings.TrimPrefix(fmt.Sprintf("%T", e), "tradeclock.")
	switch e := e.(type) {
	case tradeclock.RunStarted:
		text += " " + e.Run.Task
	case tradeclock.RunSettled:
		text += " " + e.Run.Task + " " + e.Run.Outcome.String()
	case tradeclock.RunMissed:
		text += " " + e.Run.Task
	case tradeclock.RunSkipped:
		text += " " + e.Run.Task
	}
	return text
}

func TestRule33_EventsInOrder(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:58:00")
	events := new(eventLog)
	w.rec.Do("slow", takes(90*time.Second))
	cfg := w.config(
		row("early", "daily 09:00"), row("slow", "every 1m 09:00-09:02", func(s *tradeclock.Schedule) { s.Priority = 1 }),
		row("gone", "daily 08:58:30", catchUp(10*time.Second)),
	)
	cfg.Observers = []tradeclock.Observer{events}
	s, d := w.drive(cfg)
	d.Tick()
	w.clock.Advance(time.Minute) // nobody ticked at 08:58:30
	d.Until(at("2026-11-23 09:02:00"))
	stop(t, s)

	var names []string
	for _, e := range events.all {
		if got := name(e); got != "Ticked" {
			names = append(names, got)
		}
	}
	assert.Equal(t, []string{
		"TermChanged", "SchedulesChanged", "RunMissed gone",
		"RunStarted early", "RunStarted slow", "RunSettled early succeeded",
		"RunSkipped slow", "RunSettled slow succeeded",
	}, names)
	ticks := eventsOf[tradeclock.Ticked](events)
	for i := 1; i < len(ticks); i++ {
		assert.Equal(t, ticks[i-1].To, ticks[i].From, "no instant is left out")
	}
	assert.Equal(t, at("2026-11-23 09:02:00").UTC(), ticks[len(ticks)-1].To)
}

func TestRule33_SchedulesChanged(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:58:00")
	events := new(eventLog)
	st := &rowsStore{rows: []tradeclock.Schedule{row("buy", "daily 09:30"), row("sell", "daily 09:30")}}
	cfg := w.config()
	cfg.Schedules, cfg.Observers = st, []tradeclock.Observer{events}
	s, d := w.drive(cfg)
	d.Tick()
	st.set(row("buy", "daily 09:35"), row("analysis", "daily 16:00"), tradeclock.Schedule{Task: "torn"})
	d.For(3 * time.Minute)
	stop(t, s)
	changes := eventsOf[tradeclock.SchedulesChanged](events)
	require.Len(t, changes, 2, "once for each change")
	assert.Equal(t, []string{"buy", "sell"}, changes[0].Added)
	assert.Equal(t, []string{"analysis"}, changes[1].Added)
	assert.Equal(t, []string{"buy"}, changes[1].Changed)
	assert.Equal(t, []string{"sell"}, changes[1].Removed)
	require.Len(t, changes[1].Quarantined, 1)
	assert.Equal(t, "torn", changes[1].Quarantined[0].Task)
}

func TestRule33_ObserverThatPanics(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	events := new(eventLog)
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.Observers = []tradeclock.Observer{tradeclock.ObserverFunc(func(e tradeclock.Event) {
		events.Observe(e)
		panic("nil map")
	})}
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:00:00"))
	stop(t, s)
	assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("buy")))
	assert.Len(t, eventsOf[tradeclock.RunSettled](events), 1, "it is told all the same")
}

// TestRule33_ObserversAreToldEachByItself has one that panics and one that never returns
// beside one that listens.
func TestRule33_ObserversAreToldEachByItself(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	alone, beside, gate := new(eventLog), new(eventLog), w.latch()
	rows := []tradeclock.Schedule{row("buy", "daily 09:00"), row("watch", "every 1m 09:01-09:05")}
	for _, observers := range [][]tradeclock.Observer{
		{alone},
		{tradeclock.ObserverFunc(func(tradeclock.Event) { panic("nil map") }), mute(gate), beside},
	} {
		w := newWorld(t, "2026-11-23 08:59:00")
		cfg := w.config(rows...)
		cfg.Observers = observers
		_, d := w.drive(cfg)
		d.Until(at("2026-11-23 09:04:00"))
	}
	gate.release()
	assert.Len(t, eventsOf[tradeclock.RunSettled](alone), 5)
	assert.Equal(t, eventsOf[tradeclock.Ticked](alone), eventsOf[tradeclock.Ticked](beside))
	tell := func(l *eventLog) (told []string) {
		for _, e := range l.all {
			told = append(told, name(e))
		}
		return told
	}
	assert.Equal(t, tell(alone), tell(beside))
}

func TestRule33_AnObserverThatIsNilIsRefused(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.Observers = []tradeclock.Observer{new(eventLog), nil}
	_, err := tradeclock.New(cfg)
	assert.ErrorContains(t, err, "field Observers: number 2 is nil")
}

// brokenLog is a logger's handler that panics.
type brokenLog struct{ slog.Handler }

func (brokenLog) Handle(context.Context, slog.Record) error { panic("no disk") }

func TestRule33_LoggerThatPanics(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	cfg := w.config(row("buy", "daily 09:00"))
	cfg.Logger = slog.New(brokenLog{slog.NewTextHandler(io.Discard, nil)})
	s, d := w.drive(cfg)
	d.Until(at("2026-11-23 09:00:00"))
	stop(t, s)
	assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("buy")))
}

// TestRule33_SlowObserver holds up an observer until more has happened than is
// kept for it.
func TestRule33_SlowObserver(t *testing.T) {
	w := newWorld(t, "2026-11-23 09:00:00")
	events, gate := new(eventLog), make(chan struct{})
	cfg := w.config(row("watch", "every 1s 09:00-09:02"))
	var once sync.Once
	held := make(chan struct{})
	cfg.Observers = []tradeclock.Observer{tradeclock.ObserverFunc(func(e tradeclock.Event) {
		once.Do(func() { close(held); <-gate })
		events.Observe(e)
	})}
	s, d := w.drive(cfg)
	for i := range 99 {
		require.NoError(t, s.Enroll(t.Context(), fmt.Sprint("account ", i), w.rec))
	}
	d.Tick()
	<-held
	d.Until(at("2026-11-23 09:01:00"))
	runs := 100 * 60
	assert.Len(t, w.rec.Runs(), runs, "its slowness is its own")
	close(gate)
	stop(t, s)

	lost := eventsOf[tradeclock.EventsLost](events)
	require.Len(t, lost, 1)
	told := len(events.all) - len(lost)
	assert.GreaterOrEqual(t, told, 10_000, "the newest are kept")
	happened := 2 + 61 + 2*runs // the term and the schedules, the ticks, the starts and outcomes
	assert.Equal(t, happened, told+lost[0].Count, "it knows how many it was not told")
	settled := eventsOf[tradeclock.RunSettled](events)
	assert.Equal(t, "2026-11-23T09:01:00+05:30", settled[len(settled)-1].Run.Slot)
}

// records parses a log of JSON lines.
func records(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(log.String()) {
		record := map[string]any{}
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		all = append(all, record)
	}
	return all
}

func TestRule33_LogHasTaskAccountAndSlot(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:58:00")
	var log bytes.Buffer
	faulty := tradeclocktest.NewFaulty(w.store)
	w.rec.Do("failing", func(context.Context, tradeclock.Run) error { return errors.New("rejected") })
	cfg := w.config(
		row("good", "daily 09:00"), row("failing", "daily 09:00"),
		row("missed", "daily 08:58:30", catchUp(time.Second)), row("off", "daily 09:00"),
	)
	cfg.Ledger = faulty
	cfg.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, d := w.drive(cfg)
	d.Tick()
	require.NoError(t, s.Enroll(t.Context(), "7", w.rec))
	require.NoError(t, s.Withdraw(t.Context(), "7"))
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: "7", Reason: "test", Actor: "me"}))
	w.clock.Advance(time.Minute)
	d.Until(at("2026-11-23 09:00:00"))
	stop(t, s)

	want := map[string]string{
		"good":    "run started, run finished",
		"failing": "run started, run finished",
		"missed":  "run missed",
		"off":     "run started, run finished",
	}
	got := map[string]string{}
	for _, record := range records(t, &log) {
		message := record["msg"].(string)
		assert.Equal(t, "paper", record["scheduler"], message)
		if !strings.HasPrefix(message, "run ") {
			continue
		}
		task, _ := record["task"].(string)
		got[task] = strings.TrimPrefix(got[task]+", "+message, ", ")
		assert.Equal(t, "42", record["account"], message)
		assert.Equal(t, "2026-11-23", record["slot"], message)
		if task == "failing" && message == "run finished" {
			assert.Equal(t, "WARN", record["level"])
			assert.Equal(t, "failed", record["outcome"])
			assert.Equal(t, "rejected", record["reason"])
		}
	}
	assert.Equal(t, want, got)
}
