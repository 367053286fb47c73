package exchange

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tradeclock/tradeclock/calendar"
)

// Bounds on what a market may hold, so that a file that is wrong cannot fill the
// memory.
const (
	maxDays     = 200 * 366
	maxSegments = 16
	maxWindows  = 64 // of one day
)

// Bounds on what is said of a file that is wrong.
const (
	maxProblems    = 10
	maxProblemText = 300 // bytes
)

var (
	micPattern    = regexp.MustCompile(`^[A-Z0-9]{4}$`)
	suffixPattern = regexp.MustCompile(`^[A-Z0-9]{1,16}$`)
)

// problems collects what is wrong with a market.
type problems []error

// add notes a problem with the key that it is at. A join of several is noted one
// by one.
func (p *problems) add(key string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			p.add(key, e)
		}
		return
	}
	if err != nil {
		*p = append(*p, fmt.Errorf("%s: %w", key, err))
	}
}

func (p *problems) addf(key, format string, args ...any) {
	p.add(key, fmt.Errorf(format, args...))
}

// first returns the first of the problems, cut short, and says how many more there
// are: what a file may hold is not what people can read.
func (p problems) first() error {
	var first problems
	for _, err := range p[:min(len(p), maxProblems)] {
		first = append(first, cutShort(err))
	}
	if more := len(p) - maxProblems; more > 0 {
		first = append(first, fmt.Errorf("and %d more", more))
	}
	return errors.Join(first...)
}

// cutShort returns the error, or one of the beginning of its text if that is long:
// it may quote the file.
func cutShort(err error) error {
	text := err.Error()
	if len(text) <= maxProblemText {
		return err
	}
	return errors.New(strings.ToValidUTF8(text[:maxProblemText], "") + "...")
}

// check reports all that is wrong with the market. Only hours that the clocks
// skip on a date are left to Build.
func (m Market) check() error {
	var p problems
	if !micPattern.MatchString(m.MIC) {
		p.addf("mic", "%q is no market identifier code: want four capital letters and digits", m.MIC)
	}
	p.add("name", checkRequired(m.Name))
	p.add("version", checkRequired(m.Version))
	p.add("basis", checkText(m.Basis))
	loc, err := loadZone(m.Timezone)
	if err != nil {
		p = append(p, err)
		loc = time.UTC
	}
	if err := checkRange(m.From, m.To); err != nil {
		// Without a coverage there is nothing to hold the dates against.
		return errors.Join(append(p, err)...)
	}
	p.add("segments", m.checkSegments())
	p.add("days", m.checkDays(loc))
	if m.Settlement != nil {
		p.add("settlement", m.checkSettlement())
	}
	return errors.Join(p...)
}

// checkRange refuses a coverage without dates, and one that is too long.
func checkRange(from, to calendar.Date) error {
	var p problems
	p.add("from", checkDate(from))
	p.add("to", checkDate(to))
	switch {
	case len(p) > 0:
	case to.Before(from):
		p.addf("to", "%s is before from, %s", to, from)
	case number(to)-number(from) >= maxDays:
		p.addf("to", "the coverage is longer than 200 years")
	}
	return errors.Join(p...)
}

func (m Market) checkSegments() error {
	if n := len(m.Segments); n == 0 || n > maxSegments {
		return fmt.Errorf("there are %d, want 1 to %d", n, maxSegments)
	}
	if main := m.Segments[0].Calendar; main != m.MIC {
		return fmt.Errorf("the first is %q, want that of the market itself, %q", main, m.MIC)
	}
	var p problems
	seen := make(map[string]bool)
	for _, s := range m.Segments {
		suffix, dotted := strings.CutPrefix(s.Calendar, m.MIC+".")
		switch {
		case seen[s.Calendar]:
			p.addf(s.Calendar, "listed twice")
		case s.Calendar != m.MIC && (!dotted || !suffixPattern.MatchString(suffix)):
			p.addf(fmt.Sprintf("%q", s.Calendar), "not a name as in %s.FO", m.MIC)
		}
		seen[s.Calendar] = true
		p.add(s.Calendar+": name", checkText(s.Name))
		p.add(s.Calendar+": eras", m.checkEras(s.Eras))
	}
	return errors.Join(p...)
}

func (m Market) checkEras(eras []Era) error {
	if len(eras) == 0 {
		return errors.New("at least one is required")
	}
	var p problems
	for i, era := range eras {
		if err := checkDate(era.From); err != nil {
			p.add(fmt.Sprintf("era %d: from", i+1), err)
			continue
		}
		key := era.From.String()
		switch {
		case i == 0 && era.From != m.From:
			p.addf(key, "the first era begins with the coverage, on %s", m.From)
		case i > 0 && !era.From.After(eras[i-1].From):
			p.addf(key, "not after the era before it")
		case era.From.After(m.To):
			p.addf(key, "outside the coverage, %s to %s", m.From, m.To)
		}
		p.add(key, checkText(era.Source))
		p.add(key, checkWindows(era.Hours))
		if _, _, ok := bounds(era.Hours, calendar.PhaseRegular); !ok {
			p.addf(key, "the hours have no window of the phase regular")
		}
		// The hours are those of many dates, so that UTC, which shows any time of a
		// day once, stands for them all.
		day := calendar.TableDay{Date: era.From, Kind: calendar.Regular, Hours: hoursOf(era.Hours)}
		if _, err := day.Session(time.UTC); err != nil {
			p = append(p, err) // it names the date
		}
	}
	return errors.Join(p...)
}

func (m Market) checkDays(loc *time.Location) error {
	var p problems
	type entry struct {
		date     calendar.Date
		calendar string
	}
	seen := make(map[entry]bool)
	for i, day := range m.Days {
		if err := checkDate(day.Date); err != nil {
			p.add(fmt.Sprintf("entry %d: date", i+1), err)
			continue
		}
		key := day.Date.String()
		if day.Date.Before(m.From) || day.Date.After(m.To) {
			p.addf(key, "outside the coverage, %s to %s", m.From, m.To)
		}
		for _, name := range m.calendarsOf(day.Calendars) {
			if seen[entry{day.Date, name}] {
				p.addf(key, "%s is listed twice", name)
			}
			seen[entry{day.Date, name}] = true
		}
		p.add(key, day.check(loc))
		p.add(key, m.checkShortened(day))
	}
	return errors.Join(p...)
}

// check reports what is wrong with a dated day apart from its date and the
// calendars it is for.
func (d Day) check(loc *time.Location) error {
	var p problems
	p.add("name", checkText(d.Name))
	p.add("source", checkText(d.Source))
	if !d.Announced.IsZero() {
		p.add("announced", checkDate(d.Announced))
	}
	p = append(p, checkWindows(d.Hours))
	_, known := kinds[d.Status]
	_, _, regular := bounds(d.Hours, calendar.PhaseRegular)
	switch {
	case !known:
		p.addf("status", "%q is none of closed, regular, early_close, late_open, special and hours_unknown", string(d.Status))
	case d.Status == StatusClosed && len(d.Hours) > 0:
		p = append(p, errors.New("a closed day has no hours"))
	case d.Status == StatusHoursUnknown && len(d.Hours) > 0:
		p = append(p, errors.New("the hours are given and said to be unknown"))
	case d.Status == StatusClosed, d.Status == StatusHoursUnknown, d.Status == StatusRegular && len(d.Hours) == 0:
	case !regular:
		p.addf("hours", "a day that is %s has at least one window of the phase regular", d.Status)
	default:
		p = append(p, checkHours(d, loc))
	}
	return errors.Join(p...)
}

// checkHours reports hours that cannot be those of the day.
func checkHours(d Day, loc *time.Location) error {
	_, err := d.table(nil).Session(loc)
	var p problems
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			// The date is in the key already.
			p = append(p, errors.New(strings.TrimPrefix(e.Error(), d.Date.String()+": ")))
		}
		return errors.Join(p...)
	}
	return err
}

// checkShortened reports calendars that a day is for and that are not there, or
// whose session it does not shorten at the edge that its status says: a day that
// moves both has other hours, which is special.
func (m Market) checkShortened(day Day) error {
	var p problems
	for _, name := range m.calendarsOf(day.Calendars) {
		i := slices.IndexFunc(m.Segments, func(s Segment) bool { return s.Calendar == name })
		if i < 0 {
			p.addf("calendars", "%q is none of the market's", name)
			continue
		}
		start, end, ok := bounds(day.Hours, calendar.PhaseRegular)
		open, closing, known := m.Segments[i].regularOn(day.Date)
		if !ok || !known || end <= start { // which is reported as such
			continue
		}
		switch {
		case day.Status == StatusEarlyClose && (start != open || end >= closing):
			p.addf(name, "%s to %s is no early close of %s to %s", start, end, open, closing)
		case day.Status == StatusLateOpen && (start <= open || end != closing):
			p.addf(name, "%s to %s is no late open of %s to %s", start, end, open, closing)
		}
	}
	return errors.Join(p...)
}

// regularOn returns the edges of the regular phase in the era of a date.
func (s Segment) regularOn(d calendar.Date) (start, end calendar.WallTime, ok bool) {
	if len(s.Eras) == 0 {
		return 0, 0, false
	}
	return bounds(s.eraOn(d).Hours, calendar.PhaseRegular)
}

// bounds returns the first start and the last end of a phase.
func bounds(windows []PhaseHours, phase string) (start, end calendar.WallTime, ok bool) {
	for _, w := range windows {
		if w.Phase != phase {
			continue
		}
		if !ok {
			start, end, ok = w.Start, w.End, true
		}
		start, end = min(start, w.Start), max(end, w.End)
	}
	return start, end, ok
}

// checkWindows reports what is wrong with windows apart from their times, which
// the package calendar checks.
func checkWindows(windows []PhaseHours) error {
	if len(windows) > maxWindows {
		return fmt.Errorf("there are %d windows, the limit is %d", len(windows), maxWindows)
	}
	var p problems
	for _, w := range windows {
		p.add(w.Phase+": note", checkText(w.Note))
	}
	return errors.Join(p...)
}

func checkRequired(text string) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("a text is required")
	}
	return checkText(text)
}

// checkText refuses what would spoil the line of a log.
func checkText(text string) error {
	switch {
	case !utf8.ValidString(text):
		return fmt.Errorf("%q is not valid UTF-8", text)
	case strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("%q has a control character", text)
	}
	return nil
}
