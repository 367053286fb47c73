package tradeclock

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/spelling"
	"github.com/tradeclock/tradeclock/rule"
)

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
	v := newVetting(schedules, find, findLimit, unread)
	v.vet(schedules)
	return v.order, v.bad
}

// vetting is the work of vetRows.
type vetting struct {
	rows    map[ScheduleKey]*row // those that are good, in the end
	order   []*row               // and in the order in which they came
	fresh   []*row               // those of them that are not as they were before
	dropped map[*row]bool
	bad     []RowError
	badOwn  map[ScheduleKey]bool // those of them that are of an account
	// followed are the tasks that after rules name.
	followed  map[string]bool
	find      calendarFinder
	findLimit limitFinder

	// old are the rows that were in force before, if there were any. What is the same
	// is used again, and a change holds from an instant on.
	old   map[ScheduleKey]*row
	holds time.Time

	policies map[policyKey]*vetted
	known    map[policyKey]*policy // of the old rows
	last     *vetted               // the one that was asked for last, since equal rows follow each other
	lastKey  policyKey
}

// vetted is the verdict on a policy, for all rows that share it.
type vetted struct {
	*policy
	view *calendarView // nil for an after rule: see link
	err  error
}

func newVetting(schedules []Schedule, find calendarFinder, findLimit limitFinder, unread []RowError) *vetting {
	v := &vetting{
		rows: make(map[ScheduleKey]*row, len(schedules)), order: make([]*row, 0, len(schedules)), badOwn: make(map[ScheduleKey]bool),
		dropped: make(map[*row]bool), followed: make(map[string]bool), find: find, findLimit: findLimit,
		policies: make(map[policyKey]*vetted), known: make(map[policyKey]*policy),
	}
	for _, r := range unread {
		v.reject(r.Task, r.Account, r.Err)
	}
	return v
}

// reject notes that a row cannot be used.
func (v *vetting) reject(task, account string, err error) {
	v.bad = append(v.bad, RowError{Task: task, Account: account, Err: err})
	if account != "" {
		v.badOwn[ScheduleKey{Task: task, Account: account}] = true
	}
}

func (v *vetting) vet(schedules []Schedule) {
	v.collectPolicies()
	for _, s := range schedules {
		v.add(s)
	}
	v.derive()
	for _, r := range v.order {
		if _, follows := r.follows(); follows {
			v.link(r)
		}
	}
	v.removeDropped()
	v.shadow()
}

// collectPolicies finds the policies of the old rows, which the new ones share.
func (v *vetting) collectPolicies() {
	seen := make(map[*policy]bool)
	var last *policy // most rows have the same
	for _, r := range v.old {
		if r.policy != last && !seen[r.policy] {
			seen[r.policy] = true
			v.share(r)
		}
		last = r.policy
	}
}

// share makes the policy of an old row that of new rows which say the same. The row
// may be nil.
func (v *vetting) share(old *row) {
	if old == nil {
		return
	}
	if key, ok := policyKeyOf(old.Schedule); ok {
		v.known[key] = old.policy
	}
}

func (v *vetting) add(s Schedule) {
	key := s.Key()
	p := v.policyOf(s)
	err := p.err
	if s.Account != "" && naming.Check(s.Account) != nil {
		err = s.Validate()
	}
	if err == nil && v.rows[key] != nil {
		err = errors.New("the task has another row for the same account")
	}
	if err != nil {
		v.reject(s.Task, s.Account, err)
		return
	}
	v.keep(v.rowOf(s, p))
}

func (v *vetting) keep(r *row) {
	if task, follows := r.follows(); follows {
		v.followed[task] = true
	}
	v.rows[r.Key()] = r
	v.order = append(v.order, r)
}

// rowOf returns the row of a schedule: the one that was in force before if nothing
// is different. A row that is linked with others is made anew, as those may be
// different.
func (v *vetting) rowOf(s Schedule, p *vetted) *row {
	old := v.old[s.Key()]
	if v.old != nil {
		s.Since, s.Prior = p.carriedOver(s, old, v.holds)
		p = v.policyOf(s)
	}
	_, follows := p.follows()
	if old != nil && old.policy == p.policy && old.Since.Equal(s.Since) && old.run.Version == s.Version && s.Account != "" && !follows {
		return old
	}
	r := newRow(s, p.policy, p.view)
	v.fresh = append(v.fresh, r)
	return r
}

// policyOf returns the verdict on the schedule's policy.
func (v *vetting) policyOf(s Schedule) *vetted {
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
func (v *vetting) vetPolicy(s Schedule, known *policy) *vetted {
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
func (v *vetting) calendarOf(p *policy) (*calendarView, error) {
	view, err := v.find(p.Calendar)
	if err != nil {
		return nil, inField("Calendar", err)
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
func (v *vetting) derive() {
	followers := v.followers()
	if len(followers) == 0 {
		return
	}
	for _, bad := range v.bad {
		for _, r := range followers[bad.Task] {
			if v.hides(bad.Account, bad.Task) && v.rows[ScheduleKey{Task: r.Task, Account: bad.Account}] == nil {
				v.keep(v.derived(r, bad.Account))
			}
		}
	}
	for i := 0; i < len(v.order); i++ { // what is added may be followed too
		own := v.order[i]
		if own.Account == "" {
			continue
		}
		for _, r := range followers[own.Task] {
			if v.rows[ScheduleKey{Task: r.Task, Account: own.Account}] == nil {
				v.keep(v.derived(r, own.Account))
			}
		}
	}
}

// hides reports whether an account has a row of its own for a task that cannot be
// used. It hides the one for all others, by which nothing of the account is to run.
func (v *vetting) hides(account, task string) bool {
	key := ScheduleKey{Task: task, Account: account}
	return v.badOwn[key] && v.rows[key] == nil
}

// derived returns the row of r for one account. As any other row, it keeps from the
// one before it what an edit left.
func (v *vetting) derived(r *row, account string) *row {
	s := r.schedule()
	s.Account = account
	return v.rowOf(s, &vetted{policy: r.policy, view: r.view})
}

// followers returns the rows for all accounts that come after each task.
func (v *vetting) followers() map[string][]*row {
	found := make(map[string][]*row)
	for _, r := range v.order {
		if task, ok := r.follows(); ok && r.Account == "" {
			found[task] = append(found[task], r)
		}
	}
	return found
}

// link finds the row that an after rule comes after, and drops the row if there
// is none or it cannot be used, if it comes after itself, or if the two have different
// calendars.
func (v *vetting) link(r *row) {
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
			v.drop(r, inField("Rule", fmt.Errorf("%q: the row of task %q for account %q cannot be used", at.text, task, r.Account)))
			return
		case base == nil:
			v.drop(r, inField("Rule", fmt.Errorf("%q: no schedule of task %q that it could come after%s", at.text, task, v.hint(task))))
			return
		case slices.Contains(path, base.Task):
			v.drop(r, inField("Rule", fmt.Errorf("%q: a cycle: %s", r.text, strings.Join(append(path, base.Task), " after "))))
			return
		}
		at.Base = &base.Row
		at = base
	}
	for follower := r; follower != at; follower = follower.base() {
		if err := follower.follow(at.view); err != nil {
			v.drop(r, err)
			return
		}
	}
}

// follow gives a row with an after rule the calendar of what it comes after.
func (r *row) follow(view *calendarView) error {
	if r.view != nil && r.view != view {
		return inField("Calendar", fmt.Errorf("%s: the task that %s comes after is on calendar %s", r.Schedule.Calendar, r.Task, view.name))
	}
	r.view, r.Row.Calendar = view, view
	return view.phases.check(r.Schedule)
}

func (v *vetting) base(account, task string) *row {
	if r := v.rows[ScheduleKey{Task: task, Account: account}]; r != nil {
		return r
	}
	return v.rows[ScheduleKey{Task: task}]
}

// hint names the tasks that a misspelled one is near to.
func (v *vetting) hint(task string) string {
	var tasks []string
	for _, r := range v.order {
		tasks = append(tasks, r.Task)
	}
	return spelling.Hint(task, tasks)
}

func (v *vetting) drop(r *row, err error) {
	v.reject(r.Task, r.Account, err)
	v.dropped[r] = true
}

func (v *vetting) removeDropped() {
	if len(v.dropped) == 0 {
		return
	}
	isDropped := func(r *row) bool { return v.dropped[r] }
	v.order, v.fresh = slices.DeleteFunc(v.order, isDropped), slices.DeleteFunc(v.fresh, isDropped)
	for r := range v.dropped {
		delete(v.rows, r.Key())
	}
}

// shadow notes in each row for all accounts which of them have their own. One
// that cannot be used counts too: the row for all others is not what its account
// asked for.
func (v *vetting) shadow() {
	shared := make(map[string]*row)
	for _, r := range v.order {
		if r.Account == "" {
			shared[r.Task] = r
		}
	}
	hide := func(account, task string) {
		if r := shared[task]; r != nil && account != "" {
			r.shadow(account)
		}
	}
	for _, r := range v.order {
		hide(r.Account, r.Task)
	}
	for _, r := range v.bad {
		hide(r.Account, r.Task)
	}
}

// shadow notes that an account has a row of its own.
func (r *row) shadow(account string) {
	if r.run.Shadowed == nil {
		r.run.Shadowed = make(map[string]bool)
	}
	r.run.Shadowed[account] = true
}

// phaseNames are the phases that the sessions of a calendar may have. They are
// not known of every calendar.
type phaseNames struct {
	calendar string
	known    bool
	names    []string
}

func phasesOf(cal calendar.Calendar) phaseNames {
	lister, ok := cal.(calendar.PhaseLister)
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
	for _, m := range rule.Moments(s.Rule) {
		if err := ph.checkMoment(m); err != nil {
			return inField("Rule", err)
		}
	}
	if s.CatchUpUntil != nil {
		if err := ph.checkMoment(*s.CatchUpUntil); err != nil {
			return fmt.Errorf("CatchUpUntil: %w", err)
		}
	}
	return nil
}

func (ph phaseNames) checkMoment(m rule.Moment) error {
	phase := m.Phase()
	if phase == "" || slices.Contains(ph.names, phase) {
		return nil
	}
	return fmt.Errorf("anchor %q: calendar %s has no phase %s%s", m.Anchor, ph.calendar, phase, spelling.Hint(m.Anchor, ph.anchors()))
}

// anchors returns the anchors that the calendar's sessions may have.
func (ph phaseNames) anchors() []string {
	var anchors []string
	for _, name := range ph.names {
		if name == calendar.PhaseRegular {
			anchors = append(anchors, rule.AnchorOpen, rule.AnchorClose)
		}
		anchors = append(anchors, name, name+rule.AnchorEnd)
	}
	return anchors
}

// carriedOver returns the Since and Prior of a schedule that changed since the last
// poll, which a store that does not keep them leaves out: an edit holds from the
// last plan that was made without it, and a change of kind from the next session.
func (p *policy) carriedOver(s Schedule, old *row, holds time.Time) (since time.Time, prior rule.Rule) {
	switch {
	case old == nil && s.Since.IsZero():
		return holds, s.Prior
	case old == nil || s.Since.After(old.Since):
		return s.Since, s.Prior
	case p.text == old.text && s.Calendar == old.Schedule.Calendar && s.Sessions == old.Sessions && s.Disabled == old.Disabled:
		if s.Prior == nil {
			return old.Since, old.Prior
		}
		return old.Since, s.Prior
	}
	edited := s.Edited(old.schedule(), holds)
	return edited.Since, edited.Prior
}

// inField names the field of a row that an error is about.
func inField(name string, err error) error { return fmt.Errorf("%s: %w", name, err) }
