package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/rule"
)

// ErrNoSchedule is wrapped by the error of an edit that names a row which the
// store has not.
var ErrNoSchedule = errors.New("no such schedule")

// ConflictError is the error of an update that was made from a version of the
// row that is no longer the current one. Nothing was changed: read the row
// again, and decide again.
type ConflictError struct {
	Task    string
	Account string
	// Have is the row's version in the store, and Want the one that the update
	// named.
	Have, Want int64
}

// Error names the row and both versions.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("schedule of %s: the update was made from version %d, the row has version %d",
		naming.Row(e.Task, e.Account), e.Want, e.Have)
}

// ScheduleEdit is a partial update of a schedule: it sets the fields that are
// not nil and leaves the others as they are. The zero value changes nothing.
type ScheduleEdit struct {
	Rule     rule.Rule            `json:"rule,omitempty"`
	Calendar *string              `json:"calendar,omitempty"`
	Disabled *bool                `json:"disabled,omitempty"`
	Sessions *calendar.SessionSet `json:"sessions,omitempty"`
	Priority *int                 `json:"priority,omitempty"`
	Timeout  *time.Duration       `json:"timeout,omitempty"`
	CatchUp  *time.Duration       `json:"catch_up,omitempty"`
	// CatchUpUntil sets Schedule.CatchUpUntil, and NoCatchUpUntil removes it.
	CatchUpUntil   *rule.Moment   `json:"catch_up_until,omitempty"`
	NoCatchUpUntil bool           `json:"no_catch_up_until,omitempty"`
	Overlap        *Overlap       `json:"overlap,omitempty"`
	Exclusive      *string        `json:"exclusive,omitempty"`
	Spread         *time.Duration `json:"spread,omitempty"`
	StartLimit     *string        `json:"start_limit,omitempty"`
	Delivery       *Delivery      `json:"delivery,omitempty"`
	Retry          *Retry         `json:"retry,omitempty"`
	Description    *string        `json:"description,omitempty"`
}

// Apply makes the edit in s. It does not validate the result.
func (e ScheduleEdit) Apply(s *Schedule) {
	if e.Rule != nil {
		s.Rule = e.Rule
	}
	set(&s.Calendar, e.Calendar)
	set(&s.Disabled, e.Disabled)
	set(&s.Sessions, e.Sessions)
	set(&s.Priority, e.Priority)
	set(&s.Timeout, e.Timeout)
	set(&s.CatchUp, e.CatchUp)
	if e.CatchUpUntil != nil {
		until := *e.CatchUpUntil
		s.CatchUpUntil = &until
	}
	if e.NoCatchUpUntil {
		s.CatchUpUntil = nil
	}
	set(&s.Overlap, e.Overlap)
	set(&s.Exclusive, e.Exclusive)
	set(&s.Spread, e.Spread)
	set(&s.StartLimit, e.StartLimit)
	set(&s.Delivery, e.Delivery)
	set(&s.Retry, e.Retry)
	set(&s.Description, e.Description)
}

// By says who edits, and why. Both are required.
type By struct {
	Actor  string `json:"actor"`
	Reason string `json:"reason"`
}

// Validate reports what is missing. A store refuses the edit then.
func (by By) Validate() error {
	var errs []error
	for field, value := range map[string]string{"Actor": by.Actor, "Reason": by.Reason} {
		if value == "" {
			errs = append(errs, fmt.Errorf("field %s: an edit says by whom, and why", field))
		}
	}
	return errors.Join(errs...)
}

// RowEdit is an edit of one row, as it is about to be made.
type RowEdit struct {
	By
	// Before and After are the row. Its Rule is nil before one that is added, and after one
	// that is removed.
	Before, After Schedule
	At            time.Time
}

// EditGuard decides whether a store makes an edit: who may touch what, and in which hours.
// An error refuses the edit, with all that was to be made together, and is wrapped by the
// store's. It is called for each row while the store makes the edit, and is to answer at
// once, without asking the store. A process that has none is not bound by it.
type EditGuard func(ctx context.Context, e RowEdit) error

// AuditEntry is what a store keeps of the edit. It is for those who write one.
func (e RowEdit) AuditEntry() AuditEntry {
	entry := AuditEntry{Action: "edit", Task: e.After.Task, Account: e.After.Account, Actor: e.Actor, Reason: e.Reason, At: e.At.UTC()}
	switch {
	case e.After.Rule != nil && e.Before.Rule == nil:
		entry.Action = "add"
	case e.After.Rule == nil:
		entry.Action, entry.Task, entry.Account = "remove", e.Before.Task, e.Before.Account
	}
	entry.Before, entry.After = rowText(e.Before), rowText(e.After)
	return entry
}

// rowText is a row as JSON, or at least its rule, where that has no text form.
func rowText(s Schedule) json.RawMessage {
	if s.Rule == nil {
		return nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		text, _ = json.Marshal(struct { // which cannot fail
			Rule    string `json:"rule"`
			Version int64  `json:"version"`
		}{fmt.Sprint(s.Rule), s.Version})
	}
	return text
}

// ScheduleEditor is a ScheduleStore whose rows can be edited. Each edit refuses what
// tradeclock.ValidateSchedules reports of the rows that would result, without a calendar, and what
// By.Validate does, and gives the rows the Since, Prior and Version that Edited does. Edits
// hold from the store's now. A store that is an Auditor keeps each, as RowEdit.AuditEntry.
type ScheduleEditor interface {
	ScheduleStore
	// PutSchedule adds the row of a task and account, or replaces it whatever its version,
	// and returns it as it is stored.
	PutSchedule(ctx context.Context, by By, s Schedule) (Schedule, error)
	// UpdateSchedule makes an edit in the row of a task and account, and returns it. The
	// version is that of the row from which the edit was made: the error is a
	// *ConflictError if the row has another, and wraps ErrNoSchedule if there is none.
	UpdateSchedule(ctx context.Context, by By, account, task string, version int64, edit ScheduleEdit) (Schedule, error)
	// SeedSchedules adds those of the default rows that are missing and returns their
	// number. A row that exists stays as it is. It adds none if it refuses one. They are
	// added BySeed.
	SeedSchedules(ctx context.Context, defaults ...Schedule) (added int, err error)
	// DeleteSchedule removes the row of a task and account. The error wraps ErrNoSchedule
	// if there is none. It refuses to remove a row that an after rule needs.
	DeleteSchedule(ctx context.Context, by By, account, task string) error
	// ChangeSchedules puts rows and removes others, all of them or, if there is an error,
	// none. It refuses, with an error that wraps ErrSchedulesChanged, if the revision of
	// the store is not that of the changes, unless they have none: what was decided from
	// other rows is to be decided again.
	ChangeSchedules(ctx context.Context, by By, changes ScheduleChanges) error
}

// BySeed is by whom the default rows are that SeedSchedules adds.
var BySeed = By{Actor: "seed", Reason: "a default row was missing"}

// ErrSchedulesChanged is wrapped by the error of a ScheduleEditor whose rows are no longer
// those from which changes were made. Nothing was changed.
var ErrSchedulesChanged = errors.New("the schedules have changed meanwhile")

// oneSession is less than how far apart edits of two sessions are that are made at the
// hours of one desk.
const oneSession = 16 * time.Hour

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// Edited returns s with the Since, Prior and Version that a store gives it when
// it replaces old at now. A zero old means that the row is new. What s itself
// carries in these fields is ignored. It is for those who write a store.
//
// Since becomes now if the row is new or its rule, calendar, sessions or enabling change. A change
// of the rule's kind takes effect at the next session, and Prior keeps the rule
// that holds until then. Of a daily rule with several times, Prior is the rule itself with
// the slots that its times keep when they are moved, see rule.HeldOver, until the next edit. A store does not know its calendar, and a date in UTC is not that
// of every market: it takes two edits to be of one session if they are less than sixteen
// hours apart.
func (s Schedule) Edited(old Schedule, now time.Time) Schedule {
	s.Since, s.Prior, s.Version = old.Since, old.Prior, old.Version+1
	if old.Rule == nil {
		s.Since, s.Prior = now.UTC(), nil
		return s
	}
	if s.Rule.String() == old.Rule.String() && s.Calendar == old.Calendar && s.Sessions == old.Sessions && s.Disabled == old.Disabled {
		return s
	}
	inForce := old.Rule
	if old.Prior != nil && (now.Sub(old.Since) < oneSession || !rule.ChangesKind(old.Rule, old.Prior)) {
		inForce = old.Prior
	}
	s.Since, s.Prior = now.UTC(), rule.HeldOver(s.Rule, inForce)
	if rule.ChangesKind(s.Rule, inForce) {
		s.Prior = inForce
	}
	return s
}
