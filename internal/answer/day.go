package answer

import (
	"cmp"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/engine"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/vet"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// beforeItsTime is why an occurrence that is past, and has no row, is not an account's.
const beforeItsTime = "it was due before the account was there, or while it was withdrawn"

// Day is a session date as the rows in force have it.
type Day struct {
	Due      []plan.Occurrence
	Rows     map[store.ScheduleKey]*vet.Row
	Accounts []Account // those that are enrolled, and since when each is served
	UpTo     time.Time // what is planned or accounted for, or zero if that is not known
}

// Account is an account that is enrolled.
type Account struct {
	Name string
	engine.Served
}

// version returns that of the row that holds for a task of an account, or zero.
func (d Day) version(account, task string) int64 {
	r := d.Rows[store.ScheduleKey{Task: task, Account: account}]
	if r == nil {
		r = d.Rows[store.ScheduleKey{Task: task}]
	}
	if r == nil {
		return 0
	}
	return r.Run.Version
}

// Items lists the runs of the accounts on the day, and what is due and has no record, in the
// order of their cursors, by which pages go on.
func (d Day) Items(runs []store.Run) []store.AgendaItem {
	known := AccountedBy(runs)
	var items []store.AgendaItem
	for _, run := range runs {
		items = append(items, store.AgendaItem{
			Account: run.Account, Task: run.Task, Slot: run.Slot, Due: run.Due, Offset: run.Offset, Run: run, Version: d.version(run.Account, run.Task),
		})
	}
	for _, o := range d.Due {
		r := vet.RowOf(o)
		var within time.Duration
		if r.Spread > 0 && o.Awaits == nil {
			within = r.Run.SpreadWithin(o)
		}
		for _, a := range d.Accounts {
			o, his := o.For(a.Name)
			if !his || o.Away || !r.Run.HoldsFor(a.Name) || known.Has(engine.Key{Task: r.Task, Account: a.Name}, o.Slot, o.Due) {
				continue
			}
			item := store.AgendaItem{
				Account: a.Name, Task: r.Task, Slot: o.Slot, Due: o.Due, Skip: o.Skip,
				Offset: engine.SpreadOffset(a.Name, r.Task, o.Slot, within), Moved: o.By, Version: r.Run.Version,
			}
			if o.Awaits != nil && o.Skip == "" {
				item.Awaits, item.Until = o.Awaits.Task, o.Awaits.Until
			}
			if !o.Due.After(d.UpTo) && !a.Owns(&r.Run, o.Due) {
				item.Skip = cmp.Or(item.Skip, beforeItsTime)
			}
			items = append(items, item)
		}
	}
	slices.SortStableFunc(items, func(a, b store.AgendaItem) int { return a.Cursor().Compare(b.Cursor()) })
	return items
}

// DueBy plans a session date by the answers of the calendars that the rows are read by, and
// by what people have said.
func DueBy(rows []*vet.Row, date calendar.Date, answers map[*vet.Calendar]*vet.Calendar, said *plan.Overrides) []plan.Occurrence {
	answering := func(cal calendar.Calendar) calendar.Calendar { return answers[cal.(*vet.Calendar)] }
	due := plan.NewBy(vet.PlannedRows(rows), answering).Override(said).Day(date, calendar.EndOfDay.On(date.AddDays(rule.MaxDaysOn+2), time.UTC))
	for i, o := range due {
		if vet.RowOf(o).Spread > 0 { // which is cut off at the close that the same answers tell
			answered := vet.RowOf(o).Copied()
			answered.View = answers[answered.View]
			answered.Row.Calendar = answered.View
			due[i].Row = &answered.Row
		}
	}
	return due
}

// EntryOf is what a row accounts for.
func EntryOf(r *store.Run) engine.Entry {
	return engine.Entry{
		Key: engine.Key{Task: r.Task, Account: r.Account}, Slot: r.Slot, Due: r.Due, LastDue: r.LastDue, Count: r.Count,
		Started: !r.Started.IsZero() && !r.Manual,
	}
}

// AccountedBy is what rows account for.
func AccountedBy(runs []store.Run) engine.Accounted {
	all := make(engine.Accounted)
	for i := range runs {
		all.Add(EntryOf(&runs[i]))
	}
	return all
}

// OverridesBack is how many days before an instant the session of an occurrence may be
// that is still to be planned.
const OverridesBack = rule.MaxDaysOn + 2
