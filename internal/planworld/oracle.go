package planworld

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// Due lists what is due in (from, to], in order, by looking at every task on every day
// that may have it.
func (w *World) Due(from, to time.Time) (all []Due) {
	last := calendar.DateOf(to.In(w.loc)).AddDays(2)
	for _, account := range w.Accounts {
		for _, t := range w.TasksOf(account) {
			for date := calendar.DateOf(from.In(w.loc)).AddDays(-w.back(account, t)); !date.After(last); date = date.AddDays(1) {
				for _, o := range w.onDate(account, t, date) {
					if o.At.After(from) && !o.At.After(to) {
						all = append(all, o)
					}
				}
			}
		}
	}
	return Sorted(all)
}

// back is how many days after its session a task may be due. What comes after others is
// due later by all their delays.
func (w *World) back(account string, t Task) int {
	days := 3
	for _, c := range w.chain(account, t) {
		if c.Base != "" {
			days += 1 + int(c.interval/(24*time.Hour))
		}
	}
	return days
}

// chain returns the task and all that it comes after.
func (w *World) chain(account string, t Task) []Task {
	chain := []Task{t}
	for t.Base != "" {
		t, _ = w.TaskOf(account, t.Base)
		chain = append(chain, t)
	}
	return chain
}

// onDate lists the occurrences of a task on a session date.
func (w *World) onDate(account string, t Task, date calendar.Date) (found []Due) {
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
		occurrences = []Due{{At: w.Instant(date, calendar.EndOfDay), Slot: date.String(), Skipped: true}}
	}
	for _, o := range occurrences {
		if o.At.After(since) {
			found = append(found, Due{o.At.UTC(), account, t.Name, o.Slot, date, skipped || o.Skipped})
		}
	}
	return found
}

// excluded tells whether a filter of a chain does not admit a date, or whether it
// cannot be told: where the days that are not known may be sessions or not.
func (w *World) excluded(chain []Task, s calendar.Session) (excluded, unsure bool) {
	all := yes
	for i := range chain {
		all = all.and(w.admits(w.inForce(chain[i:], s).filter, chain[i:], s))
	}
	return !all.possible, all.possible && !all.certain
}

// occurrences lists what the rule that holds on a session yields.
func (w *World) occurrences(account string, t Task, s calendar.Session) ([]Due, error) {
	if t.Base != "" {
		base, _ := w.TaskOf(account, t.Base)
		found, err := w.occurrences(account, base, s)
		for i := range found {
			found[i].At = found[i].At.Add(t.interval)
		}
		return found, err
	}
	return w.ruleOccurrences(w.inForce([]Task{t}, s), s)
}

// inForce is the first task of a chain as it holds on a session, or the one before it.
func (w *World) inForce(chain []Task, s calendar.Session) Task {
	t := chain[0]
	if t.Prior == nil {
		return t
	}
	if t.Prior.kind == t.kind {
		return *t.Prior
	}
	edited := calendar.DateOf(t.Since.In(w.loc))
	if s.Date.After(edited) {
		return t
	}
	before, err := w.ruleOccurrences(*t.Prior, s)
	begun := err == nil && slices.ContainsFunc(before, func(o Due) bool { return !o.At.After(t.Since) })
	if begun && w.admits(t.Prior.filter, chain, s).possible || s.Date.Before(edited) {
		return *t.Prior
	}
	return t
}

func (w *World) ruleOccurrences(t Task, s calendar.Session) ([]Due, error) {
	if t.kind == rule.KindOnce && t.date != s.Date {
		return nil, nil
	}
	if t.kind == rule.KindEach {
		return w.eachWindow(t, s)
	}
	if len(t.times) > 0 {
		return w.eachTime(t, s), nil
	}
	from, err := w.moment(t.from, s)
	if err != nil {
		return nil, err
	}
	switch t.kind {
	case rule.KindDaily, rule.KindOnce:
		return []Due{{At: from, Slot: s.Date.String()}}, nil
	}
	to, err := w.moment(t.to, s)
	if err != nil {
		return nil, err
	}
	var found []Due
	if t.kind == rule.KindHourly {
		if to.Equal(from) && w.isSkipped(s.Date) {
			return nil, nil // what is left out of nothing is nothing
		}
		found, err = w.hours(t, from, to)
	} else {
		found, err = w.grid(t, s, from, to)
	}
	return w.withoutLeft(t, s, found, err)
}

// isSkipped reports whether the clocks pass over a whole date.
func (w *World) isSkipped(date calendar.Date) bool {
	return !calendar.EndOfDay.On(date, w.loc).After(calendar.Wall(0, 0).On(date, w.loc))
}

// withoutLeft takes out what lies in what a rule leaves out.
func (w *World) withoutLeft(t Task, s calendar.Session, found []Due, err error) ([]Due, error) {
	if err != nil || len(found) == 0 {
		return found, err
	}
	for _, left := range t.left {
		from, err := w.moment(left.from, s)
		if err != nil {
			return nil, err
		}
		to, err := w.moment(left.to, s)
		if err != nil {
			return nil, err
		}
		found = slices.DeleteFunc(found, func(o Due) bool { return !o.At.Before(from) && o.At.Before(to) })
		if len(found) == 0 {
			return nil, errors.New("nothing is left")
		}
	}
	return found, nil
}

// eachWindow lists a time for each window, and those of windows without one at
// the end of the date.
func (w *World) eachWindow(t Task, s calendar.Session) (found []Due, err error) {
	anchors := w.anchors(t.from, s)
	for i, anchor := range anchors {
		o := Due{Slot: fmt.Sprintf("%v#%d", s.Date, i+1)}
		o.At, err = w.offsetFrom(anchor, t.from, s)
		if err != nil {
			o.At, o.Skipped = w.Instant(s.Date, calendar.EndOfDay), true
		}
		found = append(found, o)
	}
	if len(anchors) == 0 {
		return nil, errors.New("no such anchor")
	}
	return found, nil
}

// eachTime lists a time of each, and those that there are not, or a second time, as
// skipped.
func (w *World) eachTime(t Task, s calendar.Session) (found []Due) {
	for _, one := range t.times {
		o := Due{Slot: s.Date.String() + one.slot}
		at, err := w.moment(one.at, s)
		if o.At = at; err != nil {
			o.At, o.Skipped = w.Instant(s.Date, calendar.EndOfDay), true
		} else {
			o.Skipped = slices.ContainsFunc(found, func(other Due) bool { return !other.Skipped && other.At.Equal(at) })
		}
		found = append(found, o)
	}
	return found
}

// hours lists every hour from from to to. A window of a whole day leaves its end to
// the next one.
func (w *World) hours(t Task, from, to time.Time) (found []Due, err error) {
	wholeDay := t.to.Anchor == "" && t.to.Wall-t.from.Wall == calendar.EndOfDay
	if to.Before(from) {
		return nil, errors.New("inverted")
	}
	for due := from; !due.After(to); due = due.Add(time.Hour) {
		if wholeDay && due.Equal(to) {
			break
		}
		found = append(found, Due{At: due, Slot: due.In(w.loc).Format("2006-01-02T15-07:00")})
	}
	return found, nil
}

// Step divides all times and intervals that are made up.
const Step = 15 * time.Second

// grid looks at each instant of a window: it is due if its distance from where the
// counting last began is a number of intervals.
func (w *World) grid(t Task, s calendar.Session, from, to time.Time) (found []Due, err error) {
	if !to.After(from) {
		return nil, errors.New("inverted")
	}
	began, open := from, false
	for due := from; due.Before(to); due = due.Add(Step) {
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
			found = append(found, Due{At: due, Slot: due.In(w.loc).Format("2006-01-02T15:04:05-07:00")})
		}
	}
	if !open {
		return nil, errors.New("in a break")
	}
	return found, nil
}

// breakAt tells whether an instant lies between two windows of the regular phase,
// and whether one that is not the first starts just then.
func (w *World) breakAt(s calendar.Session, at time.Time) (inBreak, resumes bool) {
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
func (w *World) moment(m rule.Moment, s calendar.Session) (time.Time, error) {
	if m.Anchor == "" {
		return w.Instant(s.Date, m.Wall), nil
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
func (w *World) anchors(m rule.Moment, s calendar.Session) (found []time.Time) {
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
func (w *World) offsetFrom(anchor time.Time, m rule.Moment, s calendar.Session) (time.Time, error) {
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

// Instant is the first instant at which the clocks show a wall time or have passed
// it: it tries one quarter of an hour, minute and second after the other. Clocks change
// between quarters.
func (w *World) Instant(date calendar.Date, wall calendar.WallTime) time.Time {
	key := wallOn{date, wall}
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
