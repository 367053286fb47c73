package tradeclock

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/quiet"
	"github.com/tradeclock/tradeclock/internal/said"
)

// ErrUnknownAccount is wrapped by the error of a call that names an account which
// is not enrolled.
var ErrUnknownAccount = errors.New("unknown account")

// ErrEnrolled is wrapped by the error of Enroll for an account that is enrolled.
var ErrEnrolled = errors.New("the account is enrolled already")

// account is one account that the scheduler serves, or served: it is kept while
// runs of it go on, so that those of its next enrolment wait for them. Guarded by
// the scheduler's mu.
type account struct {
	name   string
	exec   TaskExecutor
	known  []string      // the tasks that the executor lists
	lists  bool          // it lists them
	tasks  []*taskState  // by name
	room   [4]*taskState // for the first of them
	groups map[string]*groupState

	gone      bool      // withdrawn
	from      time.Time // the account is accounted for up to it: see owns
	left      time.Time // when it was withdrawn before it came back, or zero
	returned  time.Time // and when that was
	admitted  bool      // from is set, under the current term
	confirmed bool      // the ledger has the enrolment, under the current term
	behind    bool      // what lies between from and the watermark is still to be planned
	open      bool      // and may not be accounted for yet
	openTo    time.Time // until the watermark of the ledger has come here

	starter     Starter // of the current executor, or nil
	started     bool    // it has started, or needs no start
	changing    bool    // a goroutine starts or stops it
	cancelStart context.CancelCauseFunc
	again       *quiet.Alarm // when a start that failed is tried again
	stopping    Starter      // what is to be stopped once the runs have returned
	blocked     []*pending
}

// taskState is what the scheduler remembers of one task of one account.
type taskState struct {
	name      string
	running   []*execution // whose Execute has not returned
	room      [1]*execution
	claiming  *pending      // the first that was picked, and is not running yet
	waiting   []*pending    // wait for those that run to return, in order
	lastDue   time.Time     // of the occurrence planned last
	lastRow   *record       // the range that was recorded last
	newest    *pending      // the occurrence of a repeating rule that was lined up last
	succeeded calendar.Date // the session in which a run last succeeded
	good      bool          // a run succeeded in this process, under the current term
}

// groupState is an exclusive group of one account.
type groupState struct {
	busy    bool
	waiting []*pending // in order
}

// accounts are all of them. Guarded by the scheduler's mu.
type accounts struct {
	byName      map[string]*account
	order       []*account // by name, but for those that were added since: see sorted
	added       []*account
	unconfirmed []*account // admitted, and not in the ledger yet
	open        []*account // admitted, and not accounted for up to the watermark yet
	unstarted   int        // how many have an executor that has not started
	// almost says, by account, which optional interfaces an executor has only almost,
	// and said counts the accounts of which each is said.
	almost map[string][]string
	said   map[string]int
}

// add enrols an account, new or withdrawn before. The executor was asked for its
// tasks beforehand, since that is a call of user code.
func (as *accounts) add(name string, exec TaskExecutor, known []string, lists bool, now time.Time) *account {
	a := as.byName[name]
	if a == nil {
		a = &account{name: name}
		a.tasks = a.room[:0]
		as.byName[name] = a
		as.unstarted++
		as.added = append(as.added, a)
	}
	a.exec, a.gone = exec, false
	a.known, a.lists = known, lists
	a.admitted, a.confirmed = false, false
	a.from, a.left = now.Round(0).UTC(), time.Time{}
	a.starter, _ = executorAs[Starter](exec)
	as.setStarted(a, a.starter == nil)
	return a
}

// sorted returns all accounts by name. Those that were added since are sorted in
// together: many mostly come at once, and to insert each would move the others as
// often.
func (as *accounts) sorted() []*account {
	if len(as.added) > 0 {
		as.order = append(as.order, as.added...)
		as.added = nil
		slices.SortFunc(as.order, func(a, b *account) int { return strings.Compare(a.name, b.name) })
	}
	return as.order
}

// setStarted notes whether the account's executor has started.
func (as *accounts) setStarted(a *account, started bool) {
	if started == a.started {
		return
	}
	a.started = started
	if started {
		as.unstarted--
	} else {
		as.unstarted++
	}
}

// noteAlmost keeps what almostExecutor has said of an account's executor, and reports
// whether anything is said that was not, or the other way round.
func (as *accounts) noteAlmost(name string, found []string) (news bool) {
	for _, text := range as.almost[name] {
		if as.said[text]--; as.said[text] == 0 {
			delete(as.said, text)
			news = true
		}
	}
	delete(as.almost, name)
	if len(found) > 0 {
		as.almost[name] = found
	}
	for _, text := range found {
		as.said[text]++
		news = news || as.said[text] == 1
	}
	return news
}

// listTasks asks an executor for its tasks, if it is a TaskLister and does not
// panic.
func listTasks(exec TaskExecutor) (known []string, lists bool) {
	lister, ok := executorAs[TaskLister](exec)
	if !ok {
		return nil, false
	}
	err := said.Contain(func() error {
		known = slices.Clone(lister.Tasks())
		return nil
	})
	return known, err == nil
}

func (as *accounts) enrolled(name string) (*account, error) {
	a := as.byName[name]
	if a == nil || a.gone {
		return nil, fmt.Errorf("%w: %q", ErrUnknownAccount, name)
	}
	return a, nil
}

func (a *account) task(name string) *taskState {
	i, found := a.findTask(name)
	if !found {
		ts := &taskState{name: name}
		ts.running = ts.room[:0]
		a.tasks = slices.Insert(a.tasks, i, ts)
	}
	return a.tasks[i]
}

// findTask returns where the task is among those of the account, or would be.
func (a *account) findTask(name string) (i int, found bool) {
	return slices.BinarySearchFunc(a.tasks, name, func(ts *taskState, name string) int { return strings.Compare(ts.name, name) })
}

func (a *account) group(name string) *groupState {
	g := a.groups[name]
	if g == nil {
		if a.groups == nil {
			a.groups = make(map[string]*groupState)
		}
		g = new(groupState)
		a.groups[name] = g
	}
	return g
}

// forgetPlan forgets what was planned last, as it is planned again.
func (a *account) forgetPlan() {
	for _, ts := range a.tasks {
		ts.lastRow, ts.lastDue, ts.newest = nil, time.Time{}, nil
		ts.good = false // another may have planned meanwhile
	}
}

// among returns the accounts that the row may hold for, of some in order of name.
func (r *row) among(accts []*account) []*account {
	if r.Account == "" {
		return accts
	}
	i, found := slices.BinarySearchFunc(accts, r.Account, func(a *account, name string) int { return strings.Compare(a.name, name) })
	if !found {
		return nil
	}
	return accts[i : i+1]
}

// owns reports whether what is due of a row at an instant is the account's, and not
// accounted for. One that comes back gets what came due in its absence if that was
// no longer than the catch-up, and else only what is due after its return.
func (a *account) owns(r *row, due time.Time) bool {
	away := !a.left.IsZero() && due.After(a.left) && !due.After(a.returned)
	return due.After(a.from) && !(away && a.returned.Sub(a.left) > r.catchUp())
}

// enrolment is what the ledger is to know of the account.
func (a *account) enrolment() Enrolment {
	e := Enrolment{Account: a.name, From: a.from}
	if a.open {
		e.Withdrawn, e.Returned = a.left, a.returned
	}
	return e
}

// leave takes an account out of the lists, as it goes.
func (as *accounts) leave(a *account) {
	is := func(o *account) bool { return o == a }
	if !a.confirmed {
		as.unconfirmed = slices.DeleteFunc(as.unconfirmed, is)
	}
	if a.open {
		as.open = slices.DeleteFunc(as.open, is)
	}
	a.confirmed, a.behind, a.open = false, false, false
}

// leaveAll takes all of them out, as the term is lost, or what it starts from is
// read again.
func (as *accounts) leaveAll() {
	as.unconfirmed, as.open = nil, nil
	for _, a := range as.byName {
		a.confirmed, a.behind, a.open = false, false, false
	}
}

// Enroll adds an account, before or while the scheduler runs. An account that the
// ledger never saw is served from now on: what is due after this instant. A known
// one is served from where the ledger has it accounted for, so that what it missed
// meanwhile is caught up or recorded. Of what came due while it was withdrawn, that
// goes for the schedules whose catch-up is as long as the absence or longer; by the
// others it is served from now on.
// The error wraps ErrEnrolled or ErrStopped, or says what is wrong with the
// arguments.
func (s *UnifiedTaskScheduler) Enroll(ctx context.Context, name string, exec TaskExecutor) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if name != "" {
		if err := naming.Check(name); err != nil {
			return fmt.Errorf("enroll account: %w", err)
		}
	}
	if exec == nil {
		return fmt.Errorf("enroll account %q: an executor is required", name)
	}
	known, lists := listTasks(exec)
	almost := almostExecutor(exec)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.ended || s.life.draining {
		return fmt.Errorf("enroll account %q: %w", name, ErrStopped)
	}
	if a := s.accounts.byName[name]; a != nil && !a.gone {
		return fmt.Errorf("enroll account %q: %w", name, ErrEnrolled)
	}
	now := s.clock.Now()
	a := s.accounts.add(name, exec, known, lists, now)
	s.log.Info("account enrolled", "account", name)
	if s.accounts.noteAlmost(name, almost) {
		s.reportAlmost()
	}
	if s.term.resumed {
		// What the ledger is told of its return says when it left.
		s.books.withdrawals = slices.DeleteFunc(s.books.withdrawals, func(w Enrolment) bool { return w.Account == name })
		s.admit(a, now)
		s.startIfNeeded(a)
		s.kickLater()
		if a.behind && s.life.running {
			s.wake.Ring()
		}
	}
	s.sched.unreported = true
	return nil
}

// admit sets the instant from which an account is served, under a term that was
// resumed. What of it lies behind the watermark is planned by the next tick, which
// has asked for the schedules and the calendar. The ledger is told at once, and again
// when that is accounted for. The caller holds mu.
func (s *UnifiedTaskScheduler) admit(a *account, now time.Time) {
	if a.gone {
		return
	}
	a.left, a.returned = time.Time{}, now.Round(0).UTC()
	known, seen := s.term.known[a.name]
	switch {
	case !seen && s.term.began.IsZero() && !a.admitted:
		a.from = now.Round(0).UTC()
	case !seen:
		// In a new ledger no account begins before planning does.
		if began := s.term.began.Round(0).UTC(); a.from.Before(began) {
			a.from = began
		}
	default:
		a.from, a.left = known.From, known.Withdrawn
		if !known.Returned.IsZero() {
			a.returned = known.Returned
		}
	}
	a.admitted = true
	s.accounts.unconfirmed = append(s.accounts.unconfirmed, a)
	a.behind = a.from.Before(s.plan.upTo)
	if a.behind || !a.left.IsZero() {
		a.open, a.openTo = true, s.plan.upTo
		if a.returned.After(a.openTo) {
			a.openTo = a.returned
		}
		s.accounts.open = append(s.accounts.open, a)
	}
	s.term.known[a.name] = a.enrolment()
}

// Withdraw removes an account: nothing new of it starts, no further attempt either,
// what is pending is skipped, and what runs goes on. An account that is enrolled again meanwhile
// waits for its old runs. The error wraps ErrUnknownAccount.
func (s *UnifiedTaskScheduler) Withdraw(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, err := s.accounts.enrolled(name)
	if err != nil {
		return fmt.Errorf("withdraw: %w", err)
	}
	now := s.clock.Now()
	s.lineUpOne(a, now)
	gone := Enrolment{Account: name, From: s.planLast(a, now), Withdrawn: now.Round(0).UTC()}
	a.gone = true
	s.queue.removeIf(func(p *pending) bool { return p.acct == a }, func(p *pending) {
		s.skip(p, reasonWithdrawn)
	})
	for _, ts := range a.tasks {
		for _, e := range ts.running { // also if the account comes back
			e.lastTry = reasonWithdrawn
		}
	}
	s.endRetries()
	s.accounts.leave(a)
	if s.term.known != nil {
		s.term.known[name] = gone
	}
	s.books.withdrawals = append(s.books.withdrawals, gone)
	s.log.Info("account withdrawn", "account", name)
	if s.accounts.noteAlmost(name, nil) {
		s.reportAlmost()
	}
	s.stopExecutor(a)
	s.forgetBadRuns()
	s.sched.unreported = true
	s.kickLater()
	return nil
}

// planLast plans what has come due of an account that is about to go and was not
// planned yet, and returns the instant up to which the account is accounted for. Where
// nothing can be planned now, that is before it goes, and the rest is planned when it
// comes back. The caller holds mu.
func (s *UnifiedTaskScheduler) planLast(a *account, now time.Time) time.Time {
	now = now.Round(0).UTC()
	from := s.plan.upTo
	if !a.admitted || a.behind {
		from = a.from
	}
	if !s.sched.loaded || !s.term.resumed || s.plan.doubted || now.Before(from) {
		return from
	}
	if a.behind || !now.Before(s.plan.next) {
		a.behind = false
		s.enqueueFor(s.sched.plan.Between(from, now), []*account{a}, now)
	}
	return now
}
