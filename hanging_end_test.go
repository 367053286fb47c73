package tradeclock_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

// TestRule26_RunReturnsWhateverHangsMeanwhile ends a scheduler at many seconds of two
// minutes in which the halts, and the last words of the ledger, hang.
func TestRule26_RunReturnsWhateverHangsMeanwhile(t *testing.T) {
	for _, op := range []tradeclocktest.Op{tradeclocktest.OpHalts, tradeclocktest.OpRecord, tradeclocktest.OpEnroll, tradeclocktest.OpClaim} {
		for second := range 20 {
			t.Run(fmt.Sprintf("%v %d", op, 3*second), func(t *testing.T) {
				w := newWorld(t, "2026-11-23 09:00:00")
				w.rec.Do("watch", func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, 70*time.Second) })
				faulty := tradeclocktest.NewFaulty(w.store)
				cfg := w.config(row("watch", "every 1m 09:00-09:20", overlap(tradeclock.OverlapQueue), catchUp(5*time.Minute)))
				cfg.Ledger = faulty
				d, stop := tradeclocktest.StartDriver(t, w.scheduler(cfg), w.clock)
				d.Until(at("2026-11-23 09:02:30"))
				faulty.Hang(op)
				faulty.Hang(tradeclocktest.OpResign)
				d.Until(at("2026-11-23 09:03:30").Add(time.Duration(3*second) * time.Second))
				var leak *tradeclock.LeakError
				if err := stop(); err != nil {
					require.ErrorAs(t, err, &leak)
				}
			})
		}
	}
}

// TestRule26_ACallThatHangsBesideTheLastBeat has a ledger that begins to hang when the
// last heartbeat is sent, which hangs too.
func TestRule26_ACallThatHangsBesideTheLastBeat(t *testing.T) {
	for _, op := range []tradeclocktest.Op{tradeclocktest.OpHalts, tradeclocktest.OpRecord} {
		for second := range 6 {
			t.Run(fmt.Sprintf("%v %d", op, second), func(t *testing.T) {
				w := newWorld(t, "2026-11-23 08:58:00")
				faulty := tradeclocktest.NewFaulty(w.store)
				faulty.Fail(op, errors.New("connection refused"))
				cfg := w.config(row("buy", "daily 08:59"), row("closed", "once 2026-11-22 09:00"))
				cfg.Ledger, cfg.Heartbeats = faulty, lastBeat{func() { faulty.Hang(op) }}
				d, stop := tradeclocktest.StartDriver(t, w.scheduler(cfg), w.clock)
				d.Until(at("2026-11-23 09:00:10").Add(time.Duration(second) * time.Second))
				var leak *tradeclock.LeakError
				if err := stop(); err != nil {
					require.ErrorAs(t, err, &leak)
				}
			})
		}
	}
}

// lastBeat is a sink that hangs in the last heartbeat until its time is over, and tells
// when it begins to.
type lastBeat struct{ begins func() }

func (b lastBeat) Beat(ctx context.Context, hb tradeclock.Heartbeat) error {
	if hb.State != tradeclock.StateStopped {
		return nil
	}
	b.begins()
	return tradeclock.Sleep(ctx, time.Hour)
}

// TestACrashWhileTheHaltsAreRead crashes while two readings of the halts go on.
func TestACrashWhileTheHaltsAreRead(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	w.rec.Do("long", func(ctx context.Context, _ tradeclock.Run) error { return tradeclock.Sleep(ctx, 61*time.Second) })
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(
		row("long", "daily 09:00", exclusive("g"), catchUp(10*time.Minute)),
		row("next", "daily 09:00:30", exclusive("g"), catchUp(10*time.Minute)),
	)
	cfg.Ledger = faulty
	d, _ := tradeclocktest.StartDriver(t, w.scheduler(cfg), w.clock)
	d.Until(at("2026-11-23 09:00:40"))
	faulty.Hang(tradeclocktest.OpHalts)
	d.Until(at("2026-11-23 09:01:01"))
	d.Crash()
	assert.Equal(t, 1, len(w.rec.Runs()))
}

// TestAHaltThatIsNotStoredIsHealth orders a halt that the ledger does not store: it is
// told while it holds in this process alone, and at its end.
func TestAHaltThatIsNotStoredIsHealth(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("watch", "every 1m 09:00-09:10"))
	cfg.Ledger = faulty
	s, d := w.drive(cfg)
	d.Tick()
	faulty.Fail(tradeclocktest.OpHalt, errors.New("disk full"))
	require.Error(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "loss limit", Actor: "risk"}))
	require.Error(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: "42", Reason: "his word", Actor: "desk"}))
	const told = "in force in this process alone, as the ledger did not store it: " +
		`the halt of all accounts by risk (loss limit); the halt of account "42" by desk (his word)`
	assert.Contains(t, s.Status().Degraded, told)

	faulty.Heal()
	d.For(time.Minute)
	assert.NotContains(t, s.Status().Degraded, told)

	faulty.Fail(tradeclocktest.OpHalt, errors.New("disk full"))
	require.Error(t, s.Halt(t.Context(), tradeclock.HaltRequest{Account: "42", Reason: "again", Actor: "desk"}))
	var leak *tradeclock.LeakError
	require.ErrorAs(t, s.Close(t.Context()), &leak)
	require.Len(t, leak.Halts, 1)
	assert.Contains(t, leak.Error(), `the halt of account "42" by desk (again) is not stored: the next process does not know of it`)
}

// TestALiftWhoseAnswerIsLost is not told of as a halt that stays: what was lifted is
// learnt at the next reading.
func TestALiftWhoseAnswerIsLost(t *testing.T) {
	w := newWorld(t, "2026-11-23 08:59:00")
	log := new(bytes.Buffer)
	faulty := tradeclocktest.NewFaulty(w.store)
	cfg := w.config(row("watch", "every 1m 09:00-09:10"))
	cfg.Ledger, cfg.Logger = faulty, slog.New(slog.NewTextHandler(log, nil))
	s, d := w.drive(cfg)
	d.Tick()
	require.NoError(t, s.Halt(t.Context(), tradeclock.HaltRequest{Reason: "loss limit", Actor: "risk"}))
	faulty.LoseAnswer(tradeclocktest.OpLift)
	require.ErrorContains(t, s.Lift(t.Context(), tradeclock.LiftRequest{Reason: "all clear", Actor: "risk"}), "until the ledger is read without it")
	d.Until(at("2026-11-23 09:00:00"))
	assert.Equal(t, []string{"09:00 succeeded"}, became(w.runs("watch")))
	assert.Contains(t, log.String(), "a halt was lifted")
}
