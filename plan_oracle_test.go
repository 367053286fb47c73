package tradeclock

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// planWorld is a made-up exchange with made-up schedules, and the oracle of what
// is due in it: slow, obvious, and written from what the documentation says of
// rules and not from the plan.
type planWorld struct {
	seed     uint64
	loc      *time.Location
	first    calendar.Date // of the days
	sessions map[calendar.Date]calendar.Session
	tasks    []planTask
	accounts []string
	instants map[planWall]time.Time // what the oracle has looked up
}

type planWall struct {
	date calendar.Date
	wall calendar.WallTime
}

// planTask is a schedule taken apart.
type planTask struct {
	Schedule
	kind     string
	from, to rule.Moment // a daily or once rule has from alone
	interval time.Duration
	date     calendar.Date
	base     string
	filter   rule.Filter
	prior    *planTask // of Schedule.Prior
}

// planDue is an occurrence for one account.
type planDue struct {
	due           time.Time
	account, task string
	slot          string
	session       calendar.Date
	skipped       bool
}

func (w *planWorld) Name() string             { return "made up" }
func (w *planWorld) Location() *time.Location { return w.loc }

// Session knows the days that were made, but for those that it was made not to
// know.
func (w *planWorld) Session(d calendar.Date) (calendar.Session, error) {
	s, ok := w.sessions[d]
	if !ok {
		return calendar.Session{}, calendar.ErrUnknownDate
	}
	return s, nil
}

// due lists what is due in (from, to] by looking at every task on every day. What
// comes after others may be due many days after its session, up to five for each of
// them.
func (w *planWorld) due(from, to time.Time) (all []planDue) {
	first, last := calendar.DateOf(from.In(w.loc)).AddDays(-5*(1+len(w.tasks))), calendar.DateOf(to.In(w.loc)).AddDays(2)
	for date := first; !date.After(last); date = date.AddDays(1) {
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
func (w *planWorld) onDate(account string, t planTask, date calendar.Date) (found []planDue) {
	if t.Disabled {
		return nil
	}
	chain := w.chain(account, t)
	session, unknown := w.Session(date)
	session.Date = date
	everyDay, named := true, true
	var since time.Time
	for _, c := range chain {
		everyDay = everyDay && c.Sessions&calendar.EveryDay != 0
		named = named && c.Sessions.Has(session.Kind)
		if !c.Disabled && c.Since.After(since) { // what is followed may be disabled
			since = c.Since
		}
	}
	isOnce := chain[len(chain)-1].kind == rule.KindOnce
	skipped := false
	switch {
	case unknown != nil:
		skipped = !everyDay
	case !everyDay && !named && !isOnce:
		return nil
	case !everyDay && !named:
		skipped = true
	}
	if unknown != nil || everyDay || named { // a once rule on a closed date is a skipped run
		excluded, unsure := w.excluded(chain, session)
		if excluded {
			return nil
		}
		skipped = skipped || unsure
	}
	occurrences, err := w.occurrences(account, t, session)
	if err != nil {
		occurrences = []planDue{{due: w.instant(date, calendar.EndOfDay), slot: date.String(), skipped: true}}
	}
	for _, o := range occurrences {
		if o.due.After(since) {
			found = append(found, planDue{o.due.UTC(), account, t.Task, o.slot, date, skipped || o.skipped})
		}
	}
	return found
}

// excluded tells whether a filter of a chain does not admit a date, or whether it
// cannot be told: where the days that are not known may be sessions or not.
func (w *planWorld) excluded(chain []planTask, s calendar.Session) (excluded, unsure bool) {
	for i := range chain {
		f := w.inForce(chain[i], s).filter
		n, _, nth := f.Nth()
		switch {
		case nth:
			fewest, most := w.place(f, chain[i:], s.Date)
			excluded = excluded || fewest > n || most < n
			unsure = unsure || fewest < most
		case f != rule.Filter{}:
			excluded = excluded || !strings.Contains(f.String(), strings.ToLower(s.Date.Weekday().String()[:3]))
		}
	}
	return excluded, unsure && !excluded
}

// place tells between which numbers a session's own is in its period, as the filter
// counts it: from 1 at the front, or from -1 at the back.
func (w *planWorld) place(f rule.Filter, chain []planTask, date calendar.Date) (fewest, most int) {
	known, unknown := 1, 0
	n, of, _ := f.Nth()
	first, last := of.Bounds(date)
	for d := first; !d.After(last); d = d.AddDays(1) {
		if d == date || d.After(date) == (n > 0) {
			continue
		}
		s, err := w.Session(d)
		counts := s.Open()
		for _, c := range chain {
			counts = counts && c.Sessions.Has(s.Kind)
		}
		switch {
		case err != nil:
			unknown++
		case counts:
			known++
		}
	}
	if n > 0 {
		return known, known + unknown
	}
	return -known - unknown, -known
}

// occurrences lists what the rule that holds on a session yields.
func (w *planWorld) occurrences(account string, t planTask, s calendar.Session) ([]planDue, error) {
	if t.base != "" {
		base, _ := w.taskOf(account, t.base)
		found, err := w.occurrences(account, base, s)
		for i := range found {
			found[i].due = found[i].due.Add(t.interval)
		}
		return found, err
	}
	return w.ruleOccurrences(w.inForce(t, s), s)
}

// inForce is the task as it holds on a session, or the one before it.
func (w *planWorld) inForce(t planTask, s calendar.Session) planTask {
	if t.prior == nil {
		return t
	}
	edited := calendar.DateOf(t.Since.In(w.loc))
	if s.Date.After(edited) {
		return t
	}
	before, err := w.ruleOccurrences(*t.prior, s)
	begun := err == nil && slices.ContainsFunc(before, func(o planDue) bool { return !o.due.After(t.Since) })
	if begun || s.Date.Before(edited) {
		return *t.prior
	}
	return t
}

func (w *planWorld) ruleOccurrences(t planTask, s calendar.Session) ([]planDue, error) {
	if t.kind == rule.KindOnce && t.date != s.Date {
		return nil, nil
	}
	if t.kind == rule.KindEach {
		return w.eachWindow(t, s)
	}
	from, err := w.moment(t.from, s)
	if err != nil {
		return nil, err
	}
	switch t.kind {
	case rule.KindDaily, rule.KindOnce:
		return []planDue{{due: from, slot: s.Date.String()}}, nil
	}
	to, err := w.moment(t.to, s)
	if err != nil {
		return nil, err
	}
	if t.kind == rule.KindHourly {
		return w.hours(t, from, to)
	}
	return w.grid(t, s, from, to)
}

// eachWindow lists a time for each window, and those of windows without one at
// the end of the date.
func (w *planWorld) eachWindow(t planTask, s calendar.Session) (found []planDue, err error) {
	anchors := w.anchors(t.from, s)
	for i, anchor := range anchors {
		o := planDue{slot: fmt.Sprintf("%v#%d", s.Date, i+1)}
		o.due, err = w.offsetFrom(anchor, t.from, s)
		if err != nil {
			o.due, o.skipped = w.instant(s.Date, calendar.EndOfDay), true
		}
		found = append(found, o)
	}
	if len(anchors) == 0 {
		return nil, errors.New("no such anchor")
	}
	return found, nil
}

// hours lists every hour from from to to. A window of a whole day leaves its end to
// the next one.
func (w *planWorld) hours(t planTask, from, to time.Time) (found []planDue, err error) {
	wholeDay := t.to.Anchor == "" && t.to.Wall-t.from.Wall == calendar.EndOfDay
	if to.Before(from) {
		return nil, errors.New("inverted")
	}
	for due := from; !due.After(to); due = due.Add(time.Hour) {
		if wholeDay && due.Equal(to) {
			break
		}
		found = append(found, planDue{due: due, slot: due.In(w.loc).Format("2006-01-02T15-07:00")})
	}
	return found, nil
}

const planStep = 15 * time.Second // divides all times and intervals that are made up

// grid looks at each instant of a window: it is due if its distance from where the
// counting last began is a number of intervals.
func (w *planWorld) grid(t planTask, s calendar.Session, from, to time.Time) (found []planDue, err error) {
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
			found = append(found, planDue{due: due, slot: due.In(w.loc).Format("2006-01-02T15:04:05-07:00")})
		}
	}
	if !open {
		return nil, errors.New("in a break")
	}
	return found, nil
}

// breakAt tells whether an instant lies between two windows of the regular phase,
// and whether one that is not the first starts just then.
func (w *planWorld) breakAt(s calendar.Session, at time.Time) (inBreak, resumes bool) {
	var windows []calendar.Phase
	for _, p := range s.Phases {
		if p.Name == calendar.PhaseRegular {
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
func (w *planWorld) moment(m rule.Moment, s calendar.Session) (time.Time, error) {
	if m.Anchor == "" {
		return w.instant(s.Date, m.Wall), nil
	}
	anchors := w.anchors(m, s)
	if len(anchors) == 0 {
		return time.Time{}, errors.New("no such anchor")
	}
	anchor := anchors[0]
	isEnd := m.Anchor == "close" || strings.HasSuffix(m.Anchor, ".end")
	if m.Window == rule.LastWindow || m.Window == rule.DefaultWindow && isEnd {
		anchor = anchors[len(anchors)-1]
	}
	return w.offsetFrom(anchor, m, s)
}

// anchors are the instants of an anchor, in each window of its phase.
func (w *planWorld) anchors(m rule.Moment, s calendar.Session) (found []time.Time) {
	for _, p := range s.Phases {
		switch m.Anchor {
		case p.Name:
			found = append(found, p.Start)
		case p.Name + ".end":
			found = append(found, p.End)
		case "open":
			if p.Name == calendar.PhaseRegular {
				found = append(found, p.Start)
			}
		case "close":
			if p.Name == calendar.PhaseRegular {
				found = append(found, p.End)
			}
		}
	}
	return found
}

// offsetFrom adds the offset of a moment to its anchor, unless that crosses the
// other edge of the session.
func (w *planWorld) offsetFrom(anchor time.Time, m rule.Moment, s calendar.Session) (time.Time, error) {
	due := anchor.Add(m.Offset)
	opens, closes := w.anchors(rule.AtAnchor("open", 0), s), w.anchors(rule.AtAnchor("close", 0), s)
	if len(opens) == 0 {
		return due, nil
	}
	first, last := opens[0], closes[len(closes)-1]
	if anchor.Before(last) && due.After(last) && !atEnd(m) {
		return time.Time{}, errors.New("crosses the close")
	}
	if anchor.After(first) && due.Before(first) && atEnd(m) {
		return time.Time{}, errors.New("crosses the open")
	}
	return due, nil
}

// instant is the first instant at which the clocks show a wall time or have passed
// it: it tries one quarter of an hour, minute and second after the other. Clocks change
// between quarters.
func (w *planWorld) instant(date calendar.Date, wall calendar.WallTime) time.Time {
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

// atEnd reports whether the moment's anchor is the end of its phase.
func atEnd(m rule.Moment) bool { return m.Anchor == "close" || strings.HasSuffix(m.Anchor, ".end") }
