package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/store"
)

// AgendaItem is one occurrence of a day for one account, with what became of it.
type AgendaItem = store.AgendaItem

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
	runs, err := s.history.Runs(ctx, store.Query{Scheduler: s.cfg.Name, From: date, To: date})
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
	for _, v := range s.calendarsInUse() {
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
func (s *UnifiedTaskScheduler) overridesOn(ctx context.Context, date calendar.Date) ([]store.Override, error) {
	return quiet.CallInTurn(ctx, s.lanes.past, ledgerBound, func(ctx context.Context) ([]store.Override, error) {
		return s.overriding.Overrides(ctx, store.OverrideQuery{Scheduler: s.cfg.Name, From: date, To: date})
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

// Explain answers in one sentence why a task of an account did or did not run on
// a session date, from the ledger, the schedules and the calendar: what became of the
// occurrences that have a record, why others have none, since when a repeating task is
// silent, what is still to come, and when the next run is. It is what View.Explain
// answers, with what this process alone knows: the accounts that it serves, its last good
// rows, what its runs wait for, and which interfaces an executor implements almost. The
// error wraps ErrUnsupported if the ledger has no History.
func (s *UnifiedTaskScheduler) Explain(ctx context.Context, account, task string, date calendar.Date) (string, error) {
	from := answer.Source{History: s.history, DueOn: s.dueOn, KnowledgeOf: s.knowledgeOf}
	return answer.Explain(ctx, from, answer.Question{Scheduler: s.cfg.Name, Account: account, Task: task, Date: date})
}

// knowledgeOf tells what this process knows.
func (s *UnifiedTaskScheduler) knowledgeOf(_ context.Context, name, task string) (*answer.Knowledge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := &answer.Knowledge{
		Now: s.clock.Now().Round(0), Own: s.calendar.Calendar, Ask: s.ask,
		Row: s.rowFor(name, task), Rejected: s.rejectedFor(name, task), Odd: s.almost.byAccount[name],
		Waits: s.waitsFor(name, task), Overrides: vet.PlannedOverrides(s.overrides.list), Behind: "this instance holds no term, and plans nothing",
	}
	k.ViewOf = func(name string) (*vet.Calendar, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.calendarOf(name)
	}
	if a, err := s.enrolled(name); err == nil {
		k.Served, k.Since = true, a.Served()
	} else {
		known, _ := s.engine.Accounts.Known(name)
		k.Unserved = answer.UnservedText(name, known.Withdrawn, s.engine.Accounts.HasAny(), k.Zone())
	}
	if h, halted := s.haltFor(name); halted {
		k.Halt = h.Why()
	}
	switch {
	case s.engine.Term.IsResumed():
		k.Planned, k.Behind, k.Active = s.engine.Planned(), "not planned yet", true
	case s.term.holder != "":
		k.Behind, k.Active = s.heldText(), true
	}
	return k, nil
}

// waitsFor tells what becomes of runs of a task that have no record yet, by slot. The
// caller holds mu.
func (s *UnifiedTaskScheduler) waitsFor(account, task string) map[string]string {
	waits := make(map[string]string)
	s.engine.Tell(engine.Key{Task: task, Account: account}, func(slot, what string) { waits[slot] = what })
	note := func(run *Run, text string) {
		if run.Account == account && run.Task == task {
			waits[run.Slot] = text
		}
	}
	for _, e := range s.running.list {
		note(&e.run, "running")
	}
	for _, st := range s.books.settling {
		note(st.run, fmt.Sprintf("its outcome is not stored yet: %v", st.run.Outcome))
	}
	for _, r := range s.engine.Records() {
		run := s.recordedRun(r)
		note(&run, fmt.Sprintf("its outcome is not stored yet: %v", run.Outcome))
	}
	return waits
}

// rejectedFor returns why the row of a task of an account is quarantined, if it is.
func (s *UnifiedTaskScheduler) rejectedFor(account, task string) error {
	return vet.RejectedIn(s.sched.rejected, account, task)
}
