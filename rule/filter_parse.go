package rule

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
)

// ParseFilter parses the text form of a filter, which its String prints again:
// weekdays from mon to sun, also in full, in capitals and as in mon-fri, or a session
// such as last session of month. The empty text is no filter.
func ParseFilter(text string) (Filter, error) {
	if text == "" {
		return Filter{}, nil
	}
	p := parser{rest: text}
	f := p.filter()
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
	wantFilter  = "weekdays such as mon-fri, or a session such as last session of month,"
	wantWeekday = "a weekday such as mon"
)

// filter reads what follows the word on in a rule.
func (p *parser) filter() Filter {
	p.skipBlanks()
	start := p.rest
	n, ok := p.nth()
	if !ok {
		p.rest = start
		return p.weekdays()
	}
	for _, word := range []string{"session", "of"} {
		if !p.keyword(word) {
			p.fail("session of, and a period,")
			return Filter{}
		}
	}
	return NthSession(n, p.period())
}

// nth reads first, 2nd, last, 3rd last.
func (p *parser) nth() (n int, ok bool) {
	switch {
	case p.keyword(wordFirst):
		return 1, true
	case p.keyword(wordLast):
		return -1, true
	}
	word := p.take(digits + letters)
	n, err := strconv.Atoi(strings.TrimRight(word, letters))
	if err != nil || word != ordinal(n) {
		return 0, false
	}
	if p.keyword(wordLast) {
		n = -n
	}
	return n, true
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
	f := Filter{kind: filterWeekdays}
	for want := wantFilter; ; want = wantWeekday {
		first, ok := p.weekday(want)
		last := first
		if ok && p.sign("-") {
			last, ok = p.weekday(wantWeekday)
		}
		if !ok {
			return Filter{}
		}
		f.days = f.days.with(last)
		for day := first; day != last; day = (day + 1) % 7 {
			f.days = f.days.with(day)
		}
		if !p.sign(",") {
			return f
		}
	}
}

func (p *parser) weekday(want string) (day time.Weekday, ok bool) {
	p.skipBlanks()
	start := p.rest
	word := strings.ToLower(p.take(letters + capitals))
	for i, name := range weekdayNames {
		if word == name || word == name[:3] {
			return time.Weekday((i + 1) % 7), true
		}
	}
	p.rest = start
	p.failNear(want, weekdayNames[:])
	return 0, false
}

// sign reads a sign if it comes next.
func (p *parser) sign(sign string) bool {
	p.skipBlanks()
	rest, ok := strings.CutPrefix(p.rest, sign)
	p.rest = rest
	return ok
}
