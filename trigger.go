package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/spelling"
	"github.com/tradeclock/tradeclock/rule"
)

// Errors of Trigger. ResetWatermark returns ErrNoTerm too.
var (
	// ErrBusy: the task, or another of its group, is running, or no place is free.
	ErrBusy = errors.New("busy")
	// ErrOutsideSession: the task does not run on such a day.
	ErrOutsideSession = errors.New("outside the task's sessions")
	// ErrHalted: a halt is in force.
	ErrHalted = errors.New("halted")
	// ErrHaltsUnread: whether a halt is in force could not be read, and the task runs
	// at most once. The store's error is wrapped too.
	ErrHaltsUnread = errors.New("the halts could not be read")
	// ErrNoTerm: the scheduler is not the active one.
	ErrNoTerm = errors.New("the scheduler holds no term")
	// ErrSlotTaken: today's slot has had a start.
	ErrSlotTaken = errors.New("the slot has had a start")
)

// TriggerRequest says what to run now, and who wants it.
type TriggerRequest struct {
	Task    string `json:"task"`
	Account string `json:"account"`
	// Actor is who asks. Required.
	Actor string `json:"actor"`
	// Force runs it on a day that is none of the task's sessions.
	Force bool `json:"force,omitzero"`
	// ForToday makes the run stand for the task's slot of today, which must not have
	// had a start: it may have been missed or skipped, or be still to come. The rule
	// must have one occurrence a session.
	ForToday bool `json:"for_today,omitzero"`
}

// Trigger runs a task now. The run is recorded as manual, with the actor, and
// claimed like any other; it counts for overlap and groups. Trigger returns the
// run when it has started, without waiting for it to finish.
//
// The error wraps ErrUnknownTask, ErrUnknownAccount, ErrOutsideSession, ErrHalted,
// ErrHaltsUnread, ErrBusy, ErrNoTerm, ErrSlotTaken or ErrStopped where one of these is
// the reason.
func (s *UnifiedTaskScheduler) Trigger(ctx context.Context, req TriggerRequest) (Run, error) {
	s.activity.Begin()
	defer s.activity.End()
	s.mu.Lock()
	p, err := s.prepare(ctx, req)
	if err != nil {
		s.mu.Unlock()
		return Run{}, fmt.Errorf("trigger %s: %w", rowName(req.Task, req.Account), err)
	}
	s.reserve(p)
	t, drops := s.term.term, s.queue.drops
	s.queue.manual++
	s.mu.Unlock()
	claim, err := s.claimManual(ctx, t, p, req.ForToday)
	s.mu.Lock()
	s.queue.manual--
	defer s.mu.Unlock()
	defer s.kickLater() // what waits for the slot or a start limit knows now when to ask again
	if err == nil && !claim.Held {
		err = fmt.Errorf("%w: it is %v", ErrSlotTaken, claim.Outcome)
	} else if refusal := s.mayNotStartManual(p, t, drops); err == nil && refusal != nil {
		err = refusal
		s.giveBack(p, t, NoOutcome, "")
	} else if errors.Is(err, ErrDeposed) {
		err = fmt.Errorf("%w: %w", ErrNoTerm, err)
	} else if err != nil {
		s.giveBack(p, t, NoOutcome, "")
	}
	if err != nil {
		s.unreserve(p)
		return Run{}, fmt.Errorf("trigger %s: %w", rowName(req.Task, req.Account), err)
	}
	p.run.First, p.run.Resumed = claim.First, claim.Resumed
	s.log.Info("run triggered", "task", p.run.Task, "account", p.run.Account, "slot", p.run.Slot, "actor", p.run.Actor)
	if req.ForToday {
		s.term.ahead.add([]Run{p.run}) // its slot is not planned any more
	}
	return s.start(p, false).run, nil
}

// mayNotStartManual says why a run that was claimed does not start after all: what has
// changed while the ledger was asked.
func (s *UnifiedTaskScheduler) mayNotStartManual(p *pending, t Term, drops int) error {
	halt, halted := s.haltFor(p.acct.name)
	switch {
	case s.term.term != t || s.queue.drops != drops || !s.term.trustedAt(s.clock.Now()) || s.life.draining:
		return ErrNoTerm
	case p.acct.gone, !p.acct.started: // or it came back since
		return ErrUnknownAccount
	case halted:
		return haltError(halt)
	}
	return nil
}

// claimManual claims the slot of a manual run. A slot of today that was missed or
// skipped without a start is taken over.
func (s *UnifiedTaskScheduler) claimManual(ctx context.Context, t Term, p *pending, reopen bool) (Claim, error) {
	run := p.run
	claim, err := quiet.CallInTurn(ctx, s.lanes.manual, ledgerBound, func(ctx context.Context) (Claim, error) {
		claims, err := s.cfg.Ledger.Claim(ctx, t, []Run{run})
		if err == nil && len(claims) != 1 {
			err = fmt.Errorf("the ledger answered %d claims of 1", len(claims))
		}
		if err != nil {
			return Claim{}, err
		}
		return claims[0], nil
	})
	neverStarted := claim.Outcome == Missed || claim.Outcome == Skipped
	if err != nil || claim.Held || !reopen || !neverStarted || claim.Taken == nil {
		return claim, err
	}
	p.replaces = claim.Taken
	return quiet.CallInTurn(ctx, s.lanes.manual, ledgerBound, func(ctx context.Context) (Claim, error) {
		return s.cfg.Ledger.Reclaim(ctx, t, "", run)
	})
}

// prepare checks a request and makes a run of it. The caller holds mu, which is let
// go of while the halts are read.
func (s *UnifiedTaskScheduler) prepare(ctx context.Context, req TriggerRequest) (*pending, error) {
	if req.Actor == "" {
		return nil, errors.New("an actor is required")
	}
	if err := s.readHalts(ctx); err != nil {
		return nil, err
	}
	now := s.clock.Now()
	if s.life.draining || s.life.ended {
		return nil, ErrStopped
	}
	a, err := s.accounts.enrolled(req.Account)
	if err != nil {
		return nil, err
	}
	if !s.term.trustedAt(now) {
		return nil, ErrNoTerm
	}
	r := s.rowFor(req.Account, req.Task)
	if r == nil || a.lists && !slices.Contains(a.known, req.Task) {
		return nil, fmt.Errorf("%w: %q%s", ErrUnknownTask, req.Task, spelling.Hint(req.Task, s.taskNames()))
	}
	if halt, halted := s.haltFor(req.Account); halted {
		return nil, haltError(halt)
	}
	if err := s.control.unread; err != nil && r.Delivery == AtMostOnce {
		return nil, fmt.Errorf("%w: %w", ErrHaltsUnread, err)
	}
	if err := s.free(a, r); err != nil {
		return nil, err
	}
	o, err := s.manualOccurrence(r, req, now)
	if err != nil {
		return nil, err
	}
	p := s.newPending(a, a.task(r.Task), r, o, false)
	if req.ForToday {
		if err := s.slotInDoubt(p); err != nil {
			return nil, err
		}
	}
	p.expires = now.Add(r.catchUp())
	p.run.Manual, p.run.Actor = true, req.Actor
	p.run.Started, p.run.Outcome = now.Round(0).UTC(), Running
	if ok, _ := s.limits.Reserve(r.StartLimit, a.name, now); !ok {
		return nil, fmt.Errorf("%w: start limit %s allows no start now", ErrBusy, r.StartLimit)
	}
	return p, nil
}

// slotInDoubt reports whether the ledger may have an earlier claim of the slot, of a run
// that did not start or is yet to start.
func (s *UnifiedTaskScheduler) slotInDoubt(p *pending) error {
	if s.releases.has(&p.run) {
		return fmt.Errorf("%w: the ledger still has an earlier claim of its slot", ErrBusy)
	}
	if waits := s.queue.find(p.task, p.run.Slot); waits != nil && waits.uncertain {
		return fmt.Errorf("%w: the run of its slot waits for %s", ErrBusy, waits.waits)
	}
	return nil
}

// taskNames returns the tasks that have a schedule. The caller holds mu.
func (s *UnifiedTaskScheduler) taskNames() []string {
	var names []string
	for key := range s.sched.rows {
		names = append(names, key.Task)
	}
	return names
}

// free reports whether a manual run of the task could start now.
func (s *UnifiedTaskScheduler) free(a *account, r *row) error {
	ts := a.task(r.Task)
	switch {
	case !a.started:
		return fmt.Errorf("%w: the executor has not started", ErrBusy)
	case ts.isBusy():
		return fmt.Errorf("%w: the task is running", ErrBusy)
	case r.Exclusive != "" && a.group(r.Exclusive).busy:
		return fmt.Errorf("%w: group %s is running", ErrBusy, r.Exclusive)
	case s.cfg.MaxConcurrent > 0 && s.queue.places >= s.cfg.MaxConcurrent:
		return fmt.Errorf("%w: no place is free among the concurrent runs", ErrBusy)
	}
	return nil
}

// manualOccurrence is the occurrence that a manual run stands for: today's, or
// one of its own that is due now.
func (s *UnifiedTaskScheduler) manualOccurrence(r *row, req TriggerRequest, now time.Time) (plan.Occurrence, error) {
	loc := r.view.loc
	today := calendar.DateOf(now.In(loc))
	session, err := plan.SessionOf(r.view, today)
	if !req.Force {
		if err != nil && r.Sessions&calendar.EveryDay == 0 {
			return plan.Occurrence{}, fmt.Errorf("%w: %w", ErrOutsideSession, err)
		}
		if !r.Sessions.Has(session.Kind) {
			return plan.Occurrence{}, fmt.Errorf("%w: %s", ErrOutsideSession, session.Describe())
		}
	}
	if !req.ForToday {
		slot := fmt.Sprintf("%s manual %s", now.In(loc).Format(rule.TimeSlot), strings.ReplaceAll(s.newToken(), "/", "-"))
		return plan.Occurrence{Row: &r.Row, Due: now.Round(0).UTC(), Slot: slot, Session: today, Repeats: rule.Repeats(r.Root().Policy.Timing.Rule)}, nil
	}
	var due []plan.Occurrence
	for _, o := range s.sched.plan.Day(today, calendar.EndOfDay.On(today.AddDays(rule.MaxDaysOn), loc)) {
		if rowOf(o) == r {
			due = append(due, o)
		}
	}
	switch {
	case len(due) == 1:
		return due[0], nil
	case r.Disabled:
		return plan.Occurrence{}, errors.New("the schedule is disabled, and has no occurrence today that the run could stand for")
	default:
		return plan.Occurrence{}, fmt.Errorf("the task has %d occurrences today, want one that the run could stand for", len(due))
	}
}
