package planworld

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// filter is a filter taken apart. What it does not name is empty.
type filter struct {
	rule   rule.Filter
	days   []time.Weekday
	months []time.Month
	place  int // of the session, the day or the weekday of a period; 0 for none
	unit   string
	of     calendar.Period
	each   int // each n-th session or week from a date on; 0 for none
	weeks  bool
	from   calendar.Date
	roll   int // by how many days it goes on from a closed date
}

const (
	unitSession = "session"
	unitDay     = "day"
)

// asksSessions reports whether other dates matter.
func (f filter) asksSessions() bool {
	return f.place != 0 && f.unit == unitSession || f.each > 0 && !f.weeks || f.roll != 0
}

// someFilter is one of any sort, or of several.
func (w *World) someFilter(random *rand.Rand) (f filter) {
	for f.rule == (rule.Filter{}) || random.IntN(4) == 0 {
		switch random.IntN(4) {
		case 0:
			first := time.Weekday(random.IntN(7))
			f.days = []time.Weekday{first, (first + 2) % 7, (first + 3) % 7, (first + 4) % 7}
		case 1:
			f.months = []time.Month{w.First.Month, w.First.AddDays(300).Month}
		case 2:
			w.somePlace(&f, random)
		default:
			f.each, f.weeks, f.from = 2+random.IntN(2), random.IntN(2) == 0, w.First.AddDays(random.IntN(30)-20)
		}
		f.rule = f.built()
	}
	dated := len(f.days) > 0 || f.place != 0
	if dated && !f.asksSessions() && random.IntN(2) == 0 {
		f.roll = 2*random.IntN(2) - 1
		f.rule = f.built()
	}
	return f
}

func (w *World) somePlace(f *filter, random *rand.Rand) {
	f.place = 1 + random.IntN(3)
	f.unit = []string{unitSession, unitSession, unitDay, "fri", "mon"}[random.IntN(5)]
	f.of = []calendar.Period{calendar.Week, calendar.Week, calendar.Week, calendar.Month, calendar.Month, calendar.Quarter, calendar.Year}[random.IntN(7)]
	if f.unit != unitSession && f.unit != unitDay {
		f.of = []calendar.Period{calendar.Month, calendar.Quarter}[random.IntN(2)]
	}
	if f.unit == unitDay && f.of == calendar.Month {
		f.place = w.First.AddDays(random.IntN(Days)).Day
	}
	if random.IntN(2) == 0 {
		f.place = -min(f.place, 7)
	}
}

// built is the filter as a rule has it.
func (f filter) built() (built rule.Filter) {
	if len(f.days) > 0 {
		built = built.And(rule.OnWeekdays(f.days...))
	}
	if len(f.months) > 0 {
		built = built.And(rule.InMonths(f.months...))
	}
	switch {
	case f.place == 0:
	case f.unit == unitSession:
		built = built.And(rule.NthSession(f.place, f.of))
	case f.unit == unitDay:
		built = built.And(rule.NthDay(f.place, f.of))
	case f.unit == "fri":
		built = built.And(rule.NthWeekday(f.place, time.Friday, f.of))
	default:
		built = built.And(rule.NthWeekday(f.place, time.Monday, f.of))
	}
	switch {
	case f.each == 0:
	case f.weeks:
		built = built.And(rule.EveryNthWeek(f.each, f.from))
	default:
		built = built.And(rule.EveryNthSession(f.each, f.from))
	}
	switch {
	case f.roll > 0:
		built = built.OrSessionAfter()
	case f.roll < 0:
		built = built.OrSessionBefore()
	}
	return built
}

// maybe is what is certain, or possible by the days that are not known.
type maybe struct{ possible, certain bool }

var (
	no  = maybe{}
	yes = maybe{true, true}
)

func (m maybe) and(o maybe) maybe { return maybe{m.possible && o.possible, m.certain && o.certain} }
func (m maybe) or(o maybe) maybe  { return maybe{m.possible || o.possible, m.certain || o.certain} }

// admits tells whether a filter admits a date, for the first task of a chain.
func (w *World) admits(f filter, chain []Task, s calendar.Session) maybe {
	_, unknown := w.Session(s.Date)
	if f.asksSessions() && unknown == nil && !w.counts(chain, s.Date).certain {
		return no
	}
	if f.names(s.Date) {
		return w.inPlace(f, chain, s.Date).and(w.inTurn(f, chain, s.Date))
	}
	found := no
	for i := 1; f.roll != 0 && i <= 31; i++ {
		if date := s.Date.AddDays(-f.roll * i); f.names(date) {
			found = found.or(w.leadsTo(date, s.Date, f.roll, chain))
		}
	}
	return found
}

// names tells whether a date is the filter's, but for what sessions have to do with it.
func (f filter) names(date calendar.Date) bool {
	if len(f.days) > 0 && !slices.Contains(f.days, date.Weekday()) || len(f.months) > 0 && !slices.Contains(f.months, date.Month) {
		return false
	}
	if f.place != 0 && f.unit != unitSession {
		var dates []calendar.Date
		first, last := f.of.Bounds(date)
		for d := first; !d.After(last); d = d.AddDays(1) {
			if f.unit == unitDay || map[string]time.Weekday{"fri": time.Friday, "mon": time.Monday}[f.unit] == d.Weekday() {
				dates = append(dates, d)
			}
		}
		at := f.place - 1
		if f.place < 0 {
			at = len(dates) + f.place
		}
		if at < 0 || at >= len(dates) || dates[at] != date {
			return false
		}
	}
	if f.each > 0 && f.weeks {
		monday := f.from
		for monday.Weekday() != time.Monday {
			monday = monday.AddDays(-1)
		}
		for !date.Before(monday.AddDays(7)) {
			monday = monday.AddDays(7 * f.each)
		}
		return !date.Before(monday) && !date.Before(f.from)
	}
	return true
}

// counts tells whether a date has a session on which all of a chain run.
func (w *World) counts(chain []Task, date calendar.Date) maybe {
	s, unknown := w.Session(date)
	if unknown != nil {
		return maybe{possible: true}
	}
	if !s.Open() || slices.ContainsFunc(chain, func(t Task) bool { return !t.Sessions.Has(s.Kind) }) {
		return no
	}
	return yes
}

// number tells between which numbers a session has its own among those from one date to
// another, counted towards the second, which is its own.
func (w *World) number(chain []Task, from, to calendar.Date) (fewest, most int) {
	step := 1
	if to.Before(from) {
		step = -1
	}
	for d := from; d != to; d = d.AddDays(step) {
		switch counts := w.counts(chain, d); {
		case counts.certain:
			fewest++
			most++
		case counts.possible:
			most++
		}
	}
	return fewest + 1, most + 1
}

// inPlace tells it of the session of a period.
func (w *World) inPlace(f filter, chain []Task, date calendar.Date) maybe {
	if f.place == 0 || f.unit != unitSession {
		return yes
	}
	first, last := f.of.Bounds(date)
	place, from := f.place, first
	if place < 0 {
		place, from = -place, last
	}
	fewest, most := w.number(chain, from, date)
	return maybe{fewest <= place && place <= most, fewest == place && place == most}
}

// inTurn tells it of each n-th session.
func (w *World) inTurn(f filter, chain []Task, date calendar.Date) (turn maybe) {
	if f.each == 0 || f.weeks {
		return yes
	}
	if date.Before(f.from) {
		return no
	}
	fewest, most := w.number(chain, f.from, date)
	for n := fewest; n <= most; n++ {
		if n%f.each == 1 {
			turn = maybe{true, fewest == most}
		}
	}
	return turn
}

// leadsTo tells whether the session of another date takes the place of a date: it is
// closed, and so is all that lies between.
func (w *World) leadsTo(date, to calendar.Date, step int, chain []Task) maybe {
	closed := yes
	for d := date; d != to; d = d.AddDays(step) {
		counts := w.counts(chain, d)
		closed = closed.and(maybe{!counts.certain, !counts.possible})
	}
	return closed
}
