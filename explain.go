package tradeclock

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/said"
)

// Explain answers in one sentence why a task of an account did or did not run on
// a session date, from the ledger, the schedules and the calendar: what became of the
// occurrences that have a record, why others have none, since when a repeating task is
// silent, what is still to come, and when the next run is. It is what View.Explain
// answers, with what this process alone knows: the accounts that it serves, its last good
// rows, what its runs wait for, and which interfaces an executor implements almost. The
// error wraps ErrUnsupported if the ledger has no History.
func (s *UnifiedTaskScheduler) Explain(ctx context.Context, account, task string, date calendar.Date) (string, error) {
	return explain(ctx, s, s.history, question{s.cfg.Name, account, task, date})
}

// question is what a sentence answers.
type question struct {
	scheduler, account, task string
	date                     calendar.Date
}

// explainer is who knows what is in force: a scheduler, or a View.
type explainer interface {
	// dueOn returns what the rows in force bring up for an account on a date.
	dueOn(ctx context.Context, account string, date calendar.Date) ([]plan.Occurrence, error)
	// knowledgeOf returns what else is known of a task of an account.
	knowledgeOf(ctx context.Context, account, task string) (*knowledge, error)
}

func explain(ctx context.Context, who explainer, history History, q question) (string, error) {
	name := naming.Row(q.task, q.account)
	if err := q.date.Validate(); err != nil {
		return "", fmt.Errorf("explain %s: %w", name, err)
	}
	failed := func(err error) (string, error) { return "", fmt.Errorf("explain %s on %v: %w", name, q.date, err) }
	if history == nil {
		return failed(fmt.Errorf("the ledger: %w", ErrUnsupported))
	}
	runs, err := history.Runs(ctx, Query{Scheduler: q.scheduler, Account: q.account, Task: q.task, From: q.date, To: q.date})
	if err != nil {
		return failed(err)
	}
	runs = slices.DeleteFunc(runs, func(r Run) bool { return r.Account != q.account })
	due, err := who.dueOn(ctx, q.account, q.date)
	if err != nil && len(runs) == 0 {
		return failed(err)
	}
	known, err := who.knowledgeOf(ctx, q.account, q.task)
	if err != nil {
		return failed(err)
	}
	e := newExplanation(q, known, history, runs, due)
	return said.Line(fmt.Sprintf("On %v, %s %s.", q.date, name, e.sentence(ctx))), nil
}

// knowledge is what is known of one task of one account beside its records.
type knowledge struct {
	now    time.Time
	own    *calendarView // of rows that name none
	viewOf func(name string) (*calendarView, error)
	ask    func(ctx context.Context, v *calendarView, dates ...calendar.Date) *calendarView

	row      *row // the one that holds for the account, or nil
	rejected error
	served   bool
	enrolled engine.Served // since when, if it is served
	unserved string        // and else why not
	halt     string
	said     *plan.Overrides
	// planned is up to when everything is accounted for or lined up, and behind says why
	// nothing later is.
	planned time.Time
	behind  string
	waits   map[string]string // what runs that have no record wait for, by slot
	odd     []string          // what the account's executor is almost
}

// knowledgeOf tells what this process knows.
func (s *UnifiedTaskScheduler) knowledgeOf(_ context.Context, name, task string) (*knowledge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := &knowledge{
		now: s.clock.Now().Round(0), own: s.calendar, ask: s.ask,
		row: s.rowFor(name, task), rejected: s.rejectedFor(name, task), odd: s.almost.byAccount[name],
		waits: s.waitsFor(name, task), said: plannedOverrides(s.overrides.list), behind: "this instance holds no term, and plans nothing",
	}
	k.viewOf = func(name string) (*calendarView, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.viewOf(name)
	}
	if a, err := s.enrolled(name); err == nil {
		k.served, k.enrolled = true, a.Served()
	} else {
		known, _ := s.engine.Accounts.Known(name)
		k.unserved = unservedText(name, known.Withdrawn, s.engine.Accounts.HasAny(), k.zone())
	}
	if h, halted := s.haltFor(name); halted {
		k.halt = haltReason(h)
	}
	switch {
	case s.engine.Term.IsResumed():
		k.planned, k.behind = s.engine.Planned(), "not planned yet"
	case s.term.holder != "":
		k.behind = s.heldText()
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
	return rejectedIn(s.sched.rejected, account, task)
}

func rejectedIn(rejected []RowError, account, task string) error {
	for _, r := range rejected {
		if r.Task == task && (r.Account == account || r.Account == "") {
			return r.Err
		}
	}
	return nil
}

// unservedText says why an account is not served, where any is.
func unservedText(account string, withdrawn time.Time, others bool, loc *time.Location) string {
	switch {
	case !withdrawn.IsZero():
		return fmt.Sprintf("account %q was withdrawn at %s", account, withdrawn.In(loc).Format(time.DateTime))
	case !others:
		return noAccount
	}
	return fmt.Sprintf("account %q is not enrolled", account)
}

// zone is that of the task's wall times.
func (k *knowledge) zone() *time.Location { return k.view().loc }

func (k *knowledge) view() *calendarView {
	if k.row != nil && k.row.view != nil {
		return k.row.view
	}
	return k.own
}

// wall writes an instant as a wall time, and names the zone if it is another one
// than the scheduler's.
func (k *knowledge) wall(t time.Time, layout string) string { return k.wallIn(t, k.zone(), layout) }

func (k *knowledge) wallIn(t time.Time, loc *time.Location, layout string) string {
	text := t.In(loc).Format(layout)
	if loc.String() != k.own.loc.String() {
		text += " in " + loc.String()
	}
	return text
}

// answeredRow returns the row with a calendar that has answers for dates, and those that
// its filters ask for.
func (k *knowledge) answeredRow(ctx context.Context, first, last calendar.Date) *row {
	p := plan.New([]*plan.Row{&k.row.Row})
	first, last = p.FilterDates(k.row.view, first, last)
	answered := k.row.copied()
	answered.view = k.ask(ctx, k.row.view, datesOf(first, last)...)
	answered.Row.Calendar = answered.view
	return answered
}

// waitsForSession reports whether an edit of the row takes effect only at the next
// session.
func (k *knowledge) waitsForSession(ctx context.Context) bool {
	if k.row.Prior == nil {
		return false
	}
	edited := calendar.DateOf(k.row.Since.In(k.zone()))
	return k.answeredRow(ctx, edited, edited).waitsForSession(k.now)
}

// next returns when the task is due next for the account, if that is within the horizon.
func (k *knowledge) next(ctx context.Context, account string) (due time.Time, found bool) {
	if k.row == nil || k.row.Disabled || !k.served {
		return time.Time{}, false
	}
	back, ahead := plan.New([]*plan.Row{&k.row.Row}).Reach(k.row.view)
	today := calendar.DateOf(k.now.In(k.zone()))
	answers := k.ask(ctx, k.row.view, datesOf(today.AddDays(-ahead-1), today.AddDays(back+plan.HorizonDays+1))...)
	p := plan.NewBy([]*plan.Row{&k.row.Row}, func(calendar.Calendar) calendar.Calendar { return answers }).Override(k.said)
	const skippedAtMost = 400 // a minute's monitor on a day that it cannot run
	due = k.now
	for range skippedAtMost {
		before := due
		if due, found = p.Next(before); !found {
			return time.Time{}, false
		}
		if slices.ContainsFunc(plan.Runs(p.Between(before, due), account), func(o plan.Occurrence) bool { return o.Skip == "" }) {
			return due, true
		}
	}
	return time.Time{}, false
}

// inForceSince says since when a row holds, and nothing of one that always did.
func inForceSince(t time.Time, loc *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return ", in force since " + t.In(loc).Format(time.DateTime)
}

// joined puts parts of a sentence together.
func joined(parts []string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "; ")
}
