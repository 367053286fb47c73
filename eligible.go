package tradeclock

import (
	"context"
	"errors"
	"fmt"

	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/why"
)

// EligibilityChecker is an executor that says which of its tasks an account may run: the
// analysis may be for those who have paid for it, say.
//
// Eligible returns nil if the account may run the task, and else an error whose text says why
// not. It is asked by Trigger, whose error wraps ErrIneligible then and the one that was
// returned; and in place of Execute before the first attempt of each run, in the run's
// goroutine and with its context: the run is recorded as skipped, with that reason. It may ask
// a database. A panic in it is one of the run. It is safe for concurrent use.
//
// It must be what is enrolled, or be found from there by Unwrap.
type EligibilityChecker interface {
	Eligible(ctx context.Context, account, task string) error
}

// ErrIneligible is wrapped by the error of Trigger if the account may not run the task.
var ErrIneligible = errors.New("the account may not run the task")

// checkEligible asks the executor of an account whether it may run a task, for a person.
func (s *UnifiedTaskScheduler) checkEligible(ctx context.Context, account, task string) error {
	s.mu.Lock()
	var exec TaskExecutor // of nobody else: that is told when all else is looked at
	if a, err := s.enrolled(account); err == nil {
		exec = a.exec
	}
	s.mu.Unlock()
	checker, checks := executorAs[EligibilityChecker](exec)
	if !checks {
		return nil
	}
	refusal, err := quiet.CallInTurn(ctx, s.lanes.eligible, pollBound, func(ctx context.Context) (error, error) {
		return checker.Eligible(ctx, account, task), nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("whether the account may run the task is not known: %w", err)
	case refusal != nil:
		return fmt.Errorf("%w: %w", ErrIneligible, refusal)
	}
	return nil
}

// ineligible asks the executor whether the account may run the task, and tells the outcome if
// it may not.
func (e *execution) ineligible() (outcome Outcome, reason string, refused bool) {
	checker, checks := executorAs[EligibilityChecker](e.exec)
	if !checks {
		return outcome, "", false
	}
	var err error
	panicked := said.Contain(func() error {
		err = checker.Eligible(&e.ctx, e.run.Account, e.run.Task)
		return nil
	})
	switch {
	case panicked != nil:
		return Failed, why.Panicked + panicked.Error(), true
	case err == nil:
		return outcome, "", false
	case context.Cause(&e.ctx) != nil:
		outcome, reason = e.judge(err)
		return outcome, reason, true
	}
	return Skipped, why.Ineligible + err.Error(), true
}
