package ical_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	reader "github.com/emersion/go-ical"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock"
	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/exchange"
	"github.com/tradeclock/tradeclock/ical"
	"github.com/tradeclock/tradeclock/memstore"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
	"github.com/tradeclock/tradeclock/tradeclocktest"
)

var monday = calendar.Date{Year: 2026, Month: time.November, Day: 23}

// read reads a feed with a library that did not write it, and checks what each event and
// each line must have.
func read(t *testing.T, feed []byte) []*reader.Component {
	t.Helper()
	assert.True(t, utf8.Valid(feed))
	for line := range strings.SplitSeq(strings.TrimSuffix(string(feed), "\r\n"), "\r\n") {
		assert.LessOrEqual(t, len(line), 75, line)
		assert.NotContains(t, line, "\n")
		assert.NotContains(t, line, "\r")
	}
	decoder := reader.NewDecoder(bytes.NewReader(feed))
	cal, err := decoder.Decode()
	require.NoError(t, err)
	if len(cal.Children) > 0 { // a feed of no day has none
		require.NoError(t, reader.NewEncoder(new(bytes.Buffer)).Encode(cal), "it has what RFC 5545 requires")
	}
	seen := make(map[string]bool)
	for _, event := range cal.Children {
		uid := event.Props.Get(reader.PropUID).Value
		assert.False(t, seen[uid], "%s is there twice", uid)
		seen[uid] = true
	}
	return cal.Children
}

// told tells an event as "start end status sequence summary: description", in Mumbai.
func told(t *testing.T, event *reader.Component) string {
	t.Helper()
	mumbai := exchange.MustGet("XNSE").Location()
	e := reader.Event{Component: event}
	start, err := e.DateTimeStart(time.UTC)
	require.NoError(t, err)
	text := start.In(mumbai).Format("01-02 15:04")
	if event.Props.Get(reader.PropDateTimeEnd) != nil {
		end, err := e.DateTimeEnd(time.UTC)
		require.NoError(t, err)
		text += end.In(mumbai).Format("-15:04")
	}
	summary, err := event.Props.Text(reader.PropSummary)
	require.NoError(t, err)
	description, err := event.Props.Text(reader.PropDescription)
	require.NoError(t, err)
	return fmt.Sprintf("%s %s %s %s: %s", text, event.Props.Get(reader.PropStatus).Value, event.Props.Get(reader.PropSequence).Value, summary, description)
}

func toldAll(t *testing.T, feed []byte) (texts []string) {
	t.Helper()
	for _, event := range read(t, feed) {
		texts = append(texts, told(t, event))
	}
	return texts
}

// desk is a service with the rows of a small desk, on the days of Mumbai.
type desk struct {
	scheduler *tradeclock.UnifiedTaskScheduler
	driver    *tradeclocktest.Driver
	store     *memstore.Store
}

func newDesk(t *testing.T, accounts ...string) desk {
	t.Helper()
	nse := exchange.MustGet("XNSE")
	clock := clockwork.NewFakeClockAt(time.Date(2026, time.November, 23, 8, 0, 0, 0, nse.Location()))
	st := memstore.New(clock)
	_, err := st.SeedSchedules(t.Context(),
		tradeclock.Schedule{Task: "buy_orders", Rule: rule.MustParse("daily 09:01")},
		tradeclock.Schedule{Task: "reconcile", Rule: rule.MustParse("daily close+30m")},
		tradeclock.Schedule{Task: "sell_monitor", Rule: rule.MustParse("every 1m open-close")},
		tradeclock.Schedule{Task: "premarket", Rule: rule.MustParse("daily each open-15m")},
	)
	require.NoError(t, err)
	scheduler, err := tradeclock.New(tradeclock.Config{
		Name: "paper", Schedules: st, Ledger: st, Calendar: nse, Clock: clock, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	work := tradeclock.ExecutorFunc(func(_ context.Context, run tradeclock.Run) error {
		if run.Task == "reconcile" {
			return errors.New("two fills, one order;\nask the broker")
		}
		return nil
	})
	for _, account := range accounts {
		require.NoError(t, scheduler.Enroll(t.Context(), account, work))
	}
	driver := tradeclocktest.NewDriver(t, scheduler, clock)
	driver.Tick()
	return desk{scheduler, driver, st}
}

func (d desk) feed(t *testing.T, from, to calendar.Date, o ical.Options) []byte {
	t.Helper()
	o.Scheduler = "paper"
	feed, err := ical.Agenda(t.Context(), d.scheduler, from, to, o)
	require.NoError(t, err)
	return feed
}

// TestAFeedBeforeAndAfterItsDay has the same events, and tells what became of them.
func TestAFeedBeforeAndAfterItsDay(t *testing.T) {
	d := newDesk(t, "42")
	before := d.feed(t, monday, monday.AddDays(2), ical.Options{})
	assert.Equal(t, []string{
		"11-23 09:00 CONFIRMED 1 premarket: to come",
		"11-23 09:01 CONFIRMED 1 buy_orders: to come",
		"11-23 09:15-15:30 CONFIRMED 1 sell_monitor, 375 runs: 375 to come",
		"11-23 16:00 CONFIRMED 1 reconcile: to come",
		"11-25 09:00 CONFIRMED 1 premarket: to come", // the 24th is a holiday
		"11-25 09:01 CONFIRMED 1 buy_orders: to come",
		"11-25 09:15-15:30 CONFIRMED 1 sell_monitor, 375 runs: 375 to come",
		"11-25 16:00 CONFIRMED 1 reconcile: to come",
	}, toldAll(t, before))
	assert.Equal(t, string(before), string(d.feed(t, monday, monday.AddDays(2), ical.Options{})), "to the byte")

	d.driver.For(75 * time.Minute) // to 09:15
	description := "the kill switch"
	require.NoError(t, d.scheduler.Halt(t.Context(), tradeclock.HaltRequest{Reason: description, Actor: "desk"}))
	d.driver.For(time.Hour)
	require.NoError(t, d.scheduler.Lift(t.Context(), tradeclock.LiftRequest{Reason: "all is well", Actor: "desk"}))
	reconcile := rule.MustParse("daily 16:05")
	_, err := d.store.UpdateSchedule(t.Context(), store.By{Actor: "ops", Reason: "a test"}, "", "reconcile", 1, store.ScheduleEdit{Rule: reconcile})
	require.NoError(t, err)
	d.driver.For(12 * time.Hour)

	after := d.feed(t, monday, monday, ical.Options{})
	assert.Equal(t, []string{
		"11-23 09:00 CONFIRMED 1 premarket: succeeded",
		"11-23 09:01 CONFIRMED 1 buy_orders: succeeded",
		"11-23 09:15-15:30 CONFIRMED 1 sell_monitor, 375 runs: 315 succeeded\n60 skipped: halted by desk: the kill switch",
		"11-23 16:05 CONFIRMED 2 reconcile: failed: two fills, one order;\nask the broker",
	}, toldAll(t, after))
	assert.Equal(t, string(after), string(d.feed(t, monday, monday, ical.Options{})), "to the byte")
	uids := func(feed []byte) (ids []string) {
		for _, event := range read(t, feed)[:4] {
			ids = append(ids, event.Props.Get(reader.PropUID).Value)
		}
		return ids
	}
	assert.Equal(t, uids(before), uids(after), "they are the same events")
	runs, err := d.store.Runs(t.Context(), store.Query{Scheduler: "paper", Task: "reconcile"})
	require.NoError(t, err)
	own := uids(d.feed(t, monday, monday, ical.Options{Account: "42"}))
	assert.Equal(t, runs[0].ID+"@paper", own[3], "of one account, the UID is the ID of the run")
}

func TestWhatIsSkippedIsCancelled(t *testing.T) {
	d := newDesk(t, "42")
	require.NoError(t, d.scheduler.Halt(t.Context(), tradeclock.HaltRequest{Reason: "maintenance", Actor: "desk"}))
	d.driver.For(24 * time.Hour)
	for _, text := range toldAll(t, d.feed(t, monday, monday, ical.Options{})) {
		assert.Contains(t, text, "CANCELLED")
		assert.Contains(t, text, "skipped: halted by desk: maintenance")
	}
}

func TestAccountsOfAFeed(t *testing.T) {
	d := newDesk(t, "42", "7")
	d.driver.For(2 * time.Hour)
	assert.Equal(t, []string{
		"11-23 09:00 CONFIRMED 1 premarket, 2 accounts: 2 succeeded",
		"11-23 09:01 CONFIRMED 1 buy_orders, 2 accounts: 2 succeeded",
		"11-23 09:15-15:30 CONFIRMED 1 sell_monitor, 375 runs, 2 accounts: 92 succeeded\n658 to come",
		"11-23 16:00 CONFIRMED 1 reconcile, 2 accounts: 2 to come",
	}, toldAll(t, d.feed(t, monday, monday, ical.Options{})))
	own := d.feed(t, monday, monday, ical.Options{Account: "7"})
	assert.Equal(t, "11-23 09:15-15:30 CONFIRMED 1 sell_monitor, 375 runs: 46 succeeded\n329 to come", toldAll(t, own)[2])
	assert.Contains(t, string(own), "X-WR-CALNAME:paper 7\r\n")
	assert.Empty(t, toldAll(t, d.feed(t, monday, monday, ical.Options{Account: "nobody", Name: "a name"})))
}

// items is a source of given items.
type items map[calendar.Date][]tradeclock.AgendaItem

func (i items) Agenda(_ context.Context, date calendar.Date) ([]tradeclock.AgendaItem, error) {
	if date.Day > 25 {
		return nil, errors.New("the database is away")
	}
	return i[date], nil
}

func TestStamps(t *testing.T) {
	due := time.Date(2026, time.November, 23, 3, 31, 0, 0, time.UTC)
	ran := tradeclock.AgendaItem{Task: "b", Slot: "2026-11-23", Due: due, Run: tradeclock.Run{Outcome: tradeclock.Succeeded, Finished: due.Add(time.Minute)}}
	source := items{monday: {{Task: "a", Slot: "2026-11-23", Due: due}, ran}}
	stamps := func(o ical.Options) (at []string) {
		o.Scheduler = "paper"
		feed, err := ical.Agenda(t.Context(), source, monday, monday, o)
		require.NoError(t, err)
		for _, event := range read(t, feed) {
			at = append(at, event.Props.Get(reader.PropDateTimeStamp).Value)
		}
		return at
	}
	assert.Equal(t, []string{"20261123T033100Z", "20261123T033200Z"}, stamps(ical.Options{}))
	assert.Equal(t, []string{"20261122T120000Z", "20261122T120000Z"}, stamps(ical.Options{Stamp: due.Add(-15*time.Hour - 31*time.Minute)}))
}

// TestRangesAndRunsByHand are what a ledger has besides one row for each occurrence.
func TestRangesAndRunsByHand(t *testing.T) {
	at := func(hour, minute int) time.Time {
		return time.Date(2026, time.November, 23, hour, minute, 0, 0, exchange.MustGet("XNSE").Location())
	}
	item := func(task, slot string, due time.Time, run tradeclock.Run) tradeclock.AgendaItem {
		return tradeclock.AgendaItem{Account: "42", Task: task, Slot: slot, Due: due, Run: run}
	}
	feed, err := ical.Agenda(t.Context(), items{monday: {
		item("watch", "2026-11-23T09:15:00+05:30", at(9, 15), tradeclock.Run{Outcome: tradeclock.Missed, Reason: "late", Count: 375, LastDue: at(15, 29)}),
		item("hourly", "2026-11-23T09+05:30", at(9, 30), tradeclock.Run{Outcome: tradeclock.Missed, Reason: "late", Count: 2, LastDue: at(10, 30)}),
		item("hourly", "2026-11-23T11+05:30", at(11, 30), tradeclock.Run{Outcome: tradeclock.Succeeded}),
		item("lonely", "2026-11-23T09+05:30", at(9, 30), tradeclock.Run{}),
		item("buy", "2026-11-23", at(9, 1), tradeclock.Run{Outcome: tradeclock.Succeeded}),
		item("buy", "2026-11-23T12:00:00+05:30 manual x-1", at(12, 0), tradeclock.Run{Outcome: tradeclock.Failed, Reason: "rejected", Manual: true, Actor: "desk"}),
		{Account: "42", Task: "expiry", Slot: "2026-11-23", Due: at(23, 59), Skip: "hours are not known"},
	}}, monday, monday, ical.Options{Scheduler: "paper"})
	require.NoError(t, err)
	assert.Equal(t, []string{
		"11-23 09:01 CONFIRMED 0 buy: succeeded",
		"11-23 09:15-15:30 CONFIRMED 0 watch, 375 runs: 375 missed: late",
		"11-23 09:30-12:30 CONFIRMED 0 hourly, 3 runs: 2 missed: late\n1 succeeded",
		"11-23 09:30-09:31 CONFIRMED 0 lonely, 1 run: to come",
		"11-23 12:00 CONFIRMED 0 buy, by desk: failed: rejected",
		"11-23 23:59 CANCELLED 0 expiry: will not run: hours are not known",
	}, toldAll(t, feed))
}

// TestNamesOfAllKinds are read back as they are, as far as a file can have them.
func TestNamesOfAllKinds(t *testing.T) {
	long := strings.Repeat("ordnung, größe; 注文 ", 30)
	for name, want := range map[string]string{
		`a;b,c\d:"e" 'f'`: `a;b,c\d:"e" 'f'`, long: long, strings.Repeat("買", 200): strings.Repeat("買", 200), "bad\xffbyte": "bad\uFFFDbyte",
		"bell\a and \r\n end": "bell  and  \n end", strings.Repeat("<b> ", 60): strings.Repeat("<b> ", 60), "END:VCALENDAR": "END:VCALENDAR",
	} {
		feed, err := ical.Agenda(t.Context(), items{monday: {{
			Account: "42", Task: name, Slot: "2026-11-23", Due: monday.UTC(), Run: tradeclock.Run{Outcome: tradeclock.Failed, Reason: name},
		}}}, monday, monday, ical.Options{Scheduler: name})
		require.NoError(t, err)
		events := read(t, feed)
		require.Len(t, events, 1)
		summary, err := events[0].Props.Text(reader.PropSummary)
		require.NoError(t, err)
		assert.Equal(t, want, summary)
	}
}

func TestReasonsOfAFeedHaveBounds(t *testing.T) {
	var all []tradeclock.AgendaItem
	for i := range 100 {
		all = append(all, tradeclock.AgendaItem{Task: "a", Slot: fmt.Sprint(i), Due: monday.UTC(), Run: tradeclock.Run{Outcome: tradeclock.Failed, Reason: fmt.Sprint(i)}})
	}
	feed, err := ical.Agenda(t.Context(), items{monday: all}, monday, monday, ical.Options{Scheduler: "paper"})
	require.NoError(t, err)
	description := toldAll(t, feed)[0]
	assert.Equal(t, 20, strings.Count(description, "\n"))
	assert.True(t, strings.HasSuffix(description, "\nand 80 more"), description)
}

func TestWhatIsNoFeed(t *testing.T) {
	ask := func(from, to calendar.Date, o ical.Options) error {
		feed, err := ical.Agenda(t.Context(), items{}, from, to, o)
		assert.Nil(t, feed)
		return err
	}
	paper := ical.Options{Scheduler: "paper"}
	assert.EqualError(t, ask(monday, monday.AddDays(-1), ical.Options{}), "agenda feed: the Scheduler of the options is required\n2026-11-22 is before 2026-11-23")
	assert.ErrorContains(t, ask(calendar.Date{}, monday, ical.Options{}), "0000-00-00 is no date")
	assert.ErrorContains(t, ask(monday, monday.AddDays(366), paper), "more than 366 days")
	assert.EqualError(t, ask(monday, monday.AddDays(365), paper), "agenda feed: the database is away")
}
