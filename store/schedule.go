package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/rule"
)

// Schedule says when a task runs, on which sessions and with which policies:
// one row of a ScheduleStore. The zero value of each policy is the safe one: at
// most once, no retries, no overlap.
type Schedule struct {
	// Task names the work, as the executor knows it. Required.
	Task string `json:"task"`
	// Account is whom the row is for. A row without one holds for every account
	// that has no row of its own for the task. A row of an account that cannot be used
	// hides it all the same, and with it what comes after the task.
	Account string `json:"account,omitzero"`
	// Rule says when the task is due on a session day. Required.
	Rule rule.Rule `json:"rule,omitzero"`
	// Calendar names the calendar whose sessions, hours and zone the rule is read
	// by. Empty means the scheduler's Config.Calendar, or, for an after rule, that of the task which
	// it follows, from which it cannot differ.
	Calendar string `json:"calendar,omitzero"`
	// Disabled stops new starts, and further attempts. What runs goes on, and nothing is recorded as
	// missed for the time.
	Disabled bool `json:"disabled,omitzero"`
	// Sessions are the kinds of session that the task runs on. Zero means
	// regular and shortened.
	Sessions calendar.SessionSet `json:"sessions,omitzero"`
	// Priority orders what is due at one instant: lower first, zero by default.
	Priority int `json:"priority,omitzero"`
	// Timeout bounds each attempt. Zero is none.
	Timeout time.Duration `json:"timeout,omitzero"`
	// CatchUp is how long after its due time a run may still start. Zero means
	// DefaultCatchUp. After it, the run is missed.
	CatchUp time.Duration `json:"catch_up,omitzero"`
	// CatchUpUntil also ends the catch-up at a moment of the session, such as
	// close. Nil is none. Where the moment cannot be told, since the hours are not
	// known or the day lacks it, there is no catch-up: a run starts within a minute of
	// its due time, which is on time, or is missed.
	CatchUpUntil *rule.Moment `json:"catch_up_until,omitzero"`
	// Overlap says what becomes of an occurrence that is due while an earlier
	// run of the same task and account goes on.
	Overlap Overlap `json:"overlap,omitzero"`
	// Exclusive names a group. Runs of one account in one group wait for each
	// other in order. Empty is none.
	Exclusive string `json:"exclusive,omitzero"`
	// Spread shifts the start of each account's run by an offset of less than it, so
	// that many accounts do not start in one instant. The offset follows from the
	// account, the task and the slot alone: it is the same in every process and
	// version, and the offsets of many accounts are spread evenly. It ends before
	// the catch-up, the close of the session and the next occurrence of an hourly or
	// every rule do. Due time, slot and catch-up stay: CatchUp should be longer than
	// Spread. Zero is none.
	Spread time.Duration `json:"spread,omitzero"`
	// StartLimit names the limit of the scheduler's Config.StartLimits which the starts of the task
	// count against, with those of every other task that names it. Empty is none. A
	// row whose limit the configuration does not have is quarantined: that its orders
	// flow without a limit is what nobody asked for.
	StartLimit string `json:"start_limit,omitzero"`
	// Delivery says what becomes of a run whose process died.
	Delivery Delivery `json:"delivery,omitzero"`
	// Retry says whether and how a failed attempt is tried again.
	Retry Retry `json:"retry,omitzero"`
	// Description is for people.
	Description string `json:"description,omitzero"`

	// Since is the instant from which the row holds: only occurrences later than
	// it are due. A store sets it when the rule, the calendar, the sessions or the enabling change. Zero
	// means always.
	Since time.Time `json:"since,omitzero"`
	// Prior is the rule of another kind that Rule replaced at Since, if it did.
	// It holds until the next session, as a change of kind takes effect then. Of a daily
	// rule with several times it is Rule with the slots that times kept when an edit
	// moved them, and holds as long as Rule does.
	Prior rule.Rule `json:"prior,omitzero"`
	// Version counts the edits of the row in its store. The scheduler only
	// reports it.
	Version int64 `json:"version,omitzero"`
}

// DefaultCatchUp is what a CatchUp of zero stands for.
const DefaultCatchUp = 2 * time.Minute

// MaxPolicyLength bounds CatchUp, Spread, Timeout and what Retry says to what can be meant.
const MaxPolicyLength = 31 * 24 * time.Hour

// Overlap says what becomes of an occurrence that comes due while an earlier run of
// the same task and account goes on. What came due while none ran, as in an outage, is
// no overlap: with each policy but OverlapAllow it runs one after another, in order,
// within its catch-up. The zero value is OverlapSkip.
type Overlap uint8

// The overlap policies.
const (
	OverlapSkip   Overlap = iota // the occurrence is skipped
	OverlapQueue                 // one occurrence waits, within its catch-up
	OverlapCancel                // the earlier run is cancelled, and the occurrence starts when it has returned
	OverlapAllow                 // both run
)

var overlapNames = []string{"skip", "queue", "cancel", "allow"}

// String returns the policy's name, which ParseOverlap reads.
func (o Overlap) String() string { return naming.Of(overlapNames, int(o)) }

// ParseOverlap parses skip, queue, cancel or allow; the empty text is skip.
func ParseOverlap(text string) (Overlap, error) {
	i, err := naming.Parse("overlap", overlapNames, text)
	return Overlap(i), err
}

// MarshalText returns the name, and an error for a value that has none.
func (o Overlap) MarshalText() ([]byte, error) {
	return naming.Marshal("overlap", overlapNames, int(o))
}

// UnmarshalText parses what MarshalText wrote.
func (o *Overlap) UnmarshalText(text []byte) (err error) {
	*o, err = ParseOverlap(string(text))
	return err
}

// Delivery says what becomes of a run that was cut off, because its process died,
// stopped or lost its term. The zero value is AtMostOnce.
type Delivery uint8

// The deliveries.
const (
	// AtMostOnce never runs such a run again: it is recorded as interrupted. With
	// the ledger out of reach nothing starts. For tasks that place orders.
	AtMostOnce Delivery = iota
	// AtLeastOnce runs such a run again within its catch-up, and a ledger out of
	// reach does not stop it. For idempotent tasks, such as monitors.
	AtLeastOnce
)

var deliveryNames = []string{"at-most-once", "at-least-once"}

// String returns the delivery's name, which ParseDelivery reads.
func (d Delivery) String() string { return naming.Of(deliveryNames, int(d)) }

// ParseDelivery parses at-most-once or at-least-once; the empty text is
// at-most-once.
func ParseDelivery(text string) (Delivery, error) {
	i, err := naming.Parse("delivery", deliveryNames, text)
	return Delivery(i), err
}

// MarshalText returns the name, and an error for a value that has none.
func (d Delivery) MarshalText() ([]byte, error) {
	return naming.Marshal("delivery", deliveryNames, int(d))
}

// UnmarshalText parses what MarshalText wrote.
func (d *Delivery) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDelivery(string(text))
	return err
}

// Retry says how a failed attempt is tried again. The zero value is never: an
// order task must not be retried blindly. A timed out attempt is not retried.
// All attempts are one run with one ID. No further one starts once the account is
// halted or withdrawn, its schedule disabled or removed, or the scheduler stops: the
// run has failed then, for the reason of its last attempt and that one.
type Retry struct {
	// Attempts is the number of attempts in all. Zero and one mean no retry.
	Attempts int `json:"attempts,omitzero"`
	// Backoff is the wait before the second attempt. It doubles before each
	// further one, up to MaxBackoff. Zero means a second.
	Backoff time.Duration `json:"backoff,omitzero"`
	// MaxBackoff caps the wait. Zero means a minute.
	MaxBackoff time.Duration `json:"max_backoff,omitzero"`
	// Within is how long after the due time an attempt may still start. Zero
	// means to the end of the catch-up, which a triggered run counts from its trigger.
	Within time.Duration `json:"within,omitzero"`
}

// ScheduleStore holds the schedules of a service.
//
// Schedules returns every row, disabled ones too. The scheduler calls it once a
// minute, from one goroutine at a time. A store that can tell cheaply whether
// anything changed should be a Reviser too.
type ScheduleStore interface {
	Schedules(ctx context.Context) ([]Schedule, error)
}

// Reviser is a ScheduleStore that can tell whether its rows changed: the
// revision differs from the last one if they did. It is then not read again
// while the revision stays.
type Reviser interface {
	Revision(ctx context.Context) (string, error)
}

// ChangeLister is a Reviser that can also list what changed. The scheduler then
// takes an edit without reading the other rows.
//
// Changes returns what changed in the store since a revision that it gave before.
// It may name a row that did not change, and must not leave out one that did. The
// error wraps ErrRevisionUnknown if the store cannot tell, as when the revision is
// too old or was another store's: all rows are read then. Rows that cannot be read
// are reported by a *QuarantineError beside the others, as Schedules does.
type ChangeLister interface {
	Reviser
	Changes(ctx context.Context, since string) (ScheduleChanges, error)
}

// ErrRevisionUnknown is wrapped by the error of a ChangeLister that cannot tell what
// changed since a revision.
var ErrRevisionUnknown = errors.New("it is not known what changed since the revision")

// ScheduleChanges are the rows of a store that are different since a revision.
type ScheduleChanges struct {
	// Rows are those that were added or changed, as they are now.
	Rows []Schedule `json:"rows,omitzero"`
	// Removed are those that are no longer there.
	Removed []ScheduleKey `json:"removed,omitzero"`
	// Revision is the one up to which the changes are listed.
	Revision string `json:"revision"`
}

// Apply returns rows as they are with the changes made: those that stay in their order,
// then those that are put, without a Prior. It makes no edit of them: see Edited.
func (c ScheduleChanges) Apply(rows []Schedule) []Schedule {
	gone := make(map[ScheduleKey]bool, len(c.Rows)+len(c.Removed))
	for _, key := range c.Removed {
		gone[key] = true
	}
	for _, row := range c.Rows {
		gone[row.Key()] = true
	}
	applied := slices.DeleteFunc(slices.Clone(rows), func(row Schedule) bool { return gone[row.Key()] })
	for _, row := range c.Rows {
		row.Prior = nil
		applied = append(applied, row)
	}
	return applied
}

// ScheduleKey is what a row is found by. Account is empty in the row for all others.
type ScheduleKey struct {
	Task    string `json:"task"`
	Account string `json:"account,omitzero"`
}

// Key returns what the row is found by.
func (s Schedule) Key() ScheduleKey { return ScheduleKey{Task: s.Task, Account: s.Account} }

// Compare orders keys by task, then account, as a store lists its rows.
func (k ScheduleKey) Compare(o ScheduleKey) int {
	return cmp.Or(strings.Compare(k.Task, o.Task), strings.Compare(k.Account, o.Account))
}

// String names the row in a sentence: "buy", or "buy for account 42".
func (k ScheduleKey) String() string { return naming.Row(k.Task, k.Account) }

// QuarantineError is the error with which a ScheduleStore reports rows that it
// could not make a Schedule of, beside the rows that it could: Schedules then
// returns both. The scheduler runs the others and reports these.
type QuarantineError struct {
	Rows []RowError `json:"rows"`
}

// RowError names a row that cannot be used, and why.
type RowError struct {
	Task    string
	Account string
	Err     error
}

// Error returns the row and the reason.
func (e RowError) Error() string {
	return fmt.Sprintf("schedule of %s: %s", naming.Row(e.Task, e.Account), said.InLine(e.Err))
}

// Unwrap returns the reason.
func (e RowError) Unwrap() error { return e.Err }

// Error lists the rows and reasons.
func (e *QuarantineError) Error() string { return errors.Join(e.Unwrap()...).Error() }

// Unwrap returns an error for each row.
func (e *QuarantineError) Unwrap() []error {
	errs := make([]error, len(e.Rows))
	for i, row := range e.Rows {
		errs[i] = row
	}
	return errs
}

// Fixed is a ScheduleStore of rows that never change.
type Fixed []Schedule

// Schedules returns the rows.
func (f Fixed) Schedules(context.Context) ([]Schedule, error) { return f, nil }

// Revision is the same for ever.
func (f Fixed) Revision(context.Context) (string, error) { return "fixed", nil }

// Validate reports everything that is wrong with the row by itself, each error
// naming its field. tradeclock.ValidateSchedules also checks rows against each other.
func (s Schedule) Validate() error {
	var errs []error
	bad := func(field, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: %w", field, fmt.Errorf(format, args...)))
	}
	for _, n := range []struct{ field, name string }{
		{"Task", s.Task}, {"Account", s.Account}, {"Calendar", s.Calendar}, {"Exclusive", s.Exclusive}, {"StartLimit", s.StartLimit},
	} {
		if n.name == "" && n.field != "Task" {
			continue
		}
		if err := naming.Check(n.name); err != nil {
			bad(n.field, "%w", err)
		}
	}
	if err := rule.Validate(s.Rule); err != nil {
		bad("Rule", "%w", err)
	}
	if s.Prior != nil {
		if err := rule.Validate(s.Prior); err != nil {
			bad("Prior", "%w", err)
		}
	}
	if err := s.Sessions.Validate(); err != nil {
		bad("Sessions", "%w", err)
	}
	_, f := rule.Split(s.Rule)
	if f.AsksSessions() && s.Sessions&calendar.EveryDay != 0 {
		bad("Sessions", "every-day does not say which sessions count for %s: want the kinds, as in regular,shortened", f)
	}
	if int(s.Overlap) >= len(overlapNames) {
		bad("Overlap", "%d is no policy", s.Overlap)
	}
	if int(s.Delivery) >= len(deliveryNames) {
		bad("Delivery", "%d is no delivery", s.Delivery)
	}
	if s.CatchUpUntil != nil {
		if err := s.CatchUpUntil.ValidateSingle(); err != nil {
			bad("CatchUpUntil", "%w", err)
		}
	}
	if s.Retry.Attempts < 0 || s.Retry.Attempts > 1000 {
		bad("Retry.Attempts", "%d is not between 0 and 1000", s.Retry.Attempts)
	}
	for _, d := range []struct {
		field string
		value time.Duration
	}{
		{"Timeout", s.Timeout}, {"CatchUp", s.CatchUp}, {"Spread", s.Spread},
		{"Retry.Backoff", s.Retry.Backoff}, {"Retry.MaxBackoff", s.Retry.MaxBackoff}, {"Retry.Within", s.Retry.Within},
	} {
		if d.value < 0 || d.value > MaxPolicyLength {
			bad(d.field, "%v is not between 0 and %v", d.value, MaxPolicyLength)
		}
	}
	return errors.Join(errs...)
}

// EffectiveCatchUp is how long after its due time a run may start: CatchUp, or its default.
func (s Schedule) EffectiveCatchUp() time.Duration {
	if s.CatchUp == 0 {
		return DefaultCatchUp
	}
	return s.CatchUp
}
