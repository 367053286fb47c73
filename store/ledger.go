package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/request"
)

// Term is a numbered right to be the one active scheduler of a name. Numbers
// grow from 1. The zero value is no term.
type Term struct {
	Scheduler string `json:"scheduler"`
	Holder    string `json:"holder"`
	Number    int64  `json:"number"`
}

// HeldError is the error of Lead while another holder has the term.
type HeldError struct {
	Term Term
	// Left is how long that term still lasts on the ledger's clock, if it is not
	// renewed.
	Left time.Duration
}

// Error says who holds the term.
func (e *HeldError) Error() string {
	return fmt.Sprintf("term %d of %s is held by %s for another %v", e.Term.Number, e.Term.Scheduler, e.Term.Holder, e.Left)
}

// TakenError is the error of Record for ranges that cannot be kept, since the slot
// by which each goes has a row of another kind.
type TakenError struct {
	Runs []Run
}

// Error names the first of them.
func (e *TakenError) Error() string {
	if len(e.Runs) == 0 {
		return "the slot of a range is taken"
	}
	r := e.Runs[0]
	return fmt.Sprintf("the slot of %s is taken, first %s of %s", said.Counted(len(e.Runs), "range"), r.Slot, naming.Row(r.Task, r.Account))
}

// Errors of a Ledger on which the scheduler decides.
var (
	// ErrDeposed means that the term of a write is not, or no longer, the current
	// one. The write changed nothing.
	ErrDeposed = errors.New("the term has ended")
	// ErrUnknownAccount is wrapped by the error of a call that names an account which
	// was never enrolled, or is not now.
	ErrUnknownAccount = errors.New("unknown account")
	// ErrUnsupported means that a store has not the companion interface that a
	// call needs.
	ErrUnsupported = errors.New("the store does not support this")
)

// Enrolment is an account that a scheduler serves, as the ledger knows it.
type Enrolment struct {
	Account string `json:"account"`
	// From is the instant up to which every occurrence of the account is
	// accounted for. In State, for an account that is served and not Returned, it is
	// the later of two: the From with which it was enrolled, and the watermark, if the
	// last term served it, or what the watermark was when it was last served.
	From time.Time `json:"from,omitzero"`
	// Withdrawn is when the account was withdrawn, or zero. If it is Returned, it is
	// served again since then.
	Withdrawn time.Time `json:"withdrawn,omitzero"`
	// Returned is when the account came to be served again, for as long as what it
	// had due since From may be neither claimed nor recorded, wherever the watermark
	// is. It is zero once that is accounted for.
	Returned time.Time `json:"returned,omitzero"`
}

// State is what a new holder of a term resumes from.
type State struct {
	// Watermark is the instant up to which every occurrence is claimed or
	// recorded. It is zero in a new ledger.
	Watermark time.Time `json:"watermark"`
	// Enrolments are all the accounts ever enrolled, withdrawn ones too.
	Enrolments []Enrolment `json:"enrolments,omitzero"`
	// Unsettled are the runs of older terms that were claimed and not settled: those that
	// are Armed or Running.
	Unsettled []Run `json:"unsettled,omitzero"`
	// Trusted says of the terms of Unsettled, by their numbers, until when their holders
	// trusted them at most, each on its own clock: the latest that Lead was given. A term
	// of which that is not known is left out.
	Trusted map[int64]time.Time `json:"trusted,omitzero"`
	// Interrupted are the runs that were settled as interrupted and may be run again:
	// their RerunUntil is later than the watermark.
	Interrupted []Run `json:"interrupted,omitzero"`
	// Ahead are the other rows than Unsettled that end later than the watermark, or, of
	// an account that is Returned, later than its From: what is already accounted for
	// there. Of the manual ones, which have slots of their own, those matter that stand
	// for a slot of the schedule.
	Ahead []Run `json:"ahead,omitzero"`
}

// Claim is the ledger's answer for one run.
type Claim struct {
	// Held is true if the row of the slot carries this run's token and is not
	// settled: the run may start, or will at its instant if it is Armed. It is false if the slot is taken, or lies before
	// the watermark.
	Held bool `json:"held"`
	// Outcome is that of the row as it stands, and NoOutcome if there is none.
	Outcome Outcome `json:"outcome,omitzero"`
	// Taken is the row that the slot has, or the range that it lies in, if the run is
	// not held because of it: its Session, Due, Outcome, Reason and Finished. It is nil if
	// the run is held, or if there is no such row.
	Taken *Run `json:"taken,omitempty"`
	// First and Resumed are the values for Run.First and Run.Resumed: that no run
	// of the same scheduler, account, task and session has succeeded, and that one
	// was claimed under an older term. They are false for runs that are not
	// Repeating.
	First   bool `json:"first,omitzero"`
	Resumed bool `json:"resumed,omitzero"`
}

// SettleResult is the ledger's answer for one settled run.
type SettleResult struct {
	// Accepted is true if the row has this outcome now, or had it already from an
	// earlier call with the same token. It is false if the row was settled
	// otherwise, or carries another token: the outcome is then kept as late
	// evidence, if there is a row at all.
	Accepted bool `json:"accepted"`
}

// Ledger is the durable account of runs; it grants terms.
//
// Each write but Settle names the term under which it is made, and returns an
// error that wraps ErrDeposed, having changed nothing, if that is not the
// current term of its scheduler. A term is current from the Lead that made it
// until another is made or it is resigned; that it has expired only means that
// another may now be made. All calls are safe to repeat after a lost answer,
// with the same result. An error means that nothing is known of what was
// stored. Implementations are safe for concurrent use by many schedulers and
// many processes.
//
// A row is identified by Scheduler, Account, Task and Slot, for ever. A holder
// that never gives a slot two starts relies on the ledger for no more than what
// is said here, and the conformance suite in storetest tests it.
type Ledger interface {
	// Lead takes the scheduler's term, or renews it. It returns the current term
	// unchanged if the holder has it, even if it has expired, and sets it to
	// expire ttl from now on the ledger's clock; a new one with the next number if
	// there is none, or if it was resigned or has expired; and a *HeldError else.
	// Trusted is the instant, on the holder's own clock, from which on it starts nothing
	// more by this answer. The latest that was given with a term is kept: see
	// State.Trusted. Zero is not known.
	Lead(ctx context.Context, scheduler, holder string, ttl time.Duration, trusted time.Time) (Term, error)

	// Resign ends the term at once, so that another holder need not wait.
	// Resigning a term that is not current changes nothing and is no error.
	Resign(ctx context.Context, t Term) error

	// Resume returns what the holder of a new term starts from.
	Resume(ctx context.Context, t Term) (State, error)

	// Enroll notes that the term serves accounts, each accounted for up to From, and
	// keeps Withdrawn and Returned as they are given in place of what it had. One
	// that is Returned is enrolled once more, without either, when what it had due
	// before is accounted for; until then State has it as it was given. A batch has
	// an account once.
	Enroll(ctx context.Context, t Term, accounts []Enrolment) error

	// Withdraw notes that an account, which is accounted for up to its From, is not
	// served from Withdrawn on. Of one that was never enrolled it notes nothing.
	Withdraw(ctx context.Context, t Term, gone Enrolment) error

	// Claim makes a row for each run whose slot has none, in order, and answers for each
	// run in the same order. The row is Running, or Armed if the run is: it has not
	// started then, and has no Started. A claim of a run that is Running, and whose row
	// is Armed and carries its token, makes that Running, with its Started, Attempt
	// and Deadline, and answers anew whether it is the First, unless it says that it is. A run that is neither
	// Manual nor Backdated and is due at or before the watermark is not held. Nor
	// is any run whose slot lies in a recorded range of its task and account, or,
	// unless it is Manual, is due before what Prune removed. A claim that is
	// repeated while its run is held has the same answer, whatever has become of
	// the session's other runs meanwhile.
	Claim(ctx context.Context, t Term, runs []Run) ([]Claim, error)

	// Reclaim replaces a row by run, Running, if the row carries the token old and
	// either was interrupted or never started (missed or skipped, old is then
	// empty and Started zero). It answers as Claim does.
	Reclaim(ctx context.Context, t Term, old string, run Run) (Claim, error)

	// Release gives back the claims of runs that certainly never started: the row of a
	// run is removed if it is Armed or Running and carries the run's token, whatever term it was
	// claimed under, and its slot is as free as if it had not been claimed. A run with
	// an Outcome of its own took the place of a row, by Reclaim, which then stands again
	// with that Outcome, Reason, Finished and RerunUntil: missed or skipped, with no
	// token, no actor and no start, or interrupted, with this token. Any other row is
	// left as it is.
	Release(ctx context.Context, t Term, runs []Run) error

	// Record adds the rows of runs that never started and moves the watermark
	// forward to to, in one. A run that lies in a recorded range of its task and
	// account is left out, and a row whose slot is taken is left as it is, except
	// that a record with a higher Count than the row's extends it if the row has
	// the same outcome and reason and never started. A record with a Count whose slot
	// is taken by a row that it does not extend and that ends before it would lose
	// its other occurrences: Record then changes nothing and returns a *TakenError,
	// and they are to be recorded one by one. A watermark that is already further
	// stays. To may be zero.
	Record(ctx context.Context, t Term, outcomes []Run, to time.Time) error

	// Settle stores the outcomes of runs, and answers for each in order. It is not
	// fenced by a term: a run's token is what entitles it. It stores Outcome,
	// Reason, Started, Finished, Attempt, Details and RerunUntil, and, of a run that is
	// Armed still, First: another may have succeeded since that was answered. A batch has
	// a run once.
	Settle(ctx context.Context, runs []Run) ([]SettleResult, error)
}

// Halt is an order to start nothing new, for one account or for all: a kill
// switch, and how a user's stop is kept.
type Halt struct {
	Scheduler string `json:"scheduler"`
	// Account is whom the halt is for. Empty means all.
	Account string    `json:"account,omitzero"`
	Reason  string    `json:"reason"`
	Actor   string    `json:"actor"`
	At      time.Time `json:"at"`
	// Serving is set by a scheduler that serves the account, of which the ledger need
	// not know yet. It is not stored.
	Serving bool `json:"serving,omitzero"`
}

// RequestStore is a Ledger that keeps what people ask of the active scheduler from other
// processes. Who holds the term takes it and answers it: see the package request.
type RequestStore interface {
	// Ask stores a request, filled as Request.Filled says, and returns it. One whose ID is
	// known already is returned as it is stored. What Request.Validate refuses is refused.
	Ask(ctx context.Context, r request.Request) (request.Request, error)
	// Take marks the open requests of the term's scheduler as taken by the term, the oldest
	// first and a hundred at most, and returns them, each with the number of the term that
	// had taken it before.
	Take(ctx context.Context, t Term) ([]request.Request, error)
	// Answer stores the answer of a request: its Answer, Text, RunID and Answered. One that
	// has an answer keeps it.
	Answer(ctx context.Context, t Term, r request.Request) error
	// Requests returns the selected requests, the newest first.
	Requests(ctx context.Context, q request.Query) ([]request.Request, error)
}

// HaltStore is a Ledger that keeps halts, so that they outlive a restart and
// reach every process.
type HaltStore interface {
	// Halts returns the halts in force for the scheduler.
	Halts(ctx context.Context, scheduler string) ([]Halt, error)
	// Halt puts a halt in force, replacing one for the same account. The error wraps
	// ErrUnknownAccount, and nothing is in force, if h names an account that was never
	// enrolled and that nobody serves: a misspelled halt must not look like one.
	Halt(ctx context.Context, h Halt) error
	// Lift ends the halt that names the same account as h, and keeps who lifted it
	// and why. Lifting a halt that is not in force is no error, if Halt would take its
	// account.
	Lift(ctx context.Context, h Halt) error
}

// Resetter is a Ledger whose watermark can be set back, after a wrong clock
// carried it away.
type Resetter interface {
	// ResetWatermark sets the watermark to to, which must not be later than it is,
	// removes the rows of runs that never started and end later than to, and keeps
	// who did so and why. If a row that it removes is a range that begins at or
	// before to, the watermark is set to a second before the earliest such range
	// begins, so that its occurrences are planned again, all of them. No account's
	// From stays later than the watermark; when it was withdrawn and came back stays.
	ResetWatermark(ctx context.Context, t Term, to time.Time, reason, actor string) error
}

// AuditEntry is an intervention by a person, which a store keeps: a halt, its lifting, a
// watermark that was set back, an override, or an edit of a schedule.
type AuditEntry struct {
	// ID is its place in the audit: what comes later has a greater one.
	ID int64 `json:"id,omitzero"`
	// Action is halt, lift or reset; skip, move or restore; or add, edit or remove.
	Action  string `json:"action"`
	Account string `json:"account,omitzero"`
	// Task is that of an override or a schedule, Slot that of an override, and To is when
	// a move has it run.
	Task   string    `json:"task,omitzero"`
	Slot   string    `json:"slot,omitzero"`
	To     time.Time `json:"to,omitzero"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason,omitzero"`
	At     time.Time `json:"at"`
	// Before and After are the row of an edit, as JSON, and empty where there was or is none.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// FieldChange is a field of a row that an edit has changed, with its JSON before and after.
type FieldChange struct {
	Field         string
	Before, After string // empty where the field was left out
}

// Changed returns the fields that an edit has changed, by name. What the store itself sets
// (version, since and prior) is left out.
func (e AuditEntry) Changed() []FieldChange {
	before, after := fieldsOf(e.Before), fieldsOf(e.After)
	names := maps.Clone(before)
	maps.Copy(names, after)
	var changed []FieldChange
	for _, name := range slices.Sorted(maps.Keys(names)) {
		byStore := name == "version" || name == "since" || name == "prior"
		if was, is := string(before[name]), string(after[name]); was != is && !byStore {
			changed = append(changed, FieldChange{name, was, is})
		}
	}
	return changed
}

// fieldsOf are the fields of a row, as JSON.
func fieldsOf(row json.RawMessage) map[string]json.RawMessage {
	fields := make(map[string]json.RawMessage)
	_ = json.Unmarshal(row, &fields) // there may be none
	return fields
}

// AuditQuery selects entries of the audit, the newest first. A zero field selects all.
type AuditQuery struct {
	// Scheduler selects those about a scheduler, and all edits of schedules, which are no
	// scheduler's own.
	Scheduler string `json:"scheduler,omitzero"`
	// Before selects what came before an entry: to read on, the ID of the last.
	Before int64 `json:"before,omitzero"`
	// Limit is the number of entries at most. Zero means a hundred.
	Limit int `json:"limit,omitzero"`
}

// DefaultAuditLimit is the limit of an AuditQuery that names none.
const DefaultAuditLimit = 100

// Auditor is a Ledger that can tell of the interventions that it kept.
type Auditor interface {
	// Audit returns the selected entries, the newest first.
	Audit(ctx context.Context, q AuditQuery) ([]AuditEntry, error)
}

// MinRetention is how long before the watermark a row is due at least when Prune
// removes it. The occurrences of one session are due within ten days, from a day
// before its date to eight days after, and each is told from the rows of the
// others whether it is the first.
const MinRetention = 10 * 24 * time.Hour

// Pruner is a Ledger that can forget.
type Pruner interface {
	// Prune removes the final rows of the scheduler that are due before before,
	// and returns their number. A range stays until all of it is due before, and of
	// an account that is Returned, what ends later than its From. It refuses a before
	// that is later than MinRetention before the watermark. What it removed can never
	// be claimed again, unless it is Manual.
	Prune(ctx context.Context, scheduler string, before time.Time) (int, error)
}

// InMemory is a store whose methods wait for nothing, so that the scheduler calls them in
// place. InMemory returns the store itself: what embeds one returns another, and is called
// as any store is.
type InMemory interface {
	InMemory() any
}

// Why is the reason of a run that the halt keeps from running.
func (h Halt) Why() string {
	return said.Line(fmt.Sprintf("%s%s: %s", why.HaltedBy, h.Actor, h.Reason))
}
