package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
)

// ErrEnrolled is wrapped by the error of Enroll for an account that is enrolled.
var ErrEnrolled = errors.New("the account is enrolled already")

// account is one account that the scheduler serves, or served. Guarded by the
// scheduler's mu.
type account struct {
	engine.Account
	exec  TaskExecutor
	known []string // the tasks that the executor lists
	lists bool     // it lists them

	starter     Starter // of the current executor, or nil
	changing    bool    // a goroutine starts or stops it
	cancelStart context.CancelCauseFunc
	again       *quiet.Alarm // when a start that failed is tried again
	stopping    Starter      // what is to be stopped once the runs have returned
}

// accountOf is the account as the scheduler knows it. That of none is none.
func accountOf(a *engine.Account) *account {
	if a == nil {
		return nil
	}
	return a.Of.(*account)
}

// account returns an account that is or was enrolled, or nil.
func (s *UnifiedTaskScheduler) account(name string) *account {
	return accountOf(s.engine.Accounts.Get(name))
}

// enrolled returns an account that is enrolled.
func (s *UnifiedTaskScheduler) enrolled(name string) (*account, error) {
	if a := s.engine.Accounts.Enrolled(name); a != nil {
		return accountOf(a), nil
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownAccount, name)
}

// everyAccount are all accounts, by name, those that were withdrawn among them.
func (s *UnifiedTaskScheduler) everyAccount() iter.Seq[*account] {
	return func(yield func(*account) bool) {
		for _, a := range s.engine.Accounts.All() {
			if !yield(accountOf(a)) {
				return
			}
		}
	}
}

// almosts are which optional interfaces executors have only almost. Guarded by the
// scheduler's mu.
type almosts struct {
	// byAccount says it by account, and said counts the accounts of which each is said.
	byAccount map[string][]string
	said      map[string]int
}

// enrol adds an account, new or withdrawn before. The executor was asked for its
// tasks beforehand, since that is a call of user code.
func (s *UnifiedTaskScheduler) enrol(name string, exec TaskExecutor, known []string, lists bool, now time.Time) *account {
	a := s.account(name)
	if a == nil {
		a = &account{Account: engine.Account{Name: name}}
		a.Of = a
	}
	a.exec, a.known, a.lists = exec, known, lists
	a.starter, _ = executorAs[Starter](exec)
	s.engine.Accounts.Enrol(&a.Account, a.starter == nil, now)
	return a
}

// note keeps what almostExecutor has said of an account's executor, and reports
// whether anything is said that was not, or the other way round.
func (as *almosts) note(name string, found []string) (news bool) {
	for _, text := range as.byAccount[name] {
		if as.said[text]--; as.said[text] == 0 {
			delete(as.said, text)
			news = true
		}
	}
	delete(as.byAccount, name)
	if len(found) > 0 {
		as.byAccount[name] = found
	}
	for _, text := range found {
		as.said[text]++
		news = news || as.said[text] == 1
	}
	return news
}

// listTasks asks an executor for its tasks, if it is a TaskLister and does not
// panic.
func listTasks(exec TaskExecutor) (known []string, lists bool) {
	lister, ok := executorAs[TaskLister](exec)
	if !ok {
		return nil, false
	}
	err := said.Contain(func() error {
		known = slices.Clone(lister.Tasks())
		return nil
	})
	return known, err == nil
}

// Enroll adds an account, before or while the scheduler runs. An account that the
// ledger never saw is served from now on: what is due after this instant. A known
// one is served from where the ledger has it accounted for, so that what it missed
// meanwhile is caught up or recorded. Of what came due while it was withdrawn, that
// goes for the schedules whose catch-up is as long as the absence or longer; by the
// others it is served from now on.
// The error wraps ErrEnrolled or ErrStopped, or says what is wrong with the
// arguments.
func (s *UnifiedTaskScheduler) Enroll(ctx context.Context, name string, exec TaskExecutor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if name != "" {
		if err := naming.Check(name); err != nil {
			return fmt.Errorf("enroll account: %w", err)
		}
	}
	if exec == nil {
		return fmt.Errorf("enroll account %q: an executor is required", name)
	}
	known, lists := listTasks(exec)
	almost := almostExecutor(exec)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.ended || s.life.draining {
		return fmt.Errorf("enroll account %q: %w", name, ErrStopped)
	}
	if _, err := s.enrolled(name); err == nil {
		return fmt.Errorf("enroll account %q: %w", name, ErrEnrolled)
	}
	now := s.clock.Now()
	a := s.enrol(name, exec, known, lists, now)
	s.log.Info("account enrolled", "account", name)
	if s.almost.note(name, almost) {
		s.reportAlmost()
	}
	if s.engine.Term.IsResumed() {
		behind := s.engine.Return(&a.Account, now)
		s.startIfNeeded(a)
		s.kickLater()
		if behind && s.life.running {
			s.wake.Ring()
		}
	}
	s.sched.unreported = true
	return nil
}

// Withdraw removes an account: nothing new of it starts, no further attempt either,
// what is pending is skipped, and what runs goes on. An account that is enrolled again meanwhile
// waits for its old runs. The error wraps ErrUnknownAccount.
func (s *UnifiedTaskScheduler) Withdraw(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.enrolled(name)
	if err != nil {
		return fmt.Errorf("withdraw: %w", err)
	}
	s.engine.Withdraw(&a.Account, s.clock.Now())
	s.endRetries()
	s.log.Info("account withdrawn", "account", name)
	if s.almost.note(name, nil) {
		s.reportAlmost()
	}
	s.stopExecutor(a)
	s.forgetBadRuns()
	s.act()
	s.sched.unreported = true
	s.kickLater()
	return nil
}

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
