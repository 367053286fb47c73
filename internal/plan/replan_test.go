package plan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// monday is a session of an exchange, by default from nine to four.
var monday = calendar.Date{Year: 2026, Month: time.November, Day: 23}

// at is a time of that day.
func at(hour, minute int) time.Time { return calendar.Wall(hour, minute).On(monday, time.UTC) }

// exchange is a calendar of weekdays, some of which it is told otherwise.
type exchange struct {
	calendar.Calendar
	told map[calendar.Date]func(calendar.Session) (calendar.Session, error)
}

func newExchange() *exchange {
	hours := calendar.Hours{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 0), End: calendar.Wall(16, 0)}
	return &exchange{calendar.Weekdays(time.UTC, hours), make(map[calendar.Date]func(calendar.Session) (calendar.Session, error))}
}

func (e *exchange) Session(date calendar.Date) (calendar.Session, error) {
	s, err := e.Calendar.Session(date)
	if told := e.told[date]; told != nil && err == nil {
		return told(s)
	}
	return s, err
}

// closesAt tells the exchange another close of a session.
func closesAt(hour int) func(calendar.Session) (calendar.Session, error) {
	return func(s calendar.Session) (calendar.Session, error) {
		s.Phases = []calendar.Phase{{Name: calendar.PhaseRegular, Start: s.Phases[0].Start, End: calendar.Wall(hour, 0).On(s.Date, time.UTC)}}
		return s, nil
	}
}

func isClosed(s calendar.Session) (calendar.Session, error) {
	return calendar.Session{Date: s.Date, Kind: calendar.Closed}, nil
}

func isUnknown(calendar.Session) (calendar.Session, error) {
	return calendar.Session{}, calendar.ErrUnknownDate
}

// beforeTheClose is a row that is due ten minutes before the close.
func beforeTheClose(cal calendar.Calendar) *Row {
	return &Row{Policy: &Policy{Task: "square_off", Timing: TimingOf(rule.MustParse("daily close-10m"))}, Calendar: cal}
}

// takenOnce returns what was revised, and fails the test if it is returned again.
func takenOnce(t *testing.T, p *Plan, upTo time.Time) (taken []Occurrence) {
	t.Helper()
	for _, list := range p.TakeRevised(upTo) {
		taken = append(taken, list...)
	}
	assert.Empty(t, p.TakeRevised(upTo), "taken again")
	return taken
}

// TestACalendarThatMovesAClose plans a morning, after which the calendar says something
// else of the day: what that moves behind the plan is returned once, and what it moves
// elsewhere is planned in its time.
func TestACalendarThatMovesAClose(t *testing.T) {
	for _, test := range []struct {
		name    string
		upTo    time.Time
		says    func(calendar.Session) (calendar.Session, error)
		idle    bool      // another scheduler plans
		change  RowChange // without its row and session
		behind  int       // occurrences that are counted as moved into the past
		taken   time.Time
		planned time.Time // when that was due as it was planned before
		comes   time.Time
	}{
		{name: "nothing", upTo: at(13, 0), says: closesAt(16), comes: at(15, 50)},
		{name: "behind", upTo: at(13, 0), says: closesAt(12), change: RowChange{Moved: 1, Next: at(11, 50)}, behind: 1, taken: at(11, 50)},
		{name: "behind, of another", upTo: at(13, 0), says: closesAt(12), idle: true, change: RowChange{Moved: 1, Next: at(11, 50)}, taken: at(11, 50)},
		{name: "ahead", upTo: at(10, 0), says: closesAt(12), change: RowChange{Moved: 1, Next: at(11, 50)}, comes: at(11, 50)},
		{name: "further ahead", upTo: at(10, 0), says: closesAt(18), change: RowChange{Moved: 1, Next: at(17, 50)}, comes: at(17, 50)},
		{name: "behind, once it was planned", upTo: at(15, 55), says: closesAt(12), taken: at(11, 50), planned: at(15, 50)},
		{name: "away", upTo: at(13, 0), says: isClosed, change: RowChange{FellAway: 1}},
		{name: "away, once it was planned", upTo: at(15, 55), says: isClosed},
	} {
		t.Run(test.name, func(t *testing.T) {
			cal := newExchange()
			r := beforeTheClose(cal)
			p := New([]*Row{r})
			p.Between(at(0, 0), test.upTo)

			before := p.Before(cal, monday.AddDays(-1), monday.AddDays(1))
			cal.told[monday] = test.says
			change := before.Changed(test.upTo, !test.idle)
			taken := takenOnce(t, p, test.upTo)
			coming := p.Between(test.upTo, at(24, 0))

			var rows []RowChange
			if test.change != (RowChange{}) {
				test.change.Row, test.change.Session = r, monday
				rows = []RowChange{test.change}
			}
			assert.Equal(t, rows, change.Rows)
			assert.Equal(t, test.behind, change.MovedIntoPast)
			assert.Equal(t, occurrencesAt(Occurrence{Row: r, Due: test.taken, Moved: true, Planned: test.planned}), taken)
			assert.Equal(t, occurrencesAt(Occurrence{Row: r, Due: test.comes}), coming)
		})
	}
}

// occurrencesAt is the occurrence of monday, or none if it has no due time.
func occurrencesAt(o Occurrence) []Occurrence {
	if o.Due.IsZero() {
		return nil
	}
	o.Slot, o.Session = monday.String(), monday
	return []Occurrence{o}
}

// TestChangesOfASessionAreSaid compares the words for the dates that are different.
func TestChangesOfASessionAreSaid(t *testing.T) {
	cal := newExchange()
	p := New([]*Row{beforeTheClose(cal)})
	before := p.Before(cal, monday, monday.AddDays(2))
	cal.told[monday], cal.told[monday.AddDays(2)] = isClosed, isUnknown

	change := before.Changed(at(0, 0), true)

	open := "regular session, from 2026-11-23T09:00:00Z to 2026-11-23T16:00:00Z"
	assert.Equal(t, []SessionChange{
		{Date: monday, Before: open, After: "closed"},
		{Date: monday.AddDays(2), Before: "regular session, from 2026-11-25T09:00:00Z to 2026-11-25T16:00:00Z", After: "unknown"},
	}, change.Sessions)
	assert.Zero(t, p.Before(newExchange(), monday, monday).Changed(at(0, 0), true), "of a calendar that no row is read by")
}

// TestWhatACalendarComesToKnowIsTakenOnce plans a morning of a date that the calendar does
// not know, and comes to know by noon.
func TestWhatACalendarComesToKnowIsTakenOnce(t *testing.T) {
	cal := newExchange()
	cal.told[monday] = isUnknown
	r := beforeTheClose(cal)
	p := New([]*Row{r})
	assert.Empty(t, p.Between(at(0, 0), at(13, 0)))
	assert.Empty(t, takenOnce(t, p, at(13, 0)))

	cal.told[monday] = closesAt(12)

	assert.Empty(t, p.Between(at(13, 0), at(13, 1)))
	assert.Equal(t, occurrencesAt(Occurrence{Row: r, Due: at(11, 50), Moved: true}), takenOnce(t, p, at(13, 1)))
}
