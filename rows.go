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

// vetRows returns the rows that can be run, and those that cannot with the
// reason. It holds rows to everything that Validate and ValidateSchedules say.
// Rows that the store itself could not read are handed in as unread.
func vetRows(schedules []Schedule, phases phaseNames, unread ...RowError) ([]*row, []RowError) {
	v := vetting{rows: make(map[rowKey]*row, len(schedules)), bad: slices.Clone(unread)}
	for _, s := range schedules {
		v.add(s, phases)
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
	rows  map[rowKey]*row
	order []*row // the rows that are good so far
	bad   []RowError
}

func (v *vetting) add(s Schedule, phases phaseNames) {
	err := s.Validate()
	if err == nil {
		err = phases.check(s)
	}
	key := rowKey{s.Account, s.Task}
	if err == nil && v.rows[key] != nil {
		err = errors.New("the task has another row for the same account")
	}
	if err != nil {
		v.bad = append(v.bad, RowError{s.Task, s.Account, err})
		return
	}
	r := &row{Schedule: s, text: s.Rule.String(), kind: ruleKind(s.Rule)}
	v.rows[key] = r
	v.order = append(v.order, r)
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
		if rule, ok := r.Rule.(after); ok && r.Account == "" {
			found[rule.task] = append(found[rule.task], r)
		}
	}
	return found
}

// link finds the row that an after rule comes after, and drops the row if there
// is none or if it comes after itself.
func (v *vetting) link(r *row) {
	var path []string
	for at := r; ; {
		rule, ok := at.Rule.(after)
		if !ok {
			return
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
	case r.text == old.text && r.Disabled == old.Disabled && !r.Since.After(old.Since):
		r.Since = old.Since
		if r.Prior == nil {
			r.Prior = old.Prior
		}
	default:
		if !r.Since.After(old.Since) {
			r.Since = holds
		}
		if r.Prior == nil && r.kind != old.kind {
			r.Prior = old.Rule
		}
	}
}
