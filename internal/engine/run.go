package engine

import (
	"cmp"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
)

// Run is an occurrence for an account, from when it is planned until it has returned or
// is recorded.
type Run struct {
	Row     *Row
	Account *Account
	// Due is when it is due. Planned is the same, but for a run that waits for the success
	// of another, or has: then it is when its waiting began, and Due comes with the success.
	Due, Planned time.Time
	Slot         string
	Session      calendar.Date
	Offset       time.Duration // how long after Due it may start
	Expires      time.Time     // its catch-up ends
	// Repeats is true if of several late occurrences only the newest runs.
	Repeats bool
	// By is who has moved it to when it is due, and why, or empty. It runs by itself then.
	By string
	// Backdated is true if it was planned behind the watermark.
	Backdated bool
	// CalendarVersion is that of the calendar by which it was planned.
	CalendarVersion string
	// Term is the one under which it was planned, and then the one under which it was
	// claimed.
	Term int64
	// Serial is another for each planned start.
	Serial int64
	// Actor is who asked for it, if a person did.
	Actor string
	// Started is when it was picked last.
	Started time.Time
	// Replaces is the row whose place it takes, as the caller knows it, or nil: that of an
	// interrupted run that it runs again, or of one that never started.
	Replaces any
	// First and Resumed are what the ledger has answered of a run that is armed.
	First, Resumed bool
	// Of is what the caller knows it by once it has started.
	Of any

	task   *task
	awaits *plan.Await // what it waits for before it is due, or nil
	rank   int         // how many of its account come before it at the same instant
	wait   string      // what it waits for, as the reason if it is missed
	// uncertain is true if a claim was sent: the ledger has it, or may have it.
	uncertain bool
	armed     bool      // the ledger has its claim, which was made before it was due
	lined     bool      // it is in the ready queue, or waits
	queued    bool      // it came due while its task ran, and waits for that
	overdue   bool      // its outcome was taken, and it has not returned
	unclaimed bool      // it started with the ledger out of reach
	withdrawn bool      // its account went since it started, and may be back
	nextClaim *Run      // of the same task, that is being claimed
	prev      time.Time // when the task's occurrence before it was due
	moved     bool      // into the past, by a calendar
	twice     bool      // its slot may have been planned before
}

// Start is when the run may start.
func (p *Run) Start() time.Time { return p.Due.Add(p.Offset) }

// inSeries reports whether it gives way to a newer occurrence.
func (p *Run) inSeries() bool { return p.Repeats && p.By == "" }

// Key is the task of the account.
func (p *Run) Key() Key { return Key{Task: p.Row.Task(), Account: p.Account.Name} }

// IsUnclaimed reports whether it started with the ledger out of reach.
func (p *Run) IsUnclaimed() bool { return p.unclaimed }

func (p *Run) compare(o *Run) int {
	return cmp.Or(
		p.Due.Compare(o.Due),
		cmp.Compare(p.Row.Policy.Priority, o.Row.Policy.Priority),
		cmp.Compare(p.rank, o.rank),
		cmp.Compare(p.Row.Policy.Task, o.Row.Policy.Task),
		cmp.Compare(p.Account.Name, o.Account.Name),
	)
}

// mayRunUnclaimed reports whether a ledger out of reach does not stop the run.
func (p *Run) mayRunUnclaimed() bool {
	return p.Row.AtLeastOnce && p.Replaces == nil && !p.Account.gone
}

// runSlab is how many runs take one allocation. It is small, as a run that goes on for
// long keeps the others of its slab in memory.
const runSlab = 16

// newRun returns a run of an occurrence for an account, with a fresh serial.
func (e *Engine) newRun(a *Account, ts *task, r *Row, o plan.Occurrence, backdated bool) *Run {
	q := &e.queue
	if len(q.slab) == 0 {
		q.slab = make([]Run, runSlab)
	}
	p := &q.slab[0]
	q.slab = q.slab[1:]
	*p = Run{
		Row: r, Account: a, Due: o.Due, Planned: o.Due, Slot: o.Slot, Session: o.Session, Expires: r.Expiry(o.Due, o.Session),
		Repeats: o.Repeats, By: o.By, Backdated: backdated, Term: e.Term.Number(), Serial: e.NextSerial(), task: ts,
	}
	if v, ok := r.Calendar.(calendar.Versioned); ok {
		p.CalendarVersion = v.Version()
	}
	return p
}

// NextSerial returns a number that it has not returned before.
func (e *Engine) NextSerial() int64 {
	e.queue.serial++
	return e.queue.serial
}
