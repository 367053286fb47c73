package engine

import (
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/why"
)

// Enrolment is an account as the ledger knows it: accounted for up to From, and, if it
// went, when it was withdrawn and came back.
type Enrolment struct {
	Account   string
	From      time.Time
	Withdrawn time.Time
	Returned  time.Time
}

// IsAway reports whether the account is withdrawn and has not come back.
func (e Enrolment) IsAway() bool { return !e.Withdrawn.IsZero() && e.Returned.IsZero() }

// enrolment is what the ledger is to know of the account.
func (a *Account) enrolment() Enrolment {
	e := Enrolment{Account: a.Name, From: a.served.From}
	if a.open {
		e.Withdrawn, e.Returned = a.served.Left, a.served.Returned
	}
	return e
}

// Known is what the ledger has of an account. Nothing is known of any before a term
// was resumed.
func (as *Accounts) Known(name string) (Enrolment, bool) {
	known, ok := as.known[name]
	return known, ok
}

// resume takes what the ledger knows of accounts. Of the withdrawals it keeps those that
// the ledger does not have and that still hold. An account that has come back was served
// meanwhile, and any other is accounted for as far as the ledger knows.
func (as *Accounts) resume(enrolments []Enrolment) {
	as.known = make(map[string]Enrolment, len(enrolments))
	for _, e := range enrolments {
		as.known[e.Account] = e
	}
	var kept []Enrolment
	for _, w := range as.withdrawn {
		e, known := as.known[w.Account]
		if as.Enrolled(w.Account) != nil || !known || e.IsAway() {
			continue
		}
		if e.Withdrawn, e.Returned = w.Withdrawn, (time.Time{}); e.Withdrawn.Before(e.From) {
			e.Withdrawn = e.From
		}
		as.known[w.Account] = e
		kept = append(kept, e)
	}
	as.withdrawn = kept
}

// Return admits an account that was enrolled under a term that was resumed, and reports
// whether anything of it is to be planned behind the watermark.
func (e *Engine) Return(a *Account, now time.Time) (behind bool) {
	// What the ledger is told of its return says when it left.
	as := &e.Accounts
	as.withdrawn = slices.DeleteFunc(as.withdrawn, func(w Enrolment) bool { return w.Account == a.Name })
	e.admit(a, now)
	return a.behind
}

// admit sets the instant from which an account is served, under a term that was
// resumed. What of it lies behind the watermark is planned next, when the schedules and
// the calendar were asked for. The ledger is told at once, and again when that is
// accounted for.
func (e *Engine) admit(a *Account, now time.Time) {
	if a.gone {
		return
	}
	as, sv := &e.Accounts, &a.served
	sv.Left, sv.Returned = time.Time{}, wall(now)
	known, seen := as.known[a.Name]
	switch {
	case !seen && as.began.IsZero() && !a.admitted:
		sv.From = wall(now)
	case !seen:
		// In a new ledger no account begins before planning does.
		if began := wall(as.began); sv.From.Before(began) {
			sv.From = began
		}
	default:
		sv.From, sv.Left = known.From, known.Withdrawn
		if !known.Returned.IsZero() {
			sv.Returned = known.Returned
		}
	}
	a.admitted = true
	as.unconfirmed = append(as.unconfirmed, a)
	a.behind = sv.From.Before(e.planning.upTo)
	if a.behind || !sv.Left.IsZero() {
		a.open, a.openTo = true, e.planning.upTo
		if sv.Returned.After(a.openTo) {
			a.openTo = sv.Returned
		}
		as.open = append(as.open, a)
	}
	as.known[a.Name] = a.enrolment()
}

// Withdraw takes an account out: what it has due is planned a last time, where that can
// be done, what is pending is skipped, and what runs is not tried again.
func (e *Engine) Withdraw(a *Account, now time.Time) {
	as := &e.Accounts
	e.lineUpOne(a, now)
	gone := Enrolment{Account: a.Name, From: e.planLast(a, now), Withdrawn: wall(now)}
	a.gone = true
	e.disarm(func(p *Run) bool { return p.Account == a })
	for _, ts := range a.tasks {
		for _, p := range ts.running { // also if the account comes back
			p.withdrawn = true
		}
	}
	e.queue.removeIf(func(p *Run) bool { return p.Account == a }, func(p *Run) { e.skip(p, why.Withdrawn, now) })
	as.leave(a)
	if as.known != nil {
		as.known[a.Name] = gone
	}
	as.withdrawn = append(as.withdrawn, gone)
}

// planLast plans what has come due of an account that is about to go and was not
// planned yet, and returns the instant up to which the account is accounted for. Where
// nothing can be planned now, that is before it goes, and the rest is planned when it
// comes back.
func (e *Engine) planLast(a *Account, now time.Time) time.Time {
	now = wall(now)
	pl := &e.planning
	from := pl.upTo
	if !a.admitted || a.behind {
		from = a.served.From
	}
	if !e.canPlan() || now.Before(from) {
		return from
	}
	if a.behind || !now.Before(pl.next) {
		a.behind = false
		e.enqueueFor(pl.plan.Between(from, now), []*Account{a}, now)
	}
	return now
}

// Admitted is what the ledger is to be told of accounts, and was not told yet.
type Admitted struct {
	accounts []*Account
	as       []Enrolment // as each was
	// Told is what the ledger is told.
	Told []Enrolment
}

// ToEnrol returns the accounts that the term serves and the ledger does not have yet. It
// is to be told of them before anything of them is accounted for: what is not is told
// with it. Of an account that has just come back, that may begin before it left.
func (e *Engine) ToEnrol() Admitted {
	as := &e.Accounts
	if len(as.unconfirmed) == 0 {
		return Admitted{}
	}
	var owing map[string]time.Time
	if len(as.open) > 0 {
		owing = e.owing()
	}
	t := Admitted{accounts: slices.Clone(as.unconfirmed)}
	t.as, t.Told = make([]Enrolment, len(t.accounts)), make([]Enrolment, len(t.accounts))
	for i, a := range t.accounts {
		t.as[i] = a.enrolment()
		t.Told[i] = t.as[i]
		if due, owes := owing[a.Name]; owes && a.open && !due.After(a.served.From) {
			t.Told[i].From = due.Add(-time.Second)
		}
	}
	return t
}

// Enrolled notes that the ledger has them.
func (e *Engine) Enrolled(t Admitted) {
	for i, a := range t.accounts {
		// One that has gone meanwhile, and perhaps come back, is written once more.
		a.confirmed = a.confirmed || !a.gone && a.enrolment() == t.as[i]
	}
	as := &e.Accounts
	as.unconfirmed = slices.DeleteFunc(as.unconfirmed, func(a *Account) bool { return a.confirmed })
}

// ToAccount returns the accounts that are not served any more, and those of which the
// term serves that they are accounted for up to the watermark, once that is true of what
// the ledger has been given.
func (e *Engine) ToAccount() (gone, served []Enrolment) {
	as := &e.Accounts
	if len(as.withdrawn)+len(as.open) == 0 || !e.Term.IsResumed() {
		return nil, nil
	}
	owing := e.owing()
	owes := func(account string, until time.Time) bool {
		due, owes := owing[account]
		return owes && !due.After(until)
	}
	for _, w := range as.withdrawn {
		if !owes(w.Account, w.Withdrawn) {
			gone = append(gone, w)
		}
	}
	for _, a := range as.open {
		if a.confirmed && !a.behind && !e.books.mark.Before(a.openTo) && !owes(a.Name, a.openTo) {
			served = append(served, Enrolment{Account: a.Name, From: a.openTo})
		}
	}
	return gone, served
}

// Accounted notes that the ledger has that.
func (e *Engine) Accounted(gone, served []Enrolment) {
	written := make(map[string]Enrolment, len(gone)+len(served))
	for _, w := range slices.Concat(gone, served) {
		written[w.Account] = w
	}
	as := &e.Accounts
	as.withdrawn = slices.DeleteFunc(as.withdrawn, func(w Enrolment) bool { return written[w.Account] == w })
	as.open = slices.DeleteFunc(as.open, func(a *Account) bool {
		if w := written[a.Name]; a.confirmed && w.Withdrawn.IsZero() && w.From.Equal(a.openTo) {
			a.open, as.known[a.Name] = false, w
		}
		return !a.open
	})
}

// HasWithdrawn reports whether the ledger is still to be told of an account that went.
func (e *Engine) HasWithdrawn() bool { return len(e.Accounts.withdrawn) > 0 }

// owing are the accounts of which something that came due is neither claimed nor
// recorded, with the planned time of the first. Waves are left out: they are of accounts
// that are served, and the watermark waits for them.
func (e *Engine) owing() map[string]time.Time {
	owing := make(map[string]time.Time)
	note := func(p *Run) {
		if due, known := owing[p.Account.Name]; !known || p.Planned.Before(due) {
			owing[p.Account.Name] = p.Planned
		}
	}
	for _, r := range e.books.records {
		note(r.Run)
	}
	for p := range e.queue.pending() {
		note(p)
	}
	for _, p := range e.queue.claiming {
		note(p)
	}
	for _, p := range e.books.unclaimed {
		note(p)
	}
	for i := range e.releases.waiting {
		note(e.releases.waiting[i].Run)
	}
	return owing
}
