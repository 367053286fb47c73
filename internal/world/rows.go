package world

import (
	"errors"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// fault is what is wrong with a row.
type fault string

const (
	limitless fault = "unknown start limit"
	unread    fault = "unparsable rule" // by the store
)

// rounds is a user's own rule, with slots of its own.
type rounds struct{}

// String returns the rule's text.
func (rounds) String() string { return "rounds 45m 09:30-14:00" }

// Occurrences returns those of the rule.
func (rounds) Occurrences(s calendar.Session, loc *time.Location) (found []rule.Occurrence, _ error) {
	for due := calendar.Wall(9, 30); due < calendar.Wall(14, 0); due += calendar.Wall(0, 45) {
		at := due.On(s.Date, loc).In(loc)
		found = append(found, rule.Occurrence{Slot: at.Format(roundSlot), Due: at})
	}
	return found, nil
}

const roundSlot = "2006-01-02T15:04 round"

// stuck is a user's own rule that gives each session the same slot.
type stuck struct{}

// stuckSlot is the slot that recurs.
const stuckSlot = "again"

// String returns the rule's text.
func (stuck) String() string { return "stuck 09:40" }

// Occurrences returns those of the rule.
func (stuck) Occurrences(s calendar.Session, loc *time.Location) ([]rule.Occurrence, error) {
	return []rule.Occurrence{{Slot: stuckSlot, Due: calendar.Wall(9, 40).On(s.Date, loc)}}, nil
}

// isUsers reports whether the rule is a user's own, which no store can keep.
func (t task) isUsers() bool { return t.kind == "rounds" || t.kind == "stuck" }

// isStored reports whether the row is in the database. The others are added to what is
// read of it.
func (t task) isStored() bool { return !t.isUsers() && t.bad != unread }

// addRows adds rows of single accounts beside the shared ones, and rows that cannot be
// used.
func (s *script) addRows() {
	c := s.chance
	own := func(i int, account string) task {
		t := s.tasks[i]
		t.Account = account
		return t
	}
	i := []int{0, 2, 6}[c.pick(3, "own row", "", 0)]
	if c.oneIn(2, "own rows", "", 0) {
		t := own(i, s.accounts[c.pick(len(s.accounts), "own row", "", 1)])
		t.from += 2 * time.Minute
		t.Priority = c.pick(3, "own row", "", 2)
		s.tasks = append(s.tasks, t)
	}
	bad := []fault{limitless, unread}[c.pick(2, "bad row", "", 0)]
	if c.oneIn(3, "bad rows", "", 0) {
		t := own([]int{2, 6, 0}[c.pick(3, "own row", "", 0)], s.accounts[c.pick(len(s.accounts), "bad row", "", 1)])
		s.tasks = append(s.tasks, t.spoilt(bad))
	}
	if c.oneIn(3, "ghost", "", 0) {
		t := task{kind: "daily", from: 9*time.Hour + 20*time.Minute}
		t.Task = "ghost"
		s.tasks = append(s.tasks, t.spoilt(bad))
	}
}

// spoilt returns the row with what makes it a bad one.
func (t task) spoilt(bad fault) task {
	if t.bad = bad; bad == limitless {
		t.StartLimit = "nobody's"
	}
	return t
}

// rowFor returns the row by which a task runs for an account: its own or else the shared
// one. There is none if that cannot be used.
func rowFor(tasks []task, account, name string) (t task, ok bool) {
	for _, of := range []string{account, ""} {
		i := slices.IndexFunc(tasks, func(t task) bool { return t.Task == name && t.Account == of })
		if i >= 0 {
			return tasks[i], tasks[i].bad == ""
		}
	}
	return task{}, false
}

// users returns the rows with a rule of a user's own.
func (s *script) users() (rows []tradeclock.Schedule) {
	for _, t := range s.tasks {
		if t.isUsers() {
			rows = append(rows, t.schedule())
		}
	}
	return rows
}

// unread is what the store says of the rows that it cannot read.
func (s *script) unread() error {
	var rows []store.RowError
	for _, t := range s.tasks {
		if t.bad == unread {
			rows = append(rows, store.RowError{Task: t.Task, Account: t.Account, Err: errors.New("its rule cannot be read")})
		}
	}
	if rows == nil {
		return nil
	}
	return &store.QuarantineError{Rows: rows}
}

// heldToQuarantine holds the active process to telling of each bad row, and of no other
// but those that come after one.
func (w *World) heldToQuarantine(p *process, told []store.RowError) {
	for _, t := range w.script.tasks {
		is := func(r store.RowError) bool { return r.Task == t.Task && r.Account == t.Account }
		if t.bad != "" && !slices.ContainsFunc(told, is) {
			w.violate("quarantine", p.name+" does not tell of the row of "+t.Task+" for "+t.Account+": "+string(t.bad))
		}
	}
	for _, r := range told {
		if w.book.isUsable(query{account: r.Account, task: r.Task}) {
			w.violate("quarantine", p.name+" does not use the row of "+r.Task+" for "+r.Account+": "+r.Err.Error())
		}
	}
}
