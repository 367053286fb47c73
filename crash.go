package tradeclock

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"

	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/store"
)

// ErrCrashed is what Run returns after Crash, and the cause with which the contexts
// of what went on end then.
var ErrCrashed = errors.New("the scheduler has crashed")

// Crash ends the scheduler as a power cut ends its process, for tests. It calls no
// store, sink, executor, observer or logger any more, drains nothing and resigns nothing:
// what ran is running in the ledger still, and the term ends when it expires. Run
// returns ErrCrashed, and further calls fail.
//
// What a process takes with it a test cannot end by force: tasks, and calls of
// stores, which have been called and have not returned. Their contexts end, with
// ErrCrashed as the cause, and nobody looks at what they return; Quiesce waits for
// that, unless they are parked regardless of their context. A call of a store that
// comes through in spite of it is as one that was on its way when the power failed.
// Crash may be called from a task.
func (s *UnifiedTaskScheduler) Crash() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.ended {
		return
	}
	s.life.crashed.Store(true)
	s.life.draining, s.life.ended = true, true
	s.term.term = store.Term{}
	s.engine.Term.Lost()
	s.events.silence()
	s.running.end(ErrCrashed)
	for a := range s.everyAccount() {
		if a.cancelStart != nil {
			a.cancelStart(ErrCrashed)
		}
	}
	if s.life.stop != nil {
		s.life.stop()
	}
	s.activity.Crash(ErrCrashed)
}

// livingLog is a logger's handler until the scheduler has crashed. A panic in it ends
// nothing but its line.
type livingLog struct {
	slog.Handler
	crashed *atomic.Bool
}

// Enabled is false after the crash.
func (l livingLog) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	_ = said.Contain(func() error {
		enabled = !l.crashed.Load() && l.Handler.Enabled(ctx, level)
		return nil
	})
	return enabled
}

// Handle hands the line on.
func (l livingLog) Handle(ctx context.Context, r slog.Record) error {
	return said.Contain(func() error { return l.Handler.Handle(ctx, r) })
}
