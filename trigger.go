package tradeclock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/spelling"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// Errors of Trigger. ResetWatermark returns ErrNoTerm too.
var (
	// ErrBusy: the task, or another of its group, is running, or no place is free.
	ErrBusy = errors.New("busy")
	// ErrOutsideSession: the task does not run on such a day.
	ErrOutsideSession = errors.New("outside the task's sessions")
	// ErrHalted: a halt is in force.
	ErrHalted = errors.New(why.Halted)
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
	// Session makes it stand for the task's slot of that session, today or before, as
	// ForToday does for that of today.
	Session calendar.Date `json:"session,omitzero"`
}

// trigger is such a request, with that of another process which it comes from, if any.
type trigger struct {
	TriggerRequest
	asked string    // its ID
	at    time.Time // when it was asked
}

// standsForSlot reports whether the run is to have the slot of an occurrence.
func (req TriggerRequest) standsForSlot() bool {
	return req.ForToday || req.Session != (calendar.Date{})
}

// manualSlot is the slot of a run that stands for none: when it was asked for, and by
// what it is unique. The same request has the same slot for ever, and so starts once.
func (s *UnifiedTaskScheduler) manualSlot(req trigger, now time.Time, loc *time.Location) string {
	mark := strings.ReplaceAll(s.tokenOf(s.engine.NextSerial()), "/", "-")
	if req.asked != "" {
		now, mark = req.at, req.asked
	}
	return rule.TimeSlot(now, loc) + manualMark + mark
}

const manualMark = " manual "

// isSlotOf reports whether a slot is that of a request.
func isSlotOf(slot, asked string) bool { return strings.HasSuffix(slot, manualMark+asked) }

// ledgerError is the error of a call that the ledger did not answer.
type ledgerError struct{ error }

// Unwrap returns the ledger's error.
func (e ledgerError) Unwrap() error { return e.error }

// Trigger runs a task now. The run is recorded as manual, with the actor, and
// claimed like any other; it counts for overlap and groups. Trigger returns the
// run when it has started, without waiting for it to finish.
//
// The error wraps ErrUnknownTask, ErrUnknownAccount, ErrOutsideSession, ErrHalted,
// ErrHaltsUnread, ErrIneligible, ErrBusy, ErrNoTerm, ErrSlotTaken or ErrStopped where one of these is
// the reason.
func (s *UnifiedTaskScheduler) Trigger(ctx context.Context, req TriggerRequest) (Run, error) {
	return s.trigger(ctx, trigger{TriggerRequest: req})
}

func (s *UnifiedTaskScheduler) trigger(ctx context.Context, req trigger) (Run, error) {
	s.activity.Begin()
	defer s.activity.End()
	if err := s.checkEligible(ctx, req.Account, req.Task); err != nil {
		return Run{}, fmt.Errorf("trigger %s: %w", naming.Row(req.Task, req.Account), err)
	}
	s.mu.Lock()
	p, err := s.prepare(ctx, req)
	if err != nil {
		s.mu.Unlock()
		return Run{}, fmt.Errorf("trigger %s: %w", naming.Row(req.Task, req.Account), err)
	}
	run := s.runOf(p)
	run.Started, run.Outcome = p.Started, Running
	t, drops := s.term.term, s.engine.Drops()
	s.dispatch.manual++
	s.mu.Unlock()
	claim, err := s.claimManual(ctx, t, p, run, req.standsForSlot())
	s.mu.Lock()
	s.dispatch.manual--
	defer s.mu.Unlock()
	defer s.kickLater() // what waits for the slot or a start limit knows now when to ask again
	if err == nil && !claim.Held {
		err = fmt.Errorf("%w: it is %v", ErrSlotTaken, claim.Outcome)
	} else if refusal := s.mayNotStartManual(p, t, drops); err == nil && refusal != nil {
		err = refusal
		s.engine.GiveBack(p)
	} else if errors.Is(err, store.ErrDeposed) {
		err = fmt.Errorf("%w: %w", ErrNoTerm, err)
	} else if err != nil {
		s.engine.GiveBack(p)
		err = ledgerError{err}
	}
	if err != nil {
		s.engine.Unpick(p)
		s.retire(accountOf(p.Account))
		s.act()
		return Run{}, fmt.Errorf("trigger %s: %w", naming.Row(req.Task, req.Account), err)
	}
	run.First, run.Resumed = claim.First, claim.Resumed
	s.log.Info("run triggered", "task", run.Task, "account", run.Account, "slot", run.Slot, "actor", run.Actor)
	if req.standsForSlot() {
		s.engine.NoteAhead(answer.EntryOf(&run)) // its slot is not planned any more
	}
	s.engine.Start(p, s.clock.Now())
	return s.start(p, run).run, nil
}

// mayNotStartManual says why a run that was claimed does not start after all: what has
// changed while the ledger was asked.
func (s *UnifiedTaskScheduler) mayNotStartManual(p *engine.Run, t store.Term, drops int) error {
	halt, halted := s.haltFor(p.Account.Name)
	switch {
	case s.term.term != t || s.engine.Drops() != drops || !s.engine.Term.TrustedAt(s.clock.Now()) || s.life.draining:
		return ErrNoTerm
	case p.Account.IsGone(), !p.Account.HasStarted(): // or it came back since
		return ErrUnknownAccount
	case halted:
		return haltError(halt)
	}
	return nil
}

// claimManual claims the slot of a manual run. A slot of today that was missed or
// skipped without a start is taken over.
func (s *UnifiedTaskScheduler) claimManual(ctx context.Context, t store.Term, p *engine.Run, run Run, reopen bool) (store.Claim, error) {
	claim, err := quiet.CallInTurn(ctx, s.lanes.manual, ledgerBound, func(ctx context.Context) (store.Claim, error) {
		claims, err := s.cfg.Ledger.Claim(ctx, t, []Run{run})
		if err == nil && len(claims) != 1 {
			err = fmt.Errorf("the ledger answered %d claims of 1", len(claims))
		}
		if err != nil {
			return store.Claim{}, err
		}
		return claims[0], nil
	})
	neverStarted := claim.Outcome == Missed || claim.Outcome == Skipped
	if err != nil || claim.Held || !reopen || !neverStarted || claim.Taken == nil {
		return claim, err
	}
	p.Replaces = claim.Taken
	return quiet.CallInTurn(ctx, s.lanes.manual, ledgerBound, func(ctx context.Context) (store.Claim, error) {
		return s.cfg.Ledger.Reclaim(ctx, t, "", run)
	})
}

// prepare checks a request and makes a run of it. The caller holds mu, which is let
// go of while the halts are read.
func (s *UnifiedTaskScheduler) prepare(ctx context.Context, req trigger) (*engine.Run, error) {
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
	a, err := s.enrolled(req.Account)
	if err != nil {
		return nil, err
	}
	if !s.engine.Term.TrustedAt(now) {
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
	if why := s.engine.WhyBusy(&a.Account, &r.Run); why != "" {
		return nil, fmt.Errorf("%w: %s", ErrBusy, why)
	}
	o, err := s.manualOccurrence(r, req, now)
	if err != nil {
		return nil, err
	}
	p := s.engine.NewManual(&a.Account, &r.Run, o, req.Actor, now)
	if why := s.engine.WhyInDoubt(p); why != "" && req.standsForSlot() {
		return nil, fmt.Errorf("%w: %s", ErrBusy, why)
	}
	if !s.engine.PickManual(p, now) {
		return nil, fmt.Errorf("%w: start limit %s allows no start now", ErrBusy, r.StartLimit)
	}
	return p, nil
}

// taskNames returns the tasks that have a schedule. The caller holds mu.
func (s *UnifiedTaskScheduler) taskNames() []string {
	var names []string
	for key := range s.sched.rows {
		names = append(names, key.Task)
	}
	return names
}

// manualOccurrence is the occurrence that a manual run stands for: today's, or
// one of its own that is due now.
func (s *UnifiedTaskScheduler) manualOccurrence(r *vet.Row, req trigger, now time.Time) (plan.Occurrence, error) {
	loc := r.View.Location()
	today := calendar.DateOf(now.In(loc))
	date := cmp.Or(req.Session, today)
	if date.After(today) {
		return plan.Occurrence{}, fmt.Errorf("the session of %v is still to come", date)
	}
	session, err := plan.SessionOf(r.View, date)
	if !req.Force {
		if err != nil && r.Sessions&calendar.EveryDay == 0 {
			return plan.Occurrence{}, fmt.Errorf("%w: %w", ErrOutsideSession, err)
		}
		if !r.Sessions.Has(session.Kind) {
			return plan.Occurrence{}, fmt.Errorf("%w: %s", ErrOutsideSession, session.Describe())
		}
	}
	if !req.standsForSlot() {
		slot := s.manualSlot(req, now, loc)
		return plan.Occurrence{Row: &r.Row, Due: now.Round(0).UTC(), Slot: slot, Session: today, Repeats: rule.Repeats(r.Root().Policy.Timing.Rule)}, nil
	}
	var due []plan.Occurrence
	for _, o := range plan.Runs(s.sched.plan.Day(date, calendar.EndOfDay.On(date.AddDays(rule.MaxDaysOn), loc)), req.Account) {
		if vet.RowOf(o) == r {
			due = append(due, o)
		}
	}
	switch {
	case len(due) == 1:
		return due[0], nil
	case r.Disabled:
		return plan.Occurrence{}, fmt.Errorf("the schedule is disabled, and has no occurrence %s that the run could stand for", onDay(date, today))
	default:
		return plan.Occurrence{}, fmt.Errorf("the task has %d occurrences %s, want one that the run could stand for", len(due), onDay(date, today))
	}
}

func onDay(date, today calendar.Date) string {
	if date == today {
		return "today"
	}
	return fmt.Sprintf("on %v", date)
}
