package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/why"
)

// Errors of overrides.
var (
	// ErrNoOccurrence means that a task has no such occurrence.
	ErrNoOccurrence = errors.New("there is no such occurrence")
	// ErrTooLate means that an occurrence has had its time.
	ErrTooLate = errors.New("it is too late")
	// ErrNoOverride means that there is no override to be taken back.
	ErrNoOverride = errors.New("there is no such override")
)

// Override is a person's word about exactly one occurrence: a slot of a task, for one
// account or for all. It is skipped, or runs at another instant of its session day, and
// keeps its slot; the schedule stays as it is, and so does what comes after the task. Of
// an account, its own word holds, and else the one for all.
type Override struct {
	Scheduler string `json:"scheduler"`
	Task      string `json:"task"`
	// Account is whom it is for. Empty means all that have no word of their own.
	Account string        `json:"account,omitzero"`
	Slot    string        `json:"slot"`
	Session calendar.Date `json:"session"`
	// Due is when the occurrence was due, by its schedule, as the word was said.
	Due time.Time `json:"due"`
	// At is when it runs instead, in whole seconds. Zero means that it is skipped.
	At     time.Time `json:"at,omitzero"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason"`
	Made   time.Time `json:"made"`
}

// Skips reports whether the occurrence is skipped, and not moved.
func (o Override) Skips() bool { return o.At.IsZero() }

// SameWord reports whether two overrides say the same of the same occurrence, whenever it
// was said: a store keeps the one that it has then.
func (o Override) SameWord(p Override) bool {
	o.Made, o.Due = p.Made, p.Due
	sameAt := o.At.Equal(p.At)
	o.At = p.At
	return sameAt && o == p
}

// Compare orders overrides by session, task, slot and account.
func (o Override) Compare(p Override) int {
	return cmp.Or(o.Session.Compare(p.Session), cmp.Compare(o.Task, p.Task), cmp.Compare(o.Slot, p.Slot), cmp.Compare(o.Account, p.Account))
}

// AuditEntry is what a store keeps of who made the override and why. It is for those who
// write one.
func (o Override) AuditEntry() AuditEntry {
	e := AuditEntry{Action: "move", Account: o.Account, Task: o.Task, Slot: o.Slot, To: o.At, Actor: o.Actor, Reason: o.Reason, At: o.Made}
	if o.Skips() {
		e.Action = "skip"
	}
	return e
}

// IsAbout reports whether both are about the same occurrence of the same account.
func (o Override) IsAbout(p Override) bool {
	return o.Task == p.Task && o.Slot == p.Slot && o.Account == p.Account
}

// Why is the reason of a run that is skipped, or who has moved it and why.
func (o Override) Why() string {
	if o.Skips() {
		return fmt.Sprintf("%s%s: %s", why.SkippedBy, o.Actor, o.Reason)
	}
	return fmt.Sprintf("moved by %s: %s", o.Actor, o.Reason)
}

// OverrideQuery selects overrides. A zero field selects all.
type OverrideQuery struct {
	Scheduler string `json:"scheduler,omitzero"`
	// From and To bound the session date, both included.
	From calendar.Date `json:"from,omitzero"`
	To   calendar.Date `json:"to,omitzero"`
}

// Selects reports whether the query selects an override.
func (q OverrideQuery) Selects(o Override) bool {
	return (q.Scheduler == "" || q.Scheduler == o.Scheduler) && !o.Session.Before(q.From) &&
		(q.To == calendar.Date{} || !o.Session.After(q.To))
}

// OverrideStore is a Ledger that keeps overrides. Who holds the term makes them, and reads
// them as it resumes: no other process may, so that what is planned and what is stored
// never part. Ask a scheduler for one by its Override, or from another process by a request.
type OverrideStore interface {
	// Overrides returns the selected overrides, in the order of Compare.
	Overrides(ctx context.Context, q OverrideQuery) ([]Override, error)
	// Override keeps an override of the term's scheduler, in place of one that is about the
	// same occurrence and account, and notes who made it and why. One that is the
	// SameWord as what it has stays as it is.
	Override(ctx context.Context, t Term, o Override) error
	// Revoke takes an override back, which names its Task, Account and Slot and, in Actor,
	// Reason and Made, who does so, why and when. Where there is none it does nothing.
	Revoke(ctx context.Context, t Term, o Override) error
}
