package tradeclock

import (
	"context"
	"fmt"
	"strings"

	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/store"
)

// LeakError is the error of Run, and of Close, if something did not come to its
// end in time.
type LeakError struct {
	// Running are the runs whose Execute did not return, and Executors the accounts
	// whose executor did not stop.
	Running   []Run
	Executors []string
	// Unreleased are the runs that were claimed, or may have been, and did not start, and
	// whose claims could not be given back: the next holder of the term finds them
	// interrupted, or not at all.
	Unreleased []Run
	// Unstored are the runs whose outcome did not reach the ledger: the next holder
	// of the term records them as interrupted.
	Unstored []Run
	// Halts are in force here and did not reach the ledger: the next process does not
	// know of them.
	Halts []store.Halt
	// Calls are the stores that have not returned from a call.
	Calls []string
}

// Error names everything that leaked.
func (e *LeakError) Error() string {
	var parts []string
	for _, r := range e.Running {
		parts = append(parts, fmt.Sprintf("run %s of %s has not returned", r.Slot, naming.Row(r.Task, r.Account)))
	}
	for _, name := range e.Executors {
		parts = append(parts, fmt.Sprintf("the executor of account %q has not stopped", name))
	}
	for _, r := range e.Unstored {
		parts = append(parts, fmt.Sprintf("the outcome of run %s of %s (%v) is not stored", r.Slot, naming.Row(r.Task, r.Account), r.Outcome))
	}
	for _, r := range e.Unreleased {
		parts = append(parts, fmt.Sprintf("the claim of run %s of %s, which did not start, is not given back", r.Slot, naming.Row(r.Task, r.Account)))
	}
	for _, h := range e.Halts {
		parts = append(parts, haltedText(h)+" is not stored: the next process does not know of it")
	}
	for _, name := range e.Calls {
		parts = append(parts, fmt.Sprintf("a call to the %s has not returned", name))
	}
	return "tradeclock: at the end: " + strings.Join(parts, "; ")
}

// Close ends a scheduler that is driven by Tick, as the end of Run's context ends
// one that runs: it starts nothing new, drains, stops the executors and resigns
// the term. The error is a *LeakError, or nil. A scheduler that runs is ended by
// Run's context, and Close returns ErrRunning.
func (s *UnifiedTaskScheduler) Close(ctx context.Context) error {
	s.mu.Lock()
	running, ended := s.life.running, s.life.ended
	s.life.running = true
	s.mu.Unlock()
	switch {
	case ended:
		return nil
	case running:
		return ErrRunning
	}
	s.activity.Begin()
	defer s.activity.End()
	s.wake.Close() // no loop waits for it
	s.pulse.Close()
	s.keepThroughDrain(ctx)
	return s.finish(ctx, s.drain(ctx))
}

// keepThroughDrain renews the term in place of the ticks, until it is resigned.
func (s *UnifiedTaskScheduler) keepThroughDrain(ctx context.Context) {
	s.mu.Lock()
	if s.term.renewal.Stop() {
		s.term.renewal = nil
	}
	s.mu.Unlock()
	// A renewal that goes on must not take the term anew once it is resigned.
	_ = s.awaitFor(ctx, ledgerBound, func() bool { return s.term.renewal == nil })
	s.keeping.Ring()
	s.life.stopKeeper = s.activity.Background(context.WithoutCancel(ctx), s.keepLoop)
}

// finish beats a last time and waits for the scheduler's goroutines, all of which
// come to their end now unless err says otherwise, or the heartbeat sink or the
// observer hangs.
func (s *UnifiedTaskScheduler) finish(ctx context.Context, err *LeakError) error {
	s.mu.Lock()
	s.sendBeat(ctx)
	s.mu.Unlock()
	// A call that was begun before the end may go on beside the beat: without alarms
	// nothing would end it.
	told := func() bool { return len(s.events.untold()) == 0 && len(s.activity.Unreturned()) == 0 }
	if s.awaitFor(ctx, leakGrace, told) != nil && err == nil {
		err = &LeakError{Calls: s.untold()}
	}
	s.activity.StopAlarms()
	if err != nil {
		return err
	}
	s.activity.Join()
	return nil
}

// untold names who has not returned from being told something, and the stores that have
// not returned from a call.
func (s *UnifiedTaskScheduler) untold() []string {
	names := s.hanging()
	if s.lanes.beat.IsBusy() {
		names = append(names, s.lanes.beat.Name())
	}
	return append(names, s.events.untold()...)
}

// drain brings everything to its end, each step within a bound.
func (s *UnifiedTaskScheduler) drain(ctx context.Context) *LeakError {
	s.mu.Lock()
	if s.life.ended { // it has crashed
		s.mu.Unlock()
		return nil
	}
	s.life.draining = true
	s.endRetries()
	began, running, interrupted, resigned := s.clock.Now(), len(s.running.list), 0, false
	s.log.Info("draining", "running", running, "timeout", s.cfg.DrainTimeout)
	s.mu.Unlock()

	idle := func() bool { return len(s.running.list)+s.engine.Claiming()+s.dispatch.manual == 0 }
	if s.awaitFor(ctx, s.cfg.DrainTimeout, idle) != nil {
		s.mu.Lock()
		interrupted = len(s.running.list)
		s.log.Warn("the time to drain is over: what runs is interrupted", "running", interrupted)
		s.running.end(ErrStopped)
		s.mu.Unlock()
		_ = s.awaitFor(ctx, leakGrace, idle) // what is left is named below
	}
	leaks := &LeakError{}
	s.mu.Lock()
	s.engine.GiveBackPending()
	s.act()
	for _, e := range s.running.ordered() {
		leaks.Running = append(leaks.Running, e.run)
	}
	s.mu.Unlock()

	s.stopExecutors(ctx, leaks)
	s.storeLast(ctx, leaks)
	// A term that is being taken is resigned below, and not left to expire.
	taken := func() bool { return !s.term.leading && (s.engine.Term.IsResumed() || s.term.term.Number == 0) }
	_ = s.awaitFor(ctx, leakGrace, taken)
	if s.life.stopKeeper != nil {
		s.life.stopKeeper()
	}
	if len(leaks.Running)+len(leaks.Executors) == 0 {
		resigned = s.resign(ctx)
	}
	// A call that goes on is not yet one that hangs.
	_ = s.awaitFor(ctx, leakGrace, func() bool { return len(s.hanging()) == 0 })
	s.mu.Lock()
	s.life.ended = true
	s.running.end(ErrStopped)
	s.term.lapse.Stop()
	s.term.renewal.Stop()
	leaks.Calls = s.hanging()
	leaks.Halts = s.control.notStored()
	s.log.Info("stopped", "after", s.clock.Now().Sub(began), "drained", running-interrupted, "interrupted", interrupted,
		"unstored", len(leaks.Unstored), "watermark", s.engine.Mark(), "resigned", resigned)
	s.mu.Unlock()
	if len(leaks.Running)+len(leaks.Executors)+len(leaks.Unstored)+len(leaks.Unreleased)+len(leaks.Halts)+len(leaks.Calls) > 0 {
		s.log.Error("not everything has ended", "error", leaks)
		return leaks
	}
	return nil
}

// stopExecutors stops the executors of all accounts, side by side.
func (s *UnifiedTaskScheduler) stopExecutors(ctx context.Context, leaks *LeakError) {
	s.mu.Lock()
	for a := range s.everyAccount() {
		s.stopExecutor(a)
	}
	stopped := func() bool {
		for a := range s.everyAccount() {
			if a.changing || a.stopping != nil && !a.IsBusy() {
				return false
			}
		}
		return true
	}
	s.mu.Unlock()
	if s.awaitFor(ctx, 2*leakGrace, stopped) == nil { // until its context has ended, and then for its return
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for a := range s.everyAccount() {
		if a.changing || a.stopping != nil {
			leaks.Executors = append(leaks.Executors, a.Name)
		}
	}
}

// storeLast waits for the last outcomes and the watermark to reach the ledger.
func (s *UnifiedTaskScheduler) storeLast(ctx context.Context, leaks *LeakError) {
	s.mu.Lock()
	s.kick()
	s.mu.Unlock()
	stored := func() bool {
		return len(s.books.settling)+len(s.engine.Releases()) == 0 && !s.books.settleBusy && !s.releasing.busy && !s.dispatching()
	}
	err := s.awaitFor(ctx, s.cfg.DrainTimeout, stored)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		return
	}
	for _, st := range s.books.settling {
		leaks.Unstored = append(leaks.Unstored, *st.run)
	}
	for _, r := range s.engine.Releases() {
		leaks.Unreleased = append(leaks.Unreleased, s.releasedRun(r))
	}
}

// resign ends the term, so that a standby takes over at once, and reports whether it
// did.
func (s *UnifiedTaskScheduler) resign(ctx context.Context) bool {
	s.mu.Lock()
	t := s.term.term
	s.term.resigned = true
	s.mu.Unlock()
	if t.Number == 0 {
		return false
	}
	// The keeper may have been stopped in the middle of a renewal.
	_ = s.awaitFor(ctx, leakGrace, func() bool { return !s.lanes.lead.IsBusy() })
	_, err := quiet.Call(ctx, s.lanes.lead, ledgerBound, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.cfg.Ledger.Resign(ctx, t)
	})
	if err != nil {
		s.log.Warn("the term was not resigned: a standby waits for its end", "error", said.Cut(err.Error(), said.MaxCondition))
	}
	return err == nil
}
