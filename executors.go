package tradeclock

import (
	"context"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
)

// stopExecutor stops the account's executor, if it was started, once its runs
// have returned. A start that goes on is ended. The caller holds mu.
func (s *UnifiedTaskScheduler) stopExecutor(a *account) {
	if a.starter == nil {
		return
	}
	if a.cancelStart != nil {
		a.cancelStart(ErrStopped)
	}
	a.again.Stop()
	a.again = nil
	s.clear(startCondition(a))
	if a.HasStarted() {
		s.engine.Accounts.SetStarted(&a.Account, false)
		a.stopping = a.starter
	}
	s.retire(a)
}

// retire calls Stop once nothing of the account runs any more.
func (s *UnifiedTaskScheduler) retire(a *account) {
	if a.stopping == nil || a.changing || a.IsBusy() || s.life.crashed.Load() {
		return
	}
	stopping := a.stopping
	a.stopping, a.changing = nil, true
	s.activity.Begin()
	s.activity.Go(func() {
		err := quiet.ErrGoexit
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			defer s.activity.End()
			if err != nil {
				s.log.Error("the executor did not stop well", "account", a.Name, "error", said.Cut(err.Error(), said.MaxCondition))
			}
			a.changing = false
			s.startIfNeeded(a)
		}()
		ctx, cancel := s.activity.Within(s.activity.Visiting(context.Background()), leakGrace)
		defer cancel()
		err = said.Contain(func() error { return stopping.Stop(ctx, a.Name) })
	})
}

// startExecutors starts the executors that need it. Each renewal of the term comes
// here, and mostly all have started. The caller holds mu.
func (s *UnifiedTaskScheduler) startExecutors() {
	if s.engine.Accounts.AllStarted() {
		return
	}
	for a := range s.everyAccount() {
		s.startIfNeeded(a)
	}
}

// startIfNeeded starts an account's executor, once the term is held, and while a run
// may start: a term that has lapsed may be another's by now. Each has a goroutine, so
// that one that hangs holds up no other. The caller holds mu.
func (s *UnifiedTaskScheduler) startIfNeeded(a *account) {
	if a.HasStarted() || a.changing || a.again != nil || a.stopping != nil || !s.wantsStart(a) {
		return
	}
	if s.engine.Term.MayStart(true, s.clock.Now()) { // else lead does so once the term is renewed
		s.startExecutor(a, retryFirst)
	}
}

func (s *UnifiedTaskScheduler) wantsStart(a *account) bool {
	return s.engine.Term.IsResumed() && !a.IsGone() && !s.life.draining && !s.life.ended
}

// startExecutor calls Start in a goroutine, and again after backoff if it fails.
func (s *UnifiedTaskScheduler) startExecutor(a *account, backoff time.Duration) {
	starter := a.starter
	ctx := s.activity.Visiting(context.Background())
	ctx, cancel := context.WithCancelCause(ctx)
	a.changing, a.cancelStart = true, cancel
	s.activity.Begin()
	s.activity.Go(func() {
		err := quiet.ErrGoexit
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			defer s.activity.End()
			wanted := ctx.Err() == nil && s.wantsStart(a)
			cancel(nil)
			a.changing, a.cancelStart = false, nil
			s.executorStarted(a, starter, wanted, err, backoff)
		}()
		err = said.Contain(func() error { return starter.Start(ctx, a.Name) })
	})
}

// executorStarted does what follows a call of Start. One that is not wanted any
// more is stopped.
func (s *UnifiedTaskScheduler) executorStarted(a *account, starter Starter, wanted bool, err error, backoff time.Duration) {
	condition := startCondition(a)
	switch {
	case err == nil && !wanted:
		a.stopping = starter
		s.retire(a)
	case !wanted:
		s.clear(condition)
		s.startIfNeeded(a)
	case err != nil:
		s.degrade(condition, fmt.Sprintf("the executor of account %q does not start: %v", a.Name, err))
		s.startAgain(a, backoff)
	default:
		s.engine.ExecutorStarted(&a.Account)
		s.clear(condition)
		s.kickLater()
	}
}

// tellBlocked tells that runs wait for an executor to start, unless what is wrong with
// the start is told already.
func (s *UnifiedTaskScheduler) tellBlocked(a *account) {
	if condition := startCondition(a); s.health.conditions[condition] == "" {
		s.degrade(condition, fmt.Sprintf("the executor of account %q has not started yet: its runs wait for it", a.Name))
	}
}

func startCondition(a *account) string { return "start " + a.Name }

func (s *UnifiedTaskScheduler) startAgain(a *account, backoff time.Duration) {
	var again *quiet.Alarm
	again = s.afterLocked(backoff, func() {
		if a.again != again {
			return
		}
		a.again = nil
		if s.engine.Term.MayStart(true, s.clock.Now()) {
			s.startExecutor(a, nextRetry(backoff))
		}
	})
	a.again = again
}
