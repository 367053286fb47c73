package vet

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/spelling"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// calendarFinder returns the calendar of a name; that of no name is the
// scheduler's own.
type calendarFinder func(name string) (*Calendar, error)

// limitFinder returns an error if there is no start limit of a name. The empty name
// is none, and no error.
type limitFinder func(name string) error

// Rows returns the rows that can be run, and those that cannot with the
// reason. It holds rows to everything that Validate and ValidateSchedules say.
// Rows that the store itself could not read are handed in as unread.
func Rows(schedules []store.Schedule, find calendarFinder, findLimit limitFinder, unread ...store.RowError) ([]*Row, []store.RowError) {
	v := New(schedules, find, findLimit, unread)
	v.Vet(schedules)
	return v.Order, v.Bad
}

// Vetting is how rows are made of schedules: Vet makes all of them, and Add one by one. What it is told
// is Old and Holds, and what comes of it the other exported fields.
type Vetting struct {
	Rows    map[store.ScheduleKey]*Row // those that are good, in the end
	Order   []*Row                     // and in the order in which they came
	Fresh   []*Row                     // those of them that are not as they were before
	dropped map[*Row]bool
	Bad     []store.RowError
	badOwn  map[store.ScheduleKey]bool // those of them that are of an account
	// followed are the tasks that after rules name.
	Followed  map[string]bool
	find      calendarFinder
	findLimit limitFinder

	// old are the rows that were in force before, if there were any. What is the same
	// is used again, and a change holds from an instant on.
	Old   map[store.ScheduleKey]*Row
	Holds time.Time

	policies map[policyKey]*vetted
	known    map[policyKey]*policy // of the old rows
	last     *vetted               // the one that was asked for last, since equal rows follow each other
	lastKey  policyKey
}

// vetted is the verdict on a policy, for all rows that share it.
type vetted struct {
	*policy
	view *Calendar // nil for an after rule: see link
	err  error
}

// New returns the vetting of schedules, of which unread are those that the store could not read.
func New(schedules []store.Schedule, find calendarFinder, findLimit limitFinder, unread []store.RowError) *Vetting {
	v := &Vetting{
		Rows: make(map[store.ScheduleKey]*Row, len(schedules)), Order: make([]*Row, 0, len(schedules)), badOwn: make(map[store.ScheduleKey]bool),
		dropped: make(map[*Row]bool), Followed: make(map[string]bool), find: find, findLimit: findLimit,
		policies: make(map[policyKey]*vetted), known: make(map[policyKey]*policy),
	}
	for _, r := range unread {
		v.reject(r.Task, r.Account, r.Err)
	}
	return v
}

// reject notes that a row cannot be used.
func (v *Vetting) reject(task, account string, err error) {
	v.Bad = append(v.Bad, store.RowError{Task: task, Account: account, Err: err})
	if account != "" {
		v.badOwn[store.ScheduleKey{Task: task, Account: account}] = true
	}
}

// Vet makes rows of all schedules, and links them.
func (v *Vetting) Vet(schedules []store.Schedule) {
	v.collectPolicies()
	for _, s := range schedules {
		v.Add(s)
	}
	v.derive()
	for _, r := range v.Order {
		if _, follows := r.follows(); follows {
			v.link(r)
		}
	}
	v.removeDropped()
	v.shadow()
}

// collectPolicies finds the policies of the old rows, which the new ones share.
func (v *Vetting) collectPolicies() {
	seen := make(map[*policy]bool)
	var last *policy // most rows have the same
	for _, r := range v.Old {
		if r.policy != last && !seen[r.policy] {
			seen[r.policy] = true
			v.Share(r)
		}
		last = r.policy
	}
}

// Share makes the policy of an old row that of new rows which say the same. The row
// may be nil.
func (v *Vetting) Share(old *Row) {
	if old == nil {
		return
	}
	if key, ok := policyKeyOf(old.Schedule); ok {
		v.known[key] = old.policy
	}
}

// Add makes a row of one schedule, which is linked with none.
func (v *Vetting) Add(s store.Schedule) {
	key := s.Key()
	p := v.policyOf(s)
	err := p.err
	if s.Account != "" && naming.Check(s.Account) != nil {
		err = s.Validate()
	}
	if err == nil && v.Rows[key] != nil {
		err = errors.New("the task has another row for the same account")
	}
	if err != nil {
		v.reject(s.Task, s.Account, err)
		return
	}
	v.keep(v.rowOf(s, p))
}

func (v *Vetting) keep(r *Row) {
	if task, follows := r.follows(); follows {
		v.Followed[task] = true
	}
	v.Rows[r.Key()] = r
	v.Order = append(v.Order, r)
}

// rowOf returns the row of a schedule: the one that was in force before if nothing
// is different. A row that is linked with others is made anew, as those may be
// different.
func (v *Vetting) rowOf(s store.Schedule, p *vetted) *Row {
	old := v.Old[s.Key()]
	if v.Old != nil {
		s.Since, s.Prior = p.carriedOver(s, old, v.Holds)
		p = v.policyOf(s)
	}
	_, follows := p.follows()
	if old != nil && old.policy == p.policy && old.Since.Equal(s.Since) && old.Run.Version == s.Version && s.Account != "" && !follows {
		return old
	}
	r := newRow(s, p.policy, p.view)
	v.Fresh = append(v.Fresh, r)
	return r
}

// policyOf returns the verdict on the schedule's policy.
func (v *Vetting) policyOf(s store.Schedule) *vetted {
	key, ok := policyKeyOf(s)
	switch {
	case !ok:
		return v.vetPolicy(s, nil)
	case v.last != nil && v.lastKey == key:
		return v.last
	}
	p := v.policies[key]
	if p == nil {
		p = v.vetPolicy(s, v.known[key])
		v.policies[key] = p
	}
	v.last, v.lastKey = p, key
	return p
}

// vetPolicy judges the schedule's policy, which was found good before if it is known.
func (v *Vetting) vetPolicy(s store.Schedule, known *policy) *vetted {
	p := &vetted{policy: known}
	if known == nil {
		s = impersonal(s)
		if p.err = s.Validate(); p.err != nil {
			return p
		}
		p.policy = newPolicy(s)
	}
	if p.view, p.err = v.calendarOf(p.policy); p.err == nil {
		p.err = v.findLimit(p.StartLimit)
	}
	return p
}

// calendarOf returns the calendar of a policy, in which its anchors must be. That
// of an after rule is known by the task which it follows: see link.
func (v *Vetting) calendarOf(p *policy) (*Calendar, error) {
	view, err := v.find(p.Calendar)
	if err != nil {
		return nil, InField("Calendar", err)
	}
	if _, follows := p.follows(); follows && p.Calendar == "" {
		return nil, nil
	}
	return view, view.phases.check(p.Schedule)
}

// derive adds, for each account with a row of its own for a task that a row for
// all accounts comes after, that row for the account: what it comes after is the
// account's own planned time. If the account's own row cannot be used, neither can
// that: see link.
func (v *Vetting) derive() {
	followers := v.followers()
	if len(followers) == 0 {
		return
	}
	for _, bad := range v.Bad {
		for _, r := range followers[bad.Task] {
			if v.hides(bad.Account, bad.Task) && v.Rows[store.ScheduleKey{Task: r.Task, Account: bad.Account}] == nil {
				v.keep(v.derived(r, bad.Account))
			}
		}
	}
	for i := 0; i < len(v.Order); i++ { // what is added may be followed too
		own := v.Order[i]
		if own.Account == "" {
			continue
		}
		for _, r := range followers[own.Task] {
			if v.Rows[store.ScheduleKey{Task: r.Task, Account: own.Account}] == nil {
				v.keep(v.derived(r, own.Account))
			}
		}
	}
}

// hides reports whether an account has a row of its own for a task that cannot be
// used. It hides the one for all others, by which nothing of the account is to run.
func (v *Vetting) hides(account, task string) bool {
	key := store.ScheduleKey{Task: task, Account: account}
	return v.badOwn[key] && v.Rows[key] == nil
}

// derived returns the row of r for one account. As any other row, it keeps from the
// one before it what an edit left.
func (v *Vetting) derived(r *Row, account string) *Row {
	s := r.Stored()
	s.Account = account
	return v.rowOf(s, &vetted{policy: r.policy, view: r.View})
}

// followers returns the rows for all accounts that come after each task.
func (v *Vetting) followers() map[string][]*Row {
	found := make(map[string][]*Row)
	for _, r := range v.Order {
		if task, ok := r.follows(); ok && r.Account == "" {
			found[task] = append(found[task], r)
		}
	}
	return found
}

// link finds the row that an after rule comes after, and drops the row if there
// is none or it cannot be used, if it comes after itself, or if the two have different
// calendars.
func (v *Vetting) link(r *Row) {
	var path []string
	at := r
	for {
		task, ok := at.follows()
		if !ok {
			break
		}
		path = append(path, at.Task)
		base := v.base(r.Account, task)
		switch {
		case v.hides(r.Account, task):
			v.drop(r, InField("Rule", fmt.Errorf("%q: the row of task %q for account %q cannot be used", at.Text, task, r.Account)))
			return
		case base == nil:
			v.drop(r, InField("Rule", fmt.Errorf("%q: no schedule of task %q that it could come after%s", at.Text, task, v.hint(task))))
			return
		case slices.Contains(path, base.Task):
			v.drop(r, InField("Rule", fmt.Errorf("%q: a cycle: %s", r.Text, strings.Join(append(path, base.Task), " after "))))
			return
		}
		at.Base = &base.Row
		at = base
	}
	for follower := r; follower != at; follower = follower.BaseRow() {
		if err := follower.follow(at.View); err != nil {
			v.drop(r, err)
			return
		}
	}
	if err := r.checkAwaited(); err != nil {
		v.drop(r, InField("Rule", fmt.Errorf("%q: %w", r.Text, err)))
	}
}

// follow gives a row with an after rule the calendar of what it comes after.
func (r *Row) follow(view *Calendar) error {
	if r.View != nil && r.View != view {
		return InField("Calendar", fmt.Errorf("%s: the task that %s comes after is on calendar %s", r.Schedule.Calendar, r.Task, view.name))
	}
	r.View, r.Row.Calendar = view, view
	return view.phases.check(r.Schedule)
}

func (v *Vetting) base(account, task string) *Row {
	if r := v.Rows[store.ScheduleKey{Task: task, Account: account}]; r != nil {
		return r
	}
	return v.Rows[store.ScheduleKey{Task: task}]
}

// hint names the tasks that a misspelled one is near to.
func (v *Vetting) hint(task string) string {
	var tasks []string
	for _, r := range v.Order {
		tasks = append(tasks, r.Task)
	}
	return spelling.Hint(task, tasks)
}

func (v *Vetting) drop(r *Row, err error) {
	v.reject(r.Task, r.Account, err)
	v.dropped[r] = true
}

func (v *Vetting) removeDropped() {
	if len(v.dropped) == 0 {
		return
	}
	isDropped := func(r *Row) bool { return v.dropped[r] }
	v.Order, v.Fresh = slices.DeleteFunc(v.Order, isDropped), slices.DeleteFunc(v.Fresh, isDropped)
	for r := range v.dropped {
		delete(v.Rows, r.Key())
	}
}

// shadow notes in each row for all accounts which of them have their own. One
// that cannot be used counts too: the row for all others is not what its account
// asked for.
func (v *Vetting) shadow() {
	shared := make(map[string]*Row)
	for _, r := range v.Order {
		if r.Account == "" {
			shared[r.Task] = r
		}
	}
	hide := func(account, task string) {
		if r := shared[task]; r != nil && account != "" {
			r.shadow(account)
		}
	}
	for _, r := range v.Order {
		hide(r.Account, r.Task)
	}
	for _, r := range v.Bad {
		hide(r.Account, r.Task)
	}
}

// shadow notes that an account has a row of its own.
func (r *Row) shadow(account string) {
	if r.Run.Shadowed == nil {
		r.Run.Shadowed = make(map[string]bool)
	}
	r.Run.Shadowed[account] = true
}

// carriedOver returns the Since and Prior of a schedule that changed since the last
// poll, which a store that does not keep them leaves out: an edit holds from the
// last plan that was made without it, and a change of kind from the next session.
func (p *policy) carriedOver(s store.Schedule, old *Row, holds time.Time) (since time.Time, prior rule.Rule) {
	switch {
	case old == nil && s.Since.IsZero():
		return holds, s.Prior
	case old == nil || s.Since.After(old.Since):
		return s.Since, s.Prior
	case p.Text == old.Text && s.Calendar == old.Schedule.Calendar && s.Sessions == old.Sessions && s.Disabled == old.Disabled:
		if s.Prior == nil {
			return old.Since, old.Prior
		}
		return old.Since, s.Prior
	}
	edited := s.Edited(old.Stored(), holds)
	return edited.Since, edited.Prior
}

// InField names the field of a row that an error is about.
func InField(name string, err error) error { return fmt.Errorf("%s: %w", name, err) }

// RejectedIn returns why the row that holds for a task of an account cannot be used, or nil.
func RejectedIn(rejected []store.RowError, account, task string) error {
	for _, r := range rejected {
		if r.Task == task && (r.Account == account || r.Account == "") {
			return r.Err
		}
	}
	return nil
}
