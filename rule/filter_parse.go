package rule

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// ParseFilter parses the text form of a filter, which its String prints again:
// weekdays from mon to sun, also in full, in capitals and as in mon-fri; a day such as
// last session of month, 3rd fri of month or 15th day of month; every other session or
// week from 2026-01-05; in and months, as in in jan,apr. Several of them follow each other,
// with on before another and or session before or or session after at the end. The empty
// text is no filter.
func ParseFilter(text string) (Filter, error) {
	if text == "" {
		return Filter{}, nil
	}
	p := parser{rest: text}
	var f Filter
	if !p.comes(wordOn) && !p.comes(wordIn) && !p.comes(wordOr) {
		f = p.days()
	}
	f = f.And(p.filters())
	err := p.end()
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return Filter{}, fmt.Errorf("filter %q: %w", text, err)
	}
	return f, nil
}

const (
	wantFilter  = "weekdays such as mon-fri, or a day such as last session of month or 3rd fri of month,"
	wantWeekday = "a weekday such as mon"
	wantMonths  = "months such as jan,apr"
	wantUnit    = "session, day or a weekday, as in last session of month or 15th day of month,"
	wantOf      = "of, and a period, as in last session of month,"
	wantCycle   = "every other or every 3rd, with session or week and a date, as in every other week from 2026-01-05,"
	wantRoll    = "session before or session after"
)

// filters reads what may follow a rule.
func (p *parser) filters() (f Filter) {
	for p.err == nil {
		switch {
		case p.keyword(wordOn):
			f = f.And(p.days())
		case p.keyword(wordIn):
			f = f.And(p.months())
		case p.keyword(wordOr):
			f = f.And(p.rolling())
		default:
			return f
		}
	}
	return f
}

// meant says what was meant by words that follow a rule, where they tell.
func (p *parser) meant() string {
	ahead := *p
	word := ahead.take(letters + capitals)
	switch {
	case named(weekdayNames, word) >= 0:
		return fmt.Sprintf(": did you mean %q?", wordOn+" "+word)
	case named(monthNames, word) >= 0:
		return fmt.Sprintf(": did you mean %q?", wordIn+" "+word)
	case word == wordUntil:
		return ": an end is for what waits for a success, as in after analysis succeeds until 17:30, and comes before what names days"
	case word == wordExcept:
		return ": except, with commas between its windows, comes before what names days"
	}
	return ""
}

// comes reports whether a word is the next one.
func (p *parser) comes(word string) bool {
	ahead := *p
	return ahead.keyword(word)
}

// days reads what follows the word on.
func (p *parser) days() Filter {
	if p.keyword(wordEvery) {
		return p.cycle()
	}
	start := p.rest
	n, ok := p.nth()
	if !ok {
		p.rest = start
		return p.weekdays()
	}
	unit := p.unit()
	if p.err == nil && !p.keyword(wordOf) {
		p.fail(wantOf)
	}
	if p.err != nil {
		return Filter{}
	}
	return Filter{nth: nth{n, unit, p.period()}}
}

// unit reads what is counted in a period.
func (p *parser) unit() unit {
	switch {
	case p.keyword(wordSession):
		return unitSession
	case p.keyword(wordDay):
		return unitDay
	}
	day, _ := p.weekday(wantUnit)
	return unitOf(day)
}

// cycle reads what follows the word every.
func (p *parser) cycle() Filter {
	p.skipBlanks()
	start := p.rest
	n, ok := 2, p.keyword(wordOther)
	if !ok {
		n, ok = p.ordinal()
	}
	unit := unitWeek
	if p.keyword(wordSession) {
		unit = unitSession
	} else if !p.keyword(wordWeek) {
		ok = false
	}
	if !ok || !p.keyword(wordFrom) {
		p.rest = start
		p.fail(wantCycle)
		return Filter{}
	}
	return Filter{cycle: cycle{n, unit, p.date()}}
}

// rolling reads what follows the word or.
func (p *parser) rolling() Filter {
	p.skipBlanks()
	start := p.rest
	if p.keyword(wordSession) {
		for roll := rollBefore; roll <= rollAfter; roll++ {
			if p.keyword(rollWords[roll]) {
				return Filter{roll: roll}
			}
		}
	}
	p.rest = start
	p.fail(wantRoll)
	return Filter{}
}

// nth reads first, 2nd, last, 3rd last.
func (p *parser) nth() (n int, ok bool) {
	switch {
	case p.keyword(wordFirst):
		return 1, true
	case p.keyword(wordLast):
		return -1, true
	}
	if n, ok = p.ordinal(); ok && p.keyword(wordLast) {
		n = -n
	}
	return n, ok
}

// ordinal reads 1st, 2nd, 3rd and so on.
func (p *parser) ordinal() (n int, ok bool) {
	p.skipBlanks()
	word := p.take(digits + letters)
	n, err := strconv.Atoi(strings.TrimRight(word, letters))
	return n, err == nil && word == ordinal(n)
}

func (p *parser) period() calendar.Period {
	for of := range calendar.Periods() {
		if p.keyword(of.String()) {
			return of
		}
	}
	p.failNear("week, month, quarter or year", periodNames())
	return 0
}

func periodNames() (names []string) {
	for of := range calendar.Periods() {
		names = append(names, of.String())
	}
	return names
}

// weekdays reads weekdays, and ranges of them, between commas.
func (p *parser) weekdays() Filter {
	f := OnWeekdays()
	p.ranges(wantFilter, wantWeekday, p.weekdayAt, len(weekdayNames), func(i int) { f.days = f.days.with(time.Weekday(i)) })
	return f
}

// months reads months, and ranges of them, between commas.
func (p *parser) months() Filter {
	f := InMonths()
	p.ranges(wantMonths, wantMonths, p.monthAt, len(monthNames), func(i int) { f.months = f.months.with(time.Month(i + 1)) })
	return f
}

// ranges reads names, and ranges of them, between commas. Read returns the place of a
// name among so many, which follow each other in a circle.
func (p *parser) ranges(first, later string, read func(want string) (int, bool), size int, add func(i int)) {
	for want := first; ; want = later {
		from, ok := read(want)
		to := from
		if ok && p.sign("-") {
			to, ok = read(later)
		}
		if !ok {
			return
		}
		for i := from; i != to; i = (i + 1) % size {
			add(i)
		}
		add(to)
		if !p.sign(",") {
			return
		}
	}
}

func (p *parser) weekday(want string) (day time.Weekday, ok bool) {
	i, ok := p.weekdayAt(want)
	return time.Weekday(i), ok
}

// weekdayAt reads a weekday, counted from Sunday.
func (p *parser) weekdayAt(want string) (i int, ok bool) {
	i, ok = p.name(want, weekdayNames, monthNames, "%[1]s is a month: want in %[1]s")
	return (i + 1) % 7, ok
}

// monthAt reads a month, counted from January as 0.
func (p *parser) monthAt(want string) (i int, ok bool) {
	return p.name(want, monthNames, weekdayNames, "%[1]s is a weekday: want on %[1]s")
}

// name reads a name, in short or in full and in any case, and returns its place. If it is
// none, nothing is read; for one of the others there is an error of its own.
func (p *parser) name(want string, names, others []string, instead string) (i int, ok bool) {
	p.skipBlanks()
	start := p.rest
	word := p.take(letters + capitals)
	if i = named(names, word); i >= 0 {
		return i, true
	}
	if named(others, word) >= 0 {
		p.wrong(fmt.Errorf(instead, word))
	}
	p.rest = start
	p.failNear(want, names)
	return 0, false
}

// sign reads a sign if it comes next.
func (p *parser) sign(sign string) bool {
	p.skipBlanks()
	rest, ok := strings.CutPrefix(p.rest, sign)
	p.rest = rest
	return ok
}
