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
