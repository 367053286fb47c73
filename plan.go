package tradeclock

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"
)

// horizonDays is how far ahead the next occurrence is looked for. If there is
// none, the plan is made again when that day comes.
const horizonDays = 16

// snapshot is one reading of the schedules, compiled: rows that are due at the
// same instants are one group, so that planning costs the number of different
// rules and not of rows. A snapshot is never changed, but for the sessions and
// spans that it remembers; only one goroutine plans at a time.
type snapshot struct {
	cal    Calendar
	loc    *time.Location
	rows   []*row
	groups []*group
	back   int // how many days before a session's date its occurrences may lie
	ahead  int // and how many after
	days   map[Date]*day
	// unsure are the dates of which the calendar did not know all when it was last
	// asked, and learned those of them that it knows by now: both as they were then.
	unsure  map[Date]*day
	learned []*day
}

// row is a vetted schedule and what it is compared and looked up by.
type row struct {
	Schedule
	text string // of the rule
	kind string
	base *row // of an after rule
	// shadowed are the accounts that have a row of their own for the task, if this
	// is the row for all others.
	shadowed map[string]bool
}

// group is a set of rows that are due at the same instants.
type group struct {
	rule     Rule
	prior    Rule      // replaced by rule at since, at the next session
	since    time.Time // zero unless there is a prior
	sessions SessionSet
	base     *group        // of an after rule
	delay    time.Duration // of an after rule
	rows     []*row
}

// day is a date as the calendar has it, with the spans of each group, in the
// order of snapshot.groups, once they are asked for.
type day struct {
	session Session
	unknown error // what the calendar said instead of a session
	groups  []compiled
}

// compiled is a group's rule on one day: spans, or one skipped occurrence at the
// end of the date with the reason in err.
type compiled struct {
	done  bool
	spans []span
	err   error
	// skip is why all the spans are skipped, if they are.
	skip string
}

// occurrence is one due instant of a row, for every account that the row holds
// for. An occurrence with a skip reason is recorded and not run.
type occurrence struct {
	row     *row
	due     time.Time
	slot    string
	session Date
	skip    string
}

// newSnapshot compiles rows that vetRows has passed.
func newSnapshot(rows []*row, cal Calendar, loc *time.Location) *snapshot {
	sn := &snapshot{cal: cal, loc: loc, rows: rows, days: make(map[Date]*day), unsure: make(map[Date]*day)}
	groups := make(map[groupKey]*group)
	byRow := make(map[*row]*group, len(rows))
	for _, r := range rows {
		sn.groupOf(r, groups, byRow)
	}
	for _, g := range sn.groups {
		back, ahead := ruleReach(g.rule)
		for base := g.base; base != nil; base = base.base {
			b, a := ruleReach(base.rule)
			back, ahead = max(back, b), ahead+max(a, 1)+int(g.delay/(24*time.Hour))
		}
		if g.prior != nil {
			b, a := ruleReach(g.prior)
			back, ahead = max(back, b), max(ahead, a)
		}
		sn.back, sn.ahead = max(sn.back, back), max(sn.ahead, ahead)
	}
	return sn
}

// groupKey tells the groups apart. Rules are compared by value where their type
// allows it, so that the rows of many accounts with one rule meet.
type groupKey struct {
	rule     Rule
	prior    Rule
	since    int64
	sessions SessionSet
	base     *group
	own      *row // set if the rule cannot be compared
}

func (sn *snapshot) groupOf(r *row, groups map[groupKey]*group, byRow map[*row]*group) *group {
	if g := byRow[r]; g != nil {
		return g
	}
	g := &group{rule: r.Rule, prior: r.Prior, sessions: r.Sessions}
	if r.base != nil {
		g.base, g.delay = sn.groupOf(r.base, groups, byRow), r.Rule.(after).delay
	}
	if g.prior != nil {
		g.since = r.Since
	}
	key := groupKey{rule: g.rule, prior: g.prior, since: g.since.UnixNano(), sessions: g.sessions, base: g.base}
	if !reflect.ValueOf(g.rule).Comparable() || g.prior != nil && !reflect.ValueOf(g.prior).Comparable() {
		key = groupKey{own: r}
	}
	if known := groups[key]; known != nil {
		g = known
	} else {
		groups[key] = g
		sn.groups = append(sn.groups, g)
	}
	g.rows = append(g.rows, r)
	byRow[r] = g
	return g
}

// plan returns the occurrences that are due in (from, to], in the order in which
// they are to be claimed: by due time, priority, task and account.
//
// It is the pure heart of the scheduler: no I/O, no clock, no goroutine. Cutting
// a range in two never changes what is due in it.
func (sn *snapshot) plan(from, to time.Time) []occurrence {
	if !from.Before(to) {
		return nil
	}
	var found []occurrence
	first, last := DateOf(from.In(sn.loc)).AddDays(-sn.ahead), DateOf(to.In(sn.loc)).AddDays(sn.back)
	for date := first; !date.After(last); date = date.AddDays(1) {
		d := sn.day(date)
		for i, g := range sn.groups {
			found = sn.appendDue(found, g, d, sn.compile(i, d), from, to)
		}
	}
	slices.SortStableFunc(found, compareOccurrences)
	return found
}

func compareOccurrences(a, b occurrence) int {
	return cmp.Or(
		a.due.Compare(b.due),
		cmp.Compare(a.row.Priority, b.row.Priority),
		cmp.Compare(a.row.Task, b.row.Task),
		cmp.Compare(a.row.Account, b.row.Account),
		cmp.Compare(a.slot, b.slot),
	)
}

// planDay returns the occurrences of one date that are due no later
// than to.
func (sn *snapshot) planDay(date Date, to time.Time) []occurrence {
	return sn.planKnown(sn.day(date), to)
}

// planKnown does so for a date as the calendar had it.
func (sn *snapshot) planKnown(d *day, to time.Time) []occurrence {
	var found []occurrence
	for i, g := range sn.groups {
		found = sn.appendDue(found, g, d, sn.compile(i, d), time.Time{}, to)
	}
	slices.SortStableFunc(found, compareOccurrences)
	return found
}

// without returns the occurrences of found whose slots are not among those of was.
func without(found, was []occurrence) []occurrence {
	type key struct{ task, account, slot string }
	planned := make(map[key]bool, len(was))
	for _, o := range was {
		planned[key{o.row.Task, o.row.Account, o.slot}] = true
	}
	return slices.DeleteFunc(found, func(o occurrence) bool {
		return planned[key{o.row.Task, o.row.Account, o.slot}]
	})
}

// appendDue adds the occurrences of one group on one day that lie in (from, to].
func (sn *snapshot) appendDue(found []occurrence, g *group, d *day, c *compiled, from, to time.Time) []occurrence {
	date := d.session.Date
	if c.err != nil {
		due := endOfDay.On(date, sn.loc)
		if due.After(from) && !due.After(to) {
			found = g.appendRows(found, due, date.String(), date, c.err.Error())
		}
		return found
	}
	for _, sp := range c.spans {
		for i := sp.after(from); i < sp.n; i++ {
			due := sp.due(i)
			if due.After(to) {
				break
			}
			found = g.appendRows(found, due, sp.slotAt(i, date, sn.loc), date, c.skip)
		}
	}
	return found
}

// appendRows adds an occurrence for each row of the group that holds at due.
func (g *group) appendRows(found []occurrence, due time.Time, slot string, date Date, skip string) []occurrence {
	for _, r := range g.rows {
		if !r.Disabled && due.After(r.holdsFrom()) {
			found = append(found, occurrence{r, due, slot, date, skip})
		}
	}
	return found
}

// holdsFrom is the instant from which the row's occurrences count: an edit never
// brings up one that is already past, and neither does an edit of the task that
// an after rule follows.
func (r *row) holdsFrom() time.Time {
	since := r.Since
	for base := r.base; base != nil; base = base.base {
		if base.Since.After(since) {
			since = base.Since
		}
	}
	return since
}

// next returns the first due instant after t, or the end of the horizon if
// nothing is due before it; found is false then. While the calendar is unsure of
// a date that is near, it is no later than a minute after t.
func (sn *snapshot) next(t time.Time) (due time.Time, found bool) {
	first := DateOf(t.In(sn.loc)).AddDays(-sn.ahead)
	horizon := first.AddDays(sn.ahead + horizonDays)
	best := endOfDay.On(horizon, sn.loc)
	for date := first; !date.After(horizon); date = date.AddDays(1) {
		if found && Wall(0, 0).On(date.AddDays(-sn.back), sn.loc).After(best) {
			break
		}
		d := sn.day(date)
		for i, g := range sn.groups {
			at, ok := sn.nextOf(g, d, sn.compile(i, d), t)
			if ok && !at.After(best) {
				best, found = at, true
			}
		}
	}
	if soon := t.Add(time.Minute); sn.unsureNear(t) && soon.Before(best) {
		best = soon
	}
	return best, found
}

func (sn *snapshot) unsureNear(t time.Time) bool {
	last := DateOf(t.In(sn.loc)).AddDays(sn.back + 1)
	for date := range sn.unsure {
		if !date.After(last) {
			return true
		}
	}
	return false
}

func (sn *snapshot) nextOf(g *group, d *day, c *compiled, t time.Time) (time.Time, bool) {
	from, ok := g.holdsFrom()
	if !ok {
		return time.Time{}, false
	}
	if from.After(t) {
		t = from
	}
	if c.err != nil {
		due := endOfDay.On(d.session.Date, sn.loc)
		return due, due.After(t)
	}
	for _, sp := range c.spans {
		if i := sp.after(t); i < sp.n {
			return sp.due(i), true
		}
	}
	return time.Time{}, false
}

// holdsFrom is the earliest instant from which an enabled row of the group holds.
func (g *group) holdsFrom() (from time.Time, ok bool) {
	for _, r := range g.rows {
		if r.Disabled {
			continue
		}
		if since := r.holdsFrom(); !ok || since.Before(from) {
			from, ok = since, true
		}
	}
	return from, ok
}

// forget drops the days before date, which are not planned any more.
func (sn *snapshot) forget(date Date) {
	for d := range sn.days {
		if d.Before(date) {
			delete(sn.days, d)
		}
	}
	for d := range sn.unsure {
		if d.Before(date) {
			delete(sn.unsure, d)
		}
	}
}

// day returns the date as the calendar has it. A date that the calendar does not
// know, or whose hours it does not know, is asked for again each time, since it
// may learn.
func (sn *snapshot) day(date Date) *day {
	if d := sn.days[date]; d != nil {
		return d
	}
	d := &day{groups: make([]compiled, len(sn.groups))}
	d.session, d.unknown = sessionOf(sn.cal, date)
	if d.unknown != nil || d.session.HoursUnknown {
		sn.unsure[date] = d
		return d
	}
	sn.days[date] = d
	if was := sn.unsure[date]; was != nil {
		delete(sn.unsure, date)
		sn.learned = append(sn.learned, was)
	}
	return d
}

// carryOver takes from an older snapshot the dates of which the calendar did not
// know all, so that it is noticed when it does.
func (sn *snapshot) carryOver(old *snapshot) {
	renew := func(was *day) *day {
		return &day{session: was.session, unknown: was.unknown, groups: make([]compiled, len(sn.groups))}
	}
	for date, was := range old.unsure {
		sn.unsure[date] = renew(was)
	}
	for _, was := range old.learned {
		sn.learned = append(sn.learned, renew(was))
	}
}

// takeLearned returns the dates that the calendar has come to know since the last
// call, as they were before.
func (sn *snapshot) takeLearned() []*day {
	learned := sn.learned
	sn.learned = nil
	return learned
}

// sessionOf asks the calendar for a date. A panic in it is an error, and so is an
// answer for another date: what is not known is never guessed.
func sessionOf(cal Calendar, date Date) (s Session, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the calendar panicked: %v", p)
		}
		if err != nil {
			s = Session{Date: date}
		}
	}()
	s, err = cal.Session(date)
	if err == nil && s.Date != date {
		err = fmt.Errorf("the calendar answered %v for %v", s.Date, date)
	}
	return s, err
}

// compile returns the i-th group on a day.
func (sn *snapshot) compile(i int, d *day) *compiled {
	c := &d.groups[i]
	if !c.done {
		*c = sn.gate(sn.groups[i], d)
		c.done = true
	}
	return c
}

// gate is the one place that decides whether a day is a day for a group: before
// any dispatch, from the calendar's answer and the sessions that the rows name.
func (sn *snapshot) gate(g *group, d *day) compiled {
	rule := g.ruleOn(d, sn.loc)
	everyDay := g.everyDay()
	switch {
	case d.unknown != nil && !everyDay:
		return sn.skipAll(g, rule, d, fmt.Sprintf("calendar %s does not know %v: %v", sn.cal.Name(), d.session.Date, d.unknown))
	case everyDay || g.runsOn(d.session.Kind):
		spans, err := sn.spans(g, rule, d)
		return compiled{spans: spans, err: err}
	case ruleKind(g.rootRule()) == kindOnce:
		return sn.skipAll(g, rule, d, closedReason(d.session))
	}
	return compiled{}
}

// skipAll is a day on which every occurrence is skipped for one reason. Where the
// instants depend on hours that nobody knows, that is at the end of the date.
func (sn *snapshot) skipAll(g *group, rule Rule, d *day, reason string) compiled {
	spans, err := sn.spans(g, rule, d)
	if err != nil {
		return compiled{err: errors.New(reason)}
	}
	return compiled{spans: spans, skip: reason}
}

// spans compiles a rule on a day. An after rule has the spans of its base, later
// by its delay, and with the same slots.
func (sn *snapshot) spans(g *group, rule Rule, d *day) ([]span, error) {
	if g.base == nil {
		return spansOf(rule, d.session, sn.loc)
	}
	base, err := sn.spans(g.base, g.base.ruleOn(d, sn.loc), d)
	if err != nil {
		return nil, err
	}
	spans := slices.Clone(base)
	delay := int64(g.delay / time.Second)
	for i := range spans {
		spans[i].first += delay
		spans[i].shift += delay
	}
	return spans, nil
}

// ruleOn returns the rule that holds on a day. A rule that replaced one of
// another kind takes effect at the next session: it does not hold yet on a day of
// which the old one had brought up an occurrence when the edit was made, nor on
// any day before.
func (g *group) ruleOn(d *day, loc *time.Location) Rule {
	if g.prior == nil {
		return g.rule
	}
	edited := DateOf(g.since.In(loc))
	switch {
	case d.session.Date.Before(edited):
		return g.prior
	case d.session.Date.After(edited):
		return g.rule
	}
	spans, err := spansOf(g.prior, d.session, loc)
	if err != nil || len(spans) == 0 || spans[0].due(0).After(g.since) {
		return g.rule
	}
	return g.prior
}

// runsOn reports whether the group, and what it follows, runs on such a session.
func (g *group) runsOn(k SessionKind) bool {
	for ; g != nil; g = g.base {
		if !g.sessions.Has(k) {
			return false
		}
	}
	return true
}

func (g *group) everyDay() bool {
	for ; g != nil; g = g.base {
		if g.sessions&EveryDay == 0 {
			return false
		}
	}
	return true
}

// rootRule is the rule that gives the group its instants.
func (g *group) rootRule() Rule {
	for g.base != nil {
		g = g.base
	}
	return g.rule
}

// closedReason says why nothing runs on a date, in the calendar's words.
func closedReason(s Session) string {
	text := s.Kind.String()
	if s.Open() {
		text += " session"
	}
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}
