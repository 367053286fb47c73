package plan

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
)

// TestPriorHolds edits a rule on a Monday to one of another kind, which takes effect at
// the next session: at that of the day if the old rule has brought up nothing yet.
func TestPriorHolds(t *testing.T) {
	for _, test := range []struct {
		name  string
		prior string
		since time.Time
		days  int // after Monday
		want  bool
	}{
		{"the session before", "daily 09:30", at(9, 0), -3, true},
		{"an edit before it was due", "daily 09:30", at(9, 0), 0, false},
		{"an edit when it was due", "daily 09:30", at(9, 30), 0, true},
		{"an edit after it was due", "daily 09:30", at(12, 0), 0, true},
		{"an edit before the first of many", "hourly 10:00-15:00", at(9, 59), 0, false},
		{"an edit between the first and the last", "hourly 10:00-15:00", at(10, 1), 0, true},
		{"a rule that the session has no anchor for", "daily pre_open", at(12, 0), 0, false},
		{"a filter that admits the day", "daily 09:30 on mon", at(12, 0), 0, true},
		{"a filter that does not admit the day", "daily 09:30 on fri", at(12, 0), 0, false},
		{"the session after", "daily 09:30", at(12, 0), 1, false},
		{"no prior", "", at(12, 0), 0, false},
		{"no prior, the session before", "", at(12, 0), -3, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &Policy{Task: "monitor", Timing: TimingOf(rule.MustParse("every 5m 09:30-15:30"))}
			if test.prior != "" {
				p.Prior = TimingOf(rule.MustParse(test.prior))
			}
			r := &Row{Policy: p, Since: test.since, Calendar: newExchange()}
			session, err := r.Calendar.Session(monday.AddDays(test.days))
			require.NoError(t, err)
			assert.Equal(t, test.want, r.PriorHolds(session))
		})
	}
}

// listed is a user's own rule that cannot be compared.
type listed []time.Duration

func (listed) String() string { return "listed" }
func (l listed) Occurrences(s calendar.Session, loc *time.Location) (found []rule.Occurrence, _ error) {
	for _, since := range l {
		found = append(found, rule.Occurrence{Slot: since.String(), Due: calendar.Wall(0, 0).On(s.Date, loc).Add(since)})
	}
	return found, nil
}

func TestPriorHoldsOfARuleThatCannotBeCompared(t *testing.T) {
	p := &Policy{Task: "monitor", Timing: TimingOf(rule.MustParse("every 5m 09:30-15:30")), Prior: TimingOf(listed{10 * time.Hour})}
	r := &Row{Policy: p, Since: at(12, 0), Calendar: newExchange()}
	session, err := r.Calendar.Session(monday)
	require.NoError(t, err)
	assert.True(t, r.PriorHolds(session))
}

// TestHoldsFromAndRunsOn tell what an after rule takes from the rows that it follows.
func TestHoldsFromAndRunsOn(t *testing.T) {
	cal := newExchange()
	base := Row{Policy: &Policy{Task: "base"}, Since: at(11, 0), Calendar: cal}
	after := Row{Policy: &Policy{Task: "after"}, Since: at(10, 0), Calendar: cal, Base: &base}
	assert.Equal(t, at(11, 0), after.HoldsFrom())
	assert.Same(t, &base, after.Root())
	assert.True(t, after.RunsOn(monday))
	assert.False(t, after.RunsOn(monday.AddDays(-1)), "a Sunday")

	base.Policy.Disabled = true
	assert.Equal(t, at(10, 0), after.HoldsFrom(), "that it was disabled is no edit")
}
