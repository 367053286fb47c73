package store

import (
	"crypto/sha256"
	"encoding/base32"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
)

// DefaultScheduler is the name of a scheduler whose configuration has none.
const DefaultScheduler = "tradeclock"

// Outcome is what became of an occurrence. The zero value is no outcome yet.
type Outcome uint8

// The outcomes. Armed lasts until the run starts, and Running until it is settled as one
// of the others, which are final.
const (
	NoOutcome   Outcome = iota
	Armed               // claimed before it is due, and not known to have started
	Running             // claimed, and not settled
	Succeeded           // Execute returned nil
	Failed              // it returned an error, or panicked
	TimedOut            // its deadline passed
	Skipped             // nothing was to be done, and the reason says why
	Missed              // it could not start within its catch-up
	Interrupted         // it was cancelled, or its process died
)

var outcomeNames = []string{"", "armed", "running", "succeeded", "failed", "timed out", "skipped", "missed", "interrupted"}

// String returns the outcome in the words of the documentation, as in "timed
// out"; ParseOutcome reads it.
func (o Outcome) String() string { return naming.Of(outcomeNames, int(o)) }

// ParseOutcome parses the name of an outcome. The empty text is NoOutcome.
func ParseOutcome(text string) (Outcome, error) {
	i, err := naming.Parse("outcome", outcomeNames, text)
	return Outcome(i), err
}

// MarshalText returns the name, and an error for a value that has none.
func (o Outcome) MarshalText() ([]byte, error) {
	return naming.Marshal("outcome", outcomeNames, int(o))
}

// UnmarshalText parses what MarshalText wrote.
func (o *Outcome) UnmarshalText(text []byte) (err error) {
	*o, err = ParseOutcome(string(text))
	return err
}

// Open reports whether a row has the outcome of a run that is claimed and not settled:
// Armed or Running.
func (o Outcome) Open() bool { return o == Armed || o == Running }

// Final reports whether the outcome is one that a run ends with.
func (o Outcome) Final() bool { return o > Running }

// Run is one occurrence of a task for one account, and what became of it: what
// an executor is given, and a row of the ledger. Instants are UTC.
type Run struct {
	// ID identifies the run for ever: it is derived from Scheduler, Account, Task
	// and Slot alone. Hand it to a broker as the idempotency key of what the run
	// does. It has 26 characters out of a-z and 2-7.
	ID        string `json:"id"`
	Scheduler string `json:"scheduler"`
	Account   string `json:"account"`
	Task      string `json:"task"`
	// Slot identifies the occurrence within its task.
	Slot string `json:"slot"`
	// Session is the date of the session that the slot belongs to.
	Session calendar.Date `json:"session"`
	// Due is when the occurrence is due, and the run should start if it has no
	// Offset.
	Due time.Time `json:"due"`
	// Offset is how long after Due the run may start, where the schedule has a
	// Spread. Zero is at once, as for every manual run.
	Offset time.Duration `json:"offset,omitzero"`

	// Outcome and Reason say what became of it. Reason is the error's text, or
	// says why the run was skipped, missed or interrupted, in at most 2 KiB.
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitzero"`
	// Started is when the first attempt started, or is zero if none did. Finished
	// is when the outcome was taken.
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	// Attempt counts the attempts, from 1.
	Attempt int `json:"attempt,omitzero"`
	// Deadline is when this attempt's context ends, or zero.
	Deadline time.Time `json:"deadline,omitzero"`

	// Term is the number of the term under which the run was claimed: the fencing
	// token, which only ever grows.
	Term int64 `json:"term,omitzero"`
	// Token is fresh for each planned start. It lets the ledger tell a claim that
	// is repeated after a lost answer from a second start of the slot.
	Token string `json:"token,omitzero"`
	// RerunUntil is until when a run that was interrupted, and is delivered at least
	// once, may be run again. It is zero for all others.
	RerunUntil time.Time `json:"rerun_until,omitzero"`

	// First is true for an hourly or every rule if no earlier run of the session
	// and account has succeeded: place the day's orders, say. Resumed is true if
	// one had started under an older term, and so in an earlier process or before a
	// takeover. Both come from the ledger.
	First   bool `json:"first,omitzero"`
	Resumed bool `json:"resumed,omitzero"`
	// Repeating is true for the runs for which First and Resumed are kept.
	Repeating bool `json:"repeating,omitzero"`

	// Manual is true for a run that Trigger started, by Actor.
	Manual bool   `json:"manual,omitzero"`
	Actor  string `json:"actor,omitzero"`
	// Backdated is true for a run that was planned behind the watermark: of an
	// account that came back, or moved into the past by a calendar.
	Backdated bool `json:"backdated,omitzero"`

	// Count is more than 1 for a record that stands for as many contiguous
	// occurrences that were missed or skipped for one reason, from Slot and Due to
	// LastSlot and LastDue. Zero means 1.
	Count    int       `json:"count,omitzero"`
	LastSlot string    `json:"last_slot,omitzero"`
	LastDue  time.Time `json:"last_due,omitzero"`

	// Calendar and CalendarVersion name what decided that this was a session.
	Calendar        string `json:"calendar,omitzero"`
	CalendarVersion string `json:"calendar_version,omitzero"`
	// Details are what the executor added with Annotate.
	Details map[string]any `json:"details,omitzero"`
	// Late is an outcome that came after the run had been settled otherwise, as
	// of a frozen process that woke up after a takeover. It changed nothing.
	Late *LateOutcome `json:"late,omitzero"`
}

// LateOutcome is an outcome that was reported too late to count.
type LateOutcome struct {
	Outcome  Outcome   `json:"outcome"`
	Reason   string    `json:"reason,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
}

// Lateness is how long after its due time and its offset the run started, and
// zero if it did not start.
func (r Run) Lateness() time.Duration {
	if r.Started.IsZero() {
		return 0
	}
	return r.Started.Sub(r.Due) - r.Offset
}

// Occurrences is the number of occurrences that the record stands for.
func (r Run) Occurrences() int { return max(r.Count, 1) }

// Through returns the due time of the last occurrence that the record stands
// for.
func (r Run) Through() time.Time {
	if r.LastDue.IsZero() {
		return r.Due
	}
	return r.LastDue
}

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// RunID derives the ID of a run from what makes it unique: the first 128 bits of
// the SHA-256 of the four names, a zero byte after each, in base 32.
func RunID(scheduler, account, task, slot string) string {
	var room [32]byte
	return string(AppendRunID(room[:0], scheduler, account, task, slot))
}

// AppendRunID appends what RunID returns.
func AppendRunID(b []byte, scheduler, account, task, slot string) []byte {
	var buf [256]byte
	key := buf[:0]
	for _, part := range [...]string{scheduler, account, task, slot} {
		key = append(append(key, part...), 0)
	}
	sum := sha256.Sum256(key)
	return idEncoding.AppendEncode(b, sum[:16])
}
