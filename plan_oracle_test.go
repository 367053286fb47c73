package tradeclock

import (
	"errors"
	"slices"
	"time"
)

// planWorld is a made-up exchange with made-up schedules, and the oracle of what
// is due in it: slow, obvious, and written from what the documentation says of
// rules and not from the plan.
type planWorld struct {
	seed     uint64
	loc      *time.Location
	first    Date // of the days
	sessions map[Date]Session
	tasks    []planTask
	accounts []string
	instants map[planWall]time.Time // what the oracle has looked up
}

type planWall struct {
	date Date
	wall WallTime
}

// planTask is a schedule taken apart.
type planTask struct {
	Schedule
	kind     string
	from, to Moment // a daily or once rule has from alone
	interval time.Duration
	date     Date
	base     string
	prior    *planTask // of Schedule.Prior
}

// planDue is an occurrence for one account.
type planDue struct {
	due           time.Time
	account, task string
	slot          string
	session       Date
	skipped       bool
}

func (w *planWorld) Name() string             { return "made up" }
func (w *planWorld) Location() *time.Location { return w.loc }

// Session knows the days that were made, but for those that it was made not to
// know.
func (w *planWorld) Session(d Date) (Session, error) {
	s, ok := w.sessions[d]
	if !ok {
		return Session{}, ErrUnknownDate
	}
	return s, nil
}

// due lists what is due in (from, to] by looking at every task on every day. What
// comes after others may be due many days after its session.
func (w *planWorld) due(from, to time.Time) (all []planDue) {
	for date := DateOf(from.In(w.loc)).AddDays(-50); !date.After(DateOf(to.In(w.loc)).AddDays(5)); date = date.AddDays(1) {
		for _, account := range w.accounts {
			for _, t := range w.tasksOf(account) {
				for _, o := range w.onDate(account, t, date) {
					if o.due.After(from) && !o.due.After(to) {
						all = append(all, o)
					}
				}
			}
		}
	}
	return all
}

// tasksOf returns the schedules that hold for an account.
func (w *planWorld) tasksOf(account string) (tasks []planTask) {
	for _, t := range w.tasks {
		if own, ok := w.taskOf(account, t.Task); ok && own.Account == t.Account {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// taskOf returns the row of a task that holds for an account: its own, if it has
// one.
func (w *planWorld) taskOf(account, task string) (planTask, bool) {
	for _, holder := range []string{account, ""} {
		i := slices.IndexFunc(w.tasks, func(t planTask) bool { return t.Account == holder && t.Task == task })
		if i >= 0 {
			return w.tasks[i], true
		}
	}
	return planTask{}, false
}

// chain returns the task and all that it comes after.
func (w *planWorld) chain(account string, t planTask) []planTask {
	chain := []planTask{t}
	for t.base != "" {
		t, _ = w.taskOf(account, t.base)
		chain = append(chain, t)
	}
	return chain
}

// onDate lists the occurrences of a task on a session date.
func (w *planWorld) onDate(account string, t planTask, date Date) (found []planDue) {
	if t.Disabled {
		return nil
	}
	chain := w.chain(account, t)
	session, unknown := w.Session(date)
	session.Date = date
	everyDay, named := true, true
	var since time.Time
	for _, c := range chain {
		everyDay = everyDay && c.Sessions&EveryDay != 0
		named = named && c.Sessions.Has(session.Kind)
		if c.Since.After(since) {
			since = c.Since
		}
	}
	isOnce := chain[len(chain)-1].kind == kindOnce
	skipped := false
	switch {
	case unknown != nil:
		skipped = !everyDay
	case !everyDay && !named && !isOnce:
		return nil
	case !everyDay && !named:
		skipped = true
	}
	occurrences, err := w.occurrences(account, t, session)
	if err != nil {
		occurrences = []Occurrence{{Due: w.instant(date, endOfDay), Slot: date.String()}}
		skipped = true
	}
	for _, o := range occurrences {
		if o.Due.After(since) {
			found = append(found, planDue{o.Due.UTC(), account, t.Task, o.Slot, date, skipped})
		}
	}
	return found
}

// occurrences lists what the rule that holds on a session yields.
func (w *planWorld) occurrences(account string, t planTask, s Session) ([]Occurrence, error) {
	if t.base != "" {
		base, _ := w.taskOf(account, t.base)
		found, err := w.occurrences(account, base, s)
		for i := range found {
			found[i].Due = found[i].Due.Add(t.interval)
		}
		return found, err
	}
	if t.prior != nil {
		if edited := DateOf(t.Since.In(w.loc)); !s.Date.After(edited) {
			before, err := w.occurrences(account, *t.prior, s)
			begun := err == nil && len(before) > 0 && !before[0].Due.After(t.Since)
			if begun || s.Date.Before(edited) {
				return before, err
			}
		}
	}
	return w.ruleOccurrences(t, s)
}

func (w *planWorld) ruleOccurrences(t planTask, s Session) ([]Occurrence, error) {
	if t.kind == kindOnce && t.date != s.Date {
		return nil, nil
	}
	from, err := w.moment(t.from, s)
	if err != nil {
		return nil, err
	}
	switch t.kind {
	case kindDaily, kindOnce:
		return []Occurrence{{Due: from, Slot: s.Date.String()}}, nil
	}
	to, err := w.moment(t.to, s)
	if err != nil {
		return nil, err
	}
	if t.kind == kindHourly {
		return w.hours(t, from, to)
	}
	return w.grid(t, s, from, to)
}

// hours lists every hour from from to to. A window of a whole day leaves its end to
// the next one.
func (w *planWorld) hours(t planTask, from, to time.Time) (found []Occurrence, err error) {
	wholeDay := t.to.Anchor == "" && t.to.Wall-t.from.Wall == endOfDay
	if to.Before(from) {
		return nil, errors.New("inverted")
	}
	for due := from; !due.After(to); due = due.Add(time.Hour) {
		if wholeDay && due.Equal(to) {
			break
		}
		found = append(found, Occurrence{Due: due, Slot: due.In(w.loc).Format("2006-01-02T15-07:00")})
	}
	return found, nil
}

const planStep = 15 * time.Second // divides all times and intervals that are made up

// grid looks at each instant of a window: it is due if its distance from where the
// counting last began is a number of intervals.
func (w *planWorld) grid(t planTask, s Session, from, to time.Time) (found []Occurrence, err error) {
	if !to.After(from) {
		return nil, errors.New("inverted")
	}
	began, open := from, false
	for due := from; due.Before(to); due = due.Add(planStep) {
		if t.from.Anchor != "" && t.to.Anchor != "" {
			inBreak, resumes := w.breakAt(s, due)
			if resumes {
				began = due
			}
			if inBreak {
				continue
			}
		}
		open = true
		if due.Sub(began)%t.interval == 0 {
			found = append(found, Occurrence{Due: due, Slot: due.In(w.loc).Format("2006-01-02T15:04:05-07:00")})
		}
	}
	if !open {
		return nil, errors.New("in a break")
	}
	return found, nil
}

// breakAt tells whether an instant lies between two windows of the regular phase,
// and whether one that is not the first starts just then.
func (w *planWorld) breakAt(s Session, at time.Time) (inBreak, resumes bool) {
	var windows []Phase
	for _, p := range s.Phases {
		if p.Name == PhaseRegular {
			windows = append(windows, p)
		}
	}
	for i := 1; i < len(windows); i++ {
		if !at.Before(windows[i-1].End) && at.Before(windows[i].Start) {
			inBreak = true
		}
		if at.Equal(windows[i].Start) {
			resumes = true
		}
	}
	return inBreak, resumes
}

// moment is the instant of a moment on a session.
func (w *planWorld) moment(m Moment, s Session) (time.Time, error) {
	if m.Anchor == "" {
		return w.instant(s.Date, m.Wall), nil
	}
	var anchor, opens, closes time.Time
	for _, p := range s.Phases {
		if p.Name == PhaseRegular && opens.IsZero() {
			opens = p.Start
		}
		if p.Name == PhaseRegular {
			closes = p.End
		}
		if p.Name == m.Anchor && anchor.IsZero() {
			anchor = p.Start
		}
		if p.Name+".end" == m.Anchor {
			anchor = p.End
		}
	}
	switch m.Anchor {
	case "open":
		anchor = opens
	case "close":
		anchor = closes
	}
	if anchor.IsZero() {
		return time.Time{}, errors.New("no such anchor")
	}
	due := anchor.Add(m.Offset)
	regular := !opens.IsZero()
	if regular && anchor.Before(closes) && due.After(closes) && !m.atEnd() {
		return time.Time{}, errors.New("crosses the close")
	}
	if regular && anchor.After(opens) && due.Before(opens) && m.atEnd() {
		return time.Time{}, errors.New("crosses the open")
	}
	return due, nil
}

// instant is the first instant at which the clocks show a wall time or have passed
// it: it tries one quarter of an hour, minute and second after the other. Clocks change
// between quarters.
func (w *planWorld) instant(date Date, wall WallTime) time.Time {
	key := planWall{date, wall}
	if known, ok := w.instants[key]; ok {
		return known
	}
	want := time.Date(date.Year, date.Month, date.Day, 0, 0, int(wall), 0, time.UTC)
	passed := func(at time.Time) bool {
		_, offset := at.In(w.loc).Zone()
		return !at.Add(time.Duration(offset) * time.Second).Before(want)
	}
	at := want.Add(-15 * time.Hour).Truncate(15 * time.Minute)
	for _, step := range []time.Duration{15 * time.Minute, time.Minute, time.Second} {
		for !passed(at.Add(step - time.Second)) { // not even at its last second
			at = at.Add(step)
		}
	}
	w.instants[key] = at
	return at
}
