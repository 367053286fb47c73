package tradeclock

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// rowKey is what a row is found by. Account is empty in the row for all others.
type rowKey struct{ account, task string }

// calendarFinder returns the calendar of a name; that of no name is the
// scheduler's own.
type calendarFinder func(name string) (*calendarView, error)

// limitFinder returns an error if there is no start limit of a name. The empty name
// is none, and no error.
type limitFinder func(name string) error

// vetRows returns the rows that can be run, and those that cannot with the
// reason. It holds rows to everything that Validate and ValidateSchedules say.
// Rows that the store itself could not read are handed in as unread.
func vetRows(schedules []Schedule, find calendarFinder, findLimit limitFinder, unread ...RowError) ([]*row, []RowError) {
	v := vetting{rows: make(map[rowKey]*row, len(schedules)), bad: slices.Clone(unread), find: find, findLimit: findLimit}
	for _, s := range schedules {
		v.add(s)
	}
	v.derive()
	for _, r := range slices.Clone(v.order) {
		v.link(r)
	}
	v.shadow()
	return v.order, v.bad
}

// vetting is the work of vetRows.
type vetting struct {
	rows      map[rowKey]*row
	order     []*row // the rows that are good so far
	bad       []RowError
	find      calendarFinder
	findLimit limitFinder
}

func (v *vetting) add(s Schedule) {
	var view *calendarView
	err := s.Validate()
	if err == nil {
		view, err = v.calendarOf(s)
	}
	if err == nil {
		err = v.findLimit(s.StartLimit)
	}
	key := rowKey{s.Account, s.Task}
	if err == nil && v.rows[key] != nil {
		err = errors.New("the task has another row for the same account")
	}
	if err != nil {
		v.bad = append(v.bad, RowError{s.Task, s.Account, err})
		return
	}
	r := &row{Schedule: s, text: s.Rule.String(), kind: ruleKind(s.Rule), bare: timingOf(s.Rule), view: view}
	v.rows[key] = r
	v.order = append(v.order, r)
}

// calendarOf returns the calendar of a row, in which its anchors must be. That of
// an after rule is known by the task which it follows: see link.
func (v *vetting) calendarOf(s Schedule) (*calendarView, error) {
	view, err := v.find(s.Calendar)
	if err != nil {
		return nil, fmt.Errorf("Calendar: %w", err)
	}
	if _, follows := timingOf(s.Rule).rule.(after); follows && s.Calendar == "" {
		return nil, nil
	}
	return view, view.phases.check(s)
}

// derive adds, for each account with a row of its own for a task that a row for
// all accounts comes after, that row for the account: what it comes after is the
// account's own planned time.
func (v *vetting) derive() {
	followers := v.followers()
	for grew := true; grew; {
		grew = false
		for _, own := range slices.Clone(v.order) {
			if own.Account == "" {
				continue
			}
			for _, r := range followers[own.Task] {
				key := rowKey{own.Account, r.Task}
				if v.rows[key] != nil {
					continue
				}
				derived := *r
				derived.Account = own.Account
				v.rows[key] = &derived
				v.order = append(v.order, &derived)
				grew = true
			}
		}
	}
}

// followers returns the rows for all accounts that come after each task.
func (v *vetting) followers() map[string][]*row {
	found := make(map[string][]*row)
	for _, r := range v.order {
		if rule, ok := r.bare.rule.(after); ok && r.Account == "" {
			found[rule.task] = append(found[rule.task], r)
		}
	}
	return found
}

// link finds the row that an after rule comes after, and drops the row if there
// is none, if it comes after itself, or if the two have different calendars.
func (v *vetting) link(r *row) {
	var path []string
	at := r
	for {
		rule, ok := at.bare.rule.(after)
		if !ok {
			break
		}
		path = append(path, at.Task)
		base := v.base(r.Account, rule.task)
		switch {
		case base == nil:
			v.drop(r, fmt.Errorf("Rule: %q: no schedule of task %q that it could come after", at.text, rule.task))
			return
		case slices.Contains(path, base.Task):
			v.drop(r, fmt.Errorf("Rule: %q: a cycle: %s", r.text, strings.Join(append(path, base.Task), " after ")))
			return
		}
		at.base = base
		at = base
	}
	for follower := r; follower != at; follower = follower.base {
		if err := follower.follow(at.view); err != nil {
			v.drop(r, err)
			return
		}
	}
}

// follow gives a row with an after rule the calendar of what it comes after.
func (r *row) follow(view *calendarView) error {
	if r.view != nil && r.view != view {
		return fmt.Errorf("Calendar: %s: the task that %s comes after is on calendar %s", r.Calendar, r.Task, view.name)
	}
	r.view = view
	return view.phases.check(r.Schedule)
}

func (v *vetting) base(account, task string) *row {
	if r := v.rows[rowKey{account, task}]; r != nil {
		return r
	}
	return v.rows[rowKey{"", task}]
}

func (v *vetting) drop(r *row, err error) {
	v.bad = append(v.bad, RowError{r.Task, r.Account, err})
	v.order = slices.DeleteFunc(v.order, func(o *row) bool { return o == r })
}

// shadow notes in each row for all accounts which of them have their own. One
// that cannot be used counts too: the row for all others is not what its account
// asked for.
func (v *vetting) shadow() {
	for _, r := range v.order {
		v.hide(r.Account, r.Task)
	}
	for _, r := range v.bad {
		v.hide(r.Account, r.Task)
	}
}

func (v *vetting) hide(account, task string) {
	shared := v.rows[rowKey{"", task}]
	if account == "" || shared == nil {
		return
	}
	if shared.shadowed == nil {
		shared.shadowed = make(map[string]bool)
	}
	shared.shadowed[account] = true
}

// holdsFor reports whether the row is the one that holds for an account.
func (r *row) holdsFor(account string) bool {
	if r.Account != "" {
		return r.Account == account
	}
	return !r.shadowed[account]
}

// phaseNames are the phases that the sessions of a calendar may have. They are
// not known of every calendar.
type phaseNames struct {
	calendar string
	known    bool
	names    []string
}

func phasesOf(cal Calendar) phaseNames {
	lister, ok := cal.(PhaseLister)
	if !ok {
		return phaseNames{}
	}
	return phaseNames{calendar: cal.Name(), known: true, names: lister.PhaseNames()}
}

// check refuses anchors that no session of the calendar can have.
func (ph phaseNames) check(s Schedule) error {
	if !ph.known {
		return nil
	}
	moments := ruleMoments(s.Rule)
	if s.CatchUpUntil != nil {
		moments = append(moments, *s.CatchUpUntil)
	}
	for _, m := range moments {
		if phase := m.phase(); phase != "" && !slices.Contains(ph.names, phase) {
			return fmt.Errorf("Rule: anchor %q: calendar %s has no phase %s", m.Anchor, ph.calendar, phase)
		}
	}
	return nil
}

// carryOver gives a row that changed since the last poll what a store that does
// not keep Since and Prior leaves out: an edit holds from the last plan that was
// made without it, and a change of kind from the next session.
func (r *row) carryOver(old *row, holds time.Time) {
	switch {
	case old == nil:
		if r.Since.IsZero() {
			r.Since = holds
		}
	case r.text == old.text && r.Calendar == old.Calendar && r.Disabled == old.Disabled && !r.Since.After(old.Since):
		r.Since = old.Since
		if r.Prior == nil {
			r.Prior = old.Prior
		}
	case !r.Since.After(old.Since):
		edited := r.Schedule.Edited(old.Schedule, holds)
		r.Since, r.Prior = edited.Since, edited.Prior
	}
}
