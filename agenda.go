package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/vet"
)

// Agenda lists a session date's occurrences of every enrolled account, in the
// order in which they are due, with what became of them: the ledger's rows, and
// what the present schedules still bring up. It is also the preview of a day to
// come. It is what View.Plan lists, for the accounts that this process serves and by its
// last good rows, all at once: for very many accounts ask a View, which answers in pages.
// The error wraps ErrUnsupported if the ledger has no History.
func (s *UnifiedTaskScheduler) Agenda(ctx context.Context, date calendar.Date) ([]AgendaItem, error) {
	if err := date.Validate(); err != nil {
		return nil, fmt.Errorf("agenda: %w", err)
	}
	if s.history == nil {
		return nil, fmt.Errorf("agenda of %v: the ledger: %w", date, ErrUnsupported)
	}
	day, err := s.preview(ctx, date)
	if err != nil {
		return nil, fmt.Errorf("agenda of %v: %w", date, err)
	}
	runs, err := s.history.Runs(ctx, Query{Scheduler: s.cfg.Name, From: date, To: date})
	if err != nil {
		return nil, fmt.Errorf("agenda of %v: %w", date, err)
	}
	return day.Items(runs), nil
}

// preview plans one session date from the rows in force, with a plan of its own.
func (s *UnifiedTaskScheduler) preview(ctx context.Context, date calendar.Date) (answer.Day, error) {
	s.activity.Begin()
	defer s.activity.End()
	s.mu.Lock()
	if !s.sched.loaded {
		s.pollIfDue(ctx, s.clock.Now())
	}
	if !s.sched.loaded {
		s.mu.Unlock()
		return answer.Day{}, errors.New("no schedules have been read yet")
	}
	day := answer.Day{Rows: maps.Clone(s.sched.rows)}
	asked := make(map[*vet.Calendar][]calendar.Date)
	for _, v := range s.viewsInUse() {
		asked[v.Calendar] = vet.DatesOf(s.sched.plan.FilterDates(v.Calendar, date, date))
	}
	for _, a := range s.engine.Accounts.All() {
		if !a.IsGone() {
			day.Accounts = append(day.Accounts, answer.Account{Name: a.Name, Served: a.Served()})
		}
	}
	if s.engine.Term.IsResumed() {
		day.UpTo = s.engine.Planned()
	}
	said, resumed := s.overrides.list, s.engine.Term.IsResumed()
	s.mu.Unlock()
	answers := make(map[*vet.Calendar]*vet.Calendar)
	for v, dates := range asked {
		answers[v] = s.ask(ctx, v, dates...)
	}
	if !resumed && s.overriding != nil { // who has the term makes them
		var err error
		if said, err = s.overridesOn(ctx, date); err != nil {
			return answer.Day{}, err
		}
	}
	day.Due = answer.DueBy(slices.Collect(maps.Values(day.Rows)), date, answers, vet.PlannedOverrides(said))
	return day, nil
}

// dueOn returns what the rows in force bring up on a date.
func (s *UnifiedTaskScheduler) dueOn(ctx context.Context, _ string, date calendar.Date) ([]plan.Occurrence, error) {
	day, err := s.preview(ctx, date)
	return day.Due, err
}

// overridesOn asks the ledger for the overrides of a session date.
func (s *UnifiedTaskScheduler) overridesOn(ctx context.Context, date calendar.Date) ([]Override, error) {
	return quiet.CallInTurn(ctx, s.lanes.past, ledgerBound, func(ctx context.Context) ([]Override, error) {
		return s.overriding.Overrides(ctx, OverrideQuery{Scheduler: s.cfg.Name, From: date, To: date})
	})
}

// ask asks a calendar for dates, beside the plan, and returns one that has the
// answers.
func (s *UnifiedTaskScheduler) ask(ctx context.Context, v *vet.Calendar, dates ...calendar.Date) *vet.Calendar {
	s.activity.Begin()
	defer s.activity.End()
	s.mu.Lock()
	question := s.watchedOf(v).question
	s.mu.Unlock()
	facts, err := quiet.CallInTurn(ctx, question, pollBound, func(context.Context) (vet.Facts, error) {
		return vet.FactsOf(v.Source, dates, dates[0], false), nil
	})
	return v.Answered(dates, facts, err)
}
