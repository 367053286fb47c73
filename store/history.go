package store

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// Query selects runs. A zero field selects all.
type Query struct {
	Scheduler string `json:"scheduler,omitzero"`
	// Account selects the runs of one account.
	Account  string    `json:"account,omitzero"`
	Task     string    `json:"task,omitzero"`
	Slot     string    `json:"slot,omitzero"`
	Outcomes []Outcome `json:"outcomes,omitzero"`
	// From and To bound the session date, both included.
	From calendar.Date `json:"from,omitzero"`
	To   calendar.Date `json:"to,omitzero"`
	// NewestFirst turns the order around.
	NewestFirst bool `json:"newest_first,omitzero"`
	// After selects what comes after a run in the order that is asked for: the Cursor of
	// the last run of one page begins the next.
	After Cursor `json:"after,omitzero"`
	// Limit is the number of runs at most, the first in the order. Zero is all of them:
	// of many accounts, that may be more than there is memory for.
	Limit int `json:"limit,omitzero"`
}

// History is a Ledger that can be read.
type History interface {
	// Runs returns the selected runs by due time, then account, task, slot and scheduler,
	// or in the opposite order.
	Runs(ctx context.Context, q Query) ([]Run, error)
}

// Cursor is the place of a run in the order of the history, in which no two are the same.
// The zero value is before all runs in either order. It is compared by its fields, Due in
// UTC.
type Cursor struct {
	Due                            time.Time
	Account, Task, Slot, Scheduler string
}

// Cursor returns the run's place in the order of the history.
func (r *Run) Cursor() Cursor {
	return Cursor{Due: r.Due.UTC(), Account: r.Account, Task: r.Task, Slot: r.Slot, Scheduler: r.Scheduler}
}

// Compare orders places with the oldest first.
func (c Cursor) Compare(o Cursor) int {
	return cmp.Or(
		c.Due.Compare(o.Due),
		strings.Compare(c.Account, o.Account),
		strings.Compare(c.Task, o.Task),
		strings.Compare(c.Slot, o.Slot),
		strings.Compare(c.Scheduler, o.Scheduler),
	)
}

// IsZero reports whether the cursor is before all runs.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// String returns the text form, for an address or a flag. It is empty for the zero value.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	parts := []string{c.Due.UTC().Format(time.RFC3339Nano)}
	for _, name := range []string{c.Account, c.Task, c.Slot, c.Scheduler} {
		parts = append(parts, url.PathEscape(name))
	}
	return strings.Join(parts, "/")
}

// MarshalText returns the text form.
func (c Cursor) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the text form.
func (c *Cursor) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = Cursor{}
		return nil
	}
	parts := strings.Split(string(text), "/")
	if len(parts) != 5 {
		return fmt.Errorf("cursor %q: want an instant and four names, with a slash between", text)
	}
	due, err := time.Parse(time.RFC3339Nano, parts[0])
	if err != nil {
		return fmt.Errorf("cursor %q: %w", text, err)
	}
	read := Cursor{Due: due.UTC()}
	for i, name := range []*string{&read.Account, &read.Task, &read.Slot, &read.Scheduler} {
		if *name, err = url.PathUnescape(parts[i+1]); err != nil {
			return fmt.Errorf("cursor %q: %w", text, err)
		}
	}
	*c = read
	return nil
}

// Directory is a Ledger that can tell who there is, to whoever asks and without a term.
type Directory interface {
	// Schedulers returns how the term of each scheduler stands that ever had one, by name.
	Schedulers(ctx context.Context) ([]TermState, error)
	// Enrolments returns accounts that were ever enrolled with a scheduler, withdrawn ones
	// too, by name. Each is as the last term left it, which may not have served it as
	// long as it lasted: State has what follows from that.
	Enrolments(ctx context.Context, q EnrolmentQuery) ([]EnrolledAccount, error)
}

// EnrolledAccount is an account as a Directory knows it.
type EnrolledAccount struct {
	Enrolment
	// Term is the number of the term that enrolled it last.
	Term int64 `json:"term"`
}

// TermState is how the term of a scheduler stands in its ledger, and how far it has come.
type TermState struct {
	// Term is the last that was granted. It has no Holder if it was resigned.
	Term Term `json:"term"`
	// Expires is when it ends if it is not renewed, or zero if it was resigned, and Left
	// how long that is from now: both on the ledger's clock.
	Expires time.Time     `json:"expires,omitzero"`
	Left    time.Duration `json:"left,omitzero"`
	// Watermark is the instant up to which every occurrence is claimed or recorded.
	Watermark time.Time `json:"watermark,omitzero"`
}

// Held reports whether the term lasts.
func (s TermState) Held() bool { return s.Term.Holder != "" && s.Left > 0 }

// EnrolmentQuery selects accounts of a scheduler.
type EnrolmentQuery struct {
	Scheduler string `json:"scheduler"`
	// Account selects the one of a name, and Prefix those whose names begin with it.
	// Empty selects all.
	Account string `json:"account,omitzero"`
	Prefix  string `json:"prefix,omitzero"`
	// After selects the names that come after one. Empty selects all.
	After string `json:"after,omitzero"`
	// Limit is the number of accounts at most. Zero is all of them.
	Limit int `json:"limit,omitzero"`
}

// Away reports whether the account is withdrawn and has not come back.
func (e EnrolledAccount) Away() bool { return !e.Withdrawn.IsZero() && e.Returned.IsZero() }

// LeftOut says that the term that is held does not serve the account, if it does not.
func (e EnrolledAccount) LeftOut(s TermState) string {
	if !s.Held() || e.Term == 0 || e.Term >= s.Term.Number {
		return ""
	}
	return fmt.Sprintf("account %q is not enrolled with %s, which holds term %d (it was under term %d)", e.Account, s.Term.Holder, s.Term.Number, e.Term)
}
