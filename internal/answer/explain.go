package answer

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
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/store"
)

// Question is what a sentence answers.
type Question struct {
	Scheduler string
	Account   string
	Task      string
	Date      calendar.Date
}

// Source is where the answers come from: a scheduler, or the stores alone.
type Source struct {
	// History has the runs. Nil means that the ledger has none.
	History store.History
	// DueOn returns what the rows in force bring up for an account on a date.
	DueOn func(ctx context.Context, account string, date calendar.Date) ([]plan.Occurrence, error)
	// KnowledgeOf returns what else is known of a task of an account.
	KnowledgeOf func(ctx context.Context, account, task string) (*Knowledge, error)
}

// Explain answers a question in one sentence.
func Explain(ctx context.Context, from Source, q Question) (string, error) {
	history := from.History
	name := naming.Row(q.Task, q.Account)
	if err := q.Date.Validate(); err != nil {
		return "", fmt.Errorf("explain %s: %w", name, err)
	}
	failed := func(err error) (string, error) { return "", fmt.Errorf("explain %s on %v: %w", name, q.Date, err) }
	if history == nil {
		return failed(fmt.Errorf("the ledger: %w", store.ErrUnsupported))
	}
	runs, err := history.Runs(ctx, store.Query{Scheduler: q.Scheduler, Account: q.Account, Task: q.Task, From: q.Date, To: q.Date})
	if err != nil {
		return failed(err)
	}
	runs = slices.DeleteFunc(runs, func(r store.Run) bool { return r.Account != q.Account })
	due, err := from.DueOn(ctx, q.Account, q.Date)
	if err != nil && len(runs) == 0 {
		return failed(err)
	}
	known, err := from.KnowledgeOf(ctx, q.Account, q.Task)
	if err != nil {
		return failed(err)
	}
	e := newExplanation(q, known, history, runs, due)
	return said.Line(fmt.Sprintf("On %v, %s %s.", q.Date, name, e.sentence(ctx))), nil
}

// Knowledge is what is known of one task of one account beside its records.
type Knowledge struct {
	Now    time.Time
	Own    *vet.Calendar // of rows that name none
	ViewOf func(name string) (*vet.Calendar, error)
	Ask    func(ctx context.Context, v *vet.Calendar, dates ...calendar.Date) *vet.Calendar

	Row       *vet.Row // the one that holds for the account, or nil
	Rejected  error
	Served    bool
	Since     engine.Served // since when, if it is served
	Unserved  string        // and else why not
	Halt      string
	Overrides *plan.Overrides
	// Planned is up to when everything is accounted for or lined up, and Behind says why
	// nothing later is.
	Planned time.Time
	Behind  string
	Active  bool              // somebody plans
	Waits   map[string]string // what runs that have no record wait for, by slot
	Odd     []string          // what the account's executor is almost
}

// UnservedText says why an account is not served, where any is.
func UnservedText(account string, withdrawn time.Time, others bool, loc *time.Location) string {
	switch {
	case !withdrawn.IsZero():
		return fmt.Sprintf("account %q was withdrawn at %s", account, withdrawn.In(loc).Format(time.DateTime))
	case !others:
		return NoAccount
	}
	return fmt.Sprintf("account %q is not enrolled", account)
}

// Zone is that of the task's wall times.
func (k *Knowledge) Zone() *time.Location { return k.view().Location() }

func (k *Knowledge) view() *vet.Calendar {
	if k.Row != nil && k.Row.View != nil {
		return k.Row.View
	}
	return k.Own
}

// wall writes an instant as a wall time, and names the zone if it is another one
// than the scheduler's.
func (k *Knowledge) wall(t time.Time, layout string) string { return k.wallIn(t, k.Zone(), layout) }

func (k *Knowledge) wallIn(t time.Time, loc *time.Location, layout string) string {
	text := t.In(loc).Format(layout)
	if loc.String() != k.Own.Location().String() {
		text += " in " + loc.String()
	}
	return text
}

// answeredRow returns the row with a calendar that has answers for dates, and those that
// its filters ask for.
func (k *Knowledge) answeredRow(ctx context.Context, first, last calendar.Date) *vet.Row {
	p := plan.New([]*plan.Row{&k.Row.Row})
	first, last = p.FilterDates(k.Row.View, first, last)
	answered := k.Row.Copied()
	answered.View = k.Ask(ctx, k.Row.View, vet.DatesOf(first, last)...)
	answered.Row.Calendar = answered.View
	return answered
}

// waitsForSession reports whether an edit of the row takes effect only at the next
// session.
func (k *Knowledge) waitsForSession(ctx context.Context) bool {
	if k.Row.Prior == nil {
		return false
	}
	edited := calendar.DateOf(k.Row.Since.In(k.Zone()))
	return k.answeredRow(ctx, edited, edited).WaitsForSession(k.Now)
}

// next returns when the task is due next for the account, if that is within the horizon.
func (k *Knowledge) next(ctx context.Context, account string) (due time.Time, found bool) {
	if k.Row == nil || k.Row.Disabled || !k.Served {
		return time.Time{}, false
	}
	back, ahead := plan.New([]*plan.Row{&k.Row.Row}).Reach(k.Row.View)
	today := calendar.DateOf(k.Now.In(k.Zone()))
	answers := k.Ask(ctx, k.Row.View, vet.DatesOf(today.AddDays(-ahead-1), today.AddDays(back+plan.HorizonDays+1))...)
	p := plan.NewBy([]*plan.Row{&k.Row.Row}, func(calendar.Calendar) calendar.Calendar { return answers }).Override(k.Overrides)
	const skippedAtMost = 400 // a minute's monitor on a day that it cannot run
	due = k.Now
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

// NoAccount says why nothing runs where no account is enrolled.
const NoAccount = "no account is enrolled: nothing runs"
