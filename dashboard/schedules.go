package dashboard

import (
	"errors"
	"net/http"
	"strings"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

// schedulesPage lists the rows.
type schedulesPage struct {
	Rows       []scheduleLine
	Unreadable []store.RowError
	Findings   []view.Finding
	Unlinted   string // why nothing is known of what is odd
	More       bool   // there are more rows than are shown
	Query      string
}

// scheduleLine is a row in the table.
type scheduleLine struct {
	store.Schedule
	Next, Address string
}

const schedulesShown = 500

func (v *visit) schedules() (any, error) {
	rows, err := v.cfg.View.Schedules.Schedules(v.ctx)
	p := &schedulesPage{Query: v.form.Get("q")}
	var quarantine *store.QuarantineError
	switch {
	case errors.As(err, &quarantine):
		p.Unreadable = quarantine.Rows
	case err != nil:
		return nil, err
	}
	for _, row := range rows {
		if p.Query != "" && !strings.Contains(row.Task, p.Query) && !strings.Contains(row.Account, p.Query) {
			continue
		}
		if p.More = len(p.Rows) == schedulesShown; p.More {
			break
		}
		p.Rows = append(p.Rows, scheduleLine{row, "", address("schedule", "task", row.Task, "account", row.Account)})
	}
	for i := range p.Rows {
		if next := v.nextDues(p.Rows[i].Schedule, 1); len(next) == 1 {
			p.Rows[i].Next = next[0]
		}
	}
	if p.More { // what so many rows hardly mean takes a while to find
		p.Unlinted = "There are too many rows to look for what is odd: tradeclock schedules lint does."
	} else if p.Findings, err = v.view.Lint(v.ctx, store.ScheduleChanges{}); err != nil {
		p.Unlinted = err.Error()
	}
	return p, nil
}

// nextDues are the next times at which a row is due, n at most.
func (v *visit) nextDues(row store.Schedule, n int) (dues []string) {
	if row.Disabled {
		return nil
	}
	timetable, err := v.view.Timetable(v.ctx, row.Account, row.Task)
	if err != nil {
		return nil
	}
	at := v.now
	for range n {
		if at, err = timetable.Next(at); err != nil {
			break
		}
		layout := "Mon 2006-01-02 15:04"
		if at.Second() != 0 {
			layout += ":05"
		}
		dues = append(dues, at.In(v.loc).Format(layout))
	}
	return dues
}

// schedulePage is one row, with a form of it if it can be edited.
type schedulePage struct {
	Row      store.Schedule
	Name     string
	Fields   []field
	Reason   string // of the edit
	Next     []string
	CanEdit  bool
	Problems []string // what is wrong with the form
	Conflict []faces.FieldChange
	Was      int64 // the version that the form was made from, in a conflict
	Trial    *trial
	Saved    bool
	Runs     string
}

// trial is what an edit would do.
type trial struct {
	Changes    []faces.FieldChange
	Through    calendar.Date
	Alike      []alike
	Collisions []view.Collision
	Notes      []string
	Findings   []view.Finding
}

// alike is a number of changes that are told together.
type alike struct {
	Session, What, Text, Awaits, Skip, Key string
}

func (v *visit) find(account, task string) (store.Schedule, error) {
	rows, err := v.rows()
	if err != nil {
		return store.Schedule{}, err
	}
	key := store.ScheduleKey{Task: task, Account: account}
	for _, row := range rows {
		if row.Key() == key {
			return row, nil
		}
	}
	return store.Schedule{}, &failure{http.StatusNotFound, "There is no schedule of " + key.String() + "."}
}

func (v *visit) schedule() (any, error) {
	row, err := v.find(v.form.Get("account"), v.form.Get("task"))
	if err != nil {
		return nil, err
	}
	p := v.newSchedulePage(row)
	p.Saved = v.form.Get("saved") != ""
	return p, nil
}

func (v *visit) newSchedulePage(row store.Schedule) *schedulePage {
	return &schedulePage{
		Row: row, Name: row.Key().String(), Fields: fieldsOf(row), Next: v.nextDues(row, 5),
		CanEdit: v.editor != nil && v.can(Edit, row.Account, row.Task), Runs: address("runs", "account", row.Account, "task", row.Task),
	}
}

// tell is what a number of changes that are alike say.
func (v *visit) tell(a faces.Alike) alike {
	at := func(c view.PlanChange) string {
		switch a.What {
		case "moved":
			return v.clockOn(c.Before, a.Session) + " → " + v.clockOn(c.After, a.Session)
		case "dropped":
			return v.clockOn(c.Before, a.Session)
		}
		return v.clockOn(c.After, a.Session)
	}
	told := alike{Session: a.Session.String(), What: a.What, Text: at(a.First), Awaits: a.First.Awaits, Skip: a.First.Skip, Key: a.Key.String()}
	if a.Count > 1 {
		told.What = plural(a.Count, a.What)
		told.Text = at(a.First) + " to " + at(a.Last)
	}
	return told
}
