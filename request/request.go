// Package request is what people ask of the active scheduler from another process: a row
// that a store keeps, with who asks and until when, and its one answer. The process that
// holds the term takes it, does it, and answers it.
//
// It owns the words of a request and decides whether one is well formed. It is told, and
// answers, nothing else, and imports calendar alone, with the checks of names.
package request

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
)

// Kind is what is asked.
type Kind string

// The kinds. A program that does not know a kind refuses the request.
const (
	// Trigger runs a task now: as UnifiedTaskScheduler.Trigger does.
	Trigger Kind = "trigger"
	// Cancel ends the context of runs that go on.
	Cancel Kind = "cancel"
	// Halt stops new starts, and with AndCancel ends what runs. A halt that the store has
	// stored already holds without anybody's answer. It holds as of when it was asked.
	Halt Kind = "halt"
	// Lift ends the halt that was in force when it was asked.
	Lift Kind = "lift"
	// Skip has one occurrence that is still to come skipped, Move has it run at another
	// instant of its session day, and Restore takes that back: as
	// UnifiedTaskScheduler.Override does.
	Skip    Kind = "skip"
	Move    Kind = "move"
	Restore Kind = "restore"
)

// Answer is what became of a request. The zero value is that nobody has answered yet.
type Answer string

// The answers.
const (
	Done    Answer = "done"
	Refused Answer = "refused" // Text has the reason
	Expired Answer = "expired" // nobody took it in time
)

// DefaultExpiry is how long a request waits for somebody who takes it, unless it says so.
const DefaultExpiry = 2 * time.Minute

// Request is a row of what is asked.
type Request struct {
	// ID is unique for ever, and what a run that was triggered is known by: asked twice with
	// one ID, it is one request. A store makes one if it is empty.
	ID        string `json:"id"`
	Scheduler string `json:"scheduler"` // required
	Kind      Kind   `json:"kind"`      // required
	// Account is required by Trigger. The others take an empty one as all.
	Account string `json:"account,omitzero"`
	// Task is required by Trigger, Skip, Move and Restore. Cancel takes an empty one as all
	// tasks.
	Task string `json:"task,omitzero"`
	// Slot is the run that Cancel is about, or empty for whatever goes on of the task, and
	// the occurrence of Session that Skip, Move and Restore are about, or empty for the only
	// one.
	Slot string `json:"slot,omitzero"`
	// ForToday, and Session, make a triggered run stand for the task's slot of today, or of
	// the session of a date, which must not have had a start. Skip, Move and Restore require
	// the Session of the occurrence.
	ForToday bool          `json:"for_today,omitzero"`
	Session  calendar.Date `json:"session,omitzero"`
	// MoveTo is when Move has it run, in whole seconds.
	MoveTo time.Time `json:"move_to,omitzero"`
	// Force triggers on a day that is none of the task's sessions.
	Force bool `json:"force,omitzero"`
	// AndCancel has a halt end what runs.
	AndCancel bool   `json:"and_cancel,omitzero"`
	Actor     string `json:"actor"`           // who asks; required
	Reason    string `json:"reason,omitzero"` // required but by Trigger and Lift
	// At is when it was asked, and Expires when it is too late to begin with it. A store
	// sets them if they are zero: to now, and DefaultExpiry later.
	At      time.Time `json:"at"`
	Expires time.Time `json:"expires"`

	// Term is the number of the last term that has taken it, or zero.
	Term int64 `json:"term,omitzero"`
	// Answer, with a sentence in Text, is empty until it is answered, at Answered.
	Answer   Answer    `json:"answer,omitzero"`
	Text     string    `json:"text,omitzero"`
	RunID    string    `json:"run_id,omitzero"` // of the run that was triggered
	Answered time.Time `json:"answered,omitzero"`
}

// Validate reports what is wrong with a request that is to be asked, all problems in one
// error. A kind that this version does not know is none.
func (r Request) Validate() error {
	var errs []error
	need := func(field, value string) {
		if value == "" {
			errs = append(errs, fmt.Errorf("field %s: it is required", field))
		} else if err := naming.Check(value); err != nil {
			errs = append(errs, fmt.Errorf("field %s: %w", field, err))
		}
	}
	need("Scheduler", r.Scheduler)
	need("Kind", string(r.Kind))
	need("Actor", r.Actor)
	overrides := r.Kind == Skip || r.Kind == Move || r.Kind == Restore
	if r.Kind == Trigger || overrides {
		need("Task", r.Task)
	}
	if r.Kind == Cancel || r.Kind == Halt || overrides {
		need("Reason", r.Reason)
	}
	if overrides && r.Session.IsZero() {
		errs = append(errs, errors.New("field Session: it is required"))
	}
	if (r.Kind == Move) == r.MoveTo.IsZero() {
		errs = append(errs, fmt.Errorf("field MoveTo: it is required by %s, and by nothing else", Move))
	}
	if r.ForToday && r.Session != (calendar.Date{}) {
		errs = append(errs, errors.New("field Session: it is for today already"))
	}
	if !r.Expires.IsZero() && !r.At.IsZero() && !r.Expires.After(r.At) {
		errs = append(errs, errors.New("field Expires: it is not after At"))
	}
	return errors.Join(errs...)
}

// Open reports whether it waits for an answer.
func (r Request) Open() bool { return r.Answer == "" }

// Filled returns r as a store keeps it that is asked at now: with an ID, which makes one if it
// has none, and the times that it leaves out. It is for those who write a store.
func (r Request) Filled(now time.Time) Request {
	if r.ID == "" {
		r.ID = rand.Text()
	}
	if r.At.IsZero() {
		r.At = now
	}
	if r.Expires.IsZero() {
		r.Expires = r.At.Add(DefaultExpiry)
	}
	r.At, r.Expires = r.At.Round(0).UTC(), r.Expires.Round(0).UTC()
	if !r.MoveTo.IsZero() {
		r.MoveTo = r.MoveTo.Round(0).UTC()
	}
	r.Term, r.Answer, r.Text, r.RunID, r.Answered = 0, "", "", "", time.Time{}
	return r
}

// Query selects requests. A zero field selects all.
type Query struct {
	Scheduler string `json:"scheduler,omitzero"`
	ID        string `json:"id,omitzero"`
	Open      bool   `json:"open,omitzero"` // those that wait for an answer
	// Before selects those that were asked before another: to read on, it is the last
	// that was read.
	Before Request `json:"before,omitzero"`
	// Limit is the number of requests at most. Zero means a hundred.
	Limit int `json:"limit,omitzero"`
}

// DefaultLimit is that of a Query that names none.
const DefaultLimit = 100

// Selects reports whether the query selects a request, whatever its Limit.
func (q Query) Selects(r Request) bool {
	switch {
	case q.Scheduler != "" && q.Scheduler != r.Scheduler, q.ID != "" && q.ID != r.ID, q.Open && !r.Open():
		return false
	}
	return q.Before.ID == "" || r.Compare(q.Before) < 0
}

// Compare orders requests by when they were asked, and by their IDs.
func (r Request) Compare(o Request) int { return cmp.Or(r.At.Compare(o.At), cmp.Compare(r.ID, o.ID)) }
