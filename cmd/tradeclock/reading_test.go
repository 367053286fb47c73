package main_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tradeclock/tradeclock/calendar"
	"github.com/tradeclock/tradeclock/store"
)

// questions are what people ask, by the name of the golden file with the answer.
var questions = map[string][]string{
	"plan":                {"plan"},
	"plan-timeline":       {"plan", "--timeline", "--task", "sell_monitor"},
	"plan-tomorrow":       {"plan", "tomorrow"},
	"plan-monday":         {"plan", "2026-11-30", "--account", "42", "--timeline"},
	"db-check-tallies":    {"db", "check", "--tallies"},
	"runs-missed":         {"runs", "--outcome", "missed,failed"},
	"runs-oldest":         {"runs", "--oldest-first", "--limit", "3"},
	"explain-monitor":     {"explain", "sell_monitor"},
	"explain-failed":      {"explain", "premarket_amo_adjustment", "today", "--account", "42"},
	"explain-holiday":     {"explain", "buy_orders", "tomorrow"},
	"explain-stranger":    {"explain", "buy_orders", "2026-11-25", "--account", "24"},
	"schedules-list":      {"schedules", "list"},
	"schedules-show":      {"schedules", "show", "premarket_retry"},
	"schedules-lint":      {"schedules", "lint"},
	"schedules-export":    {"schedules", "export", "-o", "csv"},
	"schedules-dry-run":   {"schedules", "set", "position_monitor", "--rule", "hourly 10:30-15:30", "--timeout", "3m", "--dry-run"},
	"schedules-moved":     {"schedules", "set", "premarket_retry", "--rule", "daily 08:55", "--dry-run", "--sessions-ahead", "2"},
	"calendar-show":       {"calendar", "show", "XNSE", "2026-11-20", "2026-11-26"},
	"calendar-unknown":    {"calendar", "show", "XNSE", "2199-01-01", "2199-01-02"},
	"accounts":            {"accounts"},
	"instances":           {"instances"},
	"halts":               {"halts"},
	"audit":               {"audit"},
	"health":              {"health"},
	"db-check":            {"db", "check"},
	"no-command":          {"--help"},
	"no-such-account":     {"plan", "--account", "24"},
	"no-such-outcome":     {"runs", "--outcome", "lost"},
	"no-such-date":        {"plan", "2026-02-30"},
	"no-such-output":      {"runs", "-o", "xml"},
	"no-account-to-halt":  {"halt", "--reason", "loss limit", "--actor", "ana"},
	"no-reason-to-halt":   {"halt", "42", "--actor", "ana"},
	"no-actor-to-lift":    {"lift", "42", "--reason", "checked"},
	"no-time-for-writing": {"halt", "42", "--reason", "loss limit", "--actor", "ana", "--yes"},
}

// TestWhatPeopleRead asks everything on both databases, which answer alike, and never with
// what would move a cursor.
func TestWhatPeopleRead(t *testing.T) {
	onEach(t, func(t *testing.T, at address) {
		s := monday(t, at, "10:05:00")
		for name, args := range questions {
			t.Run(name, func(t *testing.T) {
				got := s.ask(args...)
				assert.NotContains(t, got.out+got.err, "\x1b")
				golden(t, name, "$ tradeclock "+strings.Join(args, " ")+"\n"+got.out+got.err+"exit "+string(rune('0'+got.code))+"\n")
			})
		}
	})
}

// TestAPlanIsTheAgendaOfTheService compares item by item.
func TestAPlanIsTheAgendaOfTheService(t *testing.T) {
	onEach(t, func(t *testing.T, at address) {
		s := monday(t, at, "09:45:00")
		for _, day := range []int{20, 23, 24, 25} {
			date := calendar.Date{Year: 2026, Month: 11, Day: day}
			agenda, err := s.sched.Agenda(t.Context(), date)
			require.NoError(t, err)
			got := s.ask("plan", date.String(), "-o", "json", "--limit", "100000")
			require.Zero(t, got.code, got.err)
			var plan []store.AgendaItem
			require.NoError(t, json.Unmarshal([]byte(got.out), &plan))
			want, err := json.Marshal(append([]store.AgendaItem{}, agenda...))
			require.NoError(t, err)
			have, err := json.Marshal(plan)
			require.NoError(t, err)
			assert.JSONEq(t, string(want), string(have))
		}
	})
}

func TestPagesFollowEachOther(t *testing.T) {
	onEach(t, func(t *testing.T, at address) {
		s := monday(t, at, "09:45:00")
		for _, args := range [][]string{{"runs", "-o", "jsonl"}, {"runs", "--oldest-first", "-o", "jsonl"}, {"plan", "-o", "jsonl"}} {
			all := s.ask(append(args, "--limit", "100000")...).out
			paged := ""
			next := []string{}
			for {
				page := s.ask(append(append(args, "--limit", "17"), next...)...)
				require.Zero(t, page.code, page.err)
				paged += page.out
				_, after, more := strings.Cut(strings.TrimSpace(page.err), "--after ")
				if !more {
					break
				}
				next = []string{"--after", after}
			}
			assert.Equal(t, all, paged)
		}
	})
}

func TestCSVIsForSpreadsheets(t *testing.T) {
	s := monday(t, sqliteFile(t), "10:05:00")
	for _, args := range [][]string{{"plan"}, {"runs"}, {"schedules", "list"}, {"accounts"}, {"instances"}} {
		got := s.ask(append(args, "-o", "csv")...)
		require.Zero(t, got.code, got.err)
		records, err := csv.NewReader(strings.NewReader(got.out)).ReadAll()
		require.NoError(t, err)
		assert.Greater(t, len(records), 1, args)
	}
	got := s.ask("runs", "--outcome", "failed", "-o", "csv").out
	assert.Contains(t, got, "session,due,through,account,task,slot,count,outcome,started,finished,attempt,term,by,why,run_id\n")
	assert.Contains(t, got, "2026-11-23,2026-11-23T09:05:00+05:30,2026-11-23T09:05:00+05:30,42,premarket_amo_adjustment,2026-11-23,1,failed,")
	assert.Contains(t, got, "margin\nsee the log", "what was said, in full")
	assert.Contains(t, s.ask("plan", "-o", "csv").out, "2026-11-23,2026-11-23T16:05:00+05:30,2026-11-23T16:05:00+05:30,42,buy_orders,2026-11-23,1,due,,")
}

// TestReadingWritesNothing reads a file that may not be written, and compares it with what
// it was.
func TestReadingWritesNothing(t *testing.T) {
	at := sqliteFile(t)
	s := monday(t, at, "10:05:00")
	require.NoError(t, s.sched.Close(t.Context()))
	file := strings.TrimPrefix(at.url, "sqlite:")
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	for name, args := range questions {
		s.ask(args...)
		after, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, bytes.Equal(before, after), name)
	}
}

func TestADatabaseThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct{ url, want string }{
		"none":          {"", "which database?"},
		"no such file":  {"sqlite:/nowhere/day.db", "no such file"},
		"another":       {"mysql://root:secret@localhost/day", "neither sqlite:FILE nor postgres://"},
		"nobody there":  {"postgres://ana:secret@127.0.0.1:1/day", "refused"},
		"no URL at all": {"postgres://ana:secret@:x/%zz", "no URL"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, args := range [][]string{{"plan"}, {"health"}, {"db", "check"}} {
				got := run(t, "", append(args, "--db", test.url)...)
				assert.Equal(t, 3, got.code, args)
				assert.Contains(t, got.out+got.err, test.want)
				assert.NotContains(t, got.out+got.err, "secret")
			}
		})
	}
}
