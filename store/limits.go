package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock/internal/naming"
	"github.com/tradeclock/tradeclock/internal/said"
)

// StartLimit bounds how many runs may start in a time, such as ten a second, over
// all tasks whose schedules name it: what a broker accepts. A run that has to wait
// starts in its order as soon as the limit allows it, or is missed at the end of
// its catch-up. No stretch of time as long as Per ever has more starts than Starts,
// whichever instant it begins at.
//
// Several limits may have one name: all of them hold then, as in two a second for
// each account and ten a second together.
//
// Starts are counted, and not the attempts of a Retry. A process that takes over
// cannot know what the last one started: but for the first term of a scheduler,
// nothing that counts against a limit starts in the first Per of a term.
type StartLimit struct {
	// Name is what Schedule.StartLimit says. Required.
	Name string `json:"name"`
	// Starts is how many runs may start, at least 1. Required.
	Starts int `json:"starts"`
	// Per is the time in which they may, up to a minute. Zero means a second.
	Per time.Duration `json:"per,omitzero"`
	// PerAccount counts the starts of each account by themselves. Else those of all
	// accounts count together.
	PerAccount bool `json:"per_account,omitzero"`
}

const (
	minPer    = time.Millisecond
	maxPer    = time.Minute // what waits out the beginning of a term is not to miss its catch-up
	maxStarts = 100_000     // as many instants are kept
)

// Validate reports everything that is wrong with the limit by itself, in one line.
func (l StartLimit) Validate() error {
	var errs []error
	bad := func(field string, err error) { errs = append(errs, fmt.Errorf("%s: %w", field, err)) }
	if err := naming.Check(l.Name); err != nil {
		bad("Name", err)
	}
	if l.Starts < 1 || l.Starts > maxStarts {
		bad("Starts", fmt.Errorf("%d is not between 1 and %d", l.Starts, maxStarts))
	}
	if l.Per != 0 && (l.Per < minPer || l.Per > maxPer) {
		bad("Per", fmt.Errorf("%v is not between %v and %v", l.Per, minPer, maxPer))
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("limit %q: %s", l.Name, said.InLine(errors.Join(errs...)))
}
