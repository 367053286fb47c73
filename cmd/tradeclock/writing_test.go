package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/rule"
	"github.com/tradeclock/tradeclock/store"
)

// order runs the command now, as what is written is written now.
func (s *service) order(in string, args ...string) answer {
	s.t.Helper()
	return run(s.t, in, append(args, "--db", s.at.url, "--calendar", "XNSE")...)
}

func (s *service) row(task string) store.Schedule {
	s.t.Helper()
	rows, err := s.store.Schedules(s.t.Context())
	require.NoError(s.t, err)
	for _, row := range rows {
		if row.Task == task {
			return row
		}
	}
	return store.Schedule{}
}

func TestSetTouchesWhatItNamesAlone(t *testing.T) {
	onEach(t, func(t *testing.T, at address) {
		s := monday(t, at, "09:02:00")
		before := s.row("sell_monitor")
		got := s.order("", "schedules", "set", "sell_monitor", "--timeout", "3m")
		assert.Equal(t, 3, got.code, "nobody is there to answer")
		assert.Equal(t, before, s.row("sell_monitor"))

		got = s.order("", "schedules", "set", "sell_monitor", "--timeout", "3m", "--actor", "ana", "--reason", "as agreed", "--yes")
		require.Zero(t, got.code, got.err)
		assert.Contains(t, got.out, `~ sell_monitor: timeout "2m" -> "3m"`)
		assert.Equal(t, 3, s.order("", "schedules", "set", "sell_monitor", "--timeout", "9m", "--actor", "ana", "--yes").code, "without a reason")
		assert.Regexp(t, `edit +sell_monitor +ana +as agreed +timeout "2m" -> "3m"`, s.ask("audit").out)
		before.Timeout, before.Version = 3*time.Minute, 2
		assert.Equal(t, before, s.row("sell_monitor"))

		got = s.order("", "schedules", "set", "sell_monitor", "--timeout", "4m", "--if-version", "1", "--actor", "ana", "--reason", "as agreed", "--yes")
		assert.Equal(t, 5, got.code, got.err)
		assert.Equal(t, before, s.row("sell_monitor"), "an older version changes nothing")
		got = s.order("", "schedules", "set", "sell_monitor", "--timeout", "3m", "--actor", "ana", "--reason", "as agreed", "--yes")
		assert.Zero(t, got.code)
		assert.Equal(t, "No changes.\n", got.out)
		assert.Equal(t, int64(2), s.row("sell_monitor").Version)

		got = s.order("", "schedules", "set", "analysis", "--disable", "--retry-attempts", "1", "--catch-up-until", "17:00", "--actor", "ana", "--reason", "as agreed", "--yes")
		require.Zero(t, got.code, got.err)
		assert.True(t, s.row("analysis").Disabled)
		assert.Equal(t, 1, s.row("analysis").Retry.Attempts)
		assert.Equal(t, time.Minute, s.row("analysis").Retry.Backoff, "which was not named")
		for _, bad := range [][]string{
			{"set", "nothing", "--timeout", "3m"}, {"set", "sell_monitor", "--account", "42", "--timeout", "3m"},
			{"set", "premarket_retry", "--rule", "after premarket_amo_adjustment 5m"}, {"set", "buy_orders", "--timeout=-3m"},
		} {
			got := s.order("", append([]string{"schedules"}, append(bad, "--actor", "ana", "--reason", "as agreed", "--yes")...)...)
			assert.Equal(t, 1, got.code, "%v: %s", bad, got.err)
		}
		got = s.order("", "schedules", "set", "buy_orders", "--rule", "at nine", "--overlap", "perhaps", "--actor", "ana", "--reason", "as agreed", "--yes")
		assert.Equal(t, 3, got.code)
		assert.Contains(t, got.err, "--rule")
		assert.Contains(t, got.err, "--overlap")
	})
}

// everything is a row in which no field that a file has is zero.
func everything() store.Schedule {
	until := rule.AtAnchor("close", -5*time.Minute)
	return store.Schedule{
		Task: "sell, \"monitor\"", Account: "42", Rule: rule.MustParse("every 1m 09:15-15:30 on mon,fri"), Calendar: "XNSE", Disabled: true,
		Sessions: calendar.OnRegular | calendar.OnSpecial, Priority: -3, Timeout: 45 * time.Second, CatchUp: 90 * time.Second, CatchUpUntil: &until,
		Overlap: store.OverlapQueue, Exclusive: "orders", Spread: 100 * time.Second, StartLimit: "broker", Delivery: store.AtLeastOnce,
		Retry:       store.Retry{Attempts: 3, Backoff: 1500 * time.Millisecond, MaxBackoff: time.Minute, Within: 2 * time.Minute},
		Description: "watches the day's\n\"sell\" orders; it's said",
	}
}

func TestWhatIsExportedIsImported(t *testing.T) {
	onEach(t, func(t *testing.T, at address) {
		s := monday(t, at, "09:02:00")
		_, err := s.store.PutSchedule(t.Context(), store.By{Actor: "ops", Reason: "a test"}, everything())
		require.NoError(t, err)
		revision, err := s.store.Revision(t.Context())
		require.NoError(t, err)
		for _, form := range []string{"json", "csv"} {
			exported := s.order("", "schedules", "export", "-o", form)
			require.Zero(t, exported.code, exported.err)
			file := filepath.Join(t.TempDir(), "rows")
			require.NoError(t, os.WriteFile(file, []byte(exported.out), 0o600))
			got := s.order("", "schedules", "import", file, "--prune", "--dry-run")
			assert.Zero(t, got.code, got.err)
			assert.Equal(t, "No changes.\n", got.out)

			edited := strings.Replace(exported.out, "daily 16:05", "daily 16:07", 1)
			got = s.order(edited, "schedules", "import", "-", "--dry-run")
			assert.Equal(t, 2, got.code, got.err)
			assert.Contains(t, got.out, `~ buy_orders: rule "daily 16:05" -> "daily 16:07"`)
			bad := strings.Replace(edited, "after premarket_retry 5m", "after nothing 5m", 1)
			got = s.order(bad, "schedules", "import", "-", "--actor", "ana", "--reason", "as agreed", "--yes")
			assert.Equal(t, 1, got.code)
			assert.Contains(t, got.err, "no schedule of task \"nothing\"")
		}
		after, err := s.store.Revision(t.Context())
		require.NoError(t, err)
		assert.Equal(t, revision, after, "one bad row, and nothing is written")

		rows := []store.Schedule{everything(), {Task: "report", Rule: rule.MustParse("daily 17:00")}}
		rows[0].Priority = 7
		text, err := json.Marshal(rows)
		require.NoError(t, err)
		got := s.order(string(text), "schedules", "import", "-", "--prune", "--actor", "ana", "--reason", "as agreed", "--yes")
		require.Zero(t, got.code, got.err)
		assert.Contains(t, got.out, "Done: 2 put, 7 removed.")
		stored, err := s.store.Schedules(t.Context())
		require.NoError(t, err)
		require.Len(t, stored, 2)
		assert.Equal(t, 7, stored[1].Priority)
	})
}

func TestWhatIsWrongWithAFileIsToldAtOnce(t *testing.T) {
	at := sqliteFile(t)
	s := monday(t, at, "09:02:00")
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"json": {
			`[{"task":"a","rule":"dialy 09:00"},{"task":"b","rul":"daily 09:00","timeout":"soon"},{"task":"c","rule":"daily 09:00"}]`,
			[]string{`row 1 (a): schedule: rule "dialy 09:00"`, "; row 2 (b): schedule: rul: there is no such key; ", `timeout: duration "soon"`},
		},
		"csv":                {"task,rule,timeout\na,dialy 09:00,\nb,daily 09:00,soon\n", []string{`row 1 (a): schedule: rule "dialy 09:00"`, `row 2 (b): schedule: timeout: duration "soon"`}},
		"cut off":            {`[{"task":"a","rule":"daily 09:00"}`, []string{"unexpected end"}},
		"something after":    {`[{"task":"a","rule":"daily 09:00"}] [`, []string{"after top-level value"}},
		"an object":          {`{"task":"a","rule":"daily 09:00"}`, []string{"want a JSON array of rows"}},
		"the same row twice": {"task,rule\na,daily 09:00\na,daily 10:00\n", []string{"the file has a twice"}},
		"nothing":            {" \n", []string{"it is empty"}},
	} {
		got := s.order(test.text, "schedules", "import", "-", "--actor", "ana", "--reason", "as agreed", "--yes")
		assert.Equal(t, 1, got.code, name)
		for _, want := range test.want {
			assert.Contains(t, got.err, want, name)
		}
	}
	got := s.order("\ufefftask,rule\r\nreport,daily 17:00\r\n", "schedules", "import", "-", "--actor", "ana", "--reason", "as agreed", "--yes")
	assert.Zero(t, got.code, got.err)
	assert.Equal(t, "daily 17:00", s.row("report").Rule.String(), "of a spreadsheet")
}

func TestCronRulesAreRules(t *testing.T) {
	s := monday(t, sqliteFile(t), "09:02:00")
	got := s.order(`[{"task":"report","rule":"cron */7 9-15 * * *"}]`, "schedules", "import", "-", "--actor", "ana", "--reason", "as agreed", "--yes")
	require.Zero(t, got.code, got.err)
	got = s.ask("plan", "2026-12-23", "--task", "report")
	assert.Contains(t, got.out, "15:56")
	assert.Empty(t, got.err)
	exported := s.order("", "schedules", "export", "-o", "csv")
	assert.Contains(t, exported.out, "report,,cron */7 9-15 * * *,")
	assert.Equal(t, "No changes.\n", s.order(exported.out, "schedules", "import", "-", "--prune", "--dry-run").out)
	got = s.order("", "schedules", "set", "report", "--rule", "5 9 * * 1-5", "--actor", "ana", "--reason", "as agreed", "--yes")
	require.Zero(t, got.code, got.err)
	assert.Contains(t, got.out, `"daily 09:05 on mon,tue,wed,thu,fri"`)
}

func TestHaltAndLift(t *testing.T) {
	onEach(t, func(t *testing.T, at address) {
		s := monday(t, at, "09:02:00")
		got := s.order("", "halt", "24", "--reason", "loss limit", "--actor", "ana", "--yes")
		assert.Equal(t, 1, got.code, "a misspelled halt must not look like one")
		got = s.order("", "halt", "42", "--reason", "loss limit", "--actor", "ana")
		assert.Equal(t, 3, got.code, "nobody is there to answer")
		assert.Empty(t, s.sched.Status().Halts)
		got = s.order("", "halt", "42", "--reason", "loss limit", "--actor", "ana", "--yes")
		require.Zero(t, got.code, got.err)
		s.drive.Until(at_("09:05:00"))
		runs, err := s.store.Runs(t.Context(), store.Query{Task: "premarket_amo_adjustment"})
		require.NoError(t, err)
		require.Len(t, runs, 1)
		assert.Equal(t, "halted by ana: loss limit", runs[0].Reason)
		assert.Contains(t, s.ask("accounts").out, "by ana: loss limit")

		assert.Equal(t, 1, s.order("", "lift", "--all", "--actor", "ben", "--yes").code, "there is no such halt")
		require.Zero(t, s.order("", "lift", "42", "--actor", "ben", "--reason", "checked", "--yes").code)
		audit := s.ask("audit").out
		assert.Contains(t, audit, "halt")
		assert.Contains(t, audit, "lift")
		assert.Contains(t, audit, "checked")
	})
}

// TestTriggerAndCancel ask a service that answers at its ticks, beside the command.
func TestTriggerAndCancel(t *testing.T) {
	onEach(t, func(t *testing.T, at address) {
		s := monday(t, at, "09:02:00")
		got := s.order("", "trigger", "analysis", "--account", "42", "--actor", "ana")
		assert.Equal(t, 3, got.code, "nobody is there to answer")
		got = s.order("", "trigger", "analysis", "--account", "42", "--actor", "ana", "--yes", "--wait", "1ms")
		assert.Equal(t, 4, got.code, got.err)
		assert.Contains(t, got.err, "nobody has answered yet")
		s.order("", "trigger", "analysi", "--account", "42", "--actor", "ana", "--yes", "--wait", "1ms")
		assert.Equal(t, 2, strings.Count(s.ask("requests", "--open", "-o", "jsonl").out, "\n"))
		s.drive.Tick()
		runs, err := s.store.Runs(t.Context(), store.Query{Task: "analysis"})
		require.NoError(t, err)
		require.Len(t, runs, 1)
		assert.True(t, runs[0].Manual)
		assert.Equal(t, "ana", runs[0].Actor)
		told := s.ask("requests").out
		assert.Contains(t, told, "run "+runs[0].Slot+" has started")
		assert.Contains(t, told, "refused")
		assert.Contains(t, told, `unknown task: "analysi"`)

		got = s.order("", "cancel", "--account", "42", "--actor", "ana", "--yes")
		assert.Equal(t, 3, got.code)
		assert.Contains(t, got.err, "--reason")
		s.order("", "cancel", "sell_monitor", "--all", "--reason", "stuck", "--actor", "ana", "--yes", "--wait", "1ms")
		s.drive.Tick()
		assert.Contains(t, s.ask("requests").out, "no such run goes on")
		assert.Equal(t, 3, s.order("", "trigger", "analysis", "--session", "yesterday", "--actor", "ana", "--yes").code)
	})
}

// TestSkipMoveRestore has the service answer while the command waits.
func TestSkipMoveRestore(t *testing.T) {
	onEach(t, func(t *testing.T, at address) {
		s := monday(t, at, "09:02:00")
		said := func(args ...string) string {
			t.Helper()
			got := s.order("", append(args, "--account", "42", "--reason", "late data", "--actor", "ana", "--yes", "--wait", "1ms")...)
			require.Equal(t, 4, got.code, got.err)
			s.drive.Tick()
			return s.ask("requests", "--limit", "1").out
		}
		assert.Contains(t, said("skip", "buy_orders", "2026-11-23"), "slot 2026-11-23 is going to be skipped")
		assert.Contains(t, said("move", "analysis", "17:30", "2026-11-23"), "slot 2026-11-23 is moved to 2026-11-23 17:30:00")
		assert.Contains(t, said("skip", "sell_monitor", "2026-11-23"), "one of their slots is to be named")
		assert.Contains(t, said("skip", "buy_orders", "2026-11-22"), "there is no such occurrence")
		plan := s.ask("plan", "--each").out
		assert.Contains(t, plan, "skipped by ana: late data")
		assert.Contains(t, plan, "moved by ana: late data")
		told := s.ask("overrides", "2026-11-23").out
		assert.Contains(t, told, "2026-11-23 17:30:00")
		assert.Contains(t, told, "skipped")
		assert.Contains(t, said("restore", "buy_orders", "2026-11-23"), "runs as its schedule has it")
		audit := s.ask("audit").out
		for _, action := range []string{"skip", "move", "restore"} {
			assert.Contains(t, audit, action)
		}
		for _, bad := range [][]string{
			{"skip", "buy_orders"}, {"skip", "--all"}, {"move", "analysis", "late", "--all"}, {"skip", "buy_orders", "someday", "--all"},
			{"skip", "buy_orders", "--all", "--account", "42"},
		} {
			assert.Equal(t, 3, s.order("", append(bad, "--reason", "r", "--actor", "a", "--yes")...).code, "%v", bad)
		}
		assert.Equal(t, 3, s.order("", "skip", "buy_orders", "--all", "--actor", "a", "--yes").code, "without a reason")
		got := s.order("", "halt", "42", "--cancel", "--reason", "loss limit", "--actor", "ana", "--yes", "--wait", "1ms")
		assert.Equal(t, 4, got.code, got.err)
		assert.Contains(t, got.out, "Halted")
		s.drive.Tick()
		assert.Contains(t, s.ask("requests", "--limit", "1").out, "it is in force")
	})
}

func at_(wall string) time.Time { return at("2026-11-23 " + wall) }

func TestHealthIsAMonitorsVerdict(t *testing.T) {
	onEach(t, func(t *testing.T, at address) {
		s := monday(t, at, "09:02:00")
		assert.Zero(t, s.ask("health").code)
		s.clock.Advance(2 * time.Minute)
		got := s.ask("health")
		assert.Equal(t, 1, got.code, got.out)
		assert.Contains(t, got.out, "TRADECLOCK WARNING - paper")
		s.clock.Advance(4 * time.Minute)
		got = s.ask("health")
		assert.Equal(t, 2, got.code, got.out)
		assert.Contains(t, got.out, "TRADECLOCK CRITICAL - paper")
		s.clock.Advance(36 * time.Minute)
		s.drive.For(time.Minute)
		got = s.ask("health", "-o", "json")
		assert.Equal(t, 2, got.code, got.out)
		var verdict struct{ Missed int }
		require.NoError(t, json.Unmarshal([]byte(got.out), &verdict))
		assert.Equal(t, 1, verdict.Missed, "an order was")

		_, err := s.store.SeedSchedules(t.Context(), store.Schedule{Task: "unknown_task", Rule: rule.MustParse("daily 17:00")})
		require.NoError(t, err)
		require.NoError(t, s.sched.Close(t.Context()))
		assert.Contains(t, s.ask("health").out, "it was stopped")
		ending := run(t, "", "health", "--db", s.at.url, "--calendar", "XNSE", "--at", "2026-12-20T10:00")
		assert.Contains(t, ending.out, "calendar XNSE ends on 2026-12-31")
	})
}

func TestOnlyMigrateMakesTables(t *testing.T) {
	at := sqliteFile(t)
	file := strings.TrimPrefix(at.url, "sqlite:")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, args := range [][]string{{"plan"}, {"schedules", "list"}, {"db", "check"}, {"halt", "42", "--reason", "r", "--actor", "a", "--yes"}} {
		got := run(t, "", append(args, "--db", at.url)...)
		assert.Equal(t, 3, got.code, args)
		assert.Contains(t, got.err, "tradeclock db migrate")
	}
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Zero(t, info.Size())
	require.Zero(t, run(t, "", "db", "migrate", "--yes", "--db", at.url).code)
	assert.Contains(t, run(t, "", "db", "check", "--db", at.url).out, "the tables of this version")
	assert.Equal(t, "There are no schedules.\n", run(t, "", "schedules", "list", "--db", at.url).out)
}

func TestCompletionKnowsTheTasks(t *testing.T) {
	s := monday(t, sqliteFile(t), "09:02:00")
	got := run(t, "", "explain", "--db", s.at.url, "--generate-shell-completion")
	assert.Contains(t, got.out, "buy_orders")
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script := run(t, "", "completion", shell)
		require.Zero(t, script.code, script.err)
		assert.Contains(t, script.out, "tradeclock")
	}
}
