package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/internal/why"
)

// ErrTimeout is the cause with which the context of a run ends at its deadline.
var ErrTimeout = errors.New("the run's timeout has passed")

// execution is a run whose Execute was called and has not returned: all its
// attempts. Its fields are guarded by the scheduler's mu, but for those that are
// set before it starts.
type execution struct {
	// The run itself changes from attempt to attempt, by the goroutine that makes
	// them, which may read it without mu.
	run  Run
	of   *engine.Run // as the engine knows it
	row  *vet.Row
	acct *account
	s    *UnifiedTaskScheduler
	exec TaskExecutor
	seq  int64
	ctx  runContext // to cancel it is not to take its outcome, which is what Execute returns

	index    int // among those that are running
	deadline *quiet.Alarm
	endWait  context.CancelCauseFunc // of the wait for the next attempt, or nil
	taken    bool                    // the outcome was taken: Execute goes on overdue
	details  said.Details

	// What Execute came to, as it is handed in.
	outcome Outcome
	reason  string
}

// start starts a run, as the engine has it, in a goroutine of its own. The caller holds
// mu.
func (s *UnifiedTaskScheduler) start(p *engine.Run, run Run) *execution {
	e := &execution{run: run, of: p, row: p.Row.Of.(*vet.Row), acct: accountOf(p.Account), s: s}
	e.exec, p.Of = e.acct.exec, e
	e.ctx.e, e.ctx.visit, e.ctx.parent = e, s.activity.NewVisit(), s.running.context()
	s.running.enter(e)
	s.activity.Begin()
	s.nextAttempt(e)
	s.keepBetweenTicks()
	s.tellStarted(e)
	s.activity.Start(e)
	return e
}

// nextAttempt counts an attempt and sets its deadline. The caller holds mu.
func (s *UnifiedTaskScheduler) nextAttempt(e *execution) {
	e.run.Attempt++
	if e.row.Timeout > 0 {
		e.run.Deadline = s.clock.Now().Round(0).UTC().Add(e.row.Timeout)
		e.deadline = s.activity.After(e.row.Timeout, e.timeOut)
	}
}

// Do makes the attempts of the run, and leaves when the last has returned.
func (e *execution) Do() {
	left := false
	defer func() {
		if !left { // the executor ended its goroutine
			e.leave(Failed, "the executor ended its goroutine with runtime.Goexit")
		}
	}()
	if outcome, reason, refused := e.ineligible(); refused {
		left = true
		e.leave(outcome, reason)
		return
	}
	for {
		outcome, reason := e.attempt()
		if outcome == Failed {
			again, why := e.waitForRetry()
			if again {
				continue
			}
			reason = said.Cut(reason, said.MaxReason-len(why)) + why
		}
		left = true
		e.leave(outcome, reason)
		return
	}
}

// attempt calls Execute and tells the outcome. A panic is a failure, be it in
// Execute or in the error that it returned, when that is asked for its text.
func (e *execution) attempt() (outcome Outcome, reason string) {
	defer func() {
		if p := recover(); p != nil {
			e.keepStack(debug.Stack())
			outcome, reason = Failed, why.Panicked+said.Panic(p)
		}
	}()
	return e.judge(e.exec.Execute(&e.ctx, e.run))
}

// judge tells the outcome of an attempt from its error.
func (e *execution) judge(err error) (Outcome, string) {
	if err == nil {
		return Succeeded, ""
	}
	if skip := (*skipError)(nil); errors.As(err, &skip) {
		return Skipped, skip.reason
	}
	if cause := context.Cause(&e.ctx); cause != nil {
		if strings.Contains(err.Error(), cause.Error()) { // as that of Sleep, which is the cause
			return Interrupted, err.Error()
		}
		return Interrupted, fmt.Sprintf("%v: %v", cause, err)
	}
	return Failed, err.Error()
}

// waitForRetry waits for the backoff before the next attempt, if there is to be one.
// If there was to be, and is not, it says why.
func (e *execution) waitForRetry() (again bool, why string) {
	s := e.s
	s.mu.Lock()
	defer s.mu.Unlock()
	e.deadline.Stop()
	e.deadline = nil
	backoff, again := e.of.TryAgain(e.run.Attempt, s.clock.Now())
	if !again {
		return false, ""
	}
	why = s.whyNoAttempt(e)
	if why == "" {
		ctx, endWait := context.WithCancelCause(&e.ctx)
		e.endWait = endWait
		s.running.retrying++
		s.mu.Unlock()
		interrupted := Sleep(ctx, backoff)
		s.mu.Lock()
		s.running.retrying--
		e.endWait = nil
		why = s.whyNoAttempt(e)
		if interrupted != nil { // what ended it may be over already
			why = context.Cause(ctx).Error()
		}
		endWait(nil)
	}
	if why != "" {
		return false, "; not tried again: " + why
	}
	s.nextAttempt(e)
	return true, ""
}

// endRetries lets go what waits for an attempt that may not start any more. The
// caller holds mu.
func (s *UnifiedTaskScheduler) endRetries() {
	if s.running.retrying == 0 {
		return
	}
	for _, e := range s.running.ordered() {
		if e.endWait == nil {
			continue
		}
		if why := s.whyNoAttempt(e); why != "" {
			e.endWait(errors.New(why))
		}
	}
}

// whyNoAttempt says why no further attempt of a run may start, if so.
func (s *UnifiedTaskScheduler) whyNoAttempt(e *execution) string {
	var ended, stopped string
	if cause := context.Cause(&e.ctx); cause != nil {
		ended = cause.Error()
	}
	if s.life.draining {
		stopped = ErrStopped.Error()
	}
	return s.engine.WhyNoAttempt(e.of, ended, stopped, s.clock.Now())
}

// timeOut takes the outcome when the deadline passes. Execute may go on: it keeps
// its task and its group, and gives back its place.
func (e *execution) timeOut() {
	s := e.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if !e.taken && e.deadline != nil {
		s.take(e, TimedOut, fmt.Sprintf("it took longer than its timeout of %v", e.row.Timeout), s.clock.Now())
		e.ctx.cancel(ErrTimeout)
		s.act()
		s.settleLater()
		s.kickLater()
	}
}

// take takes the run's outcome and gives back its place. The caller holds mu.
func (s *UnifiedTaskScheduler) take(e *execution, outcome Outcome, reason string, now time.Time) {
	e.taken = true
	e.deadline.Stop()
	run := &e.run
	if outcome == TimedOut { // the goroutine of the attempts goes on, and has the run for itself
		copied := e.run
		run = &copied
	}
	run.Outcome, run.Reason = outcome, said.Cut(reason, said.MaxReason)
	run.Finished = now.Round(0).UTC()
	run.Details = e.details.All()
	if outcome == Interrupted && e.wasCutOff() {
		run.RerunUntil = e.of.RerunUntil(now)
	}
	s.engine.Ended(e.of, verdictOn(outcome, reason), reason)
	s.logOutcome(run)
	st := settlement{run: run, delivery: e.row.Delivery}
	if e.of.IsUnclaimed() {
		st.unclaimed = e.of
	}
	s.books.settling = append(s.books.settling, st)
}

// wasCutOff reports whether the scheduler stopped or lost its term while the run went on.
func (e *execution) wasCutOff() bool {
	cause := context.Cause(&e.ctx)
	return errors.Is(cause, ErrStopped) || errors.Is(cause, ErrTermLost)
}

// leave hands in what Execute came to, when it has returned for the last time.
func (e *execution) leave(outcome Outcome, reason string) {
	e.outcome, e.reason = outcome, reason
	if e.s.returned.handIn(e) {
		e.s.takeIn()
	}
}

// takeIn lets go of the executions that have returned, settles their outcomes, and
// starts what waited for them.
func (s *UnifiedTaskScheduler) takeIn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	came, now := s.returned.takeAll(), s.clock.Now()
	defer s.activity.EndAll(len(came))
	for _, e := range came {
		s.letGo(e, now)
	}
	s.returned.reuse(came)
	s.act()
	s.leaveBetweenTicks()
	s.settle()
	if s.engine.HasReady() {
		s.kick()
	}
}

// letGo takes the outcome, if the deadline has not, and lets go of the task and
// the group. The caller holds mu.
func (s *UnifiedTaskScheduler) letGo(e *execution, now time.Time) {
	if e.taken {
		s.log.Info("an overdue run returned", "task", e.run.Task, "account", e.run.Account, "slot", e.run.Slot, "with", e.outcome.String())
	} else {
		s.take(e, e.outcome, e.reason, now)
	}
	e.ctx.cancel(nil)
	s.running.exit(e)
	s.engine.Returned(e.of)
	s.retire(e.acct)
}

func (e *execution) annotate(key string, detail said.Detail) {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	if !e.taken {
		e.details.Add(key, detail)
	}
}

// keepStack keeps where an attempt panicked, whatever other details there are.
func (e *execution) keepStack(stack []byte) {
	detail := said.PlainText(string(stack))
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	if !e.taken {
		e.details.Set("stack", detail)
	}
}

func (s *UnifiedTaskScheduler) tellStarted(e *execution) {
	run := &e.run
	if len(s.events) > 0 {
		s.events.tell(RunStarted{*run, e.row.Delivery})
	}
	if s.logs(slog.LevelDebug) {
		s.log.Debug("run started", "task", run.Task, "account", run.Account, "slot", run.Slot, "lateness", run.Lateness())
	}
}

func (s *UnifiedTaskScheduler) logOutcome(run *Run) {
	level := slog.LevelWarn
	if run.Outcome == Succeeded || run.Outcome == Skipped {
		level = slog.LevelInfo
	}
	if !s.logs(level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("task", run.Task), slog.String("account", run.Account), slog.String("slot", run.Slot),
		slog.String("outcome", run.Outcome.String()),
	}
	if run.Reason != "" {
		attrs = append(attrs, slog.String("reason", run.Reason))
	}
	if run.Attempt > 1 {
		attrs = append(attrs, slog.Int("attempt", run.Attempt))
	}
	s.log.LogAttrs(context.Background(), level, "run finished", attrs...)
}

// logs reports whether a record would be logged, before it is made.
func (s *UnifiedTaskScheduler) logs(level slog.Level) bool {
	return s.log.Enabled(context.Background(), level)
}
