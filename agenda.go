package tradeclock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/rule"
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
	return day.items(runs), nil
}

// beforeItsTime is why an occurrence that is past, and has no row, is not an account's.
const beforeItsTime = "it was due before the account was there, or while it was withdrawn"

// dayPlan is a session date as the rows in force have it.
type dayPlan struct {
	due   []plan.Occurrence
	rows  map[ScheduleKey]*row
	accts []served  // those that are enrolled, and since when each is served
	upTo  time.Time // what is planned or accounted for, or zero if that is not known
}

// served is an account that is enrolled.
type served struct {
	account string
	engine.Served
}

// version returns that of the row that holds for a task of an account, or zero.
func (d dayPlan) version(account, task string) int64 {
	r := d.rows[ScheduleKey{Task: task, Account: account}]
	if r == nil {
		r = d.rows[ScheduleKey{Task: task}]
	}
	if r == nil {
		return 0
	}
	return r.run.Version
}

// items lists the runs of the accounts on the day, and what is due and has no record, in the
// order of their cursors, by which pages go on.
func (d dayPlan) items(runs []Run) []AgendaItem {
	known := accountedBy(runs)
	var items []AgendaItem
	for _, run := range runs {
		items = append(items, AgendaItem{
			Account: run.Account, Task: run.Task, Slot: run.Slot, Due: run.Due, Offset: run.Offset, Run: run, Version: d.version(run.Account, run.Task),
		})
	}
	for _, o := range d.due {
		r := rowOf(o)
		var within time.Duration
		if r.Spread > 0 {
			within = r.run.SpreadWithin(o)
		}
		for _, a := range d.accts {
			o, his := o.For(a.account)
			if !his || o.Away || !r.run.HoldsFor(a.account) || known.Has(engine.Key{Task: r.Task, Account: a.account}, o.Slot, o.Due) {
				continue
			}
			item := AgendaItem{
				Account: a.account, Task: r.Task, Slot: o.Slot, Due: o.Due, Skip: o.Skip,
				Offset: engine.SpreadOffset(a.account, r.Task, o.Slot, within), Moved: o.By, Version: r.run.Version,
			}
			if !o.Due.After(d.upTo) && !a.Owns(&r.run, o.Due) {
				item.Skip = cmp.Or(item.Skip, beforeItsTime)
			}
			items = append(items, item)
		}
	}
	slices.SortStableFunc(items, func(a, b AgendaItem) int { return a.Cursor().Compare(b.Cursor()) })
	return items
}

// preview plans one session date from the rows in force, with a plan of its own.
func (s *UnifiedTaskScheduler) preview(ctx context.Context, date calendar.Date) (dayPlan, error) {
	s.activity.Begin()
	defer s.activity.End()
	s.mu.Lock()
	if !s.sched.loaded {
		s.pollIfDue(ctx, s.clock.Now())
	}
	if !s.sched.loaded {
		s.mu.Unlock()
		return dayPlan{}, errors.New("no schedules have been read yet")
	}
	day := dayPlan{rows: maps.Clone(s.sched.rows)}
	asked := make(map[*calendarView][]calendar.Date)
	for _, v := range s.viewsInUse() {
		asked[v] = datesOf(s.sched.plan.FilterDates(v, date, date))
	}
	for _, a := range s.engine.Accounts.All() {
		if !a.IsGone() {
			day.accts = append(day.accts, served{a.Name, a.Served()})
		}
	}
	if s.engine.Term.IsResumed() {
		day.upTo = s.engine.Planned()
	}
	said, resumed := s.overrides.list, s.engine.Term.IsResumed()
	s.mu.Unlock()
	answers := make(map[*calendarView]*calendarView)
	for v, dates := range asked {
		answers[v] = s.ask(ctx, v, dates...)
	}
	if !resumed && s.overriding != nil { // who has the term makes them
		var err error
		if said, err = s.overridesOn(ctx, date); err != nil {
			return dayPlan{}, err
		}
	}
	day.due = dueBy(slices.Collect(maps.Values(day.rows)), date, answers, plannedOverrides(said))
	return day, nil
}

// dueOn returns what the rows in force bring up on a date.
func (s *UnifiedTaskScheduler) dueOn(ctx context.Context, _ string, date calendar.Date) ([]plan.Occurrence, error) {
	day, err := s.preview(ctx, date)
	return day.due, err
}

// overridesOn asks the ledger for the overrides of a session date.
func (s *UnifiedTaskScheduler) overridesOn(ctx context.Context, date calendar.Date) ([]Override, error) {
	return quiet.CallInTurn(ctx, s.lanes.past, ledgerBound, func(ctx context.Context) ([]Override, error) {
		return s.overriding.Overrides(ctx, OverrideQuery{Scheduler: s.cfg.Name, From: date, To: date})
	})
}

// dueBy plans a session date by the answers of the calendars that the rows are read by, and
// by what people have said.
func dueBy(rows []*row, date calendar.Date, answers map[*calendarView]*calendarView, said *plan.Overrides) []plan.Occurrence {
	answering := func(cal calendar.Calendar) calendar.Calendar { return answers[cal.(*calendarView)] }
	due := plan.NewBy(plannedRows(rows), answering).Override(said).Day(date, calendar.EndOfDay.On(date.AddDays(rule.MaxDaysOn+2), time.UTC))
	for i, o := range due {
		if rowOf(o).Spread > 0 { // which is cut off at the close that the same answers tell
			answered := rowOf(o).copied()
			answered.view = answers[answered.view]
			answered.Row.Calendar = answered.view
			due[i].Row = &answered.Row
		}
	}
	return due
}

// ask asks a calendar for dates, beside the plan, and returns one that has the
// answers.
func (s *UnifiedTaskScheduler) ask(ctx context.Context, v *calendarView, dates ...calendar.Date) *calendarView {
	s.activity.Begin()
	defer s.activity.End()
	facts, err := quiet.CallInTurn(ctx, v.question, pollBound, func(context.Context) (calendarFacts, error) {
		return factsOf(v.source, dates, dates[0], false), nil
	})
	return v.answered(dates, facts, err)
}

// answered returns a calendar that has the answers of another for dates, or the error with
// which they did not come.
func (v *calendarView) answered(dates []calendar.Date, facts calendarFacts, err error) *calendarView {
	answered := &calendarView{name: v.name, loc: v.loc, answers: make(map[calendar.Date]calendarAnswer)}
	if err != nil {
		answered.unknown(dates, err)
	} else {
		answered.take(facts)
	}
	return answered
}
