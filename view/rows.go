package view

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/answer"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/store"
)

// rowReader reads the rows of a schedule store for a View, and keeps them while a store
// that can tell says that they stay.
type rowReader struct {
	store store.ScheduleStore
	find  func(name string) (calendar.Calendar, error) // finds those that rows name, or is nil
	own   *vet.Calendar                                // of rows that name none

	mu    sync.Mutex
	views map[string]*vet.Calendar // those that rows have named
	last  *rowSet
}

// rowSet is one reading of the rows, vetted. It is never changed.
type rowSet struct {
	revision  string
	schedules []store.Schedule // as they were read
	unread    []store.RowError
	byKey     map[store.ScheduleKey]*vet.Row
	of        map[string][]*vet.Row // by account, "" for the shared ones
	rejected  []store.RowError
}

func (rr *rowReader) read(ctx context.Context) (*rowSet, error) {
	reviser, ok := rr.store.(store.Reviser)
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
	var quarantine *store.QuarantineError
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
	rows, rejected := vet.Rows(set.schedules, rr.viewOf, func(string) error { return nil }, set.unread...)
	set.byKey, set.of, set.rejected = make(map[store.ScheduleKey]*vet.Row, len(rows)), make(map[string][]*vet.Row), rejected
	for _, r := range rows {
		set.byKey[r.Key()] = r
		set.of[r.Account] = append(set.of[r.Account], r)
	}
}

// viewOf returns the calendar that a row names.
func (rr *rowReader) viewOf(name string) (*vet.Calendar, error) {
	if name == "" || name == rr.own.Name() {
		return rr.own, nil
	}
	rr.mu.Lock()
	defer rr.mu.Unlock()
	if v := rr.views[name]; v != nil {
		return v, nil
	}
	if !vet.MayFind(rr.find, name) {
		return nil, fmt.Errorf("there is no calendar %s beside %s", name, rr.own.Name())
	}
	var v *vet.Calendar
	err := said.Contain(func() (err error) {
		v, err = vet.Find(rr.find, name)
		return err
	})
	if err == nil {
		rr.views[name] = v
	}
	return v, err
}

// find returns the row of a task that holds for an account, or nil.
func (rs *rowSet) find(account, task string) *vet.Row {
	if r := rs.byKey[store.ScheduleKey{Task: task, Account: account}]; r != nil {
		return r
	}
	if r := rs.byKey[store.ScheduleKey{Task: task}]; r != nil && r.Run.HoldsFor(account) {
		return r
	}
	return nil
}

// why returns why the row of a task of an account cannot be used, or nil.
func (rs *rowSet) why(account, task string) error { return vet.RejectedIn(rs.rejected, account, task) }

// ownOf returns the rows that name an account.
func (rs *rowSet) ownOf(account string) []*vet.Row {
	if account == "" {
		return nil // it has the shared ones
	}
	return rs.of[account]
}

// holdingFor returns the rows that hold for an account.
func (rs *rowSet) holdingFor(account string) []*vet.Row {
	rows := slices.Clone(rs.ownOf(account))
	for _, r := range rs.of[""] {
		if r.Run.HoldsFor(account) {
			rows = append(rows, r)
		}
	}
	return rows
}

// dueOn plans rows on a session date, by what people have said.
func (rs *rowSet) dueOn(ctx context.Context, rows []*vet.Row, date calendar.Date, said *plan.Overrides) []plan.Occurrence {
	if len(rows) == 0 {
		return nil
	}
	return answer.DueBy(rows, date, answersFor(ctx, rows, date, date), said)
}

// answersFor asks the calendars of rows for dates, and those that their filters ask for.
func answersFor(ctx context.Context, rows []*vet.Row, first, last calendar.Date) map[*vet.Calendar]*vet.Calendar {
	p := plan.New(vet.PlannedRows(rows))
	answers := make(map[*vet.Calendar]*vet.Calendar)
	for _, cal := range p.Calendars() {
		v := cal.(*vet.Calendar)
		answers[v] = askNow(ctx, v, vet.DatesOf(p.FilterDates(v, first, last))...)
	}
	return answers
}

// askNow asks a calendar in place, and returns one that has the answers.
func askNow(_ context.Context, v *vet.Calendar, dates ...calendar.Date) *vet.Calendar {
	var facts vet.Facts
	err := said.Contain(func() error {
		facts = vet.FactsOf(v.Source, dates, dates[0], false)
		return nil
	})
	return v.Answered(dates, facts, err)
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
	all, err := v.overrides.Overrides(ctx, store.OverrideQuery{Scheduler: v.name, From: from, To: to})
	return vet.PlannedOverrides(all), err
}

// termState returns how the scheduler's term stands, or zero if that cannot be told.
func (v *View) termState(ctx context.Context) (store.TermState, error) {
	if v.directory == nil {
		return store.TermState{}, nil
	}
	states, err := v.directory.Schedulers(ctx)
	if err != nil {
		return store.TermState{}, err
	}
	for _, state := range states {
		if state.Term.Scheduler == v.name {
			return state, nil
		}
	}
	return store.TermState{}, nil
}

// knowledgeOf tells what the stores know.
func (v *View) knowledgeOf(ctx context.Context, name, task string) (*answer.Knowledge, error) {
	rows, err := v.reader.read(ctx)
	if err != nil {
		return nil, err
	}
	term, err := v.termState(ctx)
	if err != nil {
		return nil, err
	}
	k := &answer.Knowledge{
		Now: v.clock.Now().Round(0), Own: v.reader.own, Ask: askNow, ViewOf: v.reader.viewOf,
		Row: rows.find(name, task), Rejected: rows.why(name, task), Planned: term.Watermark,
	}
	k.Behind, k.Active = v.behindText(term, k.Zone()), term.Held()
	today := calendar.DateOf(k.Now.In(k.Zone()))
	if k.Overrides, err = v.overridesOn(ctx, today.AddDays(-answer.OverridesBack), today.AddDays(answer.OverridesBack+plan.HorizonDays)); err != nil {
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
		if h.Account == "" || h.Account == name && k.Halt == "" {
			k.Halt = h.Why()
		}
	}
	return k, err
}

// findAccount finds out whether the account is served. Without a directory it is taken to
// be.
func (v *View) findAccount(ctx context.Context, k *answer.Knowledge, name string, term store.TermState) error {
	if v.directory == nil {
		k.Served = true
		return nil
	}
	found, err := v.directory.Enrolments(ctx, store.EnrolmentQuery{Scheduler: v.name, Account: name, Limit: 1})
	if err != nil {
		return err
	}
	if len(found) == 0 || found[0].Account != name { // as one asks for all by no name
		any, err := v.directory.Enrolments(ctx, store.EnrolmentQuery{Scheduler: v.name, Limit: 1})
		k.Unserved = answer.UnservedText(name, time.Time{}, len(any) > 0, k.Zone())
		return err
	}
	e := found[0]
	switch leftOut := e.LeftOut(term); {
	case e.Away():
		k.Unserved = answer.UnservedText(name, e.Withdrawn, true, k.Zone())
	case leftOut != "":
		k.Unserved = leftOut
	default:
		k.Served, k.Since = true, servedOf(e)
	}
	return nil
}

// behindText says why nothing after the watermark is accounted for.
func (v *View) behindText(s store.TermState, loc *time.Location) string {
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

// servedOf is since when an account is served, if it is.
func servedOf(e store.EnrolledAccount) engine.Served {
	return engine.Served{From: e.From, Left: e.Withdrawn, Returned: e.Returned}
}
