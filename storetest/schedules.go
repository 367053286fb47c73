package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// TestScheduleStore holds a store to the contract of store.ScheduleStore,
// and to those of Reviser, ChangeLister and ScheduleEditor where it has them: each that
// it means to have is named by Has, and the others are skipped if it lacks them. It
// calls open for a new store in each of its subtests, which must be empty if it is an
// editor. An editor must take the time of an edit from the given clock, a
// *clockwork.FakeClock.
func TestScheduleStore(t *testing.T, open func(t *testing.T, clock clockwork.Clock) store.ScheduleStore, has ...Companion) {
	opened := func(t *testing.T) (store.ScheduleStore, *clockwork.FakeClock) {
		clock := clockwork.NewFakeClockAt(at(9, 0))
		return open(t, clock), clock
	}
	t.Run("Companions", func(t *testing.T) {
		st, _ := opened(t)
		testCompanions(t, st, scheduleCompanions, has)
	})
	for _, c := range readerCases {
		t.Run(c.name, func(t *testing.T) {
			st, _ := opened(t)
			c.test(t, st)
		})
	}
	for _, c := range editorCases {
		t.Run(c.name, func(t *testing.T) {
			st, clock := opened(t)
			c.test(&editorTest{t: t, ctx: t.Context(), clock: clock, store: companion[store.ScheduleEditor](t, st)})
		})
	}
}

// ops is by whom the suite edits.
var ops = store.By{Actor: "ops", Reason: "a test"}

// readerCases are the scenarios of a store whose rows the suite cannot edit.
var readerCases = []struct {
	name string
	test func(t *testing.T, st store.ScheduleStore)
}{
	{"reading changes nothing", testReading},
	{"each row can be used, and none is there twice", testRowsCanBeUsed},
	{"changes since a revision that is not known are refused", testUnknownRevisions},
	{"without an edit there are no changes", func(t *testing.T, st store.ScheduleStore) {
		lister := companion[store.ChangeLister](t, st)
		revision := scheduleRevision(t, st)
		changes, err := lister.Changes(t.Context(), revision)
		quarantined(t, err)
		assert.Equal(t, revision, changes.Revision)
		assert.Empty(t, changes.Removed)
	}},
}

// readAll reads all rows, and those that could not be read.
func readAll(t *testing.T, st store.ScheduleStore) ([]store.Schedule, []store.RowError) {
	t.Helper()
	rows, err := st.Schedules(t.Context())
	return rows, quarantined(t, err)
}

// quarantined returns the rows that a store reports as bad beside the others. It has no
// other error.
func quarantined(t *testing.T, err error) []store.RowError {
	t.Helper()
	if quarantine := (*store.QuarantineError)(nil); errors.As(err, &quarantine) {
		assert.NotEmpty(t, quarantine.Rows, "an error that names no row")
		return quarantine.Rows
	}
	require.NoError(t, err)
	return nil
}

func testReading(t *testing.T, st store.ScheduleStore) {
	before := scheduleRevision(t, st)
	first, firstBad := readAll(t, st)
	second, secondBad := readAll(t, st)
	assert.ElementsMatch(t, keptSchedules(first), keptSchedules(second))
	assert.ElementsMatch(t, rowTexts(firstBad), rowTexts(secondBad), "what cannot be read")
	assert.Equal(t, before, scheduleRevision(t, st))
}

func rowTexts(bad []store.RowError) []string {
	texts := make([]string, len(bad))
	for i, row := range bad {
		texts[i] = row.Error()
	}
	return texts
}

// testRowsCanBeUsed expects a store to name what it could not read, and to hand over
// as rows what has a task and a rule.
func testRowsCanBeUsed(t *testing.T, st store.ScheduleStore) {
	rows, bad := readAll(t, st)
	seen := make(map[store.ScheduleKey]bool)
	for _, row := range rows {
		key := row.Key()
		assert.False(t, seen[key], "%v is there twice", key)
		seen[key] = true
		assert.NotEmpty(t, row.Task)
		assert.NotNil(t, row.Rule, "the rule of %s", row.Task)
	}
	for _, row := range bad {
		assert.Error(t, row.Err, "why %s cannot be read", row.Task)
		assert.False(t, seen[store.ScheduleKey{Task: row.Task, Account: row.Account}], "%s is handed over, and reported as bad", row.Task)
	}
}

// keptSchedule is what a store must keep of a schedule, in a form that can be
// compared: rules by their text form, instants to the microsecond.
type keptSchedule struct {
	store.Schedule
	rule, prior string
}

func keptScheduleOf(s store.Schedule) keptSchedule {
	kept := keptSchedule{Schedule: s}
	if s.Rule != nil {
		kept.rule, kept.Rule = s.Rule.String(), nil
	}
	if s.Prior != nil {
		kept.prior, kept.Prior = s.Prior.String(), nil
	}
	kept.Since = toMicrosecond(s.Since)
	return kept
}

func keptSchedules(rows []store.Schedule) []keptSchedule {
	kept := make([]keptSchedule, len(rows))
	for i, row := range rows {
		kept[i] = keptScheduleOf(row)
	}
	return kept
}

// editorTest is a store under test, with calls that must succeed.
type editorTest struct {
	t     *testing.T
	ctx   context.Context
	clock *clockwork.FakeClock
	store store.ScheduleEditor
}

func (w *editorTest) put(s store.Schedule) store.Schedule {
	w.t.Helper()
	row, err := w.store.PutSchedule(w.ctx, ops, s)
	require.NoError(w.t, err)
	return row
}

func (w *editorTest) update(row store.Schedule, edit store.ScheduleEdit) store.Schedule {
	w.t.Helper()
	row, err := w.store.UpdateSchedule(w.ctx, ops, row.Account, row.Task, row.Version, edit)
	require.NoError(w.t, err)
	return row
}

func (w *editorTest) seed(defaults ...store.Schedule) int {
	w.t.Helper()
	added, err := w.store.SeedSchedules(w.ctx, defaults...)
	require.NoError(w.t, err)
	return added
}

// assertRows checks that the store holds these rows, in any order.
func (w *editorTest) assertRows(want ...store.Schedule) {
	w.t.Helper()
	got, err := w.store.Schedules(w.ctx)
	require.NoError(w.t, err)
	assert.ElementsMatch(w.t, keptSchedules(want), keptSchedules(got))
}

func schedule(task, text string) store.Schedule {
	return store.Schedule{Task: task, Rule: rule.MustParse(text)}
}

// fullSchedule returns a row in which no field that a user sets is zero.
func fullSchedule() store.Schedule {
	until := rule.AtAnchor("close", -5*time.Minute)
	return store.Schedule{
		Task: "sell_monitor", Account: "42", Rule: rule.MustParse("every 1m 09:15-15:30"), Calendar: "XNSE.FO", Disabled: true,
		Sessions: calendar.OnRegular | calendar.OnSpecial, Priority: -3,
		Timeout: 45 * time.Second, CatchUp: 90 * time.Second, CatchUpUntil: &until,
		Overlap: store.OverlapQueue, Exclusive: "orders", Spread: 100 * time.Second, StartLimit: "broker", Delivery: store.AtLeastOnce,
		Retry:       store.Retry{Attempts: 3, Backoff: 1500 * time.Millisecond, MaxBackoff: time.Minute, Within: 2 * time.Minute},
		Description: "watches the day's \"sell\" orders, it's said",
	}
}

var editorCases = []struct {
	name string
	test func(w *editorTest)
}{
	{"an edit says by whom, and why", testEditsSayByWhom},
	{"each edit is kept, with the row before and after", testEditsAreKept},
	{"a new row holds from now", func(w *editorTest) {
		s := schedule("buy_orders", "daily 09:01")
		s.Since, s.Version, s.Prior = at(4, 0), 17, rule.Daily(rule.At(-8, 0))
		row := w.put(s)
		want := schedule("buy_orders", "daily 09:01")
		want.Since, want.Version = at(9, 0), 1
		assert.Equal(w.t, keptScheduleOf(want), keptScheduleOf(row))
		w.assertRows(want)
	}},
	{"every field is kept", func(w *editorTest) {
		full := fullSchedule()
		row := w.put(full)
		full.Since, full.Version = at(9, 0), 1
		assert.Equal(w.t, keptScheduleOf(full), keptScheduleOf(row))
		plain := w.put(schedule("buy_orders", "daily 09:01"))
		w.assertRows(full, plain)
	}},
	{"odd names are kept", testOddScheduleNames},
	{"a row is replaced whatever its version", func(w *editorTest) {
		w.put(fullSchedule())
		replaced := schedule("sell_monitor", "every 5m 09:15-15:30")
		replaced.Account = "42"
		row := w.put(replaced)
		assert.Equal(w.t, int64(2), row.Version)
		replaced.Since, replaced.Version = at(9, 0), 2
		w.assertRows(replaced)
	}},
	{"the rows of an account and of all accounts are two", func(w *editorTest) {
		all := w.put(schedule("buy_orders", "daily 09:01"))
		one := schedule("buy_orders", "daily 09:05")
		one.Account = "42"
		one = w.put(one)
		w.assertRows(all, one)
		require.NoError(w.t, w.store.DeleteSchedule(w.ctx, ops, "", "buy_orders"))
		w.assertRows(one)
	}},
	{"an update touches only the fields that it names", testPartialUpdates},
	{"an update may remove the end of the catch-up", func(w *editorTest) {
		row := w.update(w.put(fullSchedule()), store.ScheduleEdit{NoCatchUpUntil: true})
		assert.Nil(w.t, row.CatchUpUntil)
		w.assertRows(row)
	}},
	{"an update from an older version is a conflict", func(w *editorTest) {
		old := w.put(schedule("buy_orders", "daily 09:01"))
		priority := 1
		row := w.update(old, store.ScheduleEdit{Priority: &priority})
		for _, version := range []int64{old.Version, row.Version + 1} {
			_, err := w.store.UpdateSchedule(w.ctx, ops, "", "buy_orders", version, store.ScheduleEdit{Rule: rule.MustParse("daily 10:00")})
			var conflict *store.ConflictError
			require.ErrorAs(w.t, err, &conflict)
			assert.Equal(w.t, store.ConflictError{Task: "buy_orders", Have: row.Version, Want: version}, *conflict)
		}
		w.assertRows(row)
	}},
	{"of many updates from one version one is made", testConcurrentUpdates},
	{"a row that is not there can be neither updated nor deleted", func(w *editorTest) {
		row := w.put(schedule("buy_orders", "daily 09:01"))
		_, err := w.store.UpdateSchedule(w.ctx, ops, "42", "buy_orders", 1, store.ScheduleEdit{})
		require.ErrorIs(w.t, err, store.ErrNoSchedule)
		require.ErrorIs(w.t, w.store.DeleteSchedule(w.ctx, ops, "42", "buy_orders"), store.ErrNoSchedule)
		w.assertRows(row)
	}},
	{"seeding adds what is missing and overwrites no edit", func(w *editorTest) {
		defaults := []store.Schedule{schedule("premarket_retry", "daily 09:00"), schedule("amo_adjustment", "after premarket_retry 5m")}
		assert.Equal(w.t, 2, w.seed(defaults...))
		rows, err := w.store.Schedules(w.ctx)
		require.NoError(w.t, err)
		for i, row := range rows {
			disabled := true
			rows[i] = w.update(row, store.ScheduleEdit{Disabled: &disabled})
		}
		added := schedule("buy_orders", "daily 09:01")
		assert.Equal(w.t, 1, w.seed(append(defaults, added)...))
		added.Since, added.Version = at(9, 0), 1
		w.assertRows(append(rows, added)...)
		assert.Zero(w.t, w.seed(defaults...))
		assert.Zero(w.t, w.seed())
	}},
	{"bad rows are refused where they are written", testRefusals},
	{"the instant from which a row holds follows its rule, calendar, sessions and enabling", testSince},
	{"each edit changes the revision", testRevision},
	{"the changes since each revision lead to the rows as they are", testChanges},
	{"changes are made together, or none", testTogether},
	{"what is handed over and out is not shared", func(w *editorTest) {
		full := fullSchedule()
		w.put(full)
		full.CatchUpUntil.Offset = time.Hour
		for range 2 {
			rows, err := w.store.Schedules(w.ctx)
			require.NoError(w.t, err)
			require.Len(w.t, rows, 1)
			assert.Equal(w.t, -5*time.Minute, rows[0].CatchUpUntil.Offset)
			rows[0].CatchUpUntil.Offset = time.Hour
		}
	}},
}

func testOddScheduleNames(w *editorTest) {
	var want []store.Schedule
	for _, name := range oddNames {
		task, account := schedule(name, "daily 09:01"), schedule("task", "daily 09:01")
		account.Account = name
		want = append(want, w.put(task), w.put(account))
	}
	w.assertRows(want...)
	for _, row := range want {
		require.NoError(w.t, w.store.DeleteSchedule(w.ctx, ops, row.Account, row.Task))
	}
	w.assertRows()
}

// testPartialUpdates makes one edit after the other in a row without any zero
// field, and expects each to change its own field alone.
func testPartialUpdates(w *editorTest) {
	var (
		disabled, sessions, priority = false, calendar.EveryDay, 0
		timeout, catchUp             = time.Duration(0), 10 * time.Minute
		until                        = rule.At(15, 0)
		overlap, delivery            = store.OverlapCancel, store.AtMostOnce
		exclusive, retry, text       = "", store.Retry{}, "another"
		spread, limit                = 2500 * time.Millisecond, "exchange"
		calendar                     = "XNYS"
	)
	cases := []struct {
		name  string
		edit  store.ScheduleEdit
		field func(s *store.Schedule)
	}{
		{"nothing", store.ScheduleEdit{}, func(*store.Schedule) {}},
		{"Sessions", store.ScheduleEdit{Sessions: &sessions}, func(s *store.Schedule) { s.Sessions, s.Since = sessions, at(9, 30) }},
		{"Priority", store.ScheduleEdit{Priority: &priority}, func(s *store.Schedule) { s.Priority = priority }},
		{"Timeout", store.ScheduleEdit{Timeout: &timeout}, func(s *store.Schedule) { s.Timeout = timeout }},
		{"CatchUp", store.ScheduleEdit{CatchUp: &catchUp}, func(s *store.Schedule) { s.CatchUp = catchUp }},
		{"CatchUpUntil", store.ScheduleEdit{CatchUpUntil: &until}, func(s *store.Schedule) { s.CatchUpUntil = &until }},
		{"Overlap", store.ScheduleEdit{Overlap: &overlap}, func(s *store.Schedule) { s.Overlap = overlap }},
		{"Exclusive", store.ScheduleEdit{Exclusive: &exclusive}, func(s *store.Schedule) { s.Exclusive = exclusive }},
		{"Spread", store.ScheduleEdit{Spread: &spread}, func(s *store.Schedule) { s.Spread = spread }},
		{"StartLimit", store.ScheduleEdit{StartLimit: &limit}, func(s *store.Schedule) { s.StartLimit = limit }},
		{"Delivery", store.ScheduleEdit{Delivery: &delivery}, func(s *store.Schedule) { s.Delivery = delivery }},
		{"Retry", store.ScheduleEdit{Retry: &retry}, func(s *store.Schedule) { s.Retry = retry }},
		{"Description", store.ScheduleEdit{Description: &text}, func(s *store.Schedule) { s.Description = text }},
		{"Disabled", store.ScheduleEdit{Disabled: &disabled}, func(s *store.Schedule) { s.Disabled, s.Since = disabled, at(9, 30) }},
		{"Calendar", store.ScheduleEdit{Calendar: &calendar}, func(s *store.Schedule) { s.Calendar = calendar }},
		{"Rule", store.ScheduleEdit{Rule: rule.MustParse("every 2m 09:15-15:30")}, func(s *store.Schedule) {
			s.Rule = rule.MustParse("every 2m 09:15-15:30")
		}},
	}
	row := w.put(fullSchedule())
	w.clock.Advance(30 * time.Minute)
	for _, c := range cases {
		want := row
		want.Version++
		c.field(&want)
		row = w.update(row, c.edit)
		assert.Equal(w.t, keptScheduleOf(want), keptScheduleOf(row), c.name)
		w.assertRows(want)
	}
}

func testRefusals(w *editorTest) {
	base, follower := w.put(schedule("premarket_retry", "daily 09:00")), w.put(schedule("amo_adjustment", "after premarket_retry 5m"))
	before := scheduleRevision(w.t, w.store)

	bad, misnamed := schedule("buy_orders", "daily 09:01"), schedule("buy_orders", "daily 09:01")
	bad.Timeout, misnamed.Calendar = -time.Second, "XNSE\n"
	cycle := schedule("premarket_retry", "after amo_adjustment 5m")
	nameless, ruleless := schedule("", "daily 09:01"), store.Schedule{Task: "buy_orders"}
	orphan, twice := schedule("buy_orders", "after analysis 5m"), schedule("buy_orders", "daily 09:01")
	for name, s := range map[string]store.Schedule{
		"negative": bad, "misnamed": misnamed, "cycle": cycle, "nameless": nameless, "ruleless": ruleless, "orphan": orphan,
	} {
		_, err := w.store.PutSchedule(w.ctx, ops, s)
		assert.Error(w.t, err, name)
	}
	for name, seeds := range map[string][]store.Schedule{
		"negative": {twice, bad}, "orphan": {orphan}, "duplicate": {twice, twice},
	} {
		added, err := w.store.SeedSchedules(w.ctx, seeds...)
		assert.Error(w.t, err, name)
		assert.Zero(w.t, added)
	}
	overlap := store.Overlap(99)
	for name, edit := range map[string]store.ScheduleEdit{
		"cycle": {Rule: cycle.Rule}, "negative": {Timeout: &bad.Timeout}, "unknown policy": {Overlap: &overlap},
	} {
		_, err := w.store.UpdateSchedule(w.ctx, ops, "", "premarket_retry", base.Version, edit)
		assert.Error(w.t, err, name)
	}
	assert.Error(w.t, w.store.DeleteSchedule(w.ctx, ops, "", "premarket_retry"), "a rule comes after it")

	w.assertRows(base, follower)
	assert.Equal(w.t, before, scheduleRevision(w.t, w.store), "a refusal changes nothing")
}
