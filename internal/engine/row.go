package engine

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/rule"
)

// Row is what the engine knows of a schedule: when its occurrences are due, and how their
// runs are handled. It is never changed once it is in force, but for rows that go by it.
type Row struct {
	*plan.Row
	*Handling
	// Shadowed are the accounts that have a row of their own for the task, if this
	// is the row for all others.
	Shadowed map[string]bool
	// Version is the one that its store gave it, or zero.
	Version int64
	// Of is what the caller knows the row by.
	Of any
}

// Handling is how the runs of rows are handled. Many rows may share one.
type Handling struct {
	Overlap     Overlap
	Exclusive   string // the group of runs that wait for each other, or empty
	StartLimit  string // the name of the limits, or empty
	Spread      time.Duration
	AtLeastOnce bool
	CatchUp     time.Duration
	// CatchUpUntil caps the catch-up, if it is not nil.
	CatchUpUntil *rule.Moment
	Retry        Retry
}

// Overlap is what becomes of an occurrence that comes due while a run of its task goes on.
type Overlap int

// The policies of overlap.
const (
	OverlapSkip   Overlap = iota // it is skipped
	OverlapQueue                 // one waits
	OverlapCancel                // one waits, and the run is cancelled
	OverlapAllow                 // both run
)

// RowOf returns the row of an occurrence.
func RowOf(o plan.Occurrence) *Row { return o.Row.Of.(*Row) }

// Task is the name of the row's task.
func (r *Row) Task() string { return r.Policy.Task }

// HoldsFor reports whether the row is the one that holds for an account.
func (r *Row) HoldsFor(account string) bool {
	if r.Account != "" {
		return r.Account == account
	}
	return !r.Shadowed[account]
}

// onTime is how late a run may be and still be on time: no tick is further away.
const onTime = time.Minute

// Expiry is the end of the catch-up of an occurrence. If its cap cannot be told, a run
// may be on time and not late.
func (r *Row) Expiry(due time.Time, session calendar.Date) time.Time {
	end := due.Add(r.CatchUp)
	until, err := r.catchUpUntil(session)
	if err != nil {
		until = due.Add(onTime)
	}
	if until.IsZero() || end.Before(until) {
		return end
	}
	return until
}

// catchUpUntil resolves the cap of the catch-up, and is zero if there is none. A wall
// time can be told on a day that the calendar does not know, and an anchor cannot.
func (r *Row) catchUpUntil(date calendar.Date) (time.Time, error) {
	if r.CatchUpUntil == nil {
		return time.Time{}, nil
	}
	session, err := r.Calendar.Session(date)
	if err != nil && r.CatchUpUntil.Anchor != "" {
		return time.Time{}, err
	}
	session.Date = date
	return r.CatchUpUntil.Resolve(session, r.Calendar.Location())
}

// SpreadWithin returns what the offsets of the runs of an occurrence are less than: the
// row's Spread, unless the end of the catch-up, the next occurrence or the close of the
// session leaves less. Some of the time before that end stays free, since a run starts a
// little later than it may.
func (r *Row) SpreadWithin(o plan.Occurrence) time.Duration {
	if r.Spread == 0 {
		return 0
	}
	left := r.Expiry(o.Due, o.Session).Sub(o.Due)
	// Of an after rule, that which it follows has the step.
	if step := rule.StepOf(r.Root().Policy.Timing.Rule); step > 0 {
		left = min(left, step)
	}
	if session, err := r.Calendar.Session(o.Session); err == nil {
		if _, closes, known := session.Bounds(calendar.PhaseRegular); known && o.Due.Before(closes) {
			left = min(left, closes.Sub(o.Due))
		}
	}
	return max(0, min(r.Spread, left-min(left/10, time.Second)))
}

// SpreadOffset returns the offset of an account's run, in whole milliseconds from
// zero up to but not including within. It is the first 64 bits of the SHA-256 of
// account, task and slot, a zero byte after each, as a fraction of within. That
// never changes: users compare the offsets of one day with those of another, and
// a process which takes over must come to the same ones.
func SpreadOffset(account, task, slot string, within time.Duration) time.Duration {
	if within < time.Millisecond {
		return 0
	}
	var buf [256]byte
	key := buf[:0]
	for _, part := range [...]string{account, task, slot} {
		key = append(append(key, part...), 0)
	}
	sum := sha256.Sum256(key)
	offset, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:8]), uint64(within.Milliseconds()))
	return time.Duration(offset) * time.Millisecond
}
