package rule

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/said"
)

// Rule says when on a session day a task is due.
//
// The rules of this package are made by Daily, Hourly, Every, Once, After and
// AfterSuccess, or by Parse from their text form, which is their JSON too; the JSON of a Schedule
// reads it back. A user's own type may be a Rule too: its
// Occurrences must depend on nothing but its arguments, and answer at once, since
// what is due is computed again and again. It counts as a rule that repeats, of
// which only the newest of several late occurrences runs, unless it is a DailyRule. It may
// be a CalendarRule, which asks for other dates. DateSlot, HourSlot and TimeSlot make slots.
type Rule interface {
	// Occurrences returns the occurrences of one session, in order of their due
	// times. Wall times are those of loc. A due time is a whole second, and lies
	// between a day before the session's date and eight days after. A slot is a
	// name for the occurrence that no other of the task ever has. An error means
	// that the session's occurrences cannot be told, and is recorded as the reason
	// of one skipped run at the end of the date.
	Occurrences(s calendar.Session, loc *time.Location) ([]Occurrence, error)
	// String returns the rule's text form, as in "daily 09:01".
	String() string
}

// Occurrence is one due instant of a task, and its slot.
type Occurrence struct {
	Due  time.Time `json:"due"`
	Slot string    `json:"slot"`
}

// Hourly returns the rule of an occurrence at from and every hour after it, up
// to and including to. The hours are counted in absolute time. A window of a
// whole day leaves its end to the next session, which begins there, and so does one
// whose end the clocks skip up to the next date.
func Hourly(from, to Moment) Rule { return hourly{window{from, to}} }

// Every returns the rule of an occurrence at from and at each interval after it,
// before to: every 1m 09:15-15:30 has 375 of them. The interval is counted in
// absolute time, in whole seconds. If both ends are anchors, the breaks between
// the windows of the phase that both name are left out (of the regular phase, if
// they name two), and the counting begins anew at each window's start.
func Every(interval time.Duration, from, to Moment) Rule {
	return every{interval, window{from, to}}
}

// Once returns the rule of one occurrence, on the session of one date.
func Once(date calendar.Date, at Moment) Rule { return once{date, at} }

// builtin is what the rules of this package can do beside being a Rule. Their
// types are comparable: two rules are the same if they are equal.
type builtin interface {
	Rule
	kind() string
	// check reports what is wrong with the rule by itself.
	check() error
	// spans compiles the rule for one session.
	spans(s calendar.Session, loc *time.Location) ([]Span, error)
	moments() []Moment
}

// The kinds of the rules of this package, which are how their text forms begin.
const (
	KindDaily  = "daily"
	KindHourly = "hourly"
	KindEvery  = "every"
	KindOnce   = "once"
	KindAfter  = "after"

	// KindEach is that of a daily rule at each window. It is a kind of its own since
	// its slots are others: a day has had its daily run, or has those of its windows.
	KindEach = "daily each"
)

var kinds = []string{KindDaily, KindHourly, KindEvery, KindOnce, KindAfter}

type hourly struct{ window }

const secondsPerHour = 60 * 60

func (hourly) kind() string                   { return KindHourly }
func (r hourly) String() string               { return KindHourly + " " + r.window.String() }
func (r hourly) MarshalText() ([]byte, error) { return Marshal(r) }
func (r hourly) Occurrences(s calendar.Session, loc *time.Location) ([]Occurrence, error) {
	return occurrences(r, s, loc)
}

func (r hourly) check() error {
	if err := r.window.check(); err != nil {
		return err
	}
	if r.longest() < 0 {
		return errors.New("end is before start")
	}
	return nil
}

func (r hourly) spans(s calendar.Session, loc *time.Location) ([]Span, error) {
	from, to, err := r.resolve(s, loc)
	if err != nil {
		return nil, err
	}
	if to.Before(from) {
		return nil, r.misordered(s, "before", from, to, loc)
	}
	if r.length(from, to, loc) == maxWindow || r.endSkipped(s, to, loc) {
		if to.Equal(from) {
			return nil, nil // the clocks skip the whole date
		}
		to = to.Add(-time.Second) // it is the first occurrence of the next session
	}
	n := (to.Unix()-from.Unix())/secondsPerHour + 1
	return []Span{{First: from.Unix(), Step: secondsPerHour, N: int(n), label: labelHour}}, nil
}

type every struct {
	interval time.Duration
	window
}

func (every) kind() string { return KindEvery }
func (r every) String() string {
	return KindEvery + " " + said.Duration(r.interval) + " " + r.window.String()
}
func (r every) MarshalText() ([]byte, error) { return Marshal(r) }
func (r every) Occurrences(s calendar.Session, loc *time.Location) ([]Occurrence, error) {
	return occurrences(r, s, loc)
}

func (r every) check() error {
	if r.interval < time.Second {
		return fmt.Errorf("interval %s is under a second", said.Duration(r.interval))
	}
	if r.interval%time.Second != 0 {
		return fmt.Errorf("interval %s is not in whole seconds", said.Duration(r.interval))
	}
	if err := r.window.check(); err != nil {
		return err
	}
	if r.longest() <= 0 {
		return errors.New("end is not after start")
	}
	return nil
}

func (r every) spans(s calendar.Session, loc *time.Location) ([]Span, error) {
	from, to, err := r.resolve(s, loc)
	if err != nil {
		return nil, err
	}
	if !to.After(from) {
		return nil, r.misordered(s, "not after", from, to, loc)
	}
	parts := r.parts(s, from, to)
	if len(parts) == 0 {
		return nil, fmt.Errorf("the window %s lies in a break of session %s", r.window, s.Date)
	}
	step := int64(r.interval / time.Second)
	spans := make([]Span, 0, len(parts))
	for _, part := range parts {
		n := (part.to - part.from + step - 1) / step
		spans = append(spans, Span{First: part.from, Step: step, N: int(n), label: labelTime})
	}
	return spans, nil
}

type once struct {
	date calendar.Date
	at   Moment
}

func (once) kind() string                   { return KindOnce }
func (r once) moments() []Moment            { return []Moment{r.at} }
func (r once) String() string               { return KindOnce + " " + r.date.String() + " " + r.at.String() }
func (r once) MarshalText() ([]byte, error) { return Marshal(r) }
func (r once) Occurrences(s calendar.Session, loc *time.Location) ([]Occurrence, error) {
	return occurrences(r, s, loc)
}

func (r once) check() error {
	if err := r.date.Validate(); err != nil {
		return err
	}
	return r.at.ValidateSingle()
}

func (r once) spans(s calendar.Session, loc *time.Location) ([]Span, error) {
	if s.Date != r.date {
		return nil, nil
	}
	return daily{r.at}.spans(s, loc)
}

// past reports whether the occurrence is over at an instant. That of an anchor
// counts as over with the date, since its hours may not be known.
func (r once) past(t time.Time, loc *time.Location) bool {
	if r.at.Anchor == "" {
		return r.at.Wall.On(r.date, loc).Before(t)
	}
	return calendar.EndOfDay.On(r.date, loc).Add(max(r.at.Offset, 0)).Before(t)
}

// Marshal returns the text of a rule. Of a rule of this package that is not valid
// there is none, since it would not be read back.
func Marshal(r Rule) ([]byte, error) {
	if err := Validate(r); err != nil {
		return nil, fmt.Errorf("rule: %w", err)
	}
	text, err := Text(r)
	return []byte(text), err
}

// Validate reports what is wrong with a rule, together with its text. Of a
// user's rule nothing is known before it is asked for its occurrences.
func Validate(r Rule) error {
	if r == nil {
		return errors.New("a rule is required")
	}
	text, err := Text(r)
	if err != nil {
		return err
	}
	b, ok := r.(builtin)
	if !ok {
		return nil
	}
	if err := b.check(); err != nil {
		return fmt.Errorf("%q: %w", text, err)
	}
	return nil
}

// Text returns the text form of a rule, a user's too, whose panic becomes an
// error.
func Text(r Rule) (text string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("rule of type %T: String panicked: %s", r, said.Panic(p))
		}
	}()
	return r.String(), nil
}

// Moments returns the moments that a rule of this package names.
func Moments(r Rule) []Moment {
	if b, ok := r.(builtin); ok {
		return b.moments()
	}
	return nil
}

// Reach returns how many days before and after a session's date its
// occurrences may lie. For an after rule it is what the delay adds to the reach
// of the other task's rule, by which it is also planned if it waits for a success.
func Reach(r Rule) (back, ahead int) {
	bare, _ := Split(r)
	b, ok := bare.(builtin)
	if !ok {
		return userReachBack, userReachAhead
	}
	if a, ok := b.(after); ok && a.succeeds {
		return 0, 0
	} else if ok {
		return 0, int((a.delay + 24*time.Hour - 1) / (24 * time.Hour))
	}
	if d, ok := b.(daily); ok { // as most rules are: no list is made of its one moment
		return d.at.reach()
	}
	for _, m := range b.moments() {
		before, after := m.reach()
		back, ahead = max(back, before), max(ahead, after)
	}
	return back, ahead
}

// reach returns how many days before and after a session's date the moment may lie.
func (m Moment) reach() (back, ahead int) {
	if m.Anchor != "" {
		// A session may begin on the evening before its date and end on the
		// morning after, and an offset is up to a day.
		return 2, 2
	}
	// A gap may push the last times of a date into the next one.
	return 0, int(m.Wall/calendar.EndOfDay) + 1
}

// Comparable reports whether the rule's type lets it be compared. Those of this
// package do, which reflection would find out slowly.
func Comparable(r Rule) bool {
	bare, _ := Split(r)
	switch bare.(type) {
	case nil, daily, times, except, hourly, every, once, after:
		return true
	}
	return reflect.ValueOf(bare).Comparable()
}

// DailyWall returns the wall time of a daily rule. It is not ok for another rule, and for
// a daily one at an anchor.
func DailyWall(r Rule) (at calendar.WallTime, ok bool) {
	d, ok := r.(daily)
	return d.at.Wall, ok && d.at.Anchor == ""
}

// OnceDate returns the date of a once rule. It is not ok for another rule.
func OnceDate(r Rule) (date calendar.Date, ok bool) {
	o, ok := r.(once)
	return o.date, ok
}

// IsPast reports whether a rule is a once rule whose date, and what its offset adds to
// it, is over at an instant.
func IsPast(r Rule, t time.Time, loc *time.Location) bool {
	o, ok := r.(once)
	return ok && o.past(t, loc)
}

// StepOf returns how far apart the occurrences of an hourly or every rule are, and zero
// for another rule.
func StepOf(r Rule) time.Duration {
	switch r := r.(type) {
	case every:
		return r.interval
	case hourly:
		return time.Hour
	case except:
		return StepOf(r.rule)
	}
	return 0
}
