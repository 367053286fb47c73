// Package faces is what the command and the page both say of a scheduler: what became of an
// occurrence as a sign and a word, a day as cells, what an edit changes, how a calendar and an
// account stand, and the verdict on its health.
//
// It owns nothing. It is told what a View, a store and a calendar answer, and answers with values
// that a face prints or draws. It imports calendar, monitor, rule,
// store and view.
package faces

import (
	"context"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// DaysTo is how many days there are from a date to another.
func DaysTo(from, to calendar.Date) int { return int(to.UTC().Sub(from.UTC()).Hours() / 24) }

// Coverage is what a calendar says of itself.
type Coverage struct {
	Name    string        `json:"name"`
	Zone    string        `json:"zone"`
	First   calendar.Date `json:"first"`
	Last    calendar.Date `json:"last"`
	Left    int           `json:"days_left"`
	Version string        `json:"version"`
}

// CoverageOf returns what a calendar says of itself, at a date. First and Last are zero if
// it knows every date.
func CoverageOf(cal calendar.Calendar, today calendar.Date) Coverage {
	c := Coverage{Name: cal.Name(), Zone: cal.Location().String()}
	if limited, ok := cal.(calendar.Covered); ok {
		c.First, c.Last = limited.Coverage()
		c.Left = DaysTo(today, c.Last)
	}
	if v, ok := cal.(calendar.Versioned); ok {
		c.Version = v.Version()
	}
	return c
}

// Served is the state of an account that the holder of the term serves.
const Served = "served"

// StateOf says whether an account is served, under the term as it stands.
func StateOf(e store.EnrolledAccount, term store.TermState) string {
	switch {
	case !e.Withdrawn.IsZero() && e.Returned.IsZero():
		return "withdrawn"
	case !term.Held():
		return "nobody is active"
	case e.Term < term.Term.Number:
		return "left out"
	}
	return Served
}

// TermOf is how a scheduler's term stands, or zero if it never had one.
func TermOf(ctx context.Context, directory store.Directory, scheduler string) (store.TermState, error) {
	states, err := directory.Schedulers(ctx)
	if err != nil {
		return store.TermState{}, err
	}
	for _, state := range states {
		if state.Term.Scheduler == scheduler {
			return state, nil
		}
	}
	return store.TermState{}, nil
}

// HaltOf returns the halt that is in force for an account, if one is.
func HaltOf(halts []store.Halt, account string) (store.Halt, bool) {
	for _, h := range halts {
		if h.Account == "" || h.Account == account {
			return h, true
		}
	}
	return store.Halt{}, false
}

// ZoneOf is where the wall times of a task of an account are read: that of its calendar, or of
// the one of the task that it comes after, and else own, as of those that name the calendar of
// the scheduler.
func ZoneOf(
	rows []store.Schedule, account, task, calendarName string, own *time.Location, lookup func(string) (calendar.Calendar, error),
) (*time.Location, error) {
	for range rows {
		at := slices.IndexFunc(rows, func(row store.Schedule) bool { return row.Task == task && row.Account == account })
		if at < 0 {
			at = slices.IndexFunc(rows, func(row store.Schedule) bool { return row.Task == task && row.Account == "" })
		}
		if at < 0 {
			break
		}
		if name := rows[at].Calendar; name != "" && name != calendarName {
			cal, err := lookup(name)
			if err != nil {
				return nil, err
			}
			return cal.Location(), nil
		}
		base, _, follows := rule.Follows(rows[at].Rule)
		if !follows {
			break
		}
		task = base
	}
	return own, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
