package view

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/store"
)

// Preview is what changes of schedules would change, if they were made now.
type Preview struct {
	// At is the now from which the changes would hold, and Through the last session date
	// that was looked at.
	At      time.Time     `json:"at"`
	Through calendar.Date `json:"through"`
	// Changes are the occurrences that are different, by due time.
	Changes []PlanChange `json:"changes,omitzero"`
	// Collisions are the occurrences among them that would wait for another task.
	Collisions []Collision `json:"collisions,omitzero"`
	// Notes say what else is to be known before one says yes.
	Notes []string `json:"notes,omitzero"`
}

// PlanChange is an occurrence that changes of schedules add, drop, move, or skip for
// another reason, or that would wait for something else.
type PlanChange struct {
	Task string `json:"task"`
	// Account is that of the row. Empty is all accounts that have no row of their own, of the
	// task or of one that it comes after.
	Account string        `json:"account,omitzero"`
	Slot    string        `json:"slot"`
	Session calendar.Date `json:"session"`
	// Before is when it is due as the rows are, and zero if it is added. After is when it
	// would be, and zero if it is dropped.
	Before time.Time `json:"before,omitzero"`
	After  time.Time `json:"after,omitzero"`
	// Awaits is the task whose success it would wait for, if it would: After is from when on.
	Awaits string `json:"awaits,omitzero"`
	// Skip is why it would be skipped, if it would.
	Skip string `json:"skip,omitzero"`
}

// due is when the change matters.
func (c PlanChange) due() time.Time {
	if c.After.IsZero() {
		return c.Before
	}
	return c.After
}

// Collision is an occurrence that would be due in the same minute as one of another task
// in the same Exclusive group of the same account: one of them waits for the other.
type Collision struct {
	Task      string    `json:"task"`
	Account   string    `json:"account,omitzero"`
	Due       time.Time `json:"due"`
	With      string    `json:"with"`
	Exclusive string    `json:"exclusive"`
}

// The sessions that a preview looks at.
const (
	previewDefault = 5
	previewMost    = 60
)

// Preview tells what changes of rows would do if they were made now: the rows that
// are put need not be stored yet, and nothing is written. It looks at the next sessions,
// today's rest included: at five if sessions is zero, and at no more than 60. What it says
// is what then runs, if nobody edits the rows or the calendar meanwhile; a slot that has a
// record is not run again, and is left out. What people have said of single occurrences of one
// account is told in the Notes.
//
// The error is a *store.QuarantineError if a row that was good, or is put, could not be used
// then. It wraps store.ErrSchedulesChanged if the changes name another revision than the
// store's, and store.ErrNoSchedule if a row that they remove is not there.
func (v *View) Preview(ctx context.Context, changes store.ScheduleChanges, sessions int) (Preview, error) {
	if sessions <= 0 {
		sessions = previewDefault
	}
	p := &previewing{View: v, now: v.clock.Now().Round(0).UTC(), sessions: min(sessions, previewMost)}
	if err := p.read(ctx, changes); err != nil {
		return Preview{}, fmt.Errorf("preview: %w", err)
	}
	p.findAffected()
	if err := p.compare(ctx); err != nil {
		return Preview{}, fmt.Errorf("preview: %w", err)
	}
	p.collide(ctx)
	p.note()
	return p.Preview, nil
}

// previewing is the work of Preview.
type previewing struct {
	Preview
	*View
	now           time.Time
	sessions      int
	before, after *rowSet
	said          *plan.Overrides // of single occurrences
	affected      []rowChange
	first, last   calendar.Date
	used          []string // what is not run again, as it has a record
	asked         int      // of how many slots the ledger was asked
}

// rowChange is which row holds for a task and account, before and after. Either may be nil.
type rowChange struct {
	key           store.ScheduleKey
	before, after *vet.Row
}

// read reads the rows and makes the changes in a copy.
func (p *previewing) read(ctx context.Context, changes store.ScheduleChanges) (err error) {
	if p.before, err = p.reader.read(ctx); err != nil {
		return err
	}
	if p.before.revision != "" && changes.Revision != "" && p.before.revision != changes.Revision {
		return fmt.Errorf("from revision %s, and the present one is %s: %w", changes.Revision, p.before.revision, store.ErrSchedulesChanged)
	}
	stored := make(map[store.ScheduleKey]store.Schedule, len(p.before.schedules))
	for _, s := range p.before.schedules {
		stored[s.Key()] = s
	}
	for _, key := range changes.Removed {
		if _, ok := stored[key]; !ok {
			return fmt.Errorf("%s: %w", key, store.ErrNoSchedule)
		}
	}
	rows := changes.Apply(p.before.schedules)
	put := make(map[store.ScheduleKey]bool)
	for i := len(rows) - len(changes.Rows); i < len(rows); i++ {
		put[rows[i].Key()] = true
		if rows[i].Rule != nil {
			rows[i] = rows[i].Edited(stored[rows[i].Key()], p.now)
		}
	}
	p.after = &rowSet{schedules: rows}
	p.after.unread = slices.DeleteFunc(slices.Clone(p.before.unread), func(e store.RowError) bool { return put[store.ScheduleKey{Task: e.Task, Account: e.Account}] })
	p.reader.vet(p.after)
	return p.refuse(put)
}

// refuse returns the rows that could not be used after the changes, and were good or are
// put.
func (p *previewing) refuse(put map[store.ScheduleKey]bool) error {
	var wrong []store.RowError
	for _, e := range p.after.rejected {
		was := slices.ContainsFunc(p.before.rejected, func(b store.RowError) bool { return b.Task == e.Task && b.Account == e.Account })
		if !was || put[store.ScheduleKey{Task: e.Task, Account: e.Account}] {
			wrong = append(wrong, e)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return &store.QuarantineError{Rows: wrong}
}

// findAffected finds the rows that are different: those that are edited, and those that
// come after one. For an account that gets a row of its own, or loses it, the other is the
// shared one.
func (p *previewing) findAffected() {
	keys := maps.Clone(p.before.byKey)
	maps.Copy(keys, p.after.byKey)
	for _, key := range slices.SortedFunc(maps.Keys(keys), store.ScheduleKey.Compare) {
		c := rowChange{key, p.before.find(key.Account, key.Task), p.after.find(key.Account, key.Task)}
		if !sameInForce(c.before, c.after) {
			p.affected = append(p.affected, c)
		}
	}
}

// sameInForce reports whether two rows bring up the same, for one account.
func sameInForce(a, b *vet.Row) bool {
	for ; a != nil && b != nil; a, b = a.BaseRow(), b.BaseRow() {
		if a.Account != b.Account || !a.HoldsFrom().Equal(b.HoldsFrom()) || a.Differs(b) {
			return false
		}
	}
	return a == nil && b == nil
}

// rowsOf returns the rows of the affected ones on one side.
func rowsOf(affected []rowChange, side func(rowChange) *vet.Row) []*vet.Row {
	seen := make(map[*vet.Row]bool)
	var rows []*vet.Row
	for _, c := range affected {
		if r := side(c); r != nil && !seen[r] {
			seen[r] = true
			rows = append(rows, r)
		}
	}
	return rows
}

func (c rowChange) old() *vet.Row { return c.before }
func (c rowChange) new() *vet.Row { return c.after }

// compare plans the next sessions by the affected rows, before and after.
func (p *previewing) compare(ctx context.Context) error {
	p.At = p.now
	before, after := rowsOf(p.affected, rowChange.old), rowsOf(p.affected, rowChange.new)
	p.bound(ctx, slices.Concat(before, after))
	p.Through = p.last
	var err error
	if p.said, err = p.View.overridesOn(ctx, p.first, p.last); err != nil {
		return err
	}
	was, is := p.plan(ctx, before), p.plan(ctx, after)
	for _, c := range p.affected {
		if err := p.diff(ctx, c, plan.Runs(was[c.before], c.key.Account), plan.Runs(is[c.after], c.key.Account)); err != nil {
			return err
		}
	}
	slices.SortStableFunc(p.Changes, func(a, b PlanChange) int {
		return cmp.Or(a.due().Compare(b.due()), cmp.Compare(a.Task, b.Task), cmp.Compare(a.Account, b.Account))
	})
	return nil
}

// bound finds the dates to look at: from the first that may still be due, to the last of
// the sessions that are asked for, on any calendar of the rows.
func (p *previewing) bound(ctx context.Context, rows []*vet.Row) {
	today := calendar.DateOf(p.now.In(p.reader.own.Location()))
	p.first, p.last = today, today
	most := p.sessions*2 + plan.HorizonDays // of days, for a market that is closed for long
	pl := plan.New(vet.PlannedRows(rows))
	cals := pl.Calendars()
	if len(cals) == 0 {
		cals = []calendar.Calendar{p.reader.own}
	}
	for _, cal := range cals {
		v := cal.(*vet.Calendar)
		_, ahead := pl.Reach(cal)
		first := calendar.DateOf(p.now.In(v.Location()))
		if back := first.AddDays(-ahead - 1); back.Before(p.first) {
			p.first = back
		}
		answered, open := askNow(ctx, v, vet.DatesOf(first, first.AddDays(most))...), 0
		date := first
		for ; open < p.sessions && date.Before(first.AddDays(most)); date = date.AddDays(1) {
			if session, err := answered.Session(date); err != nil || session.Open() {
				open++
			}
		}
		if last := date.AddDays(-1); last.After(p.last) {
			p.last = last
		}
	}
}

// plan returns what rows bring up on the dates, by row.
func (p *previewing) plan(ctx context.Context, rows []*vet.Row) map[*vet.Row][]plan.Occurrence {
	found := make(map[*vet.Row][]plan.Occurrence)
	if len(rows) == 0 {
		return found
	}
	answers := answersFor(ctx, rows, p.first, p.last)
	for _, date := range vet.DatesOf(p.first, p.last) {
		for _, o := range answer.DueBy(rows, date, answers, p.said) {
			r := vet.RowOf(o)
			if r.Spread > 0 {
				r = originalOf(rows, r)
			}
			found[r] = append(found[r], o)
		}
	}
	return found
}

// originalOf returns the row of which another is a copy with an answered calendar.
func originalOf(rows []*vet.Row, answered *vet.Row) *vet.Row {
	return rows[slices.IndexFunc(rows, func(r *vet.Row) bool { return r.IsCopyOf(answered) })]
}

// diff compares what was and is to come of one task and account.
func (p *previewing) diff(ctx context.Context, c rowChange, was, is []plan.Occurrence) error {
	old, over := make(map[string]plan.Occurrence), make(map[string]bool)
	for _, o := range was {
		if o.Due.After(p.now) {
			old[o.Slot] = o
		} else {
			over[o.Slot] = true
		}
	}
	change := func(o plan.Occurrence) PlanChange {
		return PlanChange{Task: c.key.Task, Account: c.key.Account, Slot: o.Slot, Session: o.Session}
	}
	for _, o := range is {
		if !o.Due.After(p.now) {
			continue // of what follows another task, which moves to a time that is past
		}
		before, had := old[o.Slot]
		delete(old, o.Slot)
		if had && before.Due.Equal(o.Due) && before.Skip == o.Skip && before.Awaits.Same(o.Awaits) {
			continue
		}
		if !had {
			used, err := p.isUsed(ctx, c, o, over)
			if err != nil {
				return err
			}
			if used {
				p.used = append(p.used, fmt.Sprintf("%s: slot %s has a record already, and is not run again", c.key, o.Slot))
				continue
			}
		}
		made := change(o)
		made.Before, made.After, made.Skip = before.Due, o.Due, o.Skip
		if o.Awaits != nil {
			made.Awaits = o.Awaits.Task
		}
		p.Changes = append(p.Changes, made)
	}
	for _, o := range old {
		dropped := change(o)
		dropped.Before = o.Due
		p.Changes = append(p.Changes, dropped)
	}
	return nil
}

// isUsed reports whether the slot of an occurrence that comes has had its time: it was due
// by the row of before, or the ledger has a record of it.
func (p *previewing) isUsed(ctx context.Context, c rowChange, o plan.Occurrence, over map[string]bool) (bool, error) {
	const askedAtMost = 400
	today := calendar.DateOf(p.now.In(vet.RowOf(o).View.Location()))
	if over[o.Slot] {
		return true, nil
	}
	if p.asked++; o.Session.After(today) || p.asked > askedAtMost {
		return false, nil
	}
	row := &c.after.Run
	limit := len(row.Shadowed) + 1 // one is enough, but for those of accounts that have their own row
	runs, err := p.history.Runs(ctx, store.Query{Scheduler: p.name, Account: c.key.Account, Task: c.key.Task, Slot: o.Slot, Limit: limit})
	return slices.ContainsFunc(runs, func(r store.Run) bool { return row.HoldsFor(r.Account) }), err
}

// collide finds what of the changes would be due in the minute of another task of the same
// group.
func (p *previewing) collide(ctx context.Context) {
	for _, c := range p.affected {
		if c.after == nil || c.after.Exclusive == "" {
			continue
		}
		busy := make(map[time.Time][]string)
		for _, o := range plan.Runs(slices.Concat(slices.Collect(maps.Values(p.plan(ctx, p.groupOf(c))))...), c.key.Account) {
			minute := o.Due.Truncate(time.Minute)
			if o.Skip == "" && o.Awaits == nil && !slices.Contains(busy[minute], vet.RowOf(o).Task) {
				busy[minute] = append(busy[minute], vet.RowOf(o).Task)
			}
		}
		for _, change := range p.Changes {
			if change.Task != c.key.Task || change.Account != c.key.Account || change.After.IsZero() || change.Skip != "" || change.Awaits != "" {
				continue
			}
			for _, with := range busy[change.After.Truncate(time.Minute)] {
				p.Collisions = append(p.Collisions, Collision{c.key.Task, c.key.Account, change.After, with, c.after.Exclusive})
			}
		}
	}
}

// groupOf returns the rows of other tasks in the group of one, that hold for its account,
// or for all.
func (p *previewing) groupOf(c rowChange) []*vet.Row {
	return slices.DeleteFunc(p.after.holdingFor(c.key.Account), func(r *vet.Row) bool {
		return r.Exclusive != c.after.Exclusive || r.Task == c.key.Task
	})
}

// note says what else is to be known.
func (p *previewing) note() {
	for _, c := range p.affected {
		if c.after != nil && c.after.Prior != nil && c.after.Since.Equal(p.now) {
			p.Notes = append(p.Notes, fmt.Sprintf("%s: the rule %s is of another kind than %s: it takes effect at the next session, if the task has had an occurrence today", c.key, c.after.Text, c.after.Prior))
		}
	}
	p.Notes = append(p.Notes, p.used...)
	p.noteOverrides()
}

// noteOverrides tells of which occurrences that are still to come an account has a word of its
// own: what is told of all accounts is not told of them.
func (p *previewing) noteOverrides() {
	for _, c := range p.affected {
		r := cmp.Or(c.after, c.before)
		for _, w := range p.said.Own(c.key.Task) {
			at := w.At
			if at.IsZero() {
				at = w.Due
			}
			if c.key.Account == "" && r.Run.HoldsFor(w.Account) && at.After(p.now) {
				p.Notes = append(p.Notes, fmt.Sprintf("%s: slot %s was %s, and goes by that", naming.Row(w.Task, w.Account), w.Slot, w.Why))
			}
		}
	}
}
