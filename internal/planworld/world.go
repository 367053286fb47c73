// Package planworld gives tests made-up exchanges with made-up schedules, and the oracle of
// what is due in them: slow, obvious, and written from what the documentation says of rules
// and not from the plan.
package planworld

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// World is an exchange with its schedules, and the calendar of its days.
type World struct {
	// Sessions are the days that the calendar knows.
	Sessions map[calendar.Date]calendar.Session
	Tasks    []Task
	// Accounts are those for which tasks are due. One that has no name has no rows of its
	// own.
	Accounts []string
	// First is the first of the Days in which tasks are due once, or edited.
	First calendar.Date

	seed     uint64
	size     Size
	loc      *time.Location
	instants map[wallOn]time.Time // what the oracle has looked up
}

type wallOn struct {
	date calendar.Date
	wall calendar.WallTime
}

// Task is a schedule taken apart: for an account, or for all that have none of their own.
type Task struct {
	Name, Account string
	Rule          rule.Rule
	Sessions      calendar.SessionSet
	Since         time.Time
	Disabled      bool
	// Base is the task that it comes after, if it does.
	Base string
	// Prior has the rule that was replaced at Since, by one of another kind, or has other
	// slots for the times of a daily rule, or is nil.
	Prior *Task

	kind     string
	from, to rule.Moment // a daily or once rule has from alone
	times    []slotTime  // of a daily rule of several times
	left     []stretch   // out of an hourly or every rule
	interval time.Duration
	date     calendar.Date
	filter   filter
}

// Schedule is the task as a row of a store.
func (t Task) Schedule() store.Schedule {
	s := store.Schedule{Task: t.Name, Account: t.Account, Rule: t.Rule, Sessions: t.Sessions, Since: t.Since, Disabled: t.Disabled}
	if t.Prior != nil {
		s.Prior = t.Prior.Rule
	}
	return s
}

// slotTime is a time of a daily rule, and what its slot has after the date.
type slotTime struct {
	at   rule.Moment
	slot string
}

// stretch is what lies between two moments, the second not included.
type stretch struct{ from, to rule.Moment }

// Due is an occurrence for one account.
type Due struct {
	At            time.Time
	Account, Task string
	Slot          string
	Session       calendar.Date
	Skipped       bool
}

// Name is the calendar's.
func (w *World) Name() string { return "made up" }

// Location is where the exchange is.
func (w *World) Location() *time.Location { return w.loc }

// Session knows the days that were made, but for those that it was made not to
// know.
func (w *World) Session(d calendar.Date) (calendar.Session, error) {
	s, ok := w.Sessions[d]
	if !ok {
		return calendar.Session{}, calendar.ErrUnknownDate
	}
	return s, nil
}

// TasksOf returns the schedules that hold for an account.
func (w *World) TasksOf(account string) (tasks []Task) {
	for _, t := range w.Tasks {
		if own, ok := w.TaskOf(account, t.Name); ok && own.Account == t.Account {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// TaskOf returns the row of a task that holds for an account: its own, if it has
// one.
func (w *World) TaskOf(account, task string) (Task, bool) {
	for _, holder := range []string{account, ""} {
		i := slices.IndexFunc(w.Tasks, func(t Task) bool { return t.Account == holder && t.Name == task })
		if i >= 0 {
			return w.Tasks[i], true
		}
	}
	return Task{}, false
}

// Sorted puts what is due into one order, and returns it.
func Sorted(all []Due) []Due {
	slices.SortFunc(all, func(a, b Due) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Task, b.Task),
			cmp.Compare(a.Slot, b.Slot), a.Session.Compare(b.Session))
	})
	return all
}

// Same fails a test at the first difference between what is due and what another says,
// both in order.
func (w *World) Same(t testing.TB, want, got []Due, of string) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		if pick(want, i) != pick(got, i) {
			t.Fatalf("%s of world %v\nat occurrence %d\nwant %v\ngot  %v", of, w, i, pick(want, i), pick(got, i))
		}
	}
}

func pick(all []Due, i int) Due {
	if i < len(all) {
		return all[i]
	}
	return Due{}
}

// String shows what was made up.
func (w *World) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "seed %d, in %v from %v:", w.seed, w.loc, w.First)
	for _, t := range w.Tasks {
		fmt.Fprintf(&text, "\n\t%s: %v, sessions %v, since %v, disabled %t", strings.TrimSpace(t.Name+" "+t.Account), t.Rule, t.Sessions, t.Since, t.Disabled)
		if t.Prior != nil {
			fmt.Fprintf(&text, ", before %v", t.Prior.Rule)
		}
	}
	text.WriteByte('\n')
	return text.String()
}
