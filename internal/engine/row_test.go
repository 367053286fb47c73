package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/internal/plan"
	"github.com/tradeclock/tradeclock/internal/why"
	"github.com/tradeclock/tradeclock/rule"
)

// Offsets stay what they are, in every process and version: these were computed
// with another program.
func TestSpreadOffset(t *testing.T) {
	for _, test := range []struct {
		account, task, slot string
		within, want        time.Duration
	}{
		{"42", "buy_orders", "2026-11-23", 100 * time.Second, 20696 * time.Millisecond},
		{"43", "buy_orders", "2026-11-23", 100 * time.Second, 88976 * time.Millisecond},
		{"", "buy_orders", "2026-11-23", 100 * time.Second, 64188 * time.Millisecond},
		{"42", "sell_orders", "2026-11-23", 100 * time.Second, 55631 * time.Millisecond},
		{"42", "buy_orders", "2026-11-24", 100 * time.Second, 86735 * time.Millisecond},
		{"42", "buy_orders", "2026-11-23", 30 * 24 * time.Hour, 536452822 * time.Millisecond},
		{"42", "buy_orders", "2026-11-23", 1900 * time.Microsecond, 0},
		{"42", "buy_orders", "2026-11-23", time.Microsecond, 0},
		{"42", "buy_orders", "2026-11-23", 0, 0},
	} {
		assert.Equal(t, test.want, SpreadOffset(test.account, test.task, test.slot, test.within), test)
	}
}

func TestSpreadOffsetIsWithin(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		within := time.Duration(random.Int64N(int64(31 * 24 * time.Hour)))
		if random.IntN(2) == 0 {
			within = time.Duration(random.Int64N(int64(10 * time.Millisecond)))
		}
		account, slot := fmt.Sprint(random.Uint64()), fmt.Sprint(random.Uint64())

		offset := SpreadOffset(account, "task", slot, within)

		require.False(t, offset < 0 || offset > 0 && offset >= within, "%v within %v", offset, within)
		require.Zero(t, offset%time.Millisecond)
	}
}

// The starts of many accounts are so even that chi-square finds nothing: each of a
// hundred seconds gets its share, and so does each thousandth of a second.
func TestSpreadOffsetIsEven(t *testing.T) {
	const accounts, buckets = 100_000, 100
	for _, slot := range []string{"2026-11-23", "2026-11-24", "2026-11-23T09:15:00+05:30"} {
		var seconds, remainders [buckets]int
		for i := range accounts {
			offset := SpreadOffset(fmt.Sprintf("acct-%06d", i), "buy_orders", slot, buckets*time.Second)
			seconds[offset/time.Second]++
			remainders[offset%time.Second/(10*time.Millisecond)]++
		}
		for _, counts := range [][buckets]int{seconds, remainders} {
			const expected = accounts / buckets
			var chi2 float64
			for _, n := range counts {
				chi2 += float64((n-expected)*(n-expected)) / expected
			}
			assert.Less(t, chi2, 148.2, "99 degrees of freedom: more is one chance in a thousand")
			assert.Greater(t, chi2, 61.1, "less is one chance in a thousand too")
		}
	}
}

func TestSpreadOffsetAllocatesNothing(t *testing.T) {
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		SpreadOffset("acct-000042", "buy_orders", "2026-11-23", time.Minute)
	}))
}

// An offset stays within the spread, the catch-up, the time to the next occurrence
// and the session, with a second to spare, or a tenth.
func TestSpreadWithin(t *testing.T) {
	table, err := calendar.NewTable(diwali(t))
	require.NoError(t, err)
	spread, catchUp := 100*time.Second, time.Hour
	until := func(text string) *rule.Moment {
		m, err := rule.ParseMoment(text)
		require.NoError(t, err)
		return &m
	}
	hoursUnknown, everyDay := calendar.Date{Year: 2026, Month: 11, Day: 8}, calendar.OnSpecial|calendar.EveryDay
	for _, test := range []struct {
		name     string
		rule     string
		handling Handling
		sessions calendar.SessionSet
		date     calendar.Date
		want     time.Duration
	}{
		{"none", "daily 09:15", Handling{CatchUp: catchUp}, 0, calendar.Date{}, 0},
		{"the spread", "daily 09:15", Handling{Spread: spread, CatchUp: catchUp}, 0, calendar.Date{}, spread},
		{"the catch-up", "daily 09:15", Handling{Spread: spread, CatchUp: time.Minute}, 0, calendar.Date{}, 59 * time.Second},
		{"a short catch-up", "daily 09:15", Handling{Spread: spread, CatchUp: 5 * time.Second}, 0, calendar.Date{}, 4500 * time.Millisecond},
		{"a catch-up that ends at a moment", "daily 09:15", Handling{Spread: spread, CatchUp: catchUp, CatchUpUntil: until("open+31s")}, 0, calendar.Date{}, 30 * time.Second},
		{"a catch-up that ended before", "daily 09:15", Handling{Spread: spread, CatchUp: catchUp, CatchUpUntil: until("09:00")}, 0, calendar.Date{}, 0},
		{"the close", "daily close-21s", Handling{Spread: spread, CatchUp: catchUp}, 0, calendar.Date{}, 20 * time.Second},
		{"before a break", "daily 11:59:39", Handling{Spread: spread, CatchUp: catchUp}, 0, calendar.Date{Year: 2026, Month: 11, Day: 13}, spread},
		{"at the close", "daily close", Handling{Spread: spread, CatchUp: catchUp}, 0, calendar.Date{}, spread},
		{"after the close", "daily 15:45", Handling{Spread: spread, CatchUp: catchUp}, 0, calendar.Date{}, spread},
		{"unknown hours", "daily 15:29:30", Handling{Spread: spread, CatchUp: catchUp}, everyDay, hoursUnknown, spread},
		{"a closed day", "daily 15:29:30", Handling{Spread: spread, CatchUp: catchUp}, everyDay, calendar.Date{Year: 2026, Month: 11, Day: 10}, spread},
		{"every minute", "every 1m 09:15-15:30", Handling{Spread: spread, CatchUp: catchUp}, 0, calendar.Date{}, 59 * time.Second},
		{"every second", "every 1s 09:15-15:30", Handling{Spread: spread, CatchUp: catchUp}, 0, calendar.Date{}, 900 * time.Millisecond},
		{"hourly", "hourly 09:15-15:15", Handling{Spread: 2 * time.Hour, CatchUp: 3 * time.Hour}, 0, calendar.Date{}, 59*time.Minute + 59*time.Second},
		{"after a monitor", "after monitor 2s", Handling{Spread: spread, CatchUp: catchUp}, 0, calendar.Date{}, 29 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			monitor := newRow("monitor", "every 30s 10:00-11:00", table, Handling{})
			r := newRow("task", test.rule, table, test.handling)
			r.Policy.Sessions = test.sessions
			if _, _, follows := rule.Follows(r.Policy.Timing.Rule); follows {
				r.Base = monitor.Row
			}
			date := test.date
			if date.IsZero() {
				date = calendar.Date{Year: 2026, Month: 11, Day: 9}
			}
			due := plan.New([]*plan.Row{r.Row}).Day(date, calendar.EndOfDay.On(date.AddDays(2), time.UTC))
			require.NotEmpty(t, due)
			assert.Equal(t, test.want, RowOf(due[0]).SpreadWithin(due[0]))
		})
	}
}

// silent is a calendar that cannot tell its sessions.
type silent struct{ calendar.Calendar }

func (silent) Session(calendar.Date) (calendar.Session, error) {
	return calendar.Session{}, calendar.ErrUnknownDate
}

// A catch-up ends at its cap if that is earlier. If the cap cannot be told, a run may only
// be on time, and a wall time can always be told.
func TestExpiry(t *testing.T) {
	weekdays := calendar.Weekdays(time.UTC, tradingHours...)
	due := clockTime(t, "09:20:00")
	for _, test := range []struct {
		name    string
		cal     calendar.Calendar
		catchUp time.Duration
		until   string
		want    time.Duration // after it is due
		why     string
	}{
		{"no cap", weekdays, time.Hour, "", time.Hour, "its catch-up of 1h0m0s had passed"},
		{"a cap that is later", weekdays, time.Hour, "close", time.Hour, "its catch-up of 1h0m0s had passed"},
		{"a cap that is earlier", weekdays, time.Hour, "open+10m", 5 * time.Minute, "its catch-up had ended at open+10m"},
		{"a cap at the end", weekdays, 5 * time.Minute, "open+10m", 5 * time.Minute, "its catch-up of 5m0s had passed"},
		{"a cap that cannot be told", silent{weekdays}, time.Hour, "open+10m", time.Minute,
			"its catch-up until open+10m cannot be told, so that it could only be on time: " + calendar.ErrUnknownDate.Error()},
		{"a cap that cannot be told, of a shorter catch-up", silent{weekdays}, time.Second, "open+10m", time.Second, "its catch-up of 1s had passed"},
		{"a wall time of a day that is not known", silent{weekdays}, time.Hour, "09:30", 10 * time.Minute, "its catch-up had ended at 09:30"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := Handling{CatchUp: test.catchUp}
			if test.until != "" {
				until, err := rule.ParseMoment(test.until)
				require.NoError(t, err)
				h.CatchUpUntil = &until
			}
			r := newRow("buy", "daily 09:20", test.cal, h)
			expires := r.Expiry(due, monday)
			assert.Equal(t, test.want, expires.Sub(due))
			p := &Run{Row: r, Due: due, Planned: due, Session: monday, Expires: expires}
			assert.Equal(t, test.why, New(Config{}).tooLate(p))
			p.lined = true
			assert.Equal(t, test.why+why.WaitedFor+why.WaitsForPlace, New(Config{MaxConcurrent: 1}).tooLate(p))
			p.wait, p.moved = "", true
			assert.Equal(t, "the calendar moved it into the past, where "+test.why, New(Config{}).tooLate(p))
		})
	}
}

// newRow is a row of all accounts.
func newRow(task, text string, cal calendar.Calendar, h Handling) *Row {
	r := &Row{Row: &plan.Row{Policy: &plan.Policy{Task: task, Timing: plan.TimingOf(rule.MustParse(text))}, Calendar: cal}, Handling: &h}
	r.Row.Of = r
	return r
}

// diwali is a table of the fortnight around Diwali of 2026, in which the weekly
// pattern is regular.
func diwali(t *testing.T) calendar.Table {
	loc, err := time.LoadLocation("Asia/Kolkata")
	require.NoError(t, err)
	return calendar.Table{
		Name:     "XNSE",
		Version:  "2026.1",
		Location: loc,
		First:    calendar.Date{Year: 2026, Month: 11, Day: 2},
		Last:     calendar.Date{Year: 2026, Month: 11, Day: 15},
		Base:     calendar.Weekdays(loc, tradingHours...),
		Days: []calendar.TableDay{
			{Date: calendar.Date{Year: 2026, Month: 11, Day: 10}, Reason: "Balipratipada"},
			{Date: calendar.Date{Year: 2026, Month: 11, Day: 8}, Kind: calendar.Special, HoursUnknown: true, Reason: "Diwali Muhurat"},
			{Date: calendar.Date{Year: 2026, Month: 11, Day: 13}, Kind: calendar.Shortened, Hours: []calendar.Hours{
				{Phase: calendar.PhaseRegular, Start: calendar.Wall(13, 0), End: calendar.Wall(15, 30)},
				{Phase: calendar.PhasePreOpen, Start: calendar.Wall(9, 0), End: calendar.Wall(9, 15)},
				{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(12, 0)},
				{Phase: calendar.PhaseClosingAuction, Start: calendar.Wall(15, 20), End: calendar.Wall(15, 30)}, // phases may overlap each other
			}},
			{Date: calendar.Date{Year: 2026, Month: 11, Day: 14}, Kind: calendar.Regular},
		},
	}
}

var tradingHours = []calendar.Hours{
	{Phase: calendar.PhasePreOpen, Start: calendar.Wall(9, 0), End: calendar.Wall(9, 15)},
	{Phase: calendar.PhaseRegular, Start: calendar.Wall(9, 15), End: calendar.Wall(15, 30)},
	{Phase: calendar.PhasePostClose, Start: calendar.Wall(15, 40), End: calendar.Wall(16, 0)},
}
