package rule

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/said"
	"github.com/tradeclock/tradeclock/internal/spelling"
)

// Parse parses the text form of a rule, which its String prints again:
//
//	daily 09:01
//	daily 10:00,14:00
//	hourly 09:30-15:30
//	every 1m open-close
//	every 1m open-close except 11:30-12:30,14:00-14:15
//	once 2026-11-23 09:15
//	after premarket_retry 5m
//	after analysis succeeds 5m until 17:30
//	daily close+30m on last session of month
//
// A moment is a wall time, such as 09:15, 09:15:30 or, on the day after the
// session, 02:00+1d; or an anchor, such as open, close-15m or
// closing_auction.end+5m. A window may end at 24:00. Between anchors, every leaves
// out the breaks of the phase, and hourly does not.
//
// Where a phase has several windows on a session, an anchor is the start of the
// first or the end of the last. Before it, first and last choose another, as in
// first close or last open+5m, and in a daily rule each has them all: daily each
// open.
//
// Filters may follow any rule but once, one of each sort, and see On:
//
//	on mon,wed                          weekdays, also as in on mon-fri and in full
//	on last session of month            a session of each week, month, quarter or year
//	on 3rd fri of month                 a weekday of each month, quarter or year
//	on 15th day of month                a calendar date of each week, month, quarter or year
//	on every other week from 2026-01-05 or every 3rd session, and so on
//	in jan,apr                          months
//	or session after                    or before: in place of dates that are closed
//
// The error quotes the text and says what was expected and where.
func Parse(text string) (Rule, error) {
	r, err := parseBuiltin(text)
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return nil, fmt.Errorf("rule %q: %w", text, err)
	}
	return r, nil
}

// MustParse is Parse for a text that is written in code. It panics on an
// error.
func MustParse(text string) Rule {
	r, err := Parse(text)
	if err != nil {
		panic("tradeclock: " + err.Error())
	}
	return r
}

// ParseMoment parses the text form of a moment, which its String prints again:
// see Parse.
func ParseMoment(text string) (Moment, error) {
	p := parser{rest: text}
	m := p.moment(lastSecond)
	err := p.end()
	if err == nil {
		err = m.validate()
	}
	if err != nil {
		return Moment{}, fmt.Errorf("moment %q: %w", text, err)
	}
	return m, nil
}

// String returns the text form: 09:15, 02:00+1d, close-15m, each open.
func (m Moment) String() string {
	if m.Anchor == "" {
		return m.Wall.String()
	}
	text := m.Anchor
	if m = m.In(m.Window); m.Window != DefaultWindow {
		text = m.Window.String() + " " + text
	}
	if m.Offset > 0 {
		text += "+"
	}
	if m.Offset != 0 {
		text += said.Duration(m.Offset)
	}
	return text
}

// MarshalText returns the text form, and an error for a moment that is not valid.
func (m Moment) MarshalText() ([]byte, error) {
	if err := m.validate(); err != nil {
		return nil, fmt.Errorf("moment: %w", err)
	}
	return []byte(m.String()), nil
}

// UnmarshalText parses what MarshalText wrote.
func (m *Moment) UnmarshalText(text []byte) (err error) {
	*m, err = ParseMoment(string(text))
	return err
}

func (w window) String() string {
	if !w.toMidnight() {
		return w.from.String() + "-" + w.to.String()
	}
	end := "24:00"
	if day := w.from.Wall / calendar.EndOfDay; day > 0 {
		end += fmt.Sprintf("+%dd", day)
	}
	return w.from.String() + "-" + end
}

func parseBuiltin(text string) (builtin, error) {
	p := &parser{rest: text}
	var r builtin
	switch kind := p.word(); kind {
	case KindDaily:
		r = p.daily()
	case KindHourly:
		r = hourly{p.window()}
	case KindEvery:
		r = every{p.duration(p.word()), p.window()}
	case KindOnce:
		r = once{p.date(), p.moment(lastSecond)}
	case KindAfter:
		r = p.after()
	default:
		if looksLikeCron(text) {
			return nil, cronError(text)
		}
		return nil, fmt.Errorf("%q is none of daily, hourly, every, once, after%s", kind, spelling.Hint(kind, kinds))
	}
	if p.err == nil && p.sign(",") {
		return nil, errors.New(wantRows[KindOf(r)])
	}
	if p.err == nil && p.keyword(wordExcept) {
		r = p.except(r)
	}
	if f := p.filters(); f != (Filter{}) {
		r = filtered{r, f}
	}
	return r, p.end()
}

// wantRows is what a rule that has one moment or window says of more of them.
var wantRows = map[string]string{
	KindHourly: "an hourly rule has one window: want a row for each, or one window as in 09:30-15:00 except 11:30-13:00",
	KindEvery:  "an every rule has one window: want a row for each, or one window as in 09:30-15:00 except 11:30-13:00",
	KindOnce:   "a once rule has one time: want a row for each",
	KindAfter:  "an after rule follows one task: want a row for each",
}

const (
	digits  = "0123456789"
	blanks  = " \t"
	letters = "abcdefghijklmnopqrstuvwxyz"

	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

	lastSecond = calendar.EndOfDay - 1

	wantMoment = "a time such as 09:15 or an anchor such as close-15m"
	wantAnchor = "an anchor such as open, close, pre_open or pre_open.end"
)

// parser reads a text from its front. It keeps its first error, so that its
// methods can be called one after the other.
type parser struct {
	rest string
	err  error
}

// fail notes what was expected at the rest of the text.
func (p *parser) fail(want string) {
	if p.rest == "" {
		p.wrong(errors.New("want " + want + " at the end"))
		return
	}
	p.wrong(fmt.Errorf("want %s at %q", want, p.rest))
}

// failNear is fail, with the words that the next one is near to.
func (p *parser) failNear(want string, words []string) {
	rest := strings.TrimLeft(p.rest, letters+capitals)
	word := p.rest[:len(p.rest)-len(rest)]
	if hint := spelling.Hint(word, words); hint != "" {
		p.wrong(fmt.Errorf("want %s at %q%s", want, p.rest, hint))
		return
	}
	p.fail(want)
}

// wrong keeps the error if it is the first.
func (p *parser) wrong(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *parser) skipBlanks() { p.rest = strings.TrimLeft(p.rest, blanks) }

// end expects nothing more, and returns the first error.
func (p *parser) end() error {
	p.skipBlanks()
	if p.rest != "" {
		p.wrong(fmt.Errorf("want nothing more at %q%s", p.rest, p.meant()))
	}
	return p.err
}

// take reads the longest front that consists of bytes out of set.
func (p *parser) take(set string) string {
	rest := strings.TrimLeft(p.rest, set)
	taken := p.rest[:len(p.rest)-len(rest)]
	p.rest = rest
	return taken
}

// word reads up to the next blank.
func (p *parser) word() string {
	p.skipBlanks()
	end := strings.IndexAny(p.rest, blanks)
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	return word
}

// keyword reads a word if it is the next one.
func (p *parser) keyword(word string) bool {
	p.skipBlanks()
	rest, ok := strings.CutPrefix(p.rest, word)
	if !ok || rest != "" && !strings.Contains(blanks, rest[:1]) {
		return false
	}
	p.rest = rest
	return true
}

func (p *parser) date() calendar.Date {
	d, err := calendar.ParseDate(p.word())
	if err != nil {
		p.wrong(err)
	}
	return d
}

// duration parses a duration that has been read.
func (p *parser) duration(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		p.rest = text + p.rest
		p.fail(said.WantDuration)
	}
	return d
}

// daily reads moments between commas, each with the slot that it is to have, if that is
// another's.
func (p *parser) daily() builtin {
	var list []timeOfDay
	for {
		t := timeOfDay{at: p.moment(lastSecond)}
		if p.keyword(wordAs) {
			if t.as = slotOfDate; !p.keyword(slotOfDate) {
				t.as = p.moment(lastSecond).String()
			}
		}
		list = append(list, t)
		if p.err != nil || !p.sign(",") {
			return dailyOf(list).(builtin)
		}
	}
}

func (p *parser) window() window {
	from := p.moment(lastSecond)
	p.skipBlanks()
	if !strings.HasPrefix(p.rest, "-") {
		p.fail("a dash and the end of the window")
		return window{}
	}
	p.rest = p.rest[1:]
	return window{from, p.moment(calendar.EndOfDay)}
}

// except reads the windows that are left out of a rule.
func (p *parser) except(r builtin) builtin {
	if StepOf(r) == 0 {
		p.wrong(errNoWindow)
	}
	for {
		r = except{r, p.window()}
		if p.err != nil || !p.sign(",") {
			return r
		}
	}
}

// moment reads a moment; a time of day may be as late as latest.
func (p *parser) moment(latest calendar.WallTime) Moment {
	p.skipBlanks()
	if p.rest != "" && strings.Contains(digits, p.rest[:1]) {
		return Moment{Wall: p.wall(latest)}
	}
	window := p.windowWord()
	start := p.rest
	anchor := p.take(letters + digits + "_.")
	if anchor == "" && window == DefaultWindow {
		p.failNear(wantMoment, []string{AnchorOpen, AnchorClose})
		return Moment{}
	}
	if !validAnchor(anchor) {
		p.rest = start
		p.fail(wantAnchor)
	}
	return AtAnchor(anchor, p.offset()).In(window)
}

// windowWord reads the word that may stand before an anchor.
func (p *parser) windowWord() Window {
	for i, word := range windowWords[1:] {
		if p.keyword(word) {
			p.skipBlanks()
			return Window(i + 1)
		}
	}
	return DefaultWindow
}

// wall reads a time of day and the days after it.
func (p *parser) wall(latest calendar.WallTime) calendar.WallTime {
	start := p.rest
	text := p.take(digits + ":")
	wall, err := calendar.ParseWallTime(text)
	switch {
	case errors.Is(err, calendar.ErrNoTime):
		p.wrong(fmt.Errorf("%s: %w", text, calendar.ErrNoTime))
		return 0
	case err != nil:
		p.rest = start
		p.fail("a time such as 09:15, up to 23:59:59,")
		return 0
	case wall > latest:
		p.wrong(errors.New("24:00 only ends a window: the midnight after a session is 00:00+1d"))
		return 0
	}
	p.skipBlanks()
	if !strings.HasPrefix(p.rest, "+") {
		return wall
	}
	days := strings.TrimLeft(p.rest[1:], blanks)
	if len(days) < 2 || days[0] < '1' || days[0] > '0'+MaxDaysOn || days[1] != 'd' {
		p.fail("whole days from +1d to +7d")
		return 0
	}
	p.rest = days[2:]
	return wall + calendar.WallTime(days[0]-'0')*calendar.EndOfDay
}

// offset reads what may follow an anchor. A dash is an offset's sign if it is
// followed by a number that is not a time.
func (p *parser) offset() time.Duration {
	p.skipBlanks()
	number := p.rest
	switch {
	case strings.HasPrefix(number, "+"):
	case strings.HasPrefix(number, "-") && p.atOffset():
	default:
		return 0
	}
	p.rest = strings.TrimLeft(number[1:], blanks)
	d := p.duration(p.take(digits + letters))
	if number[0] == '-' {
		return -d
	}
	return d
}

// atOffset reports whether the dash that comes next begins an offset, and not
// the end of a window.
func (p *parser) atOffset() bool {
	text := strings.TrimLeft(p.rest[1:], blanks)
	after := strings.TrimLeft(text, digits)
	return after != text && !strings.HasPrefix(after, ":")
}
