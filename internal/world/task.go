package world

import (
	"fmt"
	"time"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// task is one row of the world's schedules, taken apart so that the world can tell
// by itself what is due.
type task struct {
	tradeclock.Schedule
	kind     string // daily, hourly, every, open, close, once, after, chain, rounds or stuck
	from, to time.Duration
	every    time.Duration // of an every rule; how long before the close; after the open; or after the base
	base     int           // of an after rule, or a chain, of which to is how long after the close it ends
	date     calendar.Date
	bad      fault // what is wrong with the row, if anything is
	// prior is the task with the rule of another kind that this one replaced when it was
	// edited, if it did. It holds up to the next session.
	prior  *task
	edited time.Time
}

// replaces returns the task as the edit of another. That a rule was replaced by one of
// another kind is known to an edit of the same session, which is less than sixteen hours
// later.
func (t task) replaces(old task, now time.Time) task {
	if t.rule() == old.rule() && t.Disabled == old.Disabled {
		t.prior, t.edited = old.prior, old.edited
		return t
	}
	if old.prior != nil && now.Sub(old.edited) < 16*time.Hour {
		old = *old.prior
	}
	t.prior, t.edited = nil, now
	if old.ruleKind() != t.ruleKind() {
		old.prior = nil
		t.prior = &old
	}
	return t
}

// ruleKind is the kind of the rule: a time near the open or the close is a daily one too.
func (t task) ruleKind() string {
	switch t.kind {
	case "open", "close":
		return "daily"
	case "chain":
		return "after"
	}
	return t.kind
}

// ofAnotherKind returns the task with another rule.
func (t task) ofAnotherKind() task {
	if t.kind == "daily" {
		t.kind, t.to, t.every = "every", t.from+2*time.Hour, 10*time.Minute
	} else {
		t.kind, t.from = "daily", 14*time.Hour
	}
	return t
}

func (t task) schedule() tradeclock.Schedule {
	s := t.Schedule
	switch t.kind {
	case "rounds":
		s.Rule = rounds{}
	case "stuck":
		s.Rule = stuck{}
	default:
		s.Rule = rule.MustParse(t.rule())
	}
	return s
}

// firstDue is the wall time of the first occurrence on a regular day.
func (t task) firstDue(tasks []task) time.Duration {
	switch t.kind {
	case "open":
		return regularOpen + t.every
	case "close":
		return regularClose - t.every
	case "after", "chain":
		return tasks[t.base].firstDue(tasks) + t.every
	}
	return t.from
}

func (t task) rule() string {
	clock := func(d time.Duration) string { return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60) }
	switch t.kind {
	case "daily":
		return "daily " + clock(t.from)
	case "hourly":
		return fmt.Sprintf("hourly %s-%s", clock(t.from), clock(t.to))
	case "every":
		return fmt.Sprintf("every %dm %s-%s", int(t.every.Minutes()), clock(t.from), clock(t.to))
	case "open":
		return fmt.Sprintf("daily open+%dm", int(t.every.Minutes()))
	case "close":
		return fmt.Sprintf("daily close-%dm", int(t.every.Minutes()))
	case "once":
		return fmt.Sprintf("once %v %s", t.date, clock(t.from))
	case "rounds":
		return rounds{}.String()
	case "stuck":
		return stuck{}.String()
	case "chain":
		text := fmt.Sprintf("after %s succeeds %dm", taskNames[t.base], int(t.every.Minutes()))
		if t.to > 0 {
			text += fmt.Sprintf(" until close+%dm", int(t.to.Minutes()))
		}
		return text
	}
	return fmt.Sprintf("after %s %dm", taskNames[t.base], int(t.every.Minutes()))
}

var taskNames = []string{"premarket", "adjust", "sell", "watch", "position", "square", "buy", "confirm", "cleanup",
	"opening", "archive", "expiry", "rounds", "stuck", "settle", "audit", "ledger"}

// limitName is the start limit that some tasks name.
const limitName = "broker"

// makeTasks makes the rows of a trading service, with policies that the seed
// chooses where the task allows several.
func makeTasks(c chance) []task {
	const minute = time.Minute
	clock := func(h, m int) time.Duration { return time.Duration(h)*time.Hour + time.Duration(m)*minute }
	tasks := []task{
		{kind: "daily", from: clock(9, 0)},
		{kind: "after", base: 0, every: 5 * minute},
		{kind: "every", from: clock(9, 15), to: clock(15, 30), every: time.Duration(1+c.pick(5, "every", "sell", 0)) * minute},
		{kind: "every", from: clock(9, 20), to: clock(15, 30), every: 5 * minute},
		{kind: "hourly", from: clock(9, 30), to: clock(15, 30)},
		{kind: "close", every: 15 * minute},
		{kind: "daily", from: clock(16, 5)},
		{kind: "after", base: 6, every: minute},
		{kind: "daily", from: clock(18, 0)},
		{kind: "open", every: 15 * minute},
		{kind: "after", base: 7, every: 2 * minute},
		{kind: "once", from: clock(10, 15)},
		{kind: "rounds", from: clock(9, 30)},
		{kind: "stuck", from: clock(9, 40)},
		{kind: "chain", base: 9, every: time.Duration(c.pick(4, "every", "settle", 0)) * minute},
		{kind: "chain", base: 14},
		{kind: "chain", base: 5, to: 10 * minute},
	}
	if !c.oneIn(4, "two rules", "", 0) { // what has one rule is planned together
		tasks[3].from, tasks[3].every = tasks[2].from, tasks[2].every
	}
	choosePolicies(c, tasks)
	tasks[3].Exclusive = "book"
	tasks[8].Sessions = calendar.EveryDay
	if c.oneIn(2, "late cleanup", "", 0) { // after an outage several are to run
		tasks[8].CatchUp = 60 * time.Hour
	}
	return tasks
}

// choosePolicies chooses the policies of tasks that allow several.
func choosePolicies(c chance, tasks []task) {
	const minute = time.Minute
	overlaps := []tradeclock.Overlap{tradeclock.OverlapSkip, tradeclock.OverlapQueue, tradeclock.OverlapCancel, tradeclock.OverlapAllow}
	for i := range tasks {
		t := &tasks[i]
		t.Task = taskNames[i]
		t.Priority = c.pick(3, "priority", t.Task, 0)
		t.Overlap = overlaps[c.pick(len(overlaps), "overlap", t.Task, 0)]
		t.CatchUp = []time.Duration{0, 0, 5 * minute, time.Hour}[c.pick(4, "catch-up", t.Task, 0)]
		if c.oneIn(2, "timeout", t.Task, 0) {
			t.Timeout = time.Duration(30+c.pick(60, "timeout", t.Task, 1)) * time.Second
		}
		if c.oneIn(3, "retry", t.Task, 0) {
			t.Retry = tradeclock.Retry{Attempts: 2 + c.pick(2, "retry", t.Task, 1), Backoff: time.Duration(1+c.pick(20, "retry", t.Task, 2)) * time.Second}
		}
	}
	for _, i := range []int{2, 3} {
		if c.oneIn(2, "delivery", taskNames[i], 0) {
			tasks[i].Delivery = tradeclock.AtLeastOnce
		}
	}
	for _, i := range []int{4, 6, 7} {
		if c.oneIn(2, "group", taskNames[i], 0) {
			tasks[i].Exclusive = "book"
		}
	}
	for _, i := range []int{2, 6} {
		if c.oneIn(2, "spread", taskNames[i], 0) {
			tasks[i].Spread = time.Duration(5+c.pick(50, "spread", taskNames[i], 1)) * time.Second
		}
	}
	toClose := rule.AtAnchor("close", 0)
	for i, until := range map[int]rule.Moment{
		0: rule.At(9, 10), 2: toClose, 5: toClose, 9: rule.At(9, 31),
	} {
		if c.oneIn(2, "catch-up until", taskNames[i], 0) {
			tasks[i].CatchUpUntil = &until
		}
	}
	for _, i := range []int{9, 12} {
		if c.oneIn(2, "special", taskNames[i], 0) {
			tasks[i].Sessions = calendar.OnRegular | calendar.OnShortened | calendar.OnSpecial
		}
	}
	for _, i := range []int{4, 6, 7} {
		if c.oneIn(2, "start limit", taskNames[i], 0) {
			tasks[i].StartLimit = limitName
		}
	}
}

// runAtNight moves some tasks to the hours at which clocks change, on every day.
func runAtNight(tasks []task) {
	for i, at := range map[int]time.Duration{6: 2*time.Hour + 30*time.Minute, 8: 30 * time.Minute} {
		tasks[i].from, tasks[i].Sessions = at, calendar.EveryDay
	}
	tasks[7].Sessions = calendar.EveryDay // it follows the first of them
	tasks[8].kind, tasks[8].to = "hourly", 4*time.Hour+30*time.Minute
}

func (t task) catchUp() time.Duration {
	if t.CatchUp == 0 {
		return store.DefaultCatchUp
	}
	return t.CatchUp
}

// session is what the exchange does on a date.
type session struct {
	kind        calendar.SessionKind
	open, close time.Duration
	unknown     bool // nobody knows
	unsaid      bool // nobody knows its hours
}

func (s session) runs(t task) bool {
	return t.Sessions.Has(s.kind)
}
