package planworld

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// places are zones, and days around which their clocks change or do not.
var places = []struct {
	zone   string
	around []string
}{
	{"UTC", []string{"2026-02-27", "2027-12-30"}},
	{"Asia/Kolkata", []string{"2026-11-20", "2028-02-27"}},
	{"America/New_York", []string{"2026-03-06", "2026-10-29", "2026-06-10"}},
	{"Europe/London", []string{"2026-03-26", "2026-10-23", "2026-12-29"}},
	{"Australia/Lord_Howe", []string{"2026-04-02", "2026-10-01", "2026-07-01"}},
	{"Pacific/Apia", []string{"2011-12-26", "2012-03-29", "2011-09-21"}},
}

// Days is how many days a world has in which its tasks are due once, or edited.
const Days = 12

// Size is how much there may be of what is made up.
type Size struct {
	tasks  int
	ranges []time.Duration // the longest ones
}

var (
	// Whole worlds have days of many rows to look at.
	Whole = Size{tasks: 7, ranges: []time.Duration{10 * time.Minute, 26 * time.Hour, Days * 24 * time.Hour}}
	// Quick ones have little, as the oracle looks at every quarter of a minute of a window:
	// thousands of them are tried in the seconds that fuzzing has.
	Quick = Size{tasks: 4, ranges: []time.Duration{26 * time.Hour, 72 * time.Hour}}
)

// New makes up a world of a few days. The seed is what its text names.
func New(seed uint64, random *rand.Rand, size Size) *World {
	place := places[random.IntN(len(places))]
	loc, err := time.LoadLocation(place.zone)
	if err != nil {
		panic(err)
	}
	first, err := calendar.ParseDate(place.around[random.IntN(len(place.around))])
	if err != nil {
		panic(err)
	}
	w := &World{seed: seed, size: size, loc: loc, First: first, Accounts: []string{"", "a", "b"}, instants: make(map[wallOn]time.Time)}
	w.Sessions = w.SomeSessions(random)
	for i := range 1 + random.IntN(size.tasks) {
		w.AddTask(fmt.Sprintf("t%d", i), random)
	}
	return w
}

// Beside makes up another exchange in the same place, of the same accounts, which has no
// tasks yet.
func (w *World) Beside(random *rand.Rand) *World {
	other := &World{seed: w.seed, size: w.size, loc: w.loc, First: w.First, Accounts: w.Accounts, instants: make(map[wallOn]time.Time)}
	other.Sessions = other.SomeSessions(random)
	return other
}

// SomeRange is a range that begins among the days.
func (w *World) SomeRange(random *rand.Rand) (from, to time.Time) {
	from = w.Instant(w.First, 0).Add(time.Duration(random.Int64N(int64(Days * 24 * time.Hour))))
	longest := w.size.ranges[random.IntN(len(w.size.ranges))]
	to = from.Add(time.Duration(1 + random.Int64N(int64(longest))))
	if random.IntN(2) == 0 {
		from, to = from.Truncate(time.Minute), to.Truncate(time.Minute).Add(time.Minute)
	}
	return from, to
}

// SomeSessions are days of all kinds. The calendar knows nothing outside of them, and in
// some worlds nothing of some of them.
func (w *World) SomeSessions(random *rand.Rand) map[calendar.Date]calendar.Session {
	sessions := make(map[calendar.Date]calendar.Session)
	doubtful := random.IntN(3) == 0
	for i := -25; i < 2*Days+20; i++ {
		s := calendar.Session{Date: w.First.AddDays(i), Kind: calendar.SessionKind(random.IntN(4))}
		switch {
		case doubtful && random.IntN(6) == 0:
			continue // unknown
		case doubtful && s.Open() && random.IntN(6) == 0:
			s.HoursUnknown = true
		case s.Open():
			s.Phases = w.SomePhases(s.Date, random)
		}
		sessions[s.Date] = s
	}
	return sessions
}

// SomePhases are of a day session, of one at night when clocks change, or of one
// with a break.
func (w *World) SomePhases(date calendar.Date, random *rand.Rand) (phases []calendar.Phase) {
	quarter := func(hours int) calendar.WallTime { return calendar.WallTime(hours*3600 + random.IntN(4)*900) }
	add := func(name string, from, to calendar.WallTime) {
		p := calendar.Phase{Name: name, Start: w.Instant(date, from), End: w.Instant(date, to)}
		if p.End.After(p.Start) {
			phases = append(phases, p)
		}
	}
	begin := []int{0, 1, random.IntN(15)}[random.IntN(3)]
	if random.IntN(3) > 0 {
		add(calendar.PhasePreOpen, quarter(begin), quarter(begin)+3600)
	}
	if random.IntN(6) > 0 {
		add(calendar.PhaseRegular, quarter(begin+2), quarter(begin+4))
		if random.IntN(3) == 0 {
			add(calendar.PhasePreOpen, quarter(begin+4), quarter(begin+5))
		}
		if random.IntN(2) == 0 {
			add(calendar.PhaseRegular, quarter(begin+5), quarter(begin+7))
		}
	}
	if random.IntN(3) == 0 {
		add(calendar.PhaseClosingAuction, quarter(begin+8), quarter(begin+9))
	}
	return phases
}

// AddTask adds a task: a row for all accounts, one for a single account, or both.
func (w *World) AddTask(name string, random *rand.Rand) {
	if random.IntN(4) > 0 {
		w.Tasks = append(w.Tasks, w.someTask(name, "", random))
	}
	if random.IntN(3) == 0 || len(w.Tasks) == 0 || w.Tasks[len(w.Tasks)-1].Name != name {
		account := []string{"a", "b"}[random.IntN(2)]
		w.Tasks = append(w.Tasks, w.someTask(name, account, random))
	}
}

func (w *World) someTask(name, account string, random *rand.Rand) Task {
	t := w.someRule(w.bases(name, account), random)
	t.Name, t.Account = name, account
	t.Disabled = random.IntN(10) == 0
	if random.IntN(2) == 0 {
		t.Sessions = calendar.SessionSet(random.IntN(1 << 4))
	}
	if random.IntN(3) == 0 {
		t.Since = w.Instant(w.First, 0).Add(time.Duration(random.IntN(Days*24*60)) * time.Minute)
	}
	if t.filter.asksSessions() {
		t.Sessions &^= calendar.EveryDay
	}
	if !t.Since.IsZero() && t.Base == "" && random.IntN(2) == 0 {
		if before := w.someRule(nil, random); before.kind != t.kind {
			t.Prior = &before
		} else if len(t.times) > 0 {
			t.Prior = heldOver(t, random)
		}
	}
	return t
}

// someRule is a rule of any kind, and comes after one of the bases if there are any.
// It may have a filter.
func (w *World) someRule(bases []string, random *rand.Rand) Task {
	t := w.someBareRule(bases, random)
	if t.kind != rule.KindOnce && random.IntN(3) == 0 {
		t.filter = w.someFilter(random)
		t.Rule = rule.On(t.Rule, t.filter.rule)
	}
	return t
}

func (w *World) someBareRule(bases []string, random *rand.Rand) Task {
	if len(bases) > 0 && random.IntN(4) == 0 {
		t := Task{kind: rule.KindAfter, Base: bases[random.IntN(len(bases))]}
		t.interval = time.Duration(random.IntN(5*24*60)) * time.Minute
		if random.IntN(2) == 0 {
			t.interval = time.Duration(random.IntN(20)) * Step
		}
		t.Rule = rule.After(t.Base, t.interval)
		return t
	}
	t := Task{from: w.someMoment(random)}
	switch random.IntN(4) {
	case 0:
		t.kind = rule.KindDaily
		if t.from.Anchor != "" && random.IntN(2) == 0 {
			t.kind, t.from = rule.KindEach, t.from.In(rule.EachWindow)
		}
		t.Rule = rule.Daily(t.from)
		if t.kind == rule.KindDaily && random.IntN(2) == 0 {
			w.someTimes(&t, random)
		}
	case 1:
		t.kind, t.date = rule.KindOnce, w.First.AddDays(random.IntN(Days))
		t.Rule = rule.Once(t.date, t.from)
	case 2:
		t.kind = rule.KindHourly
		t.from, t.to = w.someWindow(random)
		t.Rule = rule.Hourly(t.from, t.to)
	default:
		t.kind = rule.KindEvery
		t.from, t.to = w.someWindow(random)
		t.interval = []time.Duration{4, 20, 24, 28, 60, 400}[random.IntN(6)] * Step
		t.Rule = rule.Every(t.interval, t.from, t.to)
	}
	if t.kind == rule.KindHourly || t.kind == rule.KindEvery {
		w.leaveOut(&t, random)
	}
	return t
}

// someTimes gives a daily rule more times. On some sessions two of them are the same.
func (w *World) someTimes(t *Task, random *rand.Rand) {
	moments := []rule.Moment{t.from}
	for range 1 + random.IntN(3) {
		more := w.someMoment(random)
		if random.IntN(4) == 0 {
			more = rule.AtAnchor(anchorNames[random.IntN(len(anchorNames))], 0)
		}
		if !slices.ContainsFunc(moments, func(m rule.Moment) bool { return m.String() == more.String() }) {
			moments = append(moments, more)
		}
	}
	if len(moments) == 1 {
		return
	}
	for _, at := range moments {
		t.times = append(t.times, slotTime{at, "@" + at.String()})
	}
	t.Rule = rule.Daily(moments[0], moments[1:]...)
}

// heldOver is a task with the same times, of which some have the slots of others.
func heldOver(t Task, random *rand.Rand) *Task {
	t.times = slices.Clone(t.times)
	texts := []string{"as date", "as 23:59", "as open+23h59m", "as 23:58+7d"}
	var list []string
	for i := range t.times {
		text := t.times[i].at.String()
		if random.IntN(2) == 0 {
			text += " " + texts[i]
			t.times[i].slot = "@" + strings.TrimPrefix(texts[i], "as ")
			if texts[i] == "as date" {
				t.times[i].slot = ""
			}
		}
		list = append(list, text)
	}
	t.Rule = rule.On(rule.MustParse("daily "+strings.Join(list, ",")), t.filter.rule)
	return &t
}

// leaveOut takes some stretches out of a rule.
func (w *World) leaveOut(t *Task, random *rand.Rand) {
	for random.IntN(3) == 0 {
		var left stretch
		switch from := random.IntN(24 * 240); random.IntN(3) {
		case 0:
			left.from = rule.AtAnchor("open", time.Duration(random.IntN(60))*time.Minute)
			left.to = rule.AtAnchor("close", -time.Duration(random.IntN(60))*time.Minute)
		case 1:
			left.from, left.to = rule.Moment{Wall: calendar.WallTime(from) * 15}, rule.AtAnchor("close", 0)
		default:
			left.from = rule.Moment{Wall: calendar.WallTime(from) * 15}
			left.to = rule.Moment{Wall: calendar.WallTime(from+1+random.IntN(3*240)) * 15}
		}
		more := rule.Except(t.Rule, left.from, left.to)
		if rule.Validate(more) != nil {
			return // nothing would be left
		}
		t.left, t.Rule = append(t.left, left), more
	}
}

// bases are the other tasks that a row of the account may come after: those that
// all accounts have, or the account itself.
func (w *World) bases(name, account string) (bases []string) {
	for _, t := range w.Tasks {
		if t.Name != name && (t.Account == "" || t.Account == account) {
			bases = append(bases, t.Name)
		}
	}
	return bases
}

var anchorNames = []string{
	"open", "close", calendar.PhasePreOpen, calendar.PhasePreOpen + ".end", calendar.PhaseClosingAuction, calendar.PhaseClosingAuction + ".end", calendar.PhaseRegular + ".end",
}

func (w *World) someMoment(random *rand.Rand) rule.Moment {
	switch random.IntN(5) {
	case 0, 1: // also in the evening before, or on the morning after
		offset := time.Duration(random.IntN(24*60)-12*60) * 2 * Step
		return rule.AtAnchor(anchorNames[random.IntN(len(anchorNames))], offset).In(rule.Window(random.IntN(3)))
	case 2:
		return rule.Moment{Wall: calendar.WallTime(random.IntN(3*24*240)) * 15} // also on a day after
	case 3:
		return rule.Moment{Wall: calendar.WallTime(random.IntN(4*240)) * 15} // when clocks change
	}
	return rule.Moment{Wall: calendar.WallTime(random.IntN(24*240)) * 15}
}

// someWindow is between two wall times, two anchors or one of each, and never
// refused beforehand.
func (w *World) someWindow(random *rand.Rand) (from, to rule.Moment) {
	wall := func(first, count int) rule.Moment {
		return rule.Moment{Wall: calendar.WallTime(first+random.IntN(count)) * 15}
	}
	offset := func() time.Duration { return time.Duration(random.IntN(80)-40) * time.Minute }
	switch random.IntN(6) {
	case 0:
		return wall(0, 3*240), wall(3*240, 21*240)
	case 1:
		return wall(9*240, 240), wall(15*240, 240)
	case 2:
		return rule.Moment{}, rule.Moment{Wall: calendar.EndOfDay}
	case 3:
		return rule.AtAnchor("open", offset()), rule.AtAnchor("close", offset())
	case 4:
		return rule.AtAnchor("open", offset()).In(rule.Window(random.IntN(3))), rule.AtAnchor("close", offset()).In(rule.Window(random.IntN(3)))
	}
	return wall(0, 240), rule.AtAnchor("close", offset())
}
