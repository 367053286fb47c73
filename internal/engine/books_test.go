package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/tradeclock/tradeclock/calendar"
)

// Health tells of a run that was to run at most once until its session is over, or the
// day on which it was due, if that is later.
func TestUntilWhenARunIsLost(t *testing.T) {
	at := func(text string) time.Time { return clockTime(t, text) }
	midnight, sunday := at("00:00:00").AddDate(0, 0, 1), monday.AddDays(-1)
	for _, test := range []struct {
		name     string
		h        Handling
		session  calendar.Date
		due, now time.Time
		want     time.Time
	}{
		{"at most once", Handling{}, monday, at("09:00:00"), at("09:05:00"), midnight},
		{"at least once", Handling{AtLeastOnce: true}, monday, at("09:00:00"), at("09:05:00"), time.Time{}},
		{"on the day after its session", Handling{}, sunday, at("02:00:00"), at("09:05:00"), midnight},
		{"on the day before its session", Handling{}, monday.AddDays(1), at("22:00:00"), at("23:05:00"), midnight.AddDate(0, 0, 1)},
		{"at the last moment", Handling{}, monday, at("09:00:00"), midnight.Add(-1), midnight},
		{"once it is over", Handling{}, monday, at("09:00:00"), midnight, time.Time{}},
	} {
		assert.Equal(t, test.want, newRow("buy", "daily 09:00", always, test.h).LostUntil(test.session, test.due, test.now), test.name)
	}
}

// Of a range that grows, each occurrence is told of once.
func TestARecordIsToldOnce(t *testing.T) {
	var r Record
	assert.Equal(t, 2, r.Tell(2))
	assert.Equal(t, 0, r.Tell(2))
	assert.Equal(t, 3, r.Tell(5))
}

// A range holds what follows each other of one session, under one term, for one reason.
func TestWhatARangeGrowsBy(t *testing.T) {
	next := func() *Run {
		return &Run{Repeats: true, Session: monday, Term: 1, Due: minute(2), prev: minute(1), Slot: "second"}
	}
	for _, test := range []struct {
		name    string
		other   func(r *Record, p *Run)
		outcome Outcome
		reason  string
		want    bool
	}{
		{"the next one", func(*Record, *Run) {}, Missed, "late", true},
		{"the next one after a range", func(r *Record, p *Run) { r.Count, r.LastDue, p.prev, p.Due = 2, minute(3), minute(3), minute(4) }, Missed, "late", true},
		{"another outcome", func(*Record, *Run) {}, Skipped, "late", false},
		{"another reason", func(*Record, *Run) {}, Missed, "later", false},
		{"another session", func(_ *Record, p *Run) { p.Session = monday.AddDays(1) }, Missed, "late", false},
		{"another term", func(_ *Record, p *Run) { p.Term = 2 }, Missed, "late", false},
		{"of a daily rule", func(_ *Record, p *Run) { p.Repeats = false }, Missed, "late", false},
		{"moved by a person", func(_ *Record, p *Run) { p.By = "moved by ada" }, Missed, "late", false},
		{"after one of a daily rule", func(r *Record, _ *Run) { r.Run.Repeats = false }, Missed, "late", false},
		{"after one that was moved", func(r *Record, _ *Run) { r.Run.By = "moved by ada" }, Missed, "late", false},
		{"after one that ran between", func(_ *Record, p *Run) { p.prev = minute(0) }, Missed, "late", false},
		{"planned behind it", func(_ *Record, p *Run) { p.Due = minute(0) }, Missed, "late", false},
		{"of the same instant", func(_ *Record, p *Run) { p.Due = minute(1) }, Missed, "late", false},
	} {
		first := &Run{Repeats: true, Session: monday, Term: 1, Due: minute(1), Slot: "first"}
		r, p := &Record{Run: first, Outcome: Missed, Reason: "late"}, next()
		test.other(r, p)
		assert.Equal(t, test.want, r.growsBy(p, test.outcome, test.reason), test.name)
	}
}

// What has a row beyond the watermark is asked for by slot, and by due time in a range.
func TestAccounted(t *testing.T) {
	key, other := buyOf("42"), buyOf("43")
	all := make(Accounted)
	assert.False(t, all.Has(key, "", minute(0)))
	all.Add(Entry{Key: key, Slot: "one", Due: minute(9), LastDue: minute(20), Count: 1, Started: true})
	all.Add(Entry{Key: key, Slot: "two", Due: minute(2), Started: true})
	all.Add(Entry{Key: key, Slot: "range", Due: minute(10), LastDue: minute(12), Count: 2})
	for _, test := range []struct {
		name string
		key  Key
		slot string
		due  time.Time
		want bool
	}{
		{"its slot", key, "one", minute(0), true},
		{"another's slot", other, "one", minute(9), false},
		{"another slot", key, "three", minute(9), false},
		{"before the range", key, "three", minute(10).Add(-1), false},
		{"the first of the range", key, "three", minute(10), true},
		{"the last of the range", key, "three", minute(12), true},
		{"after the range", key, "three", minute(12).Add(1), false},
		{"a count of one is no range", key, "three", minute(15), false},
	} {
		assert.Equal(t, test.want, all.Has(test.key, test.slot, test.due), test.name)
	}
	assert.Equal(t, minute(9), all.lastStarted(key), "the latest that had a start")
	assert.Zero(t, all.lastStarted(other))
}
