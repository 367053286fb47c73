package engine

import (
	"slices"
	"strings"
	"time"
)

// Account is one account that the scheduler serves, or served: it is kept while
// runs of it go on, so that those of its next enrolment wait for them.
type Account struct {
	Name string
	// Of is what the caller knows the account by.
	Of any

	served Served
	tasks  []*task  // by name
	room   [4]*task // for the first of them
	groups map[string]*group

	gone      bool      // withdrawn
	admitted  bool      // served is set, under the current term
	confirmed bool      // the ledger has the enrolment, under the current term
	behind    bool      // what lies between its start and the watermark is still to be planned
	open      bool      // and may not be accounted for yet
	openTo    time.Time // until the watermark of the ledger has come here
	started   bool      // its executor has started, or needs no start
	blocked   []*Run    // wait for that
	blocks    bool      // and that they do is to be told
}

// Served is since when an account is served.
type Served struct {
	From     time.Time // it is accounted for up to it
	Left     time.Time // when it was withdrawn before it came back, or zero
	Returned time.Time // and when that was
}

// Owns reports whether what is due of a row at an instant is the account's, and not
// accounted for. One that comes back gets what came due in its absence if that was
// no longer than the catch-up, and else only what is due after its return.
func (s Served) Owns(r *Row, due time.Time) bool {
	away := !s.Left.IsZero() && due.After(s.Left) && !due.After(s.Returned)
	return due.After(s.From) && !(away && s.Returned.Sub(s.Left) > r.CatchUp)
}

// Served is since when the account is served.
func (a *Account) Served() Served { return a.served }

// IsGone reports whether the account was withdrawn.
func (a *Account) IsGone() bool { return a.gone }

// HasStarted reports whether its executor has started, or needs no start.
func (a *Account) HasStarted() bool { return a.started }

// IsBusy reports whether any run of it goes on, or is about to start.
func (a *Account) IsBusy() bool {
	return slices.ContainsFunc(a.tasks, (*task).isBusy)
}

// Accounts are all of them.
type Accounts struct {
	byName      map[string]*Account
	order       []*Account // by name, but for those that were added since: see All
	added       []*Account
	unconfirmed []*Account // admitted, and not in the ledger yet
	open        []*Account // admitted, and not accounted for up to the watermark yet
	unstarted   int        // how many have an executor that has not started
	withdrawn   []Enrolment
	known       map[string]Enrolment // the ledger's, under a term that was resumed
	began       time.Time            // when planning began in a new ledger, or zero
}

// Enrol adds an account, new or withdrawn before, from now on.
func (as *Accounts) Enrol(a *Account, started bool, now time.Time) {
	if as.byName[a.Name] == nil {
		a.tasks = a.room[:0]
		as.byName[a.Name] = a
		as.unstarted++
		as.added = append(as.added, a)
	}
	a.gone, a.admitted, a.confirmed = false, false, false
	a.served.From, a.served.Left = wall(now), time.Time{}
	as.SetStarted(a, started)
}

// Get returns an account that is or was enrolled, or nil.
func (as *Accounts) Get(name string) *Account { return as.byName[name] }

// Enrolled returns an account that is enrolled, or nil.
func (as *Accounts) Enrolled(name string) *Account {
	if a := as.byName[name]; a != nil && !a.gone {
		return a
	}
	return nil
}

// All returns all accounts by name. Those that were added since are sorted in
// together: many mostly come at once, and to insert each would move the others as
// often.
func (as *Accounts) All() []*Account {
	if len(as.added) > 0 {
		as.order = append(as.order, as.added...)
		as.added = nil
		slices.SortFunc(as.order, func(a, b *Account) int { return strings.Compare(a.Name, b.Name) })
	}
	return as.order
}

// HasAny reports whether any account is enrolled.
func (as *Accounts) HasAny() bool {
	return slices.ContainsFunc(as.All(), func(a *Account) bool { return !a.gone })
}

// SetStarted notes whether the account's executor has started.
func (as *Accounts) SetStarted(a *Account, started bool) {
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

// AllStarted reports whether the executors of all accounts have started.
func (as *Accounts) AllStarted() bool { return as.unstarted == 0 }

// Began is when planning began in a new ledger, or zero.
func (as *Accounts) Began() time.Time { return as.began }

// OpenFrom is from when on accounts that came back may have something to be planned, or
// zero.
func (as *Accounts) OpenFrom() (from time.Time) {
	for _, a := range as.open {
		if a.behind && (from.IsZero() || a.served.From.Before(from)) {
			from = a.served.From
		}
	}
	return from
}

// leave takes an account out of the lists, as it goes.
func (as *Accounts) leave(a *Account) {
	is := func(o *Account) bool { return o == a }
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
func (as *Accounts) leaveAll() {
	as.unconfirmed, as.open = nil, nil
	for _, a := range as.byName {
		a.confirmed, a.behind, a.open = false, false, false
	}
}

// among returns the accounts that the row may hold for, of some in order of name.
func (r *Row) among(accts []*Account) []*Account {
	if r.Account == "" {
		return accts
	}
	i, found := slices.BinarySearchFunc(accts, r.Account, func(a *Account, name string) int { return strings.Compare(a.Name, name) })
	if !found {
		return nil
	}
	return accts[i : i+1]
}

// takes reports whether occurrences of the row become runs of the account now.
func (a *Account) takes(r *Row) bool { return !a.gone && a.admitted && r.HoldsFor(a.Name) }
