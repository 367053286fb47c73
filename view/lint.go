package view

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// Finding is what is wrong with a row, or hardly meant.
type Finding struct {
	Task    string `json:"task"`
	Account string `json:"account,omitzero"`
	// Unusable is true if the row is quarantined: no run is made of it.
	Unusable bool   `json:"unusable,omitzero"`
	Text     string `json:"text"`
}

// Lint tells what is wrong with the schedules as they would be after changes, or hardly
// meant: rows that cannot be used, and those that can never run or whose policies do not
// fit each other. The zero changes are none.
func (v *View) Lint(ctx context.Context, changes store.ScheduleChanges) ([]Finding, error) {
	p := &previewing{View: v, now: v.clock.Now().Round(0).UTC()}
	var wrong *store.QuarantineError
	if err := p.read(ctx, changes); err != nil && !errors.As(err, &wrong) {
		return nil, fmt.Errorf("lint: %w", err)
	}
	var found []Finding
	for _, e := range p.after.rejected {
		found = append(found, Finding{e.Task, e.Account, true, said.InLine(e.Err)})
	}
	for _, s := range p.after.schedules {
		r := p.after.byKey[s.Key()]
		if r == nil || r.Disabled {
			continue
		}
		for _, doubt := range []string{unfitting(r), neverDue(ctx, r, p.now), p.unserved(ctx, s.Account)} {
			if doubt != "" {
				found = append(found, Finding{Task: s.Task, Account: s.Account, Text: doubt})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int {
		return store.ScheduleKey{Task: a.Task, Account: a.Account}.Compare(store.ScheduleKey{Task: b.Task, Account: b.Account})
	})
	return found, nil
}

// unserved says that an account has a row and was never enrolled.
func (v *View) unserved(ctx context.Context, account string) string {
	if account == "" || v.directory == nil {
		return ""
	}
	known, err := v.directory.Enrolments(ctx, store.EnrolmentQuery{Scheduler: v.name, Account: account})
	if err != nil || len(known) > 0 {
		return ""
	}
	return fmt.Sprintf("account %q was never enrolled: the row runs for nobody", account)
}

// unfitting says which policies of the row do not fit each other.
func unfitting(r *vet.Row) string {
	retries := r.Retry.Attempts > 1
	switch within := r.Retry.Within; {
	case r.Overlap == store.OverlapAllow && r.Exclusive != "":
		return fmt.Sprintf("it allows overlap, and its group %q does not: its runs wait for each other all the same", r.Exclusive)
	case r.Spread > r.EffectiveCatchUp():
		return fmt.Sprintf("its spread of %v is longer than its catch-up of %v, which cuts it off", r.Spread, r.EffectiveCatchUp())
	case retries && within == 0 && r.Timeout >= r.EffectiveCatchUp():
		return fmt.Sprintf("no second attempt fits: an attempt may take %v, and the catch-up ends after %v (set retry.within)", r.Timeout, r.EffectiveCatchUp())
	case retries && within > 0 && max(r.Retry.Backoff, time.Second) >= within:
		return fmt.Sprintf("no second attempt fits: it waits for %v, and none starts %v after the due time", max(r.Retry.Backoff, time.Second), within)
	case retries && r.Delivery == store.AtMostOnce:
		return "it is retried although it is delivered at most once: each attempt must be safe to make again"
	case !retries && r.Retry != (store.Retry{}):
		return "its retry has no attempts, and so does nothing"
	}
	return ""
}

// lintDays is how far ahead it is looked for an occurrence.
const lintDays = 366

// neverDue says that nothing is due of the row, or that all of it is skipped or has no
// catch-up.
func neverDue(ctx context.Context, r *vet.Row, now time.Time) string {
	today := calendar.DateOf(now.In(r.View.Location()))
	last := today.AddDays(lintDays)
	if date, once := rule.OnceDate(r.Root().Policy.Timing.Rule); once {
		if date.Before(today) {
			return fmt.Sprintf("%s is past: it never runs again", date)
		}
		if date.After(last) {
			last = date
		}
	}
	answers := answersFor(ctx, []*vet.Row{r}, today, last)
	p := plan.NewBy([]*plan.Row{&r.Row}, func(calendar.Calendar) calendar.Calendar { return answers[r.View] })
	skip, late := "", ""
	for date := today; !date.After(last); date = date.AddDays(1) {
		for _, o := range p.Day(date, calendar.EndOfDay.On(date.AddDays(rule.MaxDaysOn+2), time.UTC)) {
			answered := r.Copied()
			answered.Row.Calendar = answers[r.View]
			switch {
			case o.Skip != "":
				skip = o.Skip
			case !answered.Run.Expiry(o.Due, o.Session).After(o.Due):
				late = fmt.Sprintf("its catch-up ends before it is due, at %v: each run is missed", *r.CatchUpUntil)
			case o.Due.After(now):
				return ""
			}
		}
	}
	switch {
	case late != "":
		return late
	case skip != "":
		return "it is skipped whenever it is due: " + skip
	}
	return fmt.Sprintf("nothing of it is due until %v", last)
}
