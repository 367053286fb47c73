package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/said"
)

// rowReader reads the rows of a schedule store for a View, and keeps them while a store
// that can tell says that they stay.
type rowReader struct {
	store ScheduleStore
	cfg   Config        // with what finds calendars
	own   *calendarView // of rows that name none

	mu    sync.Mutex
	views map[string]*calendarView // those that rows have named
	last  *rowSet
}

// rowSet is one reading of the rows, vetted. It is never changed.
type rowSet struct {
	revision  string
	schedules []Schedule // as they were read
	unread    []RowError
	byKey     map[ScheduleKey]*row
	of        map[string][]*row // by account, "" for the shared ones
	rejected  []RowError
}

func (rr *rowReader) read(ctx context.Context) (*rowSet, error) {
	reviser, ok := rr.store.(Reviser)
	revision := ""
	if ok {
		var err error
		if revision, err = reviser.Revision(ctx); err != nil {
			return nil, err
		}
		if set := rr.held(revision); set != nil {
			return set, nil
		}
	}
	rows, err := rr.store.Schedules(ctx)
	var quarantine *QuarantineError
	if err != nil && !errors.As(err, &quarantine) {
		return nil, err
	}
	set := &rowSet{revision: revision, schedules: rows}
	if quarantine != nil {
		set.unread = quarantine.Rows
	}
	rr.vet(set)
	if ok {
		rr.mu.Lock()
		rr.last = set
		rr.mu.Unlock()
	}
	return set, nil
}

// held returns the rows of the last reading, if they are of a revision and none waits for
// a calendar.
func (rr *rowReader) held(revision string) *rowSet {
	rr.mu.Lock()
	defer rr.mu.Unlock()
	if rr.last != nil && rr.last.revision == revision && len(rr.last.rejected) == 0 {
		return rr.last
	}
	return nil
}

// vet makes rows of what was read.
func (rr *rowReader) vet(set *rowSet) {
	rows, rejected := vetRows(set.schedules, rr.viewOf, func(string) error { return nil }, set.unread...)
	set.byKey, set.of, set.rejected = make(map[ScheduleKey]*row, len(rows)), make(map[string][]*row), rejected
	for _, r := range rows {
		set.byKey[r.Key()] = r
		set.of[r.Account] = append(set.of[r.Account], r)
	}
}

// viewOf returns the calendar that a row names.
func (rr *rowReader) viewOf(name string) (*calendarView, error) {
	if name == "" || name == rr.own.name {
		return rr.own, nil
	}
	rr.mu.Lock()
	defer rr.mu.Unlock()
	if v := rr.views[name]; v != nil {
		return v, nil
	}
	if !rr.cfg.mayFind(name) {
		return nil, fmt.Errorf("there is no calendar %s beside %s", name, rr.own.name)
	}
	var v *calendarView
	err := said.Contain(func() (err error) {
		v, err = rr.cfg.findView(name)
		return err
	})
	if err == nil {
		rr.views[name] = v
	}
	return v, err
}

// find returns the row of a task that holds for an account, or nil.
func (rs *rowSet) find(account, task string) *row {
	if r := rs.byKey[ScheduleKey{Task: task, Account: account}]; r != nil {
		return r
	}
	if r := rs.byKey[ScheduleKey{Task: task}]; r != nil && r.run.HoldsFor(account) {
		return r
	}
	return nil
}

// why returns why the row of a task of an account cannot be used, or nil.
func (rs *rowSet) why(account, task string) error { return rejectedIn(rs.rejected, account, task) }

// ownOf returns the rows that name an account.
func (rs *rowSet) ownOf(account string) []*row {
	if account == "" {
		return nil // it has the shared ones
	}
	return rs.of[account]
}

// holdingFor returns the rows that hold for an account.
func (rs *rowSet) holdingFor(account string) []*row {
	rows := slices.Clone(rs.ownOf(account))
	for _, r := range rs.of[""] {
		if r.run.HoldsFor(account) {
			rows = append(rows, r)
		}
	}
	return rows
}

// dueOn plans rows on a session date, by what people have said.
func (rs *rowSet) dueOn(ctx context.Context, rows []*row, date calendar.Date, said *plan.Overrides) []plan.Occurrence {
	if len(rows) == 0 {
		return nil
	}
	return dueBy(rows, date, answersFor(ctx, rows, date, date), said)
}

// answersFor asks the calendars of rows for dates, and those that their filters ask for.
func answersFor(ctx context.Context, rows []*row, first, last calendar.Date) map[*calendarView]*calendarView {
	p := plan.New(plannedRows(rows))
	answers := make(map[*calendarView]*calendarView)
	for _, cal := range p.Calendars() {
		v := cal.(*calendarView)
		answers[v] = askNow(ctx, v, datesOf(p.FilterDates(v, first, last))...)
	}
	return answers
}

// askNow asks a calendar in place, and returns one that has the answers.
func askNow(_ context.Context, v *calendarView, dates ...calendar.Date) *calendarView {
	var facts calendarFacts
	err := said.Contain(func() error {
		facts = factsOf(v.source, dates, dates[0], false)
		return nil
	})
	return v.answered(dates, facts, err)
}

// dueOn returns what the rows in force bring up for an account on a date.
func (v *View) dueOn(ctx context.Context, account string, date calendar.Date) ([]plan.Occurrence, error) {
	rows, err := v.reader.read(ctx)
	if err != nil {
		return nil, err
	}
	said, err := v.overridesOn(ctx, date, date)
	if err != nil {
		return nil, err
	}
	return rows.dueOn(ctx, rows.holdingFor(account), date, said), nil
}

// overridesOn returns what people have said of the occurrences of some sessions.
func (v *View) overridesOn(ctx context.Context, from, to calendar.Date) (*plan.Overrides, error) {
	if v.overrides == nil {
		return nil, nil
	}
	all, err := v.overrides.Overrides(ctx, OverrideQuery{Scheduler: v.name, From: from, To: to})
	return plannedOverrides(all), err
}

// termState returns how the scheduler's term stands, or zero if that cannot be told.
func (v *View) termState(ctx context.Context) (TermState, error) {
	if v.directory == nil {
		return TermState{}, nil
	}
	states, err := v.directory.Schedulers(ctx)
	if err != nil {
		return TermState{}, err
	}
	for _, state := range states {
		if state.Term.Scheduler == v.name {
			return state, nil
		}
	}
	return TermState{}, nil
}

// knowledgeOf tells what the stores know.
func (v *View) knowledgeOf(ctx context.Context, name, task string) (*knowledge, error) {
	rows, err := v.reader.read(ctx)
	if err != nil {
		return nil, err
	}
	term, err := v.termState(ctx)
	if err != nil {
		return nil, err
	}
	k := &knowledge{
		now: v.clock.Now().Round(0), own: v.reader.own, ask: askNow, viewOf: v.reader.viewOf,
		row: rows.find(name, task), rejected: rows.why(name, task), planned: term.Watermark,
	}
	k.behind = v.behindText(term, k.zone())
	today := calendar.DateOf(k.now.In(k.zone()))
	if k.said, err = v.overridesOn(ctx, today.AddDays(-overridesBack), today.AddDays(overridesBack+plan.HorizonDays)); err != nil {
		return nil, err
	}
	if err := v.findAccount(ctx, k, name, term); err != nil {
		return nil, err
	}
	if v.halts == nil {
		return k, nil
	}
	halts, err := v.halts.Halts(ctx, v.name)
	for _, h := range halts {
		if h.Account == "" || h.Account == name && k.halt == "" {
			k.halt = haltReason(h)
		}
	}
	return k, err
}

// findAccount finds out whether the account is served. Without a directory it is taken to
// be.
func (v *View) findAccount(ctx context.Context, k *knowledge, name string, term TermState) error {
	if v.directory == nil {
		k.served = true
		return nil
	}
	found, err := v.directory.Enrolments(ctx, EnrolmentQuery{Scheduler: v.name, Account: name, Limit: 1})
	if err != nil {
		return err
	}
	if len(found) == 0 || found[0].Account != name { // as one asks for all by no name
		any, err := v.directory.Enrolments(ctx, EnrolmentQuery{Scheduler: v.name, Limit: 1})
		k.unserved = unservedText(name, time.Time{}, len(any) > 0, k.zone())
		return err
	}
	e := found[0]
	switch leftOut := e.LeftOut(term); {
	case e.Away():
		k.unserved = unservedText(name, e.Withdrawn, true, k.zone())
	case leftOut != "":
		k.unserved = leftOut
	default:
		k.served, k.enrolled = true, servedOf(e)
	}
	return nil
}

// behindText says why nothing after the watermark is accounted for.
func (v *View) behindText(s TermState, loc *time.Location) string {
	switch {
	case v.directory == nil:
		return "the ledger does not tell how far the scheduler has come"
	case s.Held():
		return fmt.Sprintf("%s, which holds term %d, has not come as far yet", s.Term.Holder, s.Term.Number)
	case s.Term.Number == 0:
		return fmt.Sprintf("no scheduler %q was ever active", v.name)
	case s.Term.Holder == "":
		return fmt.Sprintf("nobody is active: term %d was resigned", s.Term.Number)
	}
	return fmt.Sprintf("nobody is active: term %d of %s ended at %s", s.Term.Number, s.Term.Holder, s.Expires.In(loc).Format(time.DateTime))
}
