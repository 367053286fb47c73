package tradeclock

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/said"
)

// Explain answers in one sentence why a task of an account did or did not run on
// a session date, from the ledger, the schedules and the calendar: what became of the
// occurrences that have a record, why others have none, and what is still to come. The
// error wraps ErrUnsupported if the ledger has no History.
func (s *UnifiedTaskScheduler) Explain(ctx context.Context, account, task string, date calendar.Date) (string, error) {
	name := rowName(task, account)
	if err := date.Validate(); err != nil {
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
	day, err := s.preview(ctx, date)
	if err != nil && len(runs) == 0 {
		return "", fmt.Errorf("explain %s on %v: %w", name, date, err)
	}
	e := s.newExplanation(account, task, date, runs, day.due)
	return said.Line(fmt.Sprintf("On %v, %s %s.", date, name, e.sentence(ctx))), nil
}

// explanation is what is known of one task, account and date.
type explanation struct {
	*UnifiedTaskScheduler
	account, task string
	date          calendar.Date
	now           time.Time
	view          *calendarView
	runs          []Run             // the records of the date
	due           []plan.Occurrence // what the present schedule brings up, and has no record
	row           *row
	rejected      error
	served        bool
	own           engine.Served // as it was then, if it is served
	withdrawn     time.Time
	planned       time.Time // zero if this instance holds no term
	standby       string
	halt          string
	early         bool
	odd           []string // what its executor is almost
	waits         map[string]string
	asked         int // of how many slots the ledger was asked who has them
}

func (s *UnifiedTaskScheduler) newExplanation(account, task string, date calendar.Date, runs []Run, due []plan.Occurrence) *explanation {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := &explanation{
		UnifiedTaskScheduler: s, account: account, task: task, date: date, now: s.clock.Now().Round(0), view: s.calendar, runs: runs,
		row: s.rowFor(account, task), rejected: s.rejectedFor(account, task), odd: s.almost.byAccount[account],
		waits: s.waitsFor(account, task),
	}
	if known, ok := s.engine.Accounts.Known(account); ok {
		e.withdrawn = known.Withdrawn
	}
	if e.row != nil {
		e.view = e.row.view
		e.early = !e.row.Disabled && e.row.isEarly(e.now)
	}
	if a, err := s.enrolled(account); err == nil {
		e.served, e.own = true, a.Served()
	}
	if h, halted := s.haltFor(account); halted {
		e.halt = haltReason(h)
	}
	if s.engine.Term.IsResumed() {
		e.planned = s.engine.Planned()
	} else if s.term.holder != "" {
		e.standby = s.heldText()
	}
	recorded := accountedBy(runs)
	for _, o := range due {
		if rowOf(o).Task == task && rowOf(o).run.HoldsFor(account) && !recorded.Has(engine.Key{Task: task, Account: account}, o.Slot, o.Due) {
			e.due = append(e.due, o)
		}
	}
	return e
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
		note(&e.run, "it is running")
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

// sentence puts the parts together: what became of the date, and what holds of the
// rest of it.
func (e *explanation) sentence(ctx context.Context) string {
	var parts []string
	if len(e.runs) > 0 {
		parts = append(parts, e.explainRuns(e.runs))
	}
	if len(e.due) > 0 {
		parts = append(parts, e.unrecorded(ctx)...)
	}
	if rest := e.standing(ctx, len(parts) > 0); rest != "" {
		parts = append(parts, rest)
	}
	if len(e.odd) > 0 && !e.succeeded() {
		parts = append(parts, e.odd...)
	}
	return strings.Join(parts, "; ")
}

func (e *explanation) succeeded() bool {
	return slices.ContainsFunc(e.runs, func(r Run) bool { return r.Outcome == Succeeded })
}

// unrecorded says why occurrences of the present schedule have no record: those that
// were due, and those that are to come.
func (e *explanation) unrecorded(ctx context.Context) []string {
	var parts []string
	at := slices.IndexFunc(e.due, func(o plan.Occurrence) bool { return o.Due.After(e.now) })
	if at < 0 {
		at = len(e.due)
	}
	for past := e.due[:at]; len(past) > 0; {
		why, n := e.whyNone(ctx, past[0]), 1
		for n < len(past) && e.whyNone(ctx, past[n]) == why {
			n++
		}
		parts = append(parts, e.past(past[:n], why))
		past = past[n:]
	}
	for coming := e.due[at:]; len(coming) > 0; {
		n := 1
		for n < len(coming) && coming[n].Skip == coming[0].Skip {
			n++
		}
		parts = append(parts, e.coming(coming[:n]))
		coming = coming[n:]
	}
	return parts
}

// sole reports whether the date has one occurrence in all.
func (e *explanation) sole() bool { return len(e.runs) == 0 && len(e.due) == 1 }

func (e *explanation) past(due []plan.Occurrence, why string) string {
	if e.sole() && !strings.HasPrefix(why, noRecord) {
		return why
	}
	if e.sole() {
		return fmt.Sprintf("was due at %s and %s", e.wall(due[0].Due, e.view.loc, time.DateTime), why)
	}
	return fmt.Sprintf("%s was due and %s", e.times(due), why)
}

// coming tells of occurrences that are not due yet.
func (e *explanation) coming(due []plan.Occurrence) string {
	text := fmt.Sprintf("is due at %s (%s)", e.wall(due[0].Due, e.view.loc, time.DateTime), e.row.text)
	if !e.sole() {
		text = e.times(due) + " is to come"
	}
	switch {
	case !e.served:
		return text + ", and does not run: " + e.unservedText()
	case due[0].Skip != "" && e.sole():
		return "is going to be skipped: " + due[0].Skip
	case due[0].Skip != "":
		return text + ", and is going to be skipped: " + due[0].Skip
	case e.halt != "":
		return text + ", and is skipped as long as it is " + e.halt
	}
	return text
}

// times names occurrences by their due times: "that of 09:15:00", "3 from 09:15:00 to
// 09:17:00".
func (e *explanation) times(due []plan.Occurrence) string {
	first, last := due[0].Due.In(e.view.loc).Format(time.TimeOnly), e.wall(due[len(due)-1].Due, e.view.loc, time.TimeOnly)
	if len(due) == 1 {
		return "that of " + last
	}
	return fmt.Sprintf("each of %d from %s to %s", len(due), first, last)
}

const noRecord = "the ledger has no record of it: "

// whyNone says why an occurrence that was due has no record. What cannot be told is
// not guessed.
func (e *explanation) whyNone(ctx context.Context, o plan.Occurrence) string {
	waits, known := e.waits[o.Slot]
	switch {
	case known:
		return noRecord + waits
	case !e.served:
		return noRecord + e.unservedText()
	case e.planned.IsZero() && e.standby != "":
		return noRecord + e.standby
	case e.planned.IsZero():
		return noRecord + "this instance holds no term, and plans nothing"
	case o.Due.After(e.planned):
		return noRecord + "it is not planned yet"
	case !o.Due.After(e.own.From):
		return fmt.Sprintf("%sit was before the account or the schedule was there, or while it was withdrawn, or was pruned (the account is accounted for from %s on)",
			noRecord, e.wall(e.own.From, e.view.loc, time.DateTime))
	case !e.own.Owns(&rowOf(o).run, o.Due):
		return fmt.Sprintf("%sthe account was withdrawn at %s and came back at %s, later than its catch-up of %v", noRecord,
			e.wall(e.own.Left, e.view.loc, time.DateTime), e.wall(e.own.Returned, e.view.loc, time.DateTime), rowOf(o).catchUp())
	}
	if e.asked++; e.asked > slotsAsked {
		return noRecord + otherwisePlanned
	}
	taken, err := e.history.Runs(ctx, Query{Scheduler: e.cfg.Name, Account: e.account, Task: e.task, Slot: o.Slot, Limit: 1})
	switch {
	case err != nil:
		return noRecord + "nothing more can be read: " + err.Error()
	case len(taken) == 1 && taken[0].Session != o.Session:
		return "did not run: " + recurs(o.Slot, taken[0].Session)
	}
	return noRecord + otherwisePlanned
}

const (
	otherwisePlanned = "another schedule or calendar held when it was due, or it was pruned"
	slotsAsked       = 5 // of how many slots a sentence asks who has them
)

func (e *explanation) unservedText() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case !e.withdrawn.IsZero():
		return fmt.Sprintf("account %q was withdrawn at %s", e.account, e.wall(e.withdrawn, e.view.loc, time.DateTime))
	case !e.engine.Accounts.HasAny():
		return noAccount
	}
	return fmt.Sprintf("account %q is not enrolled", e.account)
}

// standing says what holds of the task besides its occurrences: why it has none, or
// no more.
func (e *explanation) standing(ctx context.Context, more bool) string {
	r, loc := e.row, e.view.loc
	over := r != nil && !calendar.EndOfDay.On(e.date, loc).After(r.HoldsFrom())
	past := !calendar.EndOfDay.On(e.date, loc).After(e.now)
	switch {
	case r == nil && more && past:
		return "" // what held then is not known
	case r == nil && !e.served && !more:
		return "did not run, as " + e.unservedText()
	case r == nil && e.rejected != nil:
		return e.why(more, fmt.Sprintf("its schedule is quarantined: %v", e.rejected))
	case r == nil:
		return e.why(more, "it has no schedule")
	case r.Disabled && over && more:
		return ""
	case r.Disabled && over:
		return fmt.Sprintf("has no record: what held then is not known, as its schedule is disabled only since %s", e.wall(r.Since, loc, time.DateTime))
	case r.Disabled && !r.Since.IsZero():
		return e.why(more, "its schedule is disabled since "+e.wall(r.Since, loc, time.DateTime))
	case r.Disabled:
		return e.why(more, "its schedule is disabled")
	case e.early:
		return e.why(more, fmt.Sprintf("its schedule holds only from %s, the future of this clock", e.wall(r.HoldsFrom(), loc, time.DateTime)))
	case r.waitsForSession(e.now) && !past:
		return e.why(more, fmt.Sprintf("its rule %s takes effect at the next session, and until then %s holds", r.text, r.Prior))
	case more:
		return ""
	case !e.served:
		return "did not run, as " + e.unservedText()
	}
	return e.noOccurrence(ctx)
}

func (e *explanation) why(more bool, text string) string {
	if more {
		return text
	}
	return "did not run, as " + text
}

// noOccurrence says why the present schedule has nothing on the date.
func (e *explanation) noOccurrence(ctx context.Context) string {
	e.activity.Begin()
	defer e.activity.End()
	session, err := e.ask(ctx, e.view, e.date).Session(e.date)
	switch {
	case err != nil:
		return "does not run, as " + plan.NotKnown(e.view.name, e.date, err)
	case !e.row.Sessions.Has(session.Kind):
		return "does not run: " + session.Describe()
	}
	return fmt.Sprintf("has no occurrence: its rule is %s%s", e.row.text, inForceSince(e.row.HoldsFrom(), e.view.loc))
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
			what += " (" + said.FirstLine(r.Reason) + ")"
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
		text += ": " + said.FirstLine(r.Reason)
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
