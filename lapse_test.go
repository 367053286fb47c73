package tradeclock

import (
	"context"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/rule"
)

// TestLapseOfRenewedTerm renews the term in the moment in which the alarm for its end
// goes off, too late for it to be stopped: it ends nothing, and leaves the alarm of the
// renewed term alone.
func TestLapseOfRenewedTerm(t *testing.T) {
	clock := clockwork.NewFakeClock()
	s, err := New(Config{
		Executor:  ExecutorFunc(func(context.Context, Run) error { return nil }),
		Schedules: FixedSchedules(Schedule{Task: "buy", Rule: rule.MustParse("daily 09:15")}),
		Ledger:    NewStore(clock), Clock: clock, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	require.NoError(t, s.Tick(t.Context()))
	s.mu.Lock()
	s.life.running = true // so that the end of the term is watched
	s.watchLapse()
	late := s.term.lapse
	clock.Advance(time.Minute)
	for next := s.activity.NextWake(); !next.IsZero() && !next.After(clock.Now()); next = s.activity.NextWake() {
		runtime.Gosched() // until it has gone off, and waits for mu
	}
	s.lead(t.Context(), clock.Now())
	renewed := s.term.lapse
	s.mu.Unlock()

	require.NoError(t, s.Quiesce(t.Context()))
	s.mu.Lock()
	defer s.mu.Unlock()
	assert.NotSame(t, late, renewed)
	assert.Same(t, renewed, s.term.lapse)
	assert.False(t, s.isDegraded("lapse"))
}
