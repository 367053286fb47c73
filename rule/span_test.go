package rule

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
)

func TestSpan(t *testing.T) {
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	grid := Span{First: 100, Step: 10, N: 3}
	single := Span{First: 100, N: 1}
	tests := []struct {
		name string
		span Span
		t    time.Time
		want int
	}{
		{"long before", grid, at(-1000), 0},
		{"just before", grid, at(100).Add(-1), 0},
		{"at the first", grid, at(100), 1},
		{"just after the first", grid, at(100).Add(1), 1},
		{"just before the second", grid, at(110).Add(-1), 1},
		{"at the second", grid, at(110), 2},
		{"at the last", grid, at(120), 3},
		{"long after", grid, at(1 << 40), 3},
		{"before the only one", single, at(99), 0},
		{"at the only one", single, at(100), 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, test.span.After(test.t.Unix()))
		})
	}
	assert.Equal(t, at(120).UTC(), grid.Due(2))
}

// What follows a task has its slots, at later times.
func TestSpanShifted(t *testing.T) {
	s, loc := nse(t)
	for _, text := range []string{"daily 09:00", "hourly 09:30-15:30", "every 1m 09:15-15:30"} {
		spans, err := Compile(MustParse(text), s, loc)
		require.NoError(t, err)
		require.Len(t, spans, 1)
		later := spans[0]
		later.First += 3600
		later.Shift += 3600
		assert.Equal(t, spans[0].Due(0).Add(time.Hour), later.Due(0))
		assert.Equal(t, spans[0].SlotAt(0, s.Date, loc), later.SlotAt(0, s.Date, loc))
	}
}

// userRule is a rule of a user's own type.
type userRule struct {
	list []Occurrence
	err  error
}

func (r userRule) Occurrences(calendar.Session, *time.Location) ([]Occurrence, error) {
	return r.list, r.err
}
func (userRule) String() string { return "own" }

// panicking is a user's rule that panics whatever it is asked.
type panicking struct{}

func (panicking) Occurrences(calendar.Session, *time.Location) ([]Occurrence, error) {
	panic("no idea")
}
func (panicking) String() string { panic("no text") }

func TestUserRules(t *testing.T) {
	s, loc := nse(t)
	at := func(days int, w calendar.WallTime) time.Time { return w.On(s.Date.AddDays(days), loc) }
	of := func(list ...Occurrence) Rule { return userRule{list: list} }

	spans, err := Compile(of(
		Occurrence{at(8, calendar.Wall(23, 59)), "last"}, Occurrence{at(-1, 0), "first"}, Occurrence{at(0, calendar.Wall(9, 15)), "middle"},
	), s, loc)
	require.NoError(t, err)
	var slots []string
	for _, sp := range spans {
		require.Equal(t, 1, sp.N)
		slots = append(slots, sp.SlotAt(0, s.Date, loc))
	}
	assert.Equal(t, []string{"first", "middle", "last"}, slots, "sorted by due time")
	assert.Equal(t, at(0, calendar.Wall(9, 15)).UTC(), spans[1].Due(0))

	tests := []struct {
		name string
		rule Rule
		want string
	}{
		{"its error", userRule{err: errors.New("no feed")}, "no feed"},
		{"its panic", panicking{}, "the rule of type rule.panicking panicked for session 2026-11-23: no idea"},
		{"a slot twice", of(Occurrence{at(0, 0), "a"}, Occurrence{at(0, 60), "a"}), `the rule gave slot "a" twice`},
		{"no slot", of(Occurrence{at(0, 0), ""}), "the rule gave a bad slot for session 2026-11-23: a name is required"},
		{"a part of a second", of(Occurrence{at(0, 0).Add(time.Millisecond), "a"}), "which is no whole second"},
		{"too early", of(Occurrence{at(-1, 0).Add(-time.Second), "a"}), `slot "a" is due on 2026-11-21, which is not within`},
		{"too late", of(Occurrence{at(9, 0), "a"}), `slot "a" is due on 2026-12-02, which is not within`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			spans, err := Compile(test.rule, s, loc)
			assert.ErrorContains(t, err, test.want)
			assert.Nil(t, spans)
		})
	}
}
