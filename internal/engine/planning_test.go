package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/why"
)

// What a term finds accounted for beyond the watermark is not planned again.
func TestWhatLiesAheadOfTheWatermark(t *testing.T) {
	at := func(text string) time.Time { return clockTime(t, text) }
	watch := Key{Task: "watch", Account: "42"}
	for _, test := range []struct {
		name  string
		ahead []Entry
		want  []string // the ranges that are recorded
		runs  []string
	}{
		{"nothing", nil, []string{"watch 42 09:00 missed: " + why.Superseded + " (to 09:04)"}, []string{"watch 42 09:05"}},
		{"a run that had a start", []Entry{{Key: watch, Slot: "2026-11-23T09:02:00+00:00", Due: at("09:02:00"), Started: true}},
			[]string{"watch 42 09:00 missed: " + why.Superseded + " (to 09:01)", "watch 42 09:03 missed: " + why.Superseded + " (to 09:04)"}, []string{"watch 42 09:05"}},
		{"a range", []Entry{{Key: watch, Slot: "2026-11-23T09:00:00+00:00", Due: at("09:00:00"), LastDue: at("09:04:00"), Count: 5}}, nil, []string{"watch 42 09:05"}},
		{"the newest", []Entry{{Key: watch, Slot: "2026-11-23T09:05:00+00:00", Due: at("09:05:00"), Started: true}},
			[]string{"watch 42 09:00 missed: " + why.Superseded + " (to 09:04)"}, nil},
		{"a slot of another task", []Entry{{Key: Key{"buy", "42"}, Slot: "2026-11-23T09:05:00+00:00", Due: at("09:05:00")}},
			[]string{"watch 42 09:00 missed: " + why.Superseded + " (to 09:04)"}, []string{"watch 42 09:05"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("watch", "every 1m 09:00-10:00", always, Handling{CatchUp: time.Hour}))
			d.Lose()
			d.at("09:05:00")
			d.Term.Granted(2, time.Time{})
			d.Resume(State{
				Term: 2, Watermark: at("08:59:00"), Ahead: test.ahead, Enrolments: []Enrolment{{Account: "42", From: at("08:59:00")}},
			}, d.now)
			d.tick("09:05:00")
			assert.Equal(t, test.runs, d.running())
			told, _ := d.recorded()
			assert.Equal(t, test.want, told)
		})
	}
}

// What an interrupted run of an older term comes to, once it is known what else is due.
func TestRunAgain(t *testing.T) {
	for _, test := range []struct {
		name, rule string
		h          Handling
		at         string
		want       []string
	}{
		{"within its catch-up", "daily 09:00", Handling{CatchUp: time.Hour, AtLeastOnce: true}, "09:30:00", []string{"watch 42 09:00"}},
		{"at most once", "daily 09:00", Handling{CatchUp: time.Hour}, "09:30:00", nil},
		{"past its catch-up", "daily 09:00", Handling{CatchUp: time.Minute, AtLeastOnce: true}, "09:30:00", nil},
		{"that nothing follows", "every 1h 09:00-10:00", Handling{CatchUp: time.Hour, AtLeastOnce: true}, "09:30:00", []string{"watch 42 09:00"}},
		{"that is followed", "every 10m 09:00-10:00", Handling{CatchUp: time.Hour, AtLeastOnce: true}, "09:30:00", []string{"watch 42 09:30"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := newDesk(t, Config{}, "09:00:00", []string{"42"}, newRow("watch", test.rule, always, test.h))
			due := d.now
			d.Lose()
			d.at(test.at)
			d.Term.Granted(2, time.Time{})
			d.Resume(State{Term: 2, Watermark: due, Enrolments: []Enrolment{{Account: "42", From: due}}}, d.now)
			r := d.rows[Key{Task: "watch"}]
			day := plan.New([]*plan.Row{r.Row}).Between(due.Add(-time.Second), due)
			require.Len(t, day, 1)
			d.RunAgain(Again{Key: Key{"watch", "42"}, Slot: day[0].Slot, Session: day[0].Session, Due: due, Repeats: day[0].Repeats, Row: "its row"})
			d.Prepare(d.now)
			assert.True(t, d.HasAgain(), "what else is due is not known yet")
			d.tick(test.at)
			assert.Equal(t, test.want, d.running())
			for _, p := range d.going {
				if p.Due.Equal(due) {
					assert.Equal(t, "its row", p.Replaces)
				}
			}
		})
	}
}

// What came due before an edit was read is due by the rows of before, as far as it is
// known what these were.
func TestEdits(t *testing.T) {
	at := func(text string) time.Time { return clockTime(t, text) }
	for _, test := range []struct {
		name    string
		edit    func(d *desk, r *Row) // of the row that replaces the first
		runs    []string
		skipped []string
	}{
		{"of another time, later", func(d *desk, r *Row) { r.Since = at("09:10:00") }, []string{"buy 42 09:05"}, nil},
		{"of another time, from before", func(d *desk, r *Row) { r.Since = at("09:04:00") }, nil, nil},
		{"that was disabled since", func(d *desk, r *Row) { r.Since, r.Policy.Disabled = at("09:10:00"), true }, nil, []string{"buy 42 09:05 skipped: " + why.Disabled}},
		{"of which one was not read", func(d *desk, r *Row) { r.Since, r.Version = at("09:10:00"), 3 }, nil, []string{"buy 42 09:05 skipped: " + why.EditedTwice}},
	} {
		t.Run(test.name, func(t *testing.T) {
			long := Handling{CatchUp: time.Hour}
			was := newRow("buy", "daily 09:05", always, long)
			was.Version = 1
			d := newDesk(t, Config{}, "09:00:00", []string{"42"}, was)
			r := newRow("buy", "daily 09:03", always, long)
			r.Version = 2
			test.edit(d, r)
			d.at("09:12:00")
			d.KeepDue(d.planning.plan, []*Row{r}, func(key Key) *Row { return d.rows[key] }, d.now)
			d.PlanLate([]*Row{r}, at("09:00:00"))
			d.use(r)
			d.tick("09:12:00")
			assert.Equal(t, test.runs, d.running())
			told, _ := d.recorded()
			assert.Equal(t, test.skipped, told)
		})
	}
}

// An edit that holds from before the end of the last plan, which did not know it yet, is
// planned from its own instant on.
func TestAnEditThatIsReadLate(t *testing.T) {
	d := newDesk(t, Config{}, "09:00:00", []string{"42"}, newRow("buy", "daily 12:00", always, Handling{CatchUp: time.Hour}))
	d.tick("09:10:00")
	r := newRow("buy", "daily 09:05", always, Handling{CatchUp: time.Hour})
	r.Since = clockTime(t, "09:02:00")
	d.PlanLate([]*Row{r}, clockTime(t, "09:00:00"))
	d.use(r)
	d.tick("09:11:00")
	assert.Equal(t, []string{"buy 42 09:05"}, d.running())
	assert.True(t, d.going[0].Backdated)
}

// What such an edit has due again may have rows: it makes no range, which the ledger
// would keep beside these.
func TestAnEditThatIsReadLateMakesNoRange(t *testing.T) {
	d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("watch", "every 1m 09:00-10:00", always, Handling{CatchUp: 30 * time.Second}))
	d.tick("09:10:40")
	told, _ := d.recorded()
	require.Equal(t, []string{"watch 42 09:00 missed: its catch-up of 30s had passed (to 09:10)"}, told)
	r := newRow("watch", "every 1m 09:00-10:30", always, Handling{CatchUp: 30 * time.Second})
	r.Since = clockTime(t, "09:08:00")
	d.PlanLate([]*Row{r}, clockTime(t, "08:59:00"))
	d.use(r)
	d.tick("09:11:40")
	told, _ = d.recorded()
	assert.Equal(t, []string{
		"watch 42 09:09 missed: its catch-up of 30s had passed",
		"watch 42 09:10 missed: its catch-up of 30s had passed",
		"watch 42 09:00 missed: its catch-up of 30s had passed (to 09:11)",
	}, told)
}

// Nothing is planned while the clock is doubted, and it is not lost.
func TestNothingIsPlannedByADoubtedClock(t *testing.T) {
	d := newDesk(t, Config{}, "08:59:00", []string{"42"}, newRow("buy", "daily 09:00", always, Handling{CatchUp: 24 * time.Hour}))
	d.Wakes.Woke(d.now)
	d.Wakes.Woke(d.now.Add(3 * time.Hour))
	d.tick("11:59:00")
	assert.Empty(t, d.going)
	d.Wakes.Woke(d.now.Add(time.Second))
	d.tick("11:59:01")
	assert.Equal(t, []string{"buy 42 09:00"}, d.running())
}

// A spread lets each account start at its own offset, and tells when the next may.
func TestSpread(t *testing.T) {
	d := newDesk(t, Config{}, "08:59:00", accountsOf(20), newRow("buy", "daily 09:00", always, Handling{CatchUp: time.Hour, Spread: 10 * time.Minute}))
	d.tick("09:00:00")
	for len(d.going) < 20 {
		started, next := len(d.going), d.LookForStarts()
		require.True(t, next.After(d.now))
		d.now = next.Add(-time.Millisecond)
		d.pump()
		require.Len(t, d.going, started, "before it nothing may start")
		d.LookForStarts()
		d.now = next
		d.pump()
		require.Greater(t, len(d.going), started)
	}
	for _, p := range d.going {
		assert.Equal(t, SpreadOffset(p.Account.Name, "buy", p.Slot, 10*time.Minute), p.Offset)
		assert.False(t, p.Start().After(p.Started))
	}
	assert.True(t, d.now.Before(clockTime(t, "09:10:00")))
}
