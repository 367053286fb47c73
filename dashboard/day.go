package dashboard

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/faces"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/view"
)

// dayPage is a session date of one account.
type dayPage struct {
	Date              calendar.Date
	Headline          string
	Earlier, Later    calendar.Date // the sessions before and after
	IsToday           bool
	Account           string
	Accounts          []string // some of them, to choose from
	More              bool     // there are more accounts
	Task              string
	Picture           *picture
	Lines             []line
	Next              string // the address of the rest of the plan
	Trouble           []troubleLine
	TroubleRuns       string // the address of all of it
	Overrides         []overrideLine
	ShowsAccountsOnly bool // nobody was ever enrolled
}

// line is a stretch of a day.
type line struct {
	Due, To, Task, Started, Late, Why, Address string
	Count                                      int
	Mark                                       faces.Mark
}

// troubleLine is how many occurrences of a task went wrong in one way.
type troubleLine struct {
	Task, Class, Late, Address string
	Count                      int
	Mark                       faces.Mark
}

const (
	accountsToChoose = 50
	itemsOfDay       = 1000
)

// date returns the date that the form has by a name, or today.
func (v *visit) date(name string) (calendar.Date, error) {
	text := v.form.Get(name)
	if text == "" {
		return v.today(), nil
	}
	d, err := calendar.ParseDate(text)
	if err != nil {
		return d, refuse("%s: %v", name, err)
	}
	return d, nil
}

func (v *visit) day() (any, error) {
	date, err := v.date("date")
	if err != nil {
		return nil, err
	}
	p := &dayPage{Date: date, Headline: v.headline(date), IsToday: date == v.today(), Task: v.form.Get("task")}
	p.Earlier, p.Later = v.sessionBeside(date, -1), v.sessionBeside(date, +1)
	if err := v.chooseAccount(p); err != nil {
		return nil, err
	}
	if p.ShowsAccountsOnly {
		return p, nil
	}
	q := view.PlanQuery{Account: p.Account, Task: p.Task, Limit: itemsOfDay}
	if err := q.After.UnmarshalText([]byte(v.form.Get("after"))); err != nil {
		return nil, refuse("after: %v", err)
	}
	items, err := v.view.Plan(v.ctx, date, q)
	if err != nil {
		return nil, err
	}
	full := len(items) == itemsOfDay
	items = ofAccount(items, p.Account)
	if full && len(items) == itemsOfDay {
		p.Next = address("", "date", date.String(), "account", p.Account, "task", p.Task, "after", items[len(items)-1].Cursor().String())
	}
	if p.Picture, err = v.draw(date, items); err != nil {
		return nil, err
	}
	p.Lines = v.linesOf(date, items)
	said, err := v.overridesOn(date)
	if err != nil {
		return nil, err
	}
	for _, o := range said {
		if o.Account == "" || o.Account == p.Account {
			p.Overrides = append(p.Overrides, o)
		}
	}
	return p, v.findTrouble(p)
}

// ofAccount returns the items of an account: a plan of the one without a name is one of all.
func ofAccount(items []store.AgendaItem, account string) []store.AgendaItem {
	for i, item := range items {
		if item.Account != account {
			return items[:i]
		}
	}
	return items
}

// chooseAccount finds whose day is shown: that which is asked for, or the first.
func (v *visit) chooseAccount(p *dayPage) error {
	p.Account = v.form.Get("account")
	if p.Account != "" && !v.can(View, "", "") {
		return nil
	}
	found, err := v.directory.Enrolments(v.ctx, store.EnrolmentQuery{Scheduler: v.name, Limit: accountsToChoose + 1})
	if err != nil {
		return err
	}
	p.More = len(found) > accountsToChoose
	for _, e := range found[:min(len(found), accountsToChoose)] {
		p.Accounts = append(p.Accounts, e.Account)
	}
	if p.Account == "" && len(found) > 0 {
		p.Account = found[0].Account
	}
	p.ShowsAccountsOnly = len(found) == 0
	return nil
}

// headline says what the date is.
func (v *visit) headline(date calendar.Date) string {
	session, err := v.calendar.Session(date)
	switch {
	case err != nil:
		return err.Error()
	case session.HoursUnknown:
		return fmt.Sprintf("%s by %s, whose hours are not known", session.Describe(), v.calendar.Name())
	}
	text := fmt.Sprintf("%s by %s", session.Describe(), v.calendar.Name())
	if from, to, ok := session.Bounds(calendar.PhaseRegular); ok {
		text += fmt.Sprintf(", %s to %s", v.clockTime(from), v.clockTime(to))
	}
	return text
}

// sessionBeside is the next session in a direction, or the next date if none is near.
func (v *visit) sessionBeside(date calendar.Date, step int) calendar.Date {
	for i := 1; i <= 14; i++ {
		beside := date.AddDays(i * step)
		if s, err := v.calendar.Session(beside); err == nil && s.Open() {
			return beside
		}
	}
	return date.AddDays(step)
}

func (v *visit) linesOf(date calendar.Date, items []store.AgendaItem) []line {
	var lines []line
	for _, s := range faces.Stretches(items, false) {
		l := line{
			Due: v.clockOn(s.Due, date), Task: s.Task, Count: s.Count, Mark: faces.MarkOf(s.AgendaItem, v.now),
			Why: clipped(faces.Why(s.AgendaItem)), Address: runAddress(s.Account, s.Task, s.Slot),
		}
		if s.Last.After(s.Due) {
			l.To = v.clockOn(s.Last, date)
			l.Address = address("runs", "account", s.Account, "task", s.Task, "from", date.String(), "to", date.String())
		}
		if s.Count == 1 && !s.Run.Started.IsZero() {
			l.Started, l.Late = s.Run.Started.In(v.loc).Format("15:04:05"), lateness(s.Run)
		}
		lines = append(lines, l)
	}
	return lines
}

// findTrouble finds what went wrong on the date, of all accounts, if there are several and none
// is asked for. However many they are, it is counted in the tallies.
func (v *visit) findTrouble(p *dayPage) error {
	if len(p.Accounts) < 2 || v.form.Get("account") != "" || !v.can(View, "", "") {
		return nil
	}
	tallies, err := v.view.Tallies(v.ctx, store.TallyQuery{From: p.Date, To: p.Date, Outcomes: faces.Trouble})
	if errors.Is(err, store.ErrUnsupported) {
		return nil
	}
	for _, t := range tallies {
		p.Trouble = append(p.Trouble, troubleLine{
			Task: t.Task, Mark: faces.MarkOfOutcome(t.Outcome), Class: t.Class, Count: t.Occurrences,
			Late: lateBy(t.WorstLateness), Address: troubleAddress(p.Date, t.Outcome) + "&task=" + url.QueryEscape(t.Task),
		})
	}
	p.TroubleRuns = troubleAddress(p.Date, faces.Trouble...)
	return err
}

func troubleAddress(date calendar.Date, outcomes ...store.Outcome) string {
	to := address("runs", "from", date.String(), "to", date.String())
	for _, o := range outcomes {
		to += "&outcome=" + queryOf(o)
	}
	return to
}
