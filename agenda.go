package tradeclock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// AgendaItem is one occurrence of a day for one account, or the record of a
// range of them, with what became of it.
type AgendaItem struct {
	Account string
	Task    string
	Slot    string
	Due     time.Time
	// Offset is how long after Due the account's run may start, as its schedule's
	// Spread has it.
	Offset time.Duration
	// Run is the row of the ledger. Its Outcome is NoOutcome if there is none.
	Run Run
	// Skip is why the occurrence will not run, if that is known already.
	Skip string
}

// Agenda lists a session date's occurrences of every enrolled account, in the
// order in which they are due, with what became of them: the ledger's rows, and
// what the present schedules still bring up. It is also the preview of a day to
// come. The error wraps ErrUnsupported if the ledger has no History.
func (s *UnifiedTaskScheduler) Agenda(ctx context.Context, date Date) ([]AgendaItem, error) {
	if err := date.check(); err != nil {
		return nil, fmt.Errorf("agenda: %w", err)
	}
	if s.history == nil {
		return nil, fmt.Errorf("agenda of %v: the ledger: %w", date, ErrUnsupported)
	}
	due, accts, err := s.preview(ctx, date)
	if err != nil {
		return nil, fmt.Errorf("agenda of %v: %w", date, err)
	}
	runs, err := s.history.Runs(ctx, Query{Scheduler: s.cfg.Name, From: date, To: date})
	if err != nil {
		return nil, fmt.Errorf("agenda of %v: %w", date, err)
	}
	known := make(accountedRows)
	known.add(runs)
	var items []AgendaItem
	for _, run := range runs {
		items = append(items, AgendaItem{Account: run.Account, Task: run.Task, Slot: run.Slot, Due: run.Due, Offset: run.Offset, Run: run})
	}
	for _, o := range due {
		var within time.Duration
		if o.row.Spread > 0 {
			within = o.row.spreadWithin(o, s.expiry(o.row, o))
		}
		for _, a := range accts {
			if o.row.holdsFor(a) && !known.has(a, o.row.Task, o.slot, o.due) {
				offset := spreadOffset(a, o.row.Task, o.slot, within)
				items = append(items, AgendaItem{Account: a, Task: o.row.Task, Slot: o.slot, Due: o.due, Offset: offset, Skip: o.skip})
			}
		}
	}
	slices.SortStableFunc(items, func(a, b AgendaItem) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Task, b.Task))
	})
	return items, nil
}

// preview plans one session date from the rows in force, with a snapshot of its
// own, and names the enrolled accounts.
func (s *UnifiedTaskScheduler) preview(ctx context.Context, date Date) ([]occurrence, []string, error) {
	s.begin()
	defer s.end()
	s.mu.Lock()
	if !s.sched.loaded {
		s.pollIfDue(ctx, s.clock.Now())
	}
	if !s.sched.loaded {
		s.mu.Unlock()
		return nil, nil, errors.New("no schedules have been read yet")
	}
	rows := slices.Collect(maps.Values(s.sched.rows))
	asked := make(map[*calendarView][]Date)
	for v, m := range s.sched.snap.byView {
		asked[v] = datesOf(m.filterDates(date, date))
	}
	var accts []string
	for _, a := range s.accounts.sorted() {
		if !a.gone {
			accts = append(accts, a.name)
		}
	}
	s.mu.Unlock()
	answers := make(map[*calendarView]*calendarView)
	for v, dates := range asked {
		answers[v] = s.ask(ctx, v, dates...)
	}
	sn := newSnapshot(rows, func(v *calendarView) Calendar { return answers[v] })
	due := sn.planDay(date, endOfDay.On(date.AddDays(maxDaysOn+2), time.UTC))
	for i, o := range due {
		if o.row.Spread > 0 { // which is cut off at the close that the same answers tell
			answered := *o.row
			answered.view = answers[o.row.view]
			due[i].row = &answered
		}
	}
	return due, accts, nil
}

// ask asks a calendar for dates, beside the plan, and returns one that has the
// answers.
func (s *UnifiedTaskScheduler) ask(ctx context.Context, v *calendarView, dates ...Date) *calendarView {
	answered := &calendarView{name: v.name, loc: v.loc, answers: make(map[Date]calendarAnswer)}
	facts, err := inTurn(ctx, s, &v.question, pollBound, func(context.Context) (calendarFacts, error) {
		return factsOf(v.source, dates, dates[0], false), nil
	})
	if err != nil {
		answered.unknown(dates, err)
	} else {
		answered.take(facts)
	}
	return answered
}

// Explain answers in one sentence why a task of an account did or did not run on
// a session date, from the ledger and the calendar. The error wraps ErrUnsupported
// if the ledger has no History.
func (s *UnifiedTaskScheduler) Explain(ctx context.Context, account, task string, date Date) (string, error) {
	name := rowName(task, account)
	if err := date.check(); err != nil {
		return "", fmt.Errorf("explain %s: %w", name, err)
	}
	if s.history == nil {
		return "", fmt.Errorf("explain %s on %v: the ledger: %w", name, date, ErrUnsupported)
	}
	runs, err := s.history.Runs(ctx, Query{Scheduler: s.cfg.Name, Account: account, Task: task, From: date, To: date})
	if err != nil {
		return "", fmt.Errorf("explain %s on %v: %w", name, date, err)
	}
	runs = slices.DeleteFunc(runs, func(r Run) bool { return r.Account != account })
	if len(runs) > 0 {
		return fmt.Sprintf("On %v, %s %s.", date, name, s.explainRuns(runs)), nil
	}
	due, _, err := s.preview(ctx, date)
	if err != nil {
		return "", fmt.Errorf("explain %s on %v: %w", name, date, err)
	}
	due = slices.DeleteFunc(due, func(o occurrence) bool { return o.row.Task != task || !o.row.holdsFor(account) })
	return fmt.Sprintf("On %v, %s %s.", date, name, s.explainNone(ctx, account, task, date, due)), nil
}

// explainRuns puts what became of a day's runs into words.
func (s *UnifiedTaskScheduler) explainRuns(runs []Run) string {
	if len(runs) == 1 && runs[0].Occurrences() == 1 {
		return s.explainRun(runs[0])
	}
	counts := make(map[string]int)
	var order []string
	for _, r := range runs {
		what := r.Outcome.String()
		if r.Outcome != Succeeded && r.Outcome != Running && r.Reason != "" {
			what += " (" + firstLine(r.Reason) + ")"
		}
		if counts[what] == 0 {
			order = append(order, what)
		}
		counts[what] += r.Occurrences()
	}
	parts := make([]string, len(order))
	for i, what := range order {
		parts[i] = fmt.Sprintf("%d %s", counts[what], what)
	}
	return "was due several times: " + strings.Join(parts, ", ")
}

func (s *UnifiedTaskScheduler) explainRun(r Run) string {
	s.mu.Lock()
	loc := s.loc
	if v, err := s.viewOf(r.Calendar); err == nil {
		loc = v.loc
	}
	s.mu.Unlock()
	due := "due at " + s.wall(r.Due, loc, "15:04:05")
	if r.Manual {
		due = "triggered by " + r.Actor
	}
	if r.Offset > 0 {
		due += fmt.Sprintf(", spread by %v,", r.Offset)
	}
	started := ""
	if !r.Started.IsZero() {
		started = fmt.Sprintf(" (started at %s)", r.Started.In(loc).Format("15:04:05"))
	}
	text := fmt.Sprintf("was %s and %s%s", due, outcomeVerb(r.Outcome), started)
	if r.Reason != "" {
		text += ": " + firstLine(r.Reason)
	}
	return text
}

func outcomeVerb(o Outcome) string {
	switch o {
	case Running:
		return "is running"
	case Succeeded, Failed, TimedOut:
		return o.String()
	case Skipped, Missed, Interrupted:
		return "was " + o.String()
	}
	return "has no outcome"
}

// explainNone says why the ledger has no run of a task on a date.
func (s *UnifiedTaskScheduler) explainNone(ctx context.Context, account, task string, date Date, due []occurrence) string {
	s.mu.Lock()
	r, planned, rejected := s.rowFor(account, task), s.plan.upTo, s.rejectedFor(account, task)
	a, unknownAccount := s.accounts.enrolled(account)
	waits := s.whyNoRecord(a, r, due)
	s.mu.Unlock()
	view := s.calendar
	if r != nil {
		view = r.view
	}
	session, err := s.ask(ctx, view, date).Session(date)
	by := s.takenBefore(ctx, account, task, date, due)
	switch {
	case unknownAccount != nil:
		return fmt.Sprintf("did not run, as account %q is not enrolled", account)
	case r == nil && rejected != nil:
		return fmt.Sprintf("did not run, as its schedule is quarantined: %v", rejected)
	case r == nil:
		return "did not run, as it has no schedule"
	case r.Disabled:
		return "did not run, as its schedule is disabled"
	case err != nil && len(due) == 0:
		return "does not run, as " + notKnown(view.name, date, err)
	case len(due) == 0 && err == nil && !r.Sessions.Has(session.Kind):
		return "does not run: " + session.Describe()
	case len(due) == 0:
		return fmt.Sprintf("has no occurrence: its rule is %s%s", r.text, inForceSince(r.holdsFrom(), view.loc))
	case due[0].skip != "":
		return "is going to be skipped: " + due[0].skip
	case by != nil:
		return "did not run: " + recurs(by.Slot, by.Session)
	case due[0].due.After(planned):
		return fmt.Sprintf("is due at %s (%s)", s.wall(due[0].due, view.loc, time.DateTime), r.text)
	}
	return fmt.Sprintf("was due at %s and %s", s.wall(due[0].due, view.loc, time.DateTime), waits)
}

// whyNoRecord says why the ledger has no record of the first of some occurrences of an
// account, though it was due before what was planned last. The caller holds mu.
func (s *UnifiedTaskScheduler) whyNoRecord(a *account, r *row, due []occurrence) string {
	if a == nil || r == nil || len(due) == 0 {
		return ""
	}
	first := due[0]
	for p := range s.queue.all() {
		if p.acct == a && p.run.Task == r.Task && p.run.Slot == first.slot {
			return "has not started yet: it waits for " + cmp.Or(p.waits, "its turn")
		}
	}
	switch {
	case a.owns(r, first.due) && (a.behind || s.queue.brings(a, r, first.due)):
		return "has not started yet: it waits for its turn"
	case !a.left.IsZero() && first.due.After(a.left) && !first.due.After(a.returned) && !a.owns(r, first.due):
		return fmt.Sprintf("is in no record: the account was withdrawn at %s and came back at %s, later than its catch-up of %v",
			s.wall(a.left, r.view.loc, time.DateTime), s.wall(a.returned, r.view.loc, time.DateTime), r.catchUp())
	}
	return "the ledger has no record of it: it was before the account was enrolled or while it was withdrawn, or was pruned"
}

// rejectedFor returns why the row of a task of an account is quarantined, if it is.
func (s *UnifiedTaskScheduler) rejectedFor(account, task string) error {
	for _, r := range s.sched.rejected {
		if r.Task == task && (r.Account == account || r.Account == "") {
			return r.Err
		}
	}
	return nil
}

// wall writes an instant as a wall time, and names the zone if it is another one
// than the scheduler's.
func (s *UnifiedTaskScheduler) wall(t time.Time, loc *time.Location, layout string) string {
	text := t.In(loc).Format(layout)
	if loc.String() != s.loc.String() {
		text += " in " + loc.String()
	}
	return text
}

// inForceSince says since when a row holds, and nothing of one that always did.
func inForceSince(t time.Time, loc *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return ", in force since " + t.In(loc).Format(time.DateTime)
}

// takenBefore returns the run of another session that has the slot of one of the
// occurrences, or nil.
func (s *UnifiedTaskScheduler) takenBefore(ctx context.Context, account, task string, date Date, due []occurrence) *Run {
	if len(due) == 0 {
		return nil
	}
	q := Query{Scheduler: s.cfg.Name, Account: account, Task: task, Slot: due[0].slot, Limit: 1}
	runs, err := s.history.Runs(ctx, q)
	if err != nil || len(runs) == 0 || runs[0].Session == date {
		return nil
	}
	return &runs[0]
}
